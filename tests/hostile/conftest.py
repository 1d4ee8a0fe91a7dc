"""Commands run in this process, on regions that somebody has written anything into."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from startifact.cli import main
from tests.action.conftest import call, directories, step
from tests.hostile.texts import is_harmless
from tests.mending.conftest import bucket_shop, corner_shop, market, street

__all__ = ["bucket_shop", "call", "corner_shop", "directories", "market", "step", "street"]


@dataclass(frozen=True)
class Done:
    """A command that has ended, and whose output was looked at."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command, and fails when its output does more than be read."""

    def run(*words: object) -> Done:
        capsys.readouterr()
        code = main([str(word) for word in words])
        done = Done(code, *capsys.readouterr())
        assert is_harmless(done.err), done.err
        if "--json" in words:
            assert done.out.isascii()
            assert is_harmless(done.out)
            assert done.out == "" or done.json is not None
        else:
            assert is_harmless(done.out), done.out
        assert "bug in Startifact" not in done.err, done.err
        return done

    return run
