"""Where options may stand, and what is shown to people who ask how a command is written."""

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact.cli.arguments import parse
from startifact.errors import InputError
from startifact.options import COMMANDS
from startifact.version import __version__
from tests.ways_in.cli.conftest import Run

MakeFile = Callable[..., Path]

STAGE = ["stage", "P@1.0.0", "x"]
OPTIONS = ["--regions", "file:./a", "--if-exists=keep", "-m", "a=b", "-mc=m", "-vv", "-vm", "e=f"]


def test_options_before_the_command() -> None:
    """Options say the same before the command, after it, and between its arguments."""
    command, *arguments = STAGE
    after = parse([*STAGE, *OPTIONS])

    assert parse([*OPTIONS, *STAGE]) == after
    assert parse([*OPTIONS[:2], command, *OPTIONS[2:], *arguments]) == after
    assert parse([command, arguments[0], *OPTIONS, arguments[1]]) == after
    assert after != parse(STAGE)


@pytest.mark.parametrize("words", [["-qv", *STAGE], [*STAGE, "--quiet", "-v"]], ids=str)
def test_more_and_less(words: list[str]) -> None:
    """Nobody can ask for more and for errors only."""
    with pytest.raises(InputError, match="--verbose and --quiet contradict each other"):
        parse(words)


def test_staging_with_options_before_the_command(
    run: Run, make_file: MakeFile, tmp_path: Path
) -> None:
    """A command does what the options before it say."""
    regions = f"file:{tmp_path / 'a'}"

    done = run("--regions", regions, "--json", "stage", "P@1.0.0", make_file(), "--dry-run")

    assert (done.code, done.json["dry-run"]) == (0, True)
    assert [x["region"] for x in done.json["locations"]] == [regions]


@pytest.mark.parametrize(
    "words",
    [
        ["--regions", "file:./a", *STAGE, "--regions", "file:./b"],
        ["--regions=file:./a", "--regions=file:./b", *STAGE],
        [*STAGE, "--regions", "file:./a", "--regions", "file:./b"],
    ],
)
def test_given_twice(words: list[str]) -> None:
    """Of an option that is given twice the last one counts, wherever they stand."""
    assert parse(words) == parse([*STAGE, "--regions", "file:./b"])


def test_given_several_times() -> None:
    """Pairs of metadata add up, wherever they stand."""
    assert parse(["-m", "a=b", *STAGE, "-m", "c=d"]) == parse([*STAGE, "-m", "a=b", "-m", "c=d"])


@pytest.mark.parametrize(
    "words", [["--keep", "x", *STAGE], ["--keep=x", *STAGE], [*STAGE, "--keep=x"]]
)
def test_option_of_another_command(words: list[str]) -> None:
    """An option that the command does not have is refused, wherever it stands."""
    with pytest.raises(InputError, match="unrecognized arguments: --keep"):
        parse(words)


@pytest.mark.parametrize(
    ("words", "reported"),
    [
        (["--bogus", *STAGE], "unrecognized arguments: --bogus"),
        (["-x", *STAGE], "unrecognized arguments: -x"),
        (["--deadline", "-1", *STAGE], "expected a number of seconds"),
        (["--regions"], "argument --regions: expected one argument"),
        (["--regions", "stage"], "required: COMMAND"),
        (["-"], "invalid choice: '-'"),
        (["--"], "required: COMMAND"),
        ([""], "invalid choice: ''"),
    ],
)
def test_what_is_not_understood(words: list[str], reported: str) -> None:
    """What is no option, or stands where none can, is named."""
    with pytest.raises(InputError) as caught:
        parse(words)

    assert reported in caught.value.message
    assert "--help shows what can be written" in str(caught.value.hint)


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["--json", "--help"], ["--help", "-q"]])
def test_help(run: Run, words: list[str]) -> None:
    """Without a command, the help is what programs read, and it is no failure."""
    done = run(*words)

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("usage: startifact [OPTIONS] COMMAND ...\n")
    assert "    download            Bring an artifact back, verified.\n" in done.out
    assert "  --regions LIST " in done.out
    assert "exit codes:\n" in done.out


@pytest.mark.parametrize(
    "words", [["stage", "--help"], ["--help", "stage"], ["--json", "stage", "-h"]]
)
def test_help_of_a_command(run: Run, words: list[str]) -> None:
    """A command explains itself, wherever it is asked to, even where arguments are missing."""
    done = run(*words)

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("usage: startifact stage [OPTIONS] PROJECT@VERSION PATH...\n")


def test_options_that_are_needed(run: Run) -> None:
    """What a command cannot do without stands in its usage."""
    done = run("setup", "--help")

    assert done.out.startswith(
        "usage: startifact setup [OPTIONS] --regions LIST --bucket-name-param NAME\n"
    )


@pytest.mark.parametrize("command", ["download", "info", "versions", "verify"])
def test_options_without_effect(run: Run, command: str) -> None:
    """An option that a command takes and ignores is not offered."""
    assert "--required-regions" not in run(command, "--help").out


@pytest.mark.parametrize("columns", [1, 40, 80, 200])
@pytest.mark.parametrize("words", [[], ["stage", "--help"], ["setup", "--help"]])
def test_width(run: Run, words: list[str], columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Help fits into the terminal, but for the usage and for what cannot be broken."""
    monkeypatch.setenv("COLUMNS", str(columns))

    _usage, *lines = run(*words).out.splitlines()

    # What somebody may copy stays one line.
    copied = {f"  {example}" for command in COMMANDS.values() for example in command.examples}
    long = [x for x in lines if len(x) > max(columns, 40) and len(x.split()) > 3]
    assert set(long) <= copied


@pytest.mark.parametrize("words", [["--version"], ["stage", "--version"], ["--version", "stage"]])
def test_version(run: Run, words: list[str]) -> None:
    """--version prints the version, alone, before or after a command."""
    done = run(*words)

    assert (done.code, done.out, done.err) == (0, f"startifact {__version__}\n", "")


# What was misspelt ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("stge P@1.0.0 x", "Perhaps stage is meant. startifact --help shows"),
        ("Verif P", "Perhaps verify is meant. startifact --help shows"),
        ("stage P@1.0.0 x --regoins file:./a", "Perhaps --regions is meant. startifact stage"),
        ("stage P@1.0.0 x --if-exist=keep", "Perhaps --if-exists is meant. startifact stage"),
        ("stage --metdata a=b", "Perhaps --metadata is meant. startifact stage --help"),
        ("promote --keep=x P", "--keep is for repair. startifact promote --help"),
        ("promote --json P", "startifact promote --help"),
        ("--regoins file:./a stage P@1.0.0 x", "Perhaps --regions is meant. startifact --help"),
        ("--regoins=file:./a sage P@1.0.0 x", "Perhaps --regions is meant. startifact --help"),
        ("stage P@1.0.0 x --lock-file y", "--lock-file is for download and lock. startifact stage"),
        ("remove P", "startifact --help shows"),
        (f"{'stage' * 100} P", "startifact --help shows"),
        ("stage P@1.0.0 x --zzz", "startifact stage --help shows"),
        ("info P@1.0.0 y", "startifact info --help shows"),
        ("-", "startifact --help shows"),
    ],
)
def test_what_may_be_meant(words: str, hint: str) -> None:
    """A command or an option that there is not is compared with those that there are."""
    with pytest.raises(InputError) as caught:
        parse(words.split())

    assert str(caught.value.hint).startswith(hint)


# What was written to the first Startifact ----------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SugarWater 1.0.9000 --stage dist.tar.gz", "stage SugarWater@1.0.9000 dist.tar.gz"),
        (
            "SugarWater 1.0.9000 --stage dist.tar.gz --metadata lang=dotnet --metadata hash=9876=",
            "stage SugarWater@1.0.9000 dist.tar.gz --metadata lang=dotnet --metadata hash=9876=",
        ),
        (
            "SugarWater 1.0.9000 --filename --stage 'my file.whl'",
            "stage SugarWater@1.0.9000 'my file.whl' --save-filename",
        ),
        (
            "SugarWater 1.0.9000 --dry-run dist.tar.gz",
            "stage SugarWater@1.0.9000 dist.tar.gz --dry-run",
        ),
        ("SugarWater --stage dist.tar.gz", "stage SugarWater@VERSION dist.tar.gz"),
        ("SugarWater 1.0.9000 --download x", "download SugarWater@1.0.9000 x"),
        ("SugarWater --download=x --log-level DEBUG", "download SugarWater x -v"),
        ("--download x SugarWater latest", "download SugarWater x"),
        (
            "SugarWater 1.0.9000 --filename --download .",
            "download SugarWater@1.0.9000 . --load-filename",
        ),
        ("SugarWater --download -", "download SugarWater ./-"),
        ("SugarWater --download=-x", "download SugarWater ./-x"),
        ("SugarWater 1.0.9000 --stage=-q", "stage SugarWater@1.0.9000 ./-q"),
        ("SugarWater 1.0.1 --info", "info SugarWater@1.0.1"),
        ("SugarWater --info --log-level CRITICAL", "info SugarWater"),
        ("SugarWater latest --get", "info SugarWater"),
        ("SugarWater --get version", "info SugarWater"),
        ("--setup", "setup --help"),
        # With options that only this one has.
        (
            "SugarWater 1.0.9000 --stage dist.tar.gz --regions file:./a -m lang=dotnet",
            "stage SugarWater@1.0.9000 dist.tar.gz --metadata lang=dotnet --regions file:./a",
        ),
        (
            "SugarWater 1.0.9000 --stage dist.whl --save-filename --if-exists=keep --dry-run",
            "stage SugarWater@1.0.9000 dist.whl --dry-run --save-filename --if-exists keep",
        ),
        (
            "--dry-run SugarWater 1.0.9000 --stage dist.whl",
            "stage SugarWater@1.0.9000 dist.whl --dry-run",
        ),
        ("--json --regions a SugarWater --info -q", "info SugarWater --json --regions a --quiet"),
        (
            "SugarWater 1.0.9000 --download . --load-filename --deadline 60",
            "download SugarWater@1.0.9000 . --load-filename --deadline 60",
        ),
        ("SugarWater@1.0.9000 --download x --json", "download SugarWater@1.0.9000 x --json"),
        ("SugarWater@1.0.9000 --stage x", "stage SugarWater@1.0.9000 x"),
    ],
)
def test_command_line_of_the_first(run: Run, tmp_path: Path, old: str, new: str) -> None:
    """It is refused, and answered with what does the same now, which can be copied."""
    done = run(*shlex.split(old))

    assert done.code == 2
    assert "this is a command line of the first Startifact" in done.err
    assert f"Write: startifact {new}\n" in done.err
    if new != "setup --help":
        parse(shlex.split(new))


@pytest.mark.parametrize(
    "words",
    [
        ["SugarWater"],
        ["--stage"],
        ["P", "1.0.0", "--stage", "x", "--wrong"],
        ["P", "--dry-run"],
        ["P", "--download", "x", "--regions"],
        ["P", "1.0.0", "--stage", "x", "--load-filename"],
    ],
)
def test_neither_this_nor_the_first(words: list[str]) -> None:
    """What was no command line of the first one either is answered as any other."""
    with pytest.raises(InputError) as caught:
        parse(words)

    assert "first Startifact" not in str(caught.value)


def test_project_named_like_a_command() -> None:
    """A command of this one is read as such."""
    assert parse(["stage", "P@1.0.0", "x", "--dry-run"]).values["dry_run"] is True
