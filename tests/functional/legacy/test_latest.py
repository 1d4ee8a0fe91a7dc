"""``latest`` of the first Startifact is a parameter; it is read, and never goes back."""

import json
from collections import Counter

import pytest

from startifact import errors
from startifact.repair.verify import FindingKind
from tests.functional.legacy.conftest import Old
from tests.functional.repair.project_fixture import OTHER, ssm_error
from tests.support.wire import Answer, Forward, Request


@pytest.mark.parametrize("value", ["2.0.0", " 2.0.0\n", "v2.0.0"])
def test_read(old: Old, value: str) -> None:
    """Where there is no channel object, the parameter says what the latest version is."""
    old.stage("2.0.0")
    for backend in old.fixture.backends:
        old.fixture.show(backend, value)

    artifact = old.fixture.session().get(old.fixture.project)

    assert str(artifact.version) == "2.0.0"


def test_moved_forward(old: Old) -> None:
    """A later version makes the channel object, which knows what was before; SSM follows."""
    old.stage("1.0.0")

    old.fixture.stage("1.1.0", OTHER)

    for backend in old.fixture.backends:
        channel_record = json.loads(backend.text(old.fixture.latest))
        assert (channel_record["version"], channel_record["previous"]) == ("1.1.0", "1.0.0")
        assert channel_record["generation"] == 1
        assert old.fixture.displayed(backend) == "1.1.0"


def test_object_is_only_created(old: Old) -> None:
    """The first channel object is written only where there is none: another job may be quicker."""
    old.stage("1.0.0")

    old.fixture.stage("1.1.0", OTHER)

    writes = [r for r in old.wire.writes() if r.path.endswith(f"/{old.fixture.latest}")]
    assert len(writes) == len(old.fixture.backends)
    for request in writes:
        assert request.headers.get("if-none-match") == "*"
        assert "if-match" not in request.headers


def test_never_moved_back(old: Old) -> None:
    """An earlier version leaves ``latest`` where the first Startifact had moved it."""
    old.stage("2.0.0")

    old.fixture.stage("1.5.0", OTHER)

    assert str(old.fixture.session().get(old.fixture.project).version) == "2.0.0"
    for backend in old.fixture.backends:
        assert not old.has_channel(backend)
        assert old.fixture.displayed(backend) == "2.0.0"


def test_the_object_decides(old: Old) -> None:
    """Once there is a channel object, SSM counts for nothing where its version is not there."""
    old.fixture.stage("2.0.0")
    for backend in old.fixture.backends:
        old.fixture.show(backend, "9.0.0")

    found = old.fixture.session().get(old.fixture.project)
    old.fixture.stage("3.0.0", OTHER)

    assert str(found.version) == "2.0.0"
    assert [old.fixture.displayed(backend) for backend in old.fixture.backends] == ["3.0.0"] * 3


def test_prerelease_does_not_move_it(old: Old) -> None:
    """The rules of ``latest`` hold for what began as a parameter too."""
    old.stage("1.0.0")

    old.fixture.stage("2.0.0-rc.1", OTHER)

    assert str(old.fixture.session().get(old.fixture.project).version) == "1.0.0"


def test_junk(old: Old) -> None:
    """A parameter that holds no version is an integrity error where it is all there is."""
    old.stage("1.0.0")
    for backend in old.fixture.backends:
        old.fixture.show(backend, "not a version")

    with pytest.raises(errors.SeveralRegionsError, match=r"the channel .* is damaged") as caught:
        old.fixture.session().get(old.fixture.project)

    assert caught.value.exit_code == 7


def test_region_that_was_behind(old: Old) -> None:
    """A region that the first Startifact had left behind does not pull the others back."""
    old.stage("1.0.0")
    old.stage("2.0.0", backends=old.fixture.backends[:2])

    old.fixture.stage("1.5.0", OTHER)

    assert str(old.fixture.session().get(old.fixture.project).version) == "2.0.0"
    assert old.fixture.displayed(old.fixture.a) == "2.0.0"


# Side by side -------------------------------------------------------------------------------


def side_by_side(old: Old, latest: str = "1.1.0") -> None:
    """Stage 1.0.0 with this Startifact, and *latest* with the first one."""
    old.fixture.stage("1.0.0")
    old.stage(latest, OTHER)


def test_first_moves_on(old: Old, caplog: pytest.LogCaptureFixture) -> None:
    """What the first Startifact has staged since is the latest, and a warning says who writes."""
    side_by_side(old)

    session = old.fixture.session()
    found = [session.get(old.fixture.project) for _ in range(2)]

    assert [str(artifact.version) for artifact in found] == ["1.1.0"] * 2
    warnings = [m for m in caplog.messages if "still writes that" in m]
    assert len(warnings) == len(old.fixture.backends)
    assert (
        f"eu-west-1: the copy of {old.fixture.latest} in SSM is 1.1.0, the channel 1.0.0: "
        "something else, such as the first Startifact, still writes that copy. The later version "
        "counts"
    ) in warnings


def test_never_set_back(old: Old) -> None:
    """Staging an earlier version leaves SSM where the first Startifact has moved it."""
    side_by_side(old)

    old.fixture.stage("1.0.5", b"a third content\n")

    assert [old.fixture.displayed(b) for b in old.fixture.backends] == ["1.1.0"] * 3
    assert str(old.fixture.session().get(old.fixture.project).version) == "1.1.0"
    for backend in old.fixture.backends:
        record = json.loads(backend.text(old.fixture.latest))
        assert (record["version"], record["previous"]) == ("1.1.0", "1.0.0")


def test_later_version_after_the_first(old: Old) -> None:
    """A later version moves both on; the channel knows what was before, and counts on."""
    side_by_side(old)
    generation = json.loads(old.fixture.a.text(old.fixture.latest))["generation"]

    old.fixture.stage("1.2.0", b"a third content\n")

    for backend in old.fixture.backends:
        record = json.loads(backend.text(old.fixture.latest))
        assert (record["version"], record["previous"]) == ("1.2.0", "1.1.0")
        assert record["generation"] == generation + 1
        assert old.fixture.displayed(backend) == "1.2.0"


def test_first_moves_back(old: Old) -> None:
    """An earlier version in SSM changes nothing, and is set right by the next staging."""
    side_by_side(old, "0.9.0")

    found = old.fixture.session().get(old.fixture.project)
    old.fixture.stage("1.0.0")

    assert str(found.version) == "1.0.0"
    assert [old.fixture.displayed(b) for b in old.fixture.backends] == ["1.0.0"] * 3


@pytest.mark.parametrize("value", ["not a version", "2.0.0-rc.1", "0.1.0"])
def test_copy_that_is_no_later_version(
    old: Old, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What is no version, or none that ``latest`` moves to, does not count."""
    old.fixture.stage("1.0.0")
    for version in ("2.0.0-rc.1", "0.1.0"):
        old.stage(version, OTHER)
    for backend in old.fixture.backends:
        old.fixture.show(backend, value)

    assert str(old.fixture.session().get(old.fixture.project).version) == "1.0.0"
    assert "still writes that" not in caplog.text


def test_removed_version(old: Old) -> None:
    """A version that was removed does not count, whatever SSM says."""
    old.fixture.stage("1.0.0")
    old.fixture.stage("2.0.0", OTHER)
    for backend in old.fixture.backends:
        text = backend.text(old.fixture.latest).replace('"version":"2.0.0"', '"version":"1.0.0"')
        backend.write(old.fixture.latest, text)
        old.fixture.rewrite(backend, old.fixture.at("2.0.0"), sha256=None, removed_at="2026-01-01")

    assert str(old.fixture.session().get(old.fixture.project).version) == "1.0.0"


def test_copy_that_cannot_be_read(old: Old) -> None:
    """Who may not read SSM reads the channel, as before."""
    side_by_side(old)
    parameter = old.fixture.parameter.encode()

    def refuse(request: Request, forward: Forward) -> Answer | None:
        return ssm_error("AccessDeniedException") if parameter in request.body else forward()

    old.wire.add(refuse)

    assert str(old.fixture.session().get(old.fixture.project).version) == "1.0.0"


def test_copy_that_can_be_read_only_at_the_end(old: Old) -> None:
    """What could not be seen when the channel moved is not set back when the copy is written."""
    side_by_side(old)
    parameter = old.fixture.parameter.encode()
    asked: Counter[str | None] = Counter()

    def refuse_three_times(request: Request, forward: Forward) -> Answer | None:
        if parameter not in request.body:
            return forward()
        asked[request.region] += 1
        return ssm_error("AccessDeniedException") if asked[request.region] <= 3 else forward()

    old.wire.add(refuse_three_times)

    old.fixture.stage("1.0.5", b"a third content\n")

    assert [old.fixture.displayed(b) for b in old.fixture.backends] == ["1.1.0"] * 3


def test_repair(old: Old) -> None:
    """A repair moves the channels to what the first Startifact has staged."""
    side_by_side(old)

    found = old.fixture.found()
    done = old.fixture.repair_until_equal()

    assert found == [(FindingKind.LATEST_BEHIND, name) for name in old.fixture.regions]
    assert done == [("move-latest", name) for name in old.fixture.regions]
    assert {b.latest(old.fixture.project) for b in old.fixture.backends} == {"1.1.0"}
    assert [old.fixture.displayed(b) for b in old.fixture.backends] == ["1.1.0"] * 3


def test_first_moves_to_what_regions_disagree_about(old: Old) -> None:
    """While that is not decided, nothing is said of SSM, nor done: it is not set back."""
    fixture = old.fixture
    fixture.stage("1.0.0")
    old.stage("1.1.0", OTHER, backends=fixture.backends[:1])
    old.stage("1.1.0", b"a third content", backends=fixture.backends[1:2])

    found = fixture.found()
    done = fixture.repair()

    kinds = [(kind, region) for kind, region in found if kind is not FindingKind.MISSING]
    assert kinds == [(FindingKind.DIFFERENT, name) for name in fixture.regions[:2]]
    assert done.steps == ()
    assert ["regions disagree about" in error.message for error in done.refusals] == [True]
    assert [fixture.displayed(b) for b in fixture.backends] == ["1.1.0", "1.1.0", "1.0.0"]
