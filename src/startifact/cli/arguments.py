"""What can be written on the command line. Building the parser imports nothing that is slow."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from startifact.errors import InputError
from startifact.model.quorum import ALL, MAJORITY
from startifact.staging.outcomes import IfExists
from startifact.text import quoted
from startifact.version import __version__

_EXIT_CODES = """\
exit codes:
  0  done                              5  too few regions, or not to be known now
  1  a bug in Startifact               6  access denied, or no credentials
  2  bad input or configuration        7  integrity: bytes or regions disagree
  3  not found                         8  verify found differences
  4  staged with other content         9  a local file cannot be read or written
130  interrupted                     143  terminated
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """One command line, read."""

    command: str

    target: str = ""
    """The project, and after an ``@`` the version or selector."""

    path: Path = Path()
    metadata: Sequence[str] = ()
    save_filename: bool = False
    load_filename: bool = False
    if_exists: str = IfExists.FAIL
    dry_run: bool = False
    read_data: bool = False
    keep: str | None = None

    regions: str | None = None
    required_regions: str = MAJORITY
    configuration_parameter: str | None = None
    deadline: float | None = None

    bucket_name_param: str = ""
    bucket_key_prefix: str = ""
    parameter_name_prefix: str = ""

    json: bool = False
    verbose: bool = False
    quiet: bool = False
    traceback: bool = False


def parse(argv: Sequence[str]) -> Arguments:
    """Return what *argv* says.

    Raises:
        InputError: It is not a command line of ours.
        SystemExit: It asks for help or the version, which have been printed.
    """
    return Arguments(**vars(_parser().parse_args(argv)))


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are Startifact's errors, told like all others."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong with the command line."""
        raise InputError(message, hint=f"{self.prog} --help shows what can be written")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="startifact",
        description="Stage build artifacts as semantic versions in your own AWS account, and get "
        "exactly those bytes back.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"startifact {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_stage(commands)
    _add_download(commands)
    _add_info(commands)
    _add_versions(commands)
    _add_verify(commands)
    _add_repair(commands)
    _add_setup(commands)
    return parser


def _command(
    commands: "argparse._SubParsersAction[_Parser]", name: str, summary: str, details: str = ""
) -> _Parser:
    parser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}. {details}".strip(),
        allow_abbrev=False,
        # What nobody wrote is left to the defaults of `Arguments`.
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--version", action="version", version=f"startifact {__version__}")
    return parser


def _add_stage(commands: "argparse._SubParsersAction[_Parser]") -> None:
    parser = _command(
        commands,
        "stage",
        "make a file available as a version in every region",
        "Staging the same again is safe: it changes nothing and fills the regions that lack it. "
        "Prints PROJECT@VERSION.",
    )
    parser.add_argument("target", metavar="PROJECT@VERSION", help="such as SugarWater@1.0.9000")
    parser.add_argument("path", metavar="PATH", type=Path, help="the file")
    parser.add_argument(
        "-m",
        "--metadata",
        metavar="KEY=VALUE",
        action="append",
        help="a pair that travels with the artifact; can be given several times",
    )
    parser.add_argument(
        "--save-filename", action="store_true", help="record the file's name, to restore it later"
    )
    parser.add_argument(
        "--if-exists",
        choices=[i.value for i in IfExists],
        metavar="{fail,keep}",
        help="what to do when other content is staged as this version: fail (the default), or "
        "keep it and succeed",
    )
    _add_dry_run(parser)
    _add_region_options(parser)
    _add_common(parser)


def _add_download(commands: "argparse._SubParsersAction[_Parser]") -> None:
    parser = _command(
        commands,
        "download",
        "bring an artifact back, verified",
        "The file is at PATH only with the recorded size and SHA-256. Prints the path written.",
    )
    _add_selected(parser)
    parser.add_argument(
        "path", metavar="PATH", type=Path, help="the file to write; a folder with --load-filename"
    )
    parser.add_argument(
        "--load-filename", action="store_true", help="restore the saved file name in folder PATH"
    )
    _add_region_options(parser)
    _add_common(parser)


def _add_info(commands: "argparse._SubParsersAction[_Parser]") -> None:
    parser = _command(commands, "info", "show what is known about an artifact")
    _add_selected(parser)
    _add_region_options(parser)
    _add_common(parser)


def _add_versions(commands: "argparse._SubParsersAction[_Parser]") -> None:
    parser = _command(commands, "versions", "list the versions of a project, newest first")
    parser.add_argument("target", metavar="PROJECT", help="such as SugarWater")
    _add_region_options(parser)
    _add_common(parser)


def _add_verify(commands: "argparse._SubParsersAction[_Parser]") -> None:
    parser = _command(
        commands,
        "verify",
        "compare all regions, and say what differs",
        "Prints a line for every difference. Changes nothing.",
    )
    _add_compared(parser)
    _add_region_options(parser)
    _add_common(parser)


def _add_repair(commands: "argparse._SubParsersAction[_Parser]") -> None:
    parser = _command(
        commands,
        "repair",
        "fill regions that lack something, and move latest forward",
        "Where regions disagree it changes nothing, and says how to decide.",
    )
    _add_compared(parser)
    parser.add_argument(
        "--keep",
        metavar="sha256:DIGEST",
        help="the content of this version that is right: all other is set aside and replaced",
    )
    _add_dry_run(parser)
    _add_region_options(parser)
    _add_common(parser)


def _add_compared(parser: _Parser) -> None:
    parser.add_argument("target", metavar="PROJECT[@VERSION]", help="without a version, all of it")
    parser.add_argument(
        "--read-data", action="store_true", help="read every byte and compare it with its record"
    )


def _add_dry_run(parser: _Parser) -> None:
    parser.add_argument(
        "--dry-run", action="store_true", help="write nothing; say what would be done"
    )


def _add_setup(commands: "argparse._SubParsersAction[_Parser]") -> None:
    parser = _command(
        commands,
        "setup",
        "write the organisation configuration into SSM in every AWS region",
        "Regions that hold the same configuration already are left alone.",
    )
    parser.add_argument(
        "--regions", metavar="LIST", required=True, help="AWS regions, separated by commas"
    )
    parser.add_argument(
        "--bucket-name-param",
        metavar="NAME",
        required=True,
        help="the SSM parameter, your own, that holds the name of each region's bucket",
    )
    parser.add_argument(
        "--bucket-key-prefix",
        metavar="PREFIX",
        help="what every key begins with, exactly as written: end it with a slash",
    )
    parser.add_argument(
        "--parameter-name-prefix",
        metavar="PREFIX",
        help="what the names of the parameters that follow latest begin with, such as /team",
    )
    _add_dry_run(parser)
    _add_common(parser)


def _add_selected(parser: _Parser) -> None:
    parser.add_argument(
        "target",
        metavar="PROJECT[@SELECTOR]",
        help="such as SugarWater@1.0.9000; without a selector, the latest version",
    )


def _add_region_options(parser: _Parser) -> None:
    parser.add_argument(
        "--regions",
        metavar="LIST",
        help="regions, separated by commas: eu-west-1, s3://bucket/prefix?region=eu-west-1 or "
        "file:./folder (default: STARTIFACT_REGIONS, else those the organisation configured)",
    )
    parser.add_argument(
        "--required-regions",
        metavar=f"{{{MAJORITY},{ALL},N}}",
        help=f"how many regions have to hold what is staged (default: {MAJORITY})",
    )


def _add_common(parser: _Parser) -> None:
    parser.add_argument(
        "--configuration-parameter",
        metavar="NAME",
        help="the SSM parameter with the organisation configuration "
        "(default: STARTIFACT_PARAMETER, else /startifact)",
    )
    parser.add_argument(
        "--deadline",
        metavar="SECONDS",
        type=_seconds,
        help="give up after this many seconds; running again is safe",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("-v", "--verbose", action="store_true", help="tell more")
    parser.add_argument("-q", "--quiet", action="store_true", help="tell errors only")
    parser.add_argument(
        "--traceback", action="store_true", help="show where in the code an error arose"
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1_000_000:
        raise argparse.ArgumentTypeError(f"got {quoted(text)}, expected a number of seconds")
    return seconds
