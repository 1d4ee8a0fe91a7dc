"""Command lines of the first Startifact, and how the same is written now."""

import argparse
import shlex
from collections.abc import Sequence
from functools import partial
from typing import NoReturn

from startifact.definitions import ValueKind, WayIn
from startifact.options import OPTIONS, options_of

_ACTIONS = ("--stage", "--dry-run", "--download", "--info", "--get", "--setup")
_VERBOSE = frozenset({"DEBUG", "INFO"})


class _NotOldError(Exception):
    """The words are no command line of the first Startifact."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _NotOldError(message)


def translated(argv: Sequence[str]) -> str | None:
    """Return how *argv*, a command line of the first Startifact, is written now.

    ``None`` where it is none: such a line names the command by an option, after the version.
    Options that only this Startifact has may be among it, where the command takes them.
    """
    names = {word.partition("=")[0] for word in argv}
    if names.isdisjoint(_ACTIONS):
        return None
    try:
        old = _parser(stages="--stage" in names).parse_intermixed_args(argv)
    except _NotOldError:
        return None
    words = _words(old)
    if words is None or not all(OPTIONS[name].used_by(words[0]) for name, *_ in old.new):
        return None
    new = [word for name, *value in old.new for word in (f"--{name}", *value)]
    verbose = ["-v"] if str(old.log_level).upper() in _VERBOSE else []
    return shlex.join(["startifact", *words, *new, *verbose])


def _parser(*, stages: bool) -> _Parser:
    """Return the parser of such a line; where it *stages*, ``--dry-run`` names no file."""
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("project", nargs="?")
    parser.add_argument("version", nargs="?")
    for name in ("--stage", "--download", "--log-level"):
        parser.add_argument(name)
    if stages:
        parser.add_argument("--dry-run", action="store_true")
    else:
        parser.add_argument("--dry-run")
    parser.add_argument("--get", nargs="?", const="version")
    parser.add_argument("-m", "--metadata", action="append", default=[])
    for name in ("--info", "--filename", "--setup"):
        parser.add_argument(name, action="store_true")
    for option in options_of(WayIn.SHELL):
        name = option.name
        if not option.spellings or option.name_in_shell or name in {"dry-run", "metadata"}:
            continue
        if option.kind is ValueKind.FLAG:
            parser.add_argument(*option.spellings, dest="new", action="append_const", const=[name])
        else:
            parser.add_argument(
                *option.spellings, dest="new", action="append", type=partial(_pair, name)
            )
    parser.set_defaults(new=[])
    return parser


def _pair(name: str, value: str) -> list[str]:
    return [name, value]


def _words(old: argparse.Namespace) -> list[str] | None:
    """Return the command and what stands behind it; ``None`` where something needed is missing."""
    if old.setup:
        return ["setup", "--help"]
    if old.project is None:
        return None
    target, version = old.project, None if old.version in {None, "latest"} else old.version
    if version is not None:
        target += f"@{version}"
    path = old.stage or old.dry_run
    if path:
        if "@" not in target:
            target += "@VERSION"
        options = [word for pair in old.metadata for word in ("--metadata", pair)]
        options += ["--save-filename"] if old.filename else []
        options += ["--dry-run"] if old.dry_run else []
        return ["stage", target, _path(path), *options]
    if old.download is not None:
        options = ["--load-filename"] if old.filename else []
        return ["download", target, _path(old.download), *options]
    return ["info", target]


def _path(text: str) -> str:
    """Return the path *text* as it is written where it stands alone.

    A dash at its beginning would make an option of it there, and by itself it is standard output.
    """
    return f"./{text}" if text.startswith("-") else text
