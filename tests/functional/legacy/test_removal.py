"""Versions that the first Startifact staged, with metadata beside them, and are removed."""

import pytest

from startifact.model.record import is_tombstone
from startifact.repair.verify import FindingKind
from tests.functional.legacy.conftest import Old
from tests.functional.repair.project_fixture import actions, ssm_error
from tests.support.wire import Answer, Forward, Request


@pytest.fixture
def marked(old: Old) -> Old:
    """Return a project of which one version of two is due to be removed."""
    for version in ("1.0.0", "2.0.0"):
        old.stage(version, metadata={"lang": "dotnet"})
    prune(old)
    return old


def prune(old: Old) -> bool:
    session = old.fixture.session()
    return bool(session.prune(old.fixture.project, keep_versions=1, grace="0s", yes=True))


def left(old: Old) -> list[bool]:
    """Return where metadata of the removed version is."""
    return [f"{old.fixture.key}/metadata" in old.fixture.keys(b) for b in old.fixture.backends]


def test_metadata_goes_with_the_version(marked: Old) -> None:
    """What else is stored stays, and nothing differs afterwards."""
    assert prune(marked)

    assert left(marked) == [False] * 3
    for backend in marked.fixture.backends:
        assert is_tombstone(backend.encoded_record(marked.fixture.key))
        assert f"{marked.fixture.at('2.0.0')}/metadata" in marked.fixture.keys(backend)
    assert marked.fixture.verify()


@pytest.mark.parametrize("command", ["prune", "repair"])
def test_metadata_that_is_left(marked: Old, command: str) -> None:
    """Where deleting it failed, the removal is not finished; the next prune or a repair does it."""

    def refuse(request: Request, forward: Forward) -> Answer | None:
        return ssm_error("InternalError") if request.method == "DELETE" else forward()

    marked.wire.add(refuse)
    done = prune(marked)
    marked.wire.clear()

    assert not done
    assert left(marked) == [True] * 3
    assert [kind for kind, _ in marked.fixture.found()] == [FindingKind.NOT_REMOVED] * 3
    if command == "prune":
        assert prune(marked)
    else:
        assert {action for action, _ in actions(marked.fixture.repair())} == {"remove"}
    assert left(marked) == [False] * 3
    assert marked.fixture.verify()
