"""Old versions that are removed for good, in two runs."""

import pickle
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from startifact.errors import (
    AccessDeniedError,
    ConflictError,
    InputError,
    NotFoundError,
    RegionUnavailableError,
    RemovedError,
    StartifactError,
)
from startifact.model.keys import Key
from startifact.model.record import is_tombstone
from startifact.regions.interface import StoredChannel
from startifact.retention.plan import incomplete_error
from tests.functional.test_removed import begin_removal
from tests.support.backends import Backend
from tests.support.faulty_region import FaultyRegion, faulty, session_over
from tests.support.limits import Session

MakeFile = Callable[..., Path]

FILES = pytest.mark.parametrize("backends", ["file"], indirect=True)


def specs_of(backends: list[Backend]) -> list[str]:
    return [backend.spec for backend in backends]


@pytest.fixture
def staged(backends: list[Backend], make_file: MakeFile) -> Session:
    """Return a session in whose regions five versions and two prereleases are staged."""
    here = Session(regions=specs_of(backends))
    for version in ("1.0.0", "1.1.0-rc.1", "1.1.0", "1.2.0-rc.1", "1.2.0", "1.3.0", "1.4.0"):
        here.stage("SugarWater", version, make_file(version.encode()))
    return here


def texts(versions: tuple[object, ...]) -> list[str]:
    return [str(version) for version in versions]


def has_tombstones(backends: list[Backend], version: str) -> list[bool]:
    return [is_tombstone(b.encoded_record(f"SugarWater@{version}")) for b in backends]


def test_two_runs(
    staged: Session, backends: list[Backend], make_file: MakeFile, tmp_path: Path
) -> None:
    """The first run marks, a later one removes; the number is never used again."""
    first = staged.prune("SugarWater", keep_versions=3, grace="0s", yes=True)

    assert first
    assert not first.dry_run
    assert texts(first.marked) == ["1.1.0", "1.0.0"]
    assert (first.lifted, first.removed) == ((), ())
    assert [(str(p.version), p.state, p.size) for p in first.plan] == [
        ("1.1.0", "new", 5),
        ("1.0.0", "new", 5),
    ]
    assert staged.get("SugarWater", "1.0.0").downloader.download(tmp_path / "back").exists()
    with pytest.raises(NotFoundError, match=r"1\.1\.0: it will be pruned, not before"):
        staged.get("SugarWater", "<1.2")

    second = staged.prune("SugarWater", keep_versions=3, grace="0s", yes=True)

    assert texts(second.removed) == ["1.1.0", "1.0.0"]
    assert (second.marked, second.lifted) == ((), ())
    assert pickle.loads(pickle.dumps(second)) == second  # our own
    assert has_tombstones(backends, "1.0.0") == [True] * 3
    with pytest.raises(RemovedError, match="was removed at") as caught:
        staged.get("SugarWater", "1.0.0")
    assert caught.value.exit_code == 3
    with pytest.raises(ConflictError) as refused:
        staged.stage("SugarWater", "1.0.0", make_file(b"1.0.0"))
    assert refused.value.exit_code == 4
    with pytest.raises(RemovedError):
        staged.promote("SugarWater", "1.0.0", "prod")
    third = staged.prune("SugarWater", keep_versions=3, grace="0s", yes=True)
    assert third
    assert (third.plan, third.marked, third.removed) == ((), (), ())


def test_regions_in_memory(make_file: MakeFile) -> None:
    """Regions in memory are pruned as all others are, and so are regions of several kinds."""
    session = Session(regions=[f"memory:prune-{n}" for n in range(3)])
    for version in ("1.0.0", "1.1.0"):
        session.stage("SugarWater", version, make_file(version.encode()))

    for _ in range(2):
        done = session.prune("SugarWater", keep_versions=1, grace="0s", yes=True)

    assert texts(done.removed) == ["1.0.0"]
    with pytest.raises(RemovedError):
        session.get("SugarWater", "1.0.0")
    assert session.verify("SugarWater")


@FILES
class TestPlan:
    """What goes, and what does not."""

    def test_nothing_is_done(self, staged: Session, backends: list[Backend]) -> None:
        """Without a yes, and in a read-only session, the plan is all there is."""
        before = [backend.snapshot() for backend in backends]

        plan = staged.prune("SugarWater", keep_versions=1)
        read_only = Session(regions=specs_of(backends), read_only=True)
        same = read_only.prune("SugarWater", keep_versions=1, yes=True)

        for found in (plan, same):
            assert found.dry_run
            assert texts(found.marked) == ["1.3.0", "1.2.0", "1.1.0", "1.0.0"]
        assert [backend.snapshot() for backend in backends] == before

    def test_channels_and_their_history_are_kept(self, staged: Session) -> None:
        """What a channel points at stays, and so does what a rollback may go back to."""
        staged.promote("SugarWater", "1.0.0", "prod")
        staged.promote("SugarWater", "1.1.0", "prod")

        found = staged.prune("SugarWater", keep_versions=1, grace="0s", yes=True)

        assert texts(found.marked) == ["1.3.0", "1.2.0"]
        assert [(str(k.version), k.why) for k in found.kept] == [
            ("1.1.0", "prod points at it"),
            ("1.0.0", "prod has pointed at it"),
        ]

    def test_latest_of_each_region_is_kept(self, staged: Session, backends: list[Backend]) -> None:
        """Also where a region is behind; and what is above it may be what it is moved to."""
        backends[2].write("SugarWater/latest", backends[2].text("SugarWater/latest").replace(
            '"version":"1.4.0"', '"version":"1.2.0"'))  # fmt: skip

        found = staged.prune("SugarWater", keep_versions=1, keep_prereleases=0)

        assert texts(found.marked) == ["1.2.0-rc.1", "1.1.0", "1.1.0-rc.1", "1.0.0"]
        assert "latest points at it in" in found.kept[-1].why
        assert "which is not later" in found.kept[0].why

    def test_age(self, staged: Session) -> None:
        """What was staged a moment ago is not older than a day."""
        assert staged.prune("SugarWater", keep_versions=1, older_than="1d").plan == ()
        assert len(staged.prune("SugarWater", keep_versions=1, older_than="0s").plan) == 4

    def test_range(self, staged: Session) -> None:
        """Only what the range has is looked at, and counted."""
        found = staged.prune("SugarWater", keep_versions=1, version_range="<1.3")

        assert texts(found.marked) == ["1.1.0", "1.0.0"]

    @pytest.mark.parametrize("given", [{"older_than": "0s"}, {"version_range": "*-0"}], ids=str)
    def test_everything(self, staged: Session, given: dict[str, str]) -> None:
        """What would leave nothing is refused, although latest would be kept."""
        if "version_range" in given:
            given = {"version_range": ">=0.0.0-0 || >=1.1.0-0 || >=1.2.0-0"}
        with pytest.raises(InputError, match="nothing of it would stay") as caught:
            staged.prune("SugarWater", **given)  # type: ignore[arg-type]

        assert caught.value.exit_code == 2

    def test_range_of_nothing(self, staged: Session) -> None:
        """A range that nothing satisfies is a mistake; not where all of it has been removed."""
        with pytest.raises(NotFoundError, match="the nearest: "):
            staged.prune("SugarWater", version_range="^9")
        for _ in range(2):
            staged.prune("SugarWater", version_range="<1.1", grace="0s", yes=True)

        assert staged.prune("SugarWater", version_range="<1.1").plan == ()

    def test_nothing_staged(self, backends: list[Backend]) -> None:
        """There is no such project."""
        with pytest.raises(NotFoundError):
            Session(regions=specs_of(backends)).prune("SugarWater", keep_versions=1)

    @pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
    def test_disagreement_is_left_alone(
        self, staged: Session, backends: list[Backend], version: str
    ) -> None:
        """A version that regions disagree about is for a person to look at."""
        record = backends[0].encoded_record("SugarWater@1.4.0")
        for number, backend in enumerate(backends[:2]):
            content = str(number).encode() * 5
            backend.plant(f"SugarWater@{version}", content, record)

        found = staged.prune("SugarWater", keep_versions=3)

        assert texts(found.marked) == [v for v in ("1.1.0", "1.0.0") if v != version] or (
            texts(found.marked) == ["1.1.0", "1.0.0"]
        )

    def test_only_what_can_be_had_is_counted(
        self, staged: Session, backends: list[Backend]
    ) -> None:
        """Versions that no region can deliver are not among those that stay."""
        for version in ("1.3.0", "1.4.0"):
            for backend in backends:
                backend.plant(f"SugarWater@{version}", b"12345", "not JSON")

        found = staged.prune("SugarWater", keep_versions=2)

        assert texts(found.marked) == ["1.0.0"]
        assert [str(k.version) for k in found.kept] == ["1.4.0", "1.3.0"]

    def test_part_of_the_configured_regions(
        self,
        staged: Session,
        backends: list[Backend],
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """What only the others know is not seen, and they would get no tombstone: it is refused."""
        staged.promote("SugarWater", "1.0.0", "prod")
        backends[0].erase("SugarWater/prod")
        monkeypatch.setenv("STARTIFACT_REGIONS", ",".join(specs_of(backends)))
        part, before = Session(regions=[backends[0].spec]), backends[0].snapshot()

        with pytest.raises(InputError, match="these configured regions were left out") as caught:
            part.prune("SugarWater", keep_versions=3, yes=True)
        part.prune("SugarWater", keep_versions=3)

        assert backends[1].spec in caught.value.message
        assert caught.value.exit_code == 2
        assert any("these configured regions were left out" in m for m in caplog.messages)
        assert backends[0].snapshot() == before

    def test_configured_regions_in_other_words(
        self, staged: Session, backends: list[Backend], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A region that is configured in another spelling is not left out."""
        others = [f"{backends[0].spec}/", *specs_of(backends)[1:], "ftp://me:secret@x"]
        monkeypatch.setenv("STARTIFACT_REGIONS", ",".join(others))
        session = Session(regions=specs_of(backends))

        assert session.prune("SugarWater", keep_versions=4, yes=True).marked

    def test_region_without_latest(self, staged: Session, backends: list[Backend]) -> None:
        """Nothing is removed while it is not known what latest may come to be in a region."""
        staged.prune("SugarWater", keep_versions=3, grace="0s", yes=True)
        backends[1].erase("SugarWater/latest")

        found = staged.prune("SugarWater", keep_versions=3, grace="0s", yes=True)

        assert not found
        assert "has no SugarWater/latest" in found.failures[backends[1].spec].message
        assert sorted(found.incomplete) == ["1.0.0", "1.1.0"]
        assert found.removed == ()
        assert has_tombstones(backends, "1.0.0") == [False] * 3
        plan = staged.prune("SugarWater", keep_versions=3)
        assert (plan.removed, sorted(plan.incomplete)) == ((), ["1.0.0", "1.1.0"])


@FILES
class TestMarks:
    """What happens between the two runs."""

    def test_not_due(self, staged: Session) -> None:
        """What was marked stays until its time has come, which a later run does not move."""
        staged.prune("SugarWater", keep_versions=3, yes=True)

        found = staged.prune("SugarWater", keep_versions=3, grace="0s", yes=True)

        assert (found.marked, found.removed) == ((), ())
        assert [p.state for p in found.plan] == ["marked", "marked"]

    def test_time_that_cannot_be_read(self, staged: Session, backends: list[Backend]) -> None:
        """A mark without a time is set anew: else the version would neither go nor be picked."""
        staged.prune("SugarWater", keep_versions=4, grace="0s", yes=True)
        key = "SugarWater/_yanked/1.0.0"
        for backend in backends:
            text = re.sub(r'"not-before":"[^"]*"', '"not-before":"soon"', backend.text(key))
            backend.write(key, text)

        found = staged.prune("SugarWater", keep_versions=4, grace="0s", yes=True)

        assert (texts(found.marked), found.removed) == (["1.0.0"], ())
        assert texts(staged.prune("SugarWater", keep_versions=4, yes=True).removed) == ["1.0.0"]

    def test_lifted_by_another_plan(self, staged: Session) -> None:
        """What is not to go any more is picked by ranges again."""
        staged.prune("SugarWater", keep_versions=3, grace="0s", yes=True)

        found = staged.prune("SugarWater", keep_versions=4, grace="0s", yes=True)

        assert texts(found.lifted) == ["1.1.0"]
        assert texts(found.removed) == ["1.0.0"]
        assert str(staged.get("SugarWater", "<1.2").version) == "1.1.0"

    def test_marks_of_another_prune(self, staged: Session) -> None:
        """A prune of other versions, or of the other kind, leaves marks that it is not about."""
        staged.prune("SugarWater", keep_versions=1, version_range="<1.2", yes=True)
        staged.prune("SugarWater", keep_prereleases=1, yes=True)

        found = staged.prune("SugarWater", keep_versions=1, version_range=">=1.2", yes=True)

        assert texts(found.marked) == ["1.3.0", "1.2.0"]
        assert found.lifted == ()
        both = staged.prune("SugarWater", keep_versions=9, keep_prereleases=9, yes=True)
        assert texts(both.lifted) == ["1.3.0", "1.2.0", "1.1.0-rc.1", "1.0.0"]

    def test_promoted_meanwhile(self, staged: Session) -> None:
        """What is marked can be promoted, and is kept then."""
        staged.prune("SugarWater", keep_versions=3, grace="0s", yes=True)
        staged.promote("SugarWater", "1.0.0", "prod")

        found = staged.prune("SugarWater", keep_versions=3, grace="0s", yes=True)

        assert (texts(found.lifted), texts(found.removed)) == (["1.0.0"], ["1.1.0"])
        assert str(staged.get("SugarWater", "prod").version) == "1.0.0"

    def test_yank_stays(self, staged: Session) -> None:
        """A prune that is taken back leaves it yanked."""
        staged.yank("SugarWater", "1.1.0", "it loses data")
        staged.prune("SugarWater", keep_versions=3, yes=True)
        staged.prune("SugarWater", keep_versions=4, yes=True)

        yank = staged.get("SugarWater", "1.1.0").yank
        assert yank is not None
        assert yank.reason == "it loses data"

    def test_held_although_it_is_being_removed(
        self, staged: Session, backends: list[Backend]
    ) -> None:
        """A channel that holds what is being removed takes the removal back."""
        staged.promote("SugarWater", "1.0.0", "prod")
        begin_removal(list(faulty(specs_of(backends))))

        found = staged.prune("SugarWater", keep_versions=3, yes=True)

        assert texts(found.lifted) == ["1.0.0"]
        assert found.removed == ()
        assert ("1.0.0", "prod points at it") in [(str(k.version), k.why) for k in found.kept]
        staged.promote("SugarWater", "1.0.0", "staging")


@FILES
class TestRemovedBefore:
    """Each prune looks again at what was removed: its tombstone may be lost, or replaced."""

    def test_calls(self, backends: list[Backend], make_file: MakeFile) -> None:
        """Each region describes it once, and is not asked for its mark."""
        session = Session(regions=specs_of(backends))
        calls = []
        for number in range(14):
            session.stage("SugarWater", f"1.{number}.0", make_file(b"sugar"))
            if number in {2, 13}:
                for _ in range(2):
                    session.prune("SugarWater", keep_versions=1, grace="0s", yes=True)
                regions = faulty(specs_of(backends))
                again = session_over(regions).prune(
                    "SugarWater", keep_versions=1, grace="0s", yes=True
                )
                assert again.plan == ()
                calls.append([Counter(region.calls) for region in regions])

        assert has_tombstones(backends, "1.12.0") == [True] * 3
        more = [after - before for before, after in zip(*calls, strict=True)]
        assert more == [Counter(describe=11)] * 3

    def test_lost_tombstone(self, staged: Session, backends: list[Backend]) -> None:
        """Where a region lists it no more, it gets one again."""
        for _ in range(2):
            staged.prune("SugarWater", keep_versions=4, grace="0s", yes=True)
        backends[1].remove("SugarWater@1.0.0")

        again = staged.prune("SugarWater", keep_versions=4, grace="0s", yes=True)

        assert texts(again.removed) == ["1.0.0"]
        assert has_tombstones(backends, "1.0.0") == [True] * 3

    def test_lost_everywhere(
        self, staged: Session, backends: list[Backend], make_file: MakeFile
    ) -> None:
        """Where every region has lost it, the next prune replaces what was written until then."""
        for _ in range(2):
            staged.prune("SugarWater", keep_versions=3, grace="0s", yes=True)
        for backend in backends:
            backend.remove("SugarWater@1.0.0")
            backend.remove("SugarWater@1.1.0")
        with pytest.raises(ConflictError):
            staged.stage("SugarWater", "1.0.0", make_file(b"other"))

        again = staged.prune("SugarWater", keep_versions=3, grace="0s", yes=True)

        assert texts(again.removed) == ["1.1.0", "1.0.0"]
        assert has_tombstones(backends, "1.0.0") == [True] * 3
        assert has_tombstones(backends, "1.1.0") == [True] * 3

    def test_staged_again_where_nobody_knew(
        self, staged: Session, backends: list[Backend], make_file: MakeFile
    ) -> None:
        """What one region took that had lost all it knew is replaced, as its warning says."""
        for _ in range(2):
            staged.prune("SugarWater", keep_versions=4, grace="0s", yes=True)
        backends[2].remove("SugarWater@1.0.0")
        backends[2].erase("SugarWater/_yanked/1.0.0")
        for backend in backends[:2]:
            backend.fail_region()
        few = Session(regions=specs_of(backends), required_regions=1)
        assert few.stage("SugarWater", "1.0.0", make_file(b"other"))
        for backend in backends[:2]:
            backend.restore_region()

        again = staged.prune("SugarWater", keep_versions=4, grace="0s", yes=True)

        assert texts(again.removed) == ["1.0.0"]
        assert has_tombstones(backends, "1.0.0") == [True] * 3


@FILES
class TestUnknownMark:
    """A version of which nobody can say what is to become of it stays, and all others go."""

    @pytest.mark.parametrize("runs", [0, 1], ids=["new", "due"])
    @pytest.mark.parametrize("yes", [False, True], ids=["plan", "prune"])
    def test_damaged(
        self, staged: Session, backends: list[Backend], runs: int, *, yes: bool
    ) -> None:
        """It is reported as incomplete, and nothing of it is touched."""
        for _ in range(runs):
            staged.prune("SugarWater", keep_versions=3, grace="0s", yes=True)
        for backend in backends[:2]:
            backend.write("SugarWater/_yanked/1.0.0", "not JSON")
        before = [about(backend, "1.0.0") for backend in backends]

        done = staged.prune("SugarWater", keep_versions=3, grace="0s", yes=yes)

        assert not done
        assert list(done.incomplete) == ["1.0.0"]
        assert "cannot tell whether SugarWater@1.0.0 is to be removed" in str(
            done.incomplete["1.0.0"]
        )
        assert ("1.0.0", "incomplete") in [(str(v), o) for v, o, _ in done.outcomes()]
        assert texts(done.removed if runs else done.marked) == ["1.1.0"]
        assert [about(backend, "1.0.0") for backend in backends] == before
        failed = incomplete_error(done)
        assert failed is not None
        assert failed.exit_code == 7

    def test_nothing_else_would_stay(self, staged: Session, backends: list[Backend]) -> None:
        """As it stays, not every version is removed where all others are."""
        for backend in backends[:2]:
            backend.write("SugarWater/_yanked/1.4.0", "not JSON")

        done = staged.prune("SugarWater", older_than="0s", grace="0s")

        assert list(done.incomplete) == ["1.4.0"]
        assert len(done.plan) == 6

    def test_damaged_where_a_region_is_down(self, staged: Session, backends: list[Backend]) -> None:
        """One damaged copy is enough then; all others are marked."""
        backends[0].write("SugarWater/_yanked/1.0.0", "not JSON")
        backends[2].fail_region()

        done = staged.prune("SugarWater", keep_versions=3, grace="0s", yes=True)

        assert texts(done.marked) == ["1.1.0"]
        assert "cannot tell whether SugarWater@1.0.0 is to be removed" in str(
            done.incomplete["1.0.0"]
        )

    def test_denied(self, staged: Session, backends: list[Backend]) -> None:
        """So is one whose mark most regions do not give."""
        staged.prune("SugarWater", keep_versions=3, grace="0s", yes=True)
        regions = faulty(specs_of(backends))
        for region in regions[:2]:
            deny_mark_of(region, "1.0.0")

        done = session_over(regions).prune("SugarWater", keep_versions=3, grace="0s", yes=True)

        assert texts(done.removed) == ["1.1.0"]
        assert list(done.incomplete) == ["1.0.0"]
        assert has_tombstones(backends, "1.0.0") == [False] * 3


def deny_mark_of(region: FaultyRegion, version: str) -> None:
    """Let *region* refuse to say what its mark of *version* is."""

    class Denied(type(region)):  # type: ignore[misc]
        def read_channel(self, key: Key) -> StoredChannel | None:
            if key.endswith(f"_yanked/{version}"):
                raise AccessDeniedError(f"{self.name} does not give {key}")
            return cast("StoredChannel | None", super().read_channel(key))

    region.__class__ = Denied


@FILES
class TestNewerFormat:
    """What a newer Startifact has stored in any region is left as it is."""

    NEWER = '{"startifact:format":"2","startifact:removed-by":"somebody"}'

    @pytest.mark.parametrize("runs", [0, 1], ids=["new", "due"])
    @pytest.mark.parametrize("yes", [False, True], ids=["plan", "prune"])
    def test_minority(
        self, staged: Session, backends: list[Backend], runs: int, *, yes: bool
    ) -> None:
        """Nothing of that version is touched, and all others are removed."""
        for _ in range(runs):
            staged.prune("SugarWater", keep_versions=3, grace="0s", yes=True)
        backends[2].plant("SugarWater@1.0.0", b"new", self.NEWER)
        before = [about(backend, "1.0.0") for backend in backends]

        done = staged.prune("SugarWater", keep_versions=3, grace="0s", yes=yes)

        assert not done
        assert list(done.incomplete) == ["1.0.0"]
        assert "a newer Startifact is needed" in str(done.incomplete["1.0.0"])
        assert texts(done.removed if runs else done.marked) == ["1.1.0"]
        assert [about(backend, "1.0.0") for backend in backends] == before
        failed = incomplete_error(done)
        assert failed is not None
        assert failed.exit_code == 2

    @pytest.mark.parametrize(
        "error", [AccessDeniedError("no"), RegionUnavailableError("no")], ids=["denied", "down"]
    )
    def test_region_that_does_not_say(
        self, staged: Session, backends: list[Backend], error: StartifactError
    ) -> None:
        """What a region has may be newer where it does not say: no removal begins."""
        staged.prune("SugarWater", keep_versions=4, grace="0s", yes=True)
        regions = faulty(specs_of(backends))
        regions[2].fail("describe", error)
        before = [about(backend, "1.0.0") for backend in backends]

        done = session_over(regions).prune("SugarWater", keep_versions=4, grace="0s", yes=True)

        assert "not all regions say what they have of it" in str(done.incomplete["1.0.0"])
        assert done.removed == ()
        assert [about(backend, "1.0.0") for backend in backends] == before

    def test_removal_that_has_begun(self, staged: Session, backends: list[Backend]) -> None:
        """It goes no further, by a prune or by a repair."""
        begin_removal(list(faulty(specs_of(backends))))
        backends[2].plant("SugarWater@1.0.0", b"new", self.NEWER)
        before = [about(backend, "1.0.0") for backend in backends]

        done = staged.prune("SugarWater", keep_versions=3, grace="0s", yes=True)
        repaired = staged.repair("SugarWater")

        assert "a newer Startifact is needed" in str(done.incomplete["1.0.0"])
        assert not repaired
        assert [about(backend, "1.0.0") for backend in backends] == before

    def test_stored_meanwhile(self, staged: Session, backends: list[Backend]) -> None:
        """It is not replaced either where it comes once the removal has begun."""
        staged.prune("SugarWater", keep_versions=4, grace="0s", yes=True)
        regions = faulty(specs_of(backends))
        plant = backends[2].plant

        class Newer(type(regions[2])):  # type: ignore[misc]
            def channel_keys(self, prefix: str) -> Iterator[str]:
                # Of channels for the second time: the mark says that it is being removed.
                if prefix == "SugarWater/" and self.calls.count("write_channel"):
                    plant("SugarWater@1.0.0", b"new", TestNewerFormat.NEWER)
                yield from super().channel_keys(prefix)

        regions[2].__class__ = Newer

        done = session_over(regions).prune("SugarWater", keep_versions=4, grace="0s", yes=True)

        assert "a newer Startifact is needed" in str(done.incomplete["1.0.0"])
        assert backends[2].encoded_record("SugarWater@1.0.0") == self.NEWER


def about(backend: Backend, version: str) -> dict[str, object]:
    """Return what is stored about *version*."""
    return {key: what for key, what in backend.snapshot().items() if version in key}


@FILES
class TestTrouble:
    """Partial failure is reported, and the next run goes on."""

    def test_region_that_fails(self, staged: Session, backends: list[Backend]) -> None:
        """Until every region has a tombstone the version is not removed."""
        staged.prune("SugarWater", keep_versions=3, grace="0s", yes=True)
        regions = faulty(specs_of(backends))
        regions[1].fail("replace_with_tombstone")

        found = session_over(regions).prune("SugarWater", keep_versions=3, yes=True)

        assert not found
        assert found.removed == ()
        error = found.incomplete["1.0.0"]
        assert error.exit_code == 5
        assert "SugarWater@1.0.0 is removed in 2 of 3 regions" in error.message
        assert "until every region has removed it" in str(error)
        assert has_tombstones(backends, "1.0.0") == [True, False, True]
        with pytest.raises(RemovedError):
            staged.promote("SugarWater", "1.0.0", "prod")
        plan = staged.prune("SugarWater", keep_versions=3)
        assert [p.state for p in plan.plan] == ["removing", "removing"]

        again = staged.prune("SugarWater", keep_versions=4, yes=True)

        assert texts(again.removed) == ["1.1.0", "1.0.0"]
        assert has_tombstones(backends, "1.0.0") == [True] * 3

    def test_region_that_is_down(self, staged: Session, backends: list[Backend]) -> None:
        """Versions are marked by a majority; none is removed."""
        backends[2].fail_region()

        first = staged.prune("SugarWater", keep_versions=3, grace="0s", yes=True)
        second = staged.prune("SugarWater", keep_versions=3, grace="0s", yes=True)

        assert texts(first.marked) == ["1.1.0", "1.0.0"]
        assert list(first.failures) == [backends[2].spec]
        assert sorted(second.incomplete) == ["1.0.0", "1.1.0"]
        backends[2].restore_region()
        assert texts(staged.prune("SugarWater", keep_versions=3, yes=True).removed) == [
            "1.1.0",
            "1.0.0",
        ]

    def test_too_few_regions(self, staged: Session, backends: list[Backend]) -> None:
        """What may be removed is not known then."""
        for backend in backends[:2]:
            backend.fail_region()

        with pytest.raises(Exception, match="cannot list the versions") as caught:
            staged.prune("SugarWater", keep_versions=3, yes=True)

        assert getattr(caught.value, "exit_code", None) == 5

    def test_region_that_lacks_the_artifact(
        self, staged: Session, backends: list[Backend], make_file: MakeFile
    ) -> None:
        """It gets a tombstone as well, so that the number is used there too."""
        backends[2].remove("SugarWater@1.0.0")
        staged.prune("SugarWater", keep_versions=3, grace="0s", yes=True)

        found = staged.prune("SugarWater", keep_versions=3, yes=True)

        assert "1.0.0" in texts(found.removed)
        assert has_tombstones(backends, "1.0.0") == [True] * 3
        with pytest.raises(ConflictError):
            Session(regions=backends[2].spec).stage("SugarWater", "1.0.0", make_file())

    @pytest.mark.parametrize("operation", ["replace_with_tombstone", "describe", "write_channel"])
    def test_lost_answer(self, staged: Session, backends: list[Backend], operation: str) -> None:
        """One lost answer is no reason to fail, or the next run completes it."""
        staged.prune("SugarWater", keep_versions=3, grace="0s", yes=True)
        regions = faulty(specs_of(backends))
        regions[0].lose(operation, nth=1)

        session_over(regions).prune("SugarWater", keep_versions=3, yes=True)
        staged.prune("SugarWater", keep_versions=3, yes=True)

        assert has_tombstones(backends, "1.0.0") == [True] * 3

    def test_channel_that_cannot_be_read(self, staged: Session, backends: list[Backend]) -> None:
        """It may point at anything: nothing is planned."""
        staged.promote("SugarWater", "1.0.0", "prod")
        for backend in backends[:2]:
            backend.write("SugarWater/prod", "not JSON")

        with pytest.raises(Exception, match="prod") as caught:
            staged.prune("SugarWater", keep_versions=3, yes=True)

        assert not isinstance(caught.value, (AssertionError, RegionUnavailableError))
        assert has_tombstones(backends, "1.0.0") == [False] * 3
