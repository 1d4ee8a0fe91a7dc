"""Commands run in this process, on regions that somebody has written anything into."""

from collections.abc import Callable

import pytest

from tests.functional.repair.conftest import aws_project, bucket_project, file_project, street
from tests.security.texts import is_harmless
from tests.support.command import Done, run_inside
from tests.ways_in.action.conftest import call, directories, step

__all__ = ["aws_project", "bucket_project", "call", "directories", "file_project", "step", "street"]


Run = Callable[..., Done]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command, and fails when its output does more than be read."""

    def run(*words: object) -> Done:
        done = run_inside(capsys, words)
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
