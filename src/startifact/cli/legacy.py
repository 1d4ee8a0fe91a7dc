"""Command lines of the first Startifact, and how the same is written now."""

import argparse
import shlex
from collections.abc import Sequence
from typing import NoReturn

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
    """
    if not any(word.partition("=")[0] in _ACTIONS for word in argv):
        return None
    try:
        old = _parser().parse_intermixed_args(argv)
    except _NotOldError:
        return None
    words = _words(old)
    if words is None:
        return None
    verbose = ["-v"] if str(old.log_level).upper() in _VERBOSE else []
    return shlex.join(["startifact", *words, *verbose])


def _parser() -> _Parser:
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("project", nargs="?")
    parser.add_argument("version", nargs="?")
    for name in ("--stage", "--dry-run", "--download", "--log-level"):
        parser.add_argument(name)
    parser.add_argument("--get", nargs="?", const="version")
    parser.add_argument("--metadata", action="append", default=[])
    for name in ("--info", "--filename", "--setup"):
        parser.add_argument(name, action="store_true")
    return parser


def _words(old: argparse.Namespace) -> list[str] | None:
    """Return the command and what stands behind it; ``None`` where something needed is missing."""
    if old.setup:
        return ["setup", "--help"]
    if old.project is None:
        return None
    version = None if old.version in {None, "latest"} else old.version
    target = old.project if version is None else f"{old.project}@{version}"
    path = old.stage or old.dry_run
    if path is not None:
        if version is None:
            target += "@VERSION"
        options = [word for pair in old.metadata for word in ("--metadata", pair)]
        options += ["--save-filename"] if old.filename else []
        options += ["--dry-run"] if old.stage is None else []
        return ["stage", target, path, *options]
    if old.download is not None:
        options = ["--load-filename"] if old.filename else []
        return ["download", target, old.download, *options]
    return ["info", target]
