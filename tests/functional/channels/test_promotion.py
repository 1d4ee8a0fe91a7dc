"""Channels that are set by hand: promoted, rolled back, removed, and read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from startifact import errors
from startifact.errors import ExpectationError, InputError, NotFoundError, RegionsFailedError
from tests.support.backends import Backend
from tests.support.limits import Session

MakeFile = Callable[..., Path]


def session(backends: list[Backend], **options: Any) -> Session:
    """Return a session with all *backends*."""
    return Session(regions=[backend.spec for backend in backends], **options)


@pytest.fixture
def staged(backends: list[Backend], make_file: MakeFile) -> Session:
    """Return a session in whose regions three versions are staged."""
    here = session(backends)
    for number in range(3):
        here.stage("SugarWater", f"1.{number}.0", make_file(f"content {number}".encode()))
    return here


def test_promoted_version_is_what_the_channel_gets(
    staged: Session, backends: list[Backend]
) -> None:
    """A channel points at what was promoted to it, for every session."""
    promotion = staged.promote("SugarWater", "1.1.0", "prod")

    artifact = session(backends).get("SugarWater", "prod")
    assert str(artifact.version) == "1.1.0"
    assert (str(promotion.version), promotion.previous, promotion.changed) == ("1.1.0", None, True)
    assert promotion.regions == staged.regions
    assert promotion.failures == {}


def test_what_is_stored(staged: Session, backends: list[Backend]) -> None:
    """Every region holds the version, who moved it, and the moves before."""
    staged.promote("SugarWater", "1.0.0", "prod")

    staged.promote("SugarWater", "1.1.0", "prod")

    for backend in backends:
        stored = json.loads(backend.text("SugarWater/prod"))
        accepted = stored["accepted"]
        assert stored["promised"] == accepted["ballot"]
        assert (accepted["version"], accepted["previous"]) == ("1.1.0", "1.0.0")
        assert [move["version"] for move in accepted["history"]] == ["1.1.0", "1.0.0"]
        assert accepted["history"][0]["id"] == accepted["id"]
        assert accepted["by"].startswith("startifact/")


def test_promoted_from_a_channel(staged: Session) -> None:
    """What a channel points at now is promoted, and stays where the other one moves on."""
    staged.promote("SugarWater", "1.0.0", "staging")
    staged.promote("SugarWater", "staging", "prod")
    staged.promote("SugarWater", "latest", "staging")

    assert str(staged.get("SugarWater", "prod").version) == "1.0.0"
    assert str(staged.get("SugarWater", "staging").version) == "1.2.0"


def test_promoted_again(staged: Session) -> None:
    """The same promotion again is a success that moves nothing."""
    staged.promote("SugarWater", "1.0.0", "prod")

    again = staged.promote("SugarWater", "1.0.0", "prod")

    assert not again.changed
    assert (str(again.version), str(again.previous)) == ("1.0.0", "1.0.0")
    (channel,) = [c for c in staged.channels("SugarWater") if c.channel == "prod"]
    assert len(channel.history) == 1


@pytest.mark.parametrize("backends", ["file"], indirect=True)
class TestExpectation:
    """What a promotion may be conditional on."""

    def test_that_holds(self, staged: Session) -> None:
        """A promotion whose expectation holds succeeds."""
        staged.promote("SugarWater", "1.0.0", "prod", expect_none=True)

        promotion = staged.promote("SugarWater", "1.1.0", "prod", expect="1.0.0")

        assert promotion.changed

    def test_of_a_channel(self, staged: Session) -> None:
        """An expectation may name a channel: prod has what was in staging."""
        staged.promote("SugarWater", "1.0.0", "prod")
        staged.promote("SugarWater", "1.0.0", "staging")

        assert staged.promote("SugarWater", "1.1.0", "prod", expect="staging").changed

    @pytest.mark.parametrize(
        ("before", "options", "says"),
        [
            ("1.0.0", {"expect": "1.1.0"}, "it is 1.0.0, expected 1.1.0"),
            ("1.0.0", {"expect_none": True}, "it is 1.0.0, expected no such channel"),
            (None, {"expect": "1.1.0"}, "there is no such channel, expected 1.1.0"),
        ],
    )
    def test_that_does_not_hold(
        self, staged: Session, before: str | None, options: dict[str, Any], says: str
    ) -> None:
        """It fails for certain, says what it found, and has changed nothing."""
        if before is not None:
            staged.promote("SugarWater", before, "prod")

        with pytest.raises(ExpectationError) as caught:
            staged.promote("SugarWater", "1.2.0", "prod", **options)

        assert caught.value.exit_code == 4
        assert says in caught.value.message
        assert caught.value.__notes__ == ["nothing was changed"]
        if before is None:
            with pytest.raises(NotFoundError):
                staged.get("SugarWater", "prod")
        else:
            assert str(staged.get("SugarWater", "prod").version) == before

    def test_both(self, staged: Session) -> None:
        """Two expectations that contradict each other are refused."""
        with pytest.raises(InputError, match="contradict"):
            staged.promote("SugarWater", "1.0.0", "prod", expect="1.0.0", expect_none=True)


class TestRollback:
    """Going back to what a channel held before."""

    def test_once_and_twice(self, staged: Session) -> None:
        """Each rollback goes one promotion further back; then there is nothing left."""
        for version in ("1.0.0", "1.1.0", "1.2.0"):
            staged.promote("SugarWater", version, "prod")

        first = staged.rollback("SugarWater", "prod")
        second = staged.rollback("SugarWater", "prod")

        assert (str(first.version), str(first.previous)) == ("1.1.0", "1.2.0")
        assert (str(second.version), str(second.previous)) == ("1.0.0", "1.1.0")
        with pytest.raises(NotFoundError, match="has held nothing earlier"):
            staged.rollback("SugarWater", "prod")
        assert str(staged.get("SugarWater", "prod").version) == "1.0.0"

    @pytest.mark.parametrize("backends", ["file"], indirect=True)
    def test_then_promoted(self, staged: Session) -> None:
        """A promotion after a rollback is undone by the next one."""
        staged.promote("SugarWater", "1.0.0", "prod")
        staged.promote("SugarWater", "1.1.0", "prod")
        staged.rollback("SugarWater", "prod")
        staged.promote("SugarWater", "1.2.0", "prod")

        assert str(staged.rollback("SugarWater", "prod").version) == "1.0.0"

    @pytest.mark.parametrize("backends", ["file"], indirect=True)
    def test_forward_again(self, staged: Session) -> None:
        """A rollback to what was rolled back does that move again, and the next undoes it."""
        staged.promote("SugarWater", "1.0.0", "prod")
        staged.promote("SugarWater", "1.1.0", "prod")
        staged.rollback("SugarWater", "prod")
        staged.rollback("SugarWater", "prod", to="1.1.0")

        assert str(staged.rollback("SugarWater", "prod").version) == "1.0.0"

    @pytest.mark.parametrize("backends", ["file"], indirect=True)
    def test_forward_past_a_promotion(self, staged: Session) -> None:
        """A rollback to what a promotion took the place of is undone like a promotion."""
        staged.promote("SugarWater", "1.0.0", "prod")
        staged.promote("SugarWater", "1.1.0", "prod")
        staged.rollback("SugarWater", "prod")
        staged.promote("SugarWater", "1.2.0", "prod")
        staged.rollback("SugarWater", "prod", to="1.1.0")

        assert str(staged.rollback("SugarWater", "prod").version) == "1.2.0"
        assert str(staged.rollback("SugarWater", "prod").version) == "1.0.0"

    @pytest.mark.parametrize("backends", ["file"], indirect=True)
    def test_to_a_version(self, staged: Session) -> None:
        """A rollback may name what it goes back to, of all that the channel has held."""
        for version in ("1.0.0", "1.1.0", "1.2.0"):
            staged.promote("SugarWater", version, "prod")

        assert str(staged.rollback("SugarWater", "prod", to="1.0.0").version) == "1.0.0"

    @pytest.mark.parametrize("backends", ["file"], indirect=True)
    def test_to_a_version_it_never_held(self, staged: Session) -> None:
        """What the channel has never held is promoted, not gone back to."""
        staged.promote("SugarWater", "1.0.0", "prod")

        with pytest.raises(NotFoundError, match=r"has never held 1\.1\.0"):
            staged.rollback("SugarWater", "prod", to="1.1.0")


class TestRemoval:
    """A channel that points at nothing."""

    def test_channel_is_gone_and_comes_back(self, staged: Session) -> None:
        """It is not found, with who has removed it; a rollback brings it back."""
        staged.promote("SugarWater", "1.0.0", "prod")

        removal = staged.remove_channel("SugarWater", "prod")

        assert (removal.version, str(removal.previous)) == (None, "1.0.0")
        with pytest.raises(errors.RemovedError, match="it was removed at"):
            staged.get("SugarWater", "prod")
        assert str(staged.rollback("SugarWater", "prod").version) == "1.0.0"
        assert str(staged.get("SugarWater", "prod").version) == "1.0.0"

    @pytest.mark.parametrize("backends", ["file"], indirect=True)
    def test_twice(self, staged: Session) -> None:
        """What was removed cannot be removed again."""
        staged.promote("SugarWater", "1.0.0", "prod")
        staged.remove_channel("SugarWater", "prod")

        with pytest.raises(errors.RemovedError):
            staged.remove_channel("SugarWater", "prod")


def test_overview(staged: Session) -> None:
    """All channels are listed, latest first, with what they held before."""
    staged.promote("SugarWater", "1.0.0", "staging")
    staged.promote("SugarWater", "1.0.0", "prod")
    staged.promote("SugarWater", "1.1.0", "prod")

    found = staged.channels("SugarWater")

    assert [(c.channel, str(c.version), str(c.previous)) for c in found] == [
        ("latest", "1.2.0", "1.1.0"),
        ("prod", "1.1.0", "1.0.0"),
        ("staging", "1.0.0", "None"),
    ]
    assert [str(move.version) for move in found[1].history] == ["1.1.0", "1.0.0"]
    assert found[1].moved_at.endswith("Z")


@pytest.mark.parametrize("backends", ["file"], indirect=True)
class TestRefused:
    """What cannot be promoted."""

    def test_version_in_too_few_regions(self, staged: Session, backends: list[Backend]) -> None:
        """A version in one region of three is not promoted, and the error says where it is."""
        for backend in backends[1:]:
            backend.remove("SugarWater@1.0.0")

        with pytest.raises(RegionsFailedError) as caught:
            staged.promote("SugarWater", "1.0.0", "prod")

        assert "is complete in 1 of 3 regions, 2 are needed" in caught.value.message
        assert caught.value.exit_code == 5

    def test_version_that_there_is_not(self, staged: Session) -> None:
        """Only what is staged can be promoted."""
        with pytest.raises(NotFoundError):
            staged.promote("SugarWater", "9.0.0", "prod")

    @pytest.mark.parametrize(
        "name",
        ["latest", "", "Prod", "1.0.0", "v1", "x", "^1", "a" * 64, "-a", "a b", "p/q", "1"],
    )
    def test_illegal_channel(self, staged: Session, name: str) -> None:
        """Names that are no channels are refused before anything is asked."""
        with pytest.raises(InputError) as caught:
            staged.promote("SugarWater", "1.0.0", name)

        assert caught.value.hint


def test_dry_run(staged: Session, backends: list[Backend]) -> None:
    """A read-only session says what would be moved, and moves nothing."""
    staged.promote("SugarWater", "1.0.0", "prod")
    before = [backend.snapshot() for backend in backends]

    promotion = session(backends, read_only=True).promote("SugarWater", "latest", "prod")

    assert (str(promotion.version), str(promotion.previous)) == ("1.2.0", "1.0.0")
    assert (promotion.changed, promotion.dry_run) == (True, True)
    assert [backend.snapshot() for backend in backends] == before
