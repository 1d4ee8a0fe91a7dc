"""A command of the command line that has ended, and how to run one inside a test."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from startifact.cli import main


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
    """Run a command inside this process, and return it without what was written before."""
    capsys.readouterr()
    code = main([str(word) for word in words])
    return Done(code, *capsys.readouterr())
