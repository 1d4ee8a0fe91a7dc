"""Ranges: what they pick, what they pass over, and how little they ask for."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from startifact import Range
from startifact.errors import InputError, NotFoundError, SeveralRegionsError
from startifact.model.keys import Key
from startifact.regions.interface import StoredChannel
from tests.functional.test_removed import TOMBSTONE
from tests.support.backends import Backend
from tests.support.faulty_region import FaultyRegion, faulty, session_over
from tests.support.limits import Session

MakeFile = Callable[..., Path]

VERSIONS = ("0.9.0", "1.0.0", "1.2.0", "1.2.5", "1.10.0", "2.0.0-rc.1", "3.1.0")


def session(backends: list[Backend]) -> Session:
    """Return a session with all *backends*."""
    return Session(regions=[backend.spec for backend in backends])


@pytest.fixture
def staged(backends: list[Backend], make_file: MakeFile) -> Session:
    """Return a session in whose regions `VERSIONS` are staged."""
    here = session(backends)
    for version in VERSIONS:
        here.stage("SugarWater", version, make_file(version.encode()))
    return here


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("selector", "picked"),
    [
        ("^1.2", "1.10.0"),
        ("~1.2", "1.2.5"),
        ("1.x", "1.10.0"),
        (">=1, <1.10", "1.2.5"),
        ("0.x || 3.x", "3.1.0"),
        ("^2.0.0-rc", "2.0.0-rc.1"),
        ("*", "3.1.0"),
        ("=1.2.0", "1.2.0"),
    ],
)
@pytest.mark.represented_by(
    "aws-^1.2-1.10.0",
    "aws-0.x || 3.x-3.1.0",
    "file-~1.2-1.2.5",
    "file-1.x-1.10.0",
    "file-^2.0.0-rc-2.0.0-rc.1",
    "file-*-3.1.0",
)
def test_highest_that_satisfies(staged: Session, selector: str, picked: str) -> None:
    """A range picks the highest version that satisfies it, as npm does."""
    artifact = staged.get("SugarWater", selector)

    assert str(artifact.version) == picked
    assert artifact.passed_over == ()
    assert str(staged.get("SugarWater", Range.parse(selector)).version) == picked


@pytest.mark.parametrize("backends", ["file"], indirect=True)
class TestNothing:
    """Ranges that nothing satisfies."""

    def test_names_what_is_near(self, staged: Session) -> None:
        """The error has the nearest versions that there are."""
        with pytest.raises(NotFoundError) as caught:
            staged.get("SugarWater", "^2")

        assert caught.value.exit_code == 3
        assert "'SugarWater@^2'" in caught.value.message
        assert caught.value.message.endswith("1.10.0, 2.0.0-rc.1, 3.1.0")

    def test_only_a_prerelease(self, staged: Session) -> None:
        """Where there is only a prerelease within the bounds, the hint says how to name it."""
        with pytest.raises(NotFoundError) as caught:
            staged.get("SugarWater", ">=1.11 <3")

        hint = str(caught.value.hint)
        assert hint.endswith("; a prerelease has to be named, as in >=2.0.0-rc.1")

    def test_all_removed(self, staged: Session) -> None:
        """What was removed is not advised, and whatever else is passed over may be asked for."""
        staged.prune("SugarWater", version_range="1.2.x", grace="0s", yes=True)
        staged.prune("SugarWater", version_range="1.2.x", yes=True)

        with pytest.raises(NotFoundError) as caught:
            staged.get("SugarWater", "1.2.x")

        assert "1.2.5: it was removed, or is being removed" in caught.value.message
        assert "exact version" not in str(caught.value.hint)

    def test_removed_is_not_near(self, staged: Session) -> None:
        """What was removed is not named as what is near, nor as the prerelease to name."""
        prune(staged, "1.10.x || 2.0.0-rc.1")

        with pytest.raises(NotFoundError) as caught:
            staged.get("SugarWater", "~2.0")

        assert caught.value.message.endswith("; the nearest: 1.2.0, 1.2.5, 3.1.0")
        assert "prerelease" not in str(caught.value.hint)

    def test_all_that_is_near_was_removed(self, staged: Session, backends: list[Backend]) -> None:
        """That is said then, and no version is named."""
        for backend in backends:
            for version in VERSIONS:
                backend.plant(f"SugarWater@{version}", b"", TOMBSTONE)

        with pytest.raises(NotFoundError, match="; what is near was removed"):
            staged.get("SugarWater", "^9")

    def test_of_an_unknown_project(self, staged: Session) -> None:
        """Where there is no version at all, that is said."""
        with pytest.raises(NotFoundError, match="nothing of SaltWater is staged"):
            staged.get("SaltWater", "^1")


def prune(session: Session, range_: str) -> None:
    """Remove what is in *range_*."""
    for _ in range(2):
        session.prune("SugarWater", version_range=range_, older_than="0s", grace="0s", yes=True)


class MarksRead:
    """Counts of how many versions marks are read at the same time, and waits for a few."""

    def __init__(self) -> None:
        self.most = 0
        self._read: set[str] = set()
        self._reading: Counter[str] = Counter()
        self._changed = threading.Condition()

    def watch(self, region: FaultyRegion) -> None:
        """Have *region* count, and from the fourth version on let several come together."""

        class Watched(type(region)):  # type: ignore[misc]
            def read_channel(here, key: Key) -> StoredChannel | None:
                with self._changed:
                    self._read.add(key)
                    self._reading[key] += 1
                    self.most = max(self.most, len(+self._reading))
                    self._changed.notify_all()
                    if len(self._read) == 4:
                        self._changed.wait_for(lambda: self.most >= 3, timeout=10)
                try:
                    return cast("StoredChannel | None", super().read_channel(key))
                finally:
                    with self._changed:
                        self._reading[key] -= 1

        region.__class__ = Watched


@pytest.mark.parametrize("backends", ["file"], indirect=True)
class TestRemoved:
    """Versions at the top of a range that were removed."""

    @pytest.fixture
    def pruned(self, backends: list[Backend], make_file: MakeFile) -> list[FaultyRegion]:
        """Return regions in which 30 versions of 32 were removed, but the lowest and the newest."""
        here = session(backends)
        for number in (*range(31), 99):
            here.stage("SugarWater", f"1.{number}.0", make_file(b"sugar"))
        prune(here, "1.x <1.99 >1.0")
        return faulty([backend.spec for backend in backends])

    def test_many_at_once(self, pruned: list[FaultyRegion]) -> None:
        """They are looked at several at once, in their order."""
        marks = MarksRead()
        for region in pruned:
            marks.watch(region)

        artifact = session_over(pruned).get("SugarWater", "<1.99")

        assert str(artifact.version) == "1.0.0"
        assert [str(p.version) for p in artifact.passed_over] == [
            f"1.{number}.0" for number in range(30, 0, -1)
        ]
        assert 3 <= marks.most <= 16

    def test_one_after_another_at_first(self, pruned: list[FaultyRegion]) -> None:
        """Where the first can be used, no other one is asked for."""
        artifact = session_over(pruned).get("SugarWater", "^1")

        assert str(artifact.version) == "1.99.0"
        assert all(region.calls.count("describe") == 1 for region in pruned)

    def test_conditions(self, pruned: list[FaultyRegion], caplog: pytest.LogCaptureFixture) -> None:
        """A listing with conditions leaves out what was removed, and does not warn of each."""
        listed = session_over(pruned).list_versions("SugarWater", since="7d")

        assert [str(entry.version) for entry in listed] == ["1.99.0", "1.0.0"]
        assert not [m for m in caplog.messages if "left out" in m]


@pytest.mark.parametrize("backends", ["file"], indirect=True)
class TestPassedOver:
    """Versions that satisfy a range, and are not picked."""

    def test_in_too_few_regions(self, staged: Session, backends: list[Backend]) -> None:
        """What certainly missed its quorum is passed over, and the artifact says so."""
        for backend in backends[1:]:
            backend.remove("SugarWater@1.10.0")

        artifact = staged.get("SugarWater", "^1.2")

        assert str(artifact.version) == "1.2.5"
        (passed,) = artifact.passed_over
        assert str(passed.version) == "1.10.0"
        assert passed.why == "1 of 3 regions hold it, which is no majority"

    def test_prerelease(
        self, staged: Session, backends: list[Backend], make_file: MakeFile
    ) -> None:
        """The highest prerelease above the choice is named in its place, and no other one."""
        for version in ("3.1.1-rc.1", "3.2.0", "3.2.1-rc.1", "3.2.1-rc.2", "3.3.0"):
            staged.stage("SugarWater", version, make_file(version.encode()))
        staged.yank("SugarWater", "3.2.0", "broken")
        for backend in backends[1:]:
            backend.remove("SugarWater@3.3.0")

        artifact = staged.get("SugarWater", ">=1")

        assert str(artifact.version) == "3.1.0"
        assert [str(p.version) for p in artifact.passed_over] == ["3.3.0", "3.2.1-rc.2", "3.2.0"]
        assert artifact.passed_over[1].why == "it is a prerelease, which this range does not name"

    def test_too_young(self, staged: Session) -> None:
        """With a minimum age, what was staged later is passed over."""
        with pytest.raises(NotFoundError) as caught:
            staged.get("SugarWater", "~1.2", min_age="1h")

        assert "1.2.5: it was staged" in caught.value.message

    def test_old_enough(self, staged: Session) -> None:
        """What is older than the minimum age is picked."""
        assert str(staged.get("SugarWater", "~1.2", min_age="0s").version) == "1.2.5"

    @pytest.mark.parametrize("selector", ["1.2.0", "latest"])
    def test_minimum_age_without_choice(self, staged: Session, selector: str) -> None:
        """A minimum age means nothing where there is no choice."""
        with pytest.raises(InputError, match="leaves no choice"):
            staged.get("SugarWater", selector, min_age="1h")

    @pytest.mark.parametrize("text", ["", "1", "h", "1y", "-1h", "1.5h", "999999w", 3])
    def test_minimum_age_that_is_none(self, staged: Session, text: object) -> None:
        """What is no length of time is refused."""
        with pytest.raises(InputError, match="is not a length of time"):
            staged.get("SugarWater", "^1", min_age=text)  # type: ignore[arg-type]


@pytest.mark.parametrize("backends", ["file"], indirect=True)
class TestOutages:
    """Ranges while regions fail."""

    def test_one_region_is_down(self, staged: Session, backends: list[Backend]) -> None:
        """A listing of two regions of three is enough."""
        backends[0].fail_region()

        assert str(staged.get("SugarWater", "^1.2").version) == "1.10.0"

    def test_two_regions_are_down(self, staged: Session, backends: list[Backend]) -> None:
        """One listing of three is not: that is another error than not found."""
        for backend in backends[:2]:
            backend.fail_region()

        with pytest.raises(SeveralRegionsError) as caught:
            staged.get("SugarWater", "^1.2")

        assert caught.value.exit_code in {5, 6}


class TestRequests:
    """How little is asked for."""

    @pytest.mark.parametrize(
        ("selector", "prefixes"),
        [
            ("^1.2", ["SugarWater@1."]),
            ("~1.2", ["SugarWater@1.2."]),
            ("0.x || 3.x", ["SugarWater@0.", "SugarWater@3."]),
            ("=1.2.0", ["SugarWater@1.2.0"]),
            ("1.2.0", []),
            ("*", ["SugarWater@"]),
        ],
    )
    def test_listed_prefixes(
        self, directories: list[str], make_file: MakeFile, selector: str, prefixes: list[str]
    ) -> None:
        """A range lists what it can pick from, and an exact version lists nothing."""
        regions = faulty(directories)
        here = session_over(regions)
        for version in VERSIONS:
            here.stage("SugarWater", version, make_file(version.encode()))
        asked: list[str] = []
        _keep_prefixes(regions[0], asked)

        here.get("SugarWater", selector)

        assert asked == prefixes


def _keep_prefixes(region: FaultyRegion, asked: list[str]) -> None:
    keys = region.inner.keys

    def keep(prefix: str) -> Iterator[str]:
        asked.append(prefix)
        return keys(prefix)

    region.inner.keys = keep  # type: ignore[method-assign]
