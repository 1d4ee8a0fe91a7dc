"""A command of the command line that has ended, and how to run one inside a test."""

import json
import sys
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from unittest import mock

import pytest

from startifact.cli import main
from startifact.errors import BugError
from startifact.hints import Hint
from tests.support.limits import SHORT


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which is one JSON value and nothing else."""
        return json.loads(self.out)


def run_inside(capsys: pytest.CaptureFixture[str], words: Iterable[object]) -> Done:
    """Run a command inside this process, and return it without what was written before.

    What a command said that did not succeed is written again, with the traceback of a bug, so that
    pytest shows it with a test that expected something else of it.
    """
    tracebacks: list[str] = []

    def bug(e: BaseException, *, hint: Hint) -> BugError:
        tracebacks.append(traceback.format_exc())
        return BugError(e, hint=hint)

    capsys.readouterr()
    with mock.patch("startifact.cli.BugError", bug):
        code = main([str(word) for word in words], limits=SHORT)
    done = Done(code, *capsys.readouterr())
    if code:
        sys.stdout.write(done.out)
        sys.stderr.write(done.err + "".join(tracebacks))
    return done
