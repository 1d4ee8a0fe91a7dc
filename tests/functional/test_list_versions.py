"""What is known of each version of a project, and which versions are asked for."""

import itertools
import json
import logging
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from startifact.errors import (
    InputError,
    NotFoundError,
    RegionUnavailableError,
    SeveralRegionsError,
)
from startifact.limits import DEFAULT_LIMITS
from startifact.model.clock import now
from startifact.model.versions import parse_version
from startifact.registers.attempt import Author
from startifact.registers.marks import Mark, Yank, mark_register
from tests.support.backends import Backend
from tests.support.faulty_region import FaultyRegion, faulty, session_over
from tests.support.limits import SHORT, Session

MakeFile = Callable[..., Path]

COUNT = 300
TOMBSTONE = json.dumps({"startifact:format": "1", "startifact:removed-at": "2026-01-01T00:00:00Z"})
FILES = pytest.mark.parametrize("backends", ["file"], indirect=True)


def record(**metadata: str) -> str:
    """Return the record of an artifact of one byte, with *metadata*; facts as ``staged_at``."""
    staged = metadata.pop("staged_at", "2026-11-01T08:00:00Z")
    facts = {"format": "1", "sha256": "0" * 64, "size": "1", "staged-at": staged}
    return json.dumps(metadata | {f"startifact:{k}": v for k, v in facts.items() if v})


def plant(backends: list[Backend], version: str, **metadata: str) -> None:
    """Put *version* into all *backends*."""
    for backend in backends:
        backend.plant(f"SugarWater@{version}", b"x", record(**metadata))


def session(backends: list[Backend]) -> Session:
    """Return a session with all *backends*."""
    return Session(regions=[backend.spec for backend in backends])


def texts(here: Session, **asked: Any) -> list[str]:
    """Return the versions of SugarWater that are *asked* for."""
    return [str(entry.version) for entry in here.list_versions("SugarWater", **asked)]


@pytest.fixture
def many(backends: list[Backend]) -> FaultyRegion:
    """Return a region with `COUNT` versions, every tenth of which is of another language."""
    for number in range(COUNT):
        language = "go" if number % 10 == 0 else "dotnet"
        plant(backends[:1], f"1.{number // 100}.{number % 100}", lang=language)
    return faulty([backends[0].spec])[0]


def test_all_that_is_known(backends: list[Backend], make_file: MakeFile) -> None:
    """An entry has size, time, digest, the channels that point at it, and whether it was yanked."""
    here = session(backends)
    staging = here.stage("SugarWater", "1.0.0", make_file(b"sugar"))
    here.stage("SugarWater", "1.1.0", make_file(b"sugar and water"))
    here.promote("SugarWater", "1.0.0", "prod")
    here.promote("SugarWater", "1.0.0", "beta")
    regions = faulty([backend.spec for backend in backends])
    yank = Yank(reason="it burns", at=now(), yanked_by="somebody")
    marks = mark_register(regions, "SugarWater", parse_version("1.0.0"), limits=SHORT)
    marks.change(lambda _: Mark(yanked=yank), Author(moved_by="somebody", now=now))

    newer, older = here.list_versions("SugarWater")

    assert (str(newer.version), newer.channels, newer.yank) == ("1.1.0", ("latest",), None)
    assert (older.size, older.digest) == (5, staging.artifact.digest)
    assert older.staged_at == staging.artifact.staged_at
    assert (older.channels, older.yank, older.trouble) == (("beta", "prod"), yank, "")


def test_mark_that_is_damaged(backends: list[Backend], make_file: MakeFile) -> None:
    """Where it cannot be known of one version whether it was yanked, that one has trouble."""
    here = session(backends)
    for version in ("1.0.0", "1.1.0"):
        here.stage("SugarWater", version, make_file(version.encode()))
    for backend in backends[:2]:
        backend.write("SugarWater/_yanked/1.0.0", "not JSON")

    newer, older = here.list_versions("SugarWater")

    assert (newer.trouble, older.yank, older.size) == ("", None, 5)
    assert "cannot tell whether SugarWater@1.0.0 was yanked" in older.trouble
    assert "is damaged" in older.trouble


def test_keys_are_enough(many: FaultyRegion) -> None:
    """Where nothing but the version is asked for, nothing is described."""
    here = session_over([many])

    found = texts(here, long=False, version_range="~1.1", limit=3)

    assert found == ["1.1.99", "1.1.98", "1.1.97"]
    assert "describe" not in many.calls
    assert texts(here, long=False) == [str(version) for version in here.versions("SugarWater")]


@FILES
def test_limit_describes_no_more(many: FaultyRegion) -> None:
    """Of a long listing that is limited, only what is shown is described."""
    assert len(texts(session_over([many]), limit=5)) == 5
    assert many.calls.count("describe") == 5


@FILES
def test_one_request_a_version(many: FaultyRegion) -> None:
    """A condition on metadata describes each version once, in every region."""
    found = texts(session_over([many]), where={"lang": "go"}, long=False)

    assert found == [f"1.{n // 100}.{n % 100}" for n in reversed(range(0, COUNT, 10))]
    assert many.calls.count("describe") == COUNT


@FILES
def test_few_ahead(many: FaultyRegion) -> None:
    """However many there are, only a few are described before the first is taken."""
    entries = session_over([many]).list_versions("SugarWater")

    first = list(itertools.islice(entries, 3))

    assert [str(entry.version) for entry in first] == ["1.2.99", "1.2.98", "1.2.97"]
    assert many.calls.count("describe") <= DEFAULT_LIMITS.described_ahead + 3


@FILES
def test_limit_ends_conditions(many: FaultyRegion) -> None:
    """With a limit, what is described ends soon behind the last one that is shown."""
    assert texts(session_over([many]), where={"lang": "go"}, limit=2) == ["1.2.90", "1.2.80"]
    assert many.calls.count("describe") <= 20 + DEFAULT_LIMITS.described_ahead


@FILES
def test_order_where_one_is_slow(many: FaultyRegion) -> None:
    """Entries come in order although the first is described last, and others beside it."""
    done = threading.Event()
    many.delay("describe", done, nth=1)
    entries = session_over([many]).list_versions("SugarWater", where={"lang": "dotnet"})

    threading.Timer(0.3, done.set).start()
    found = [str(entry.version) for entry in itertools.islice(entries, 4)]

    assert found == ["1.2.99", "1.2.98", "1.2.97", "1.2.96"]


def test_conditions_add_up(backends: list[Backend]) -> None:
    """A version has to meet all of them: metadata, time, range."""
    plant(backends, "1.0.0", lang="go", os="linux", staged_at="2026-11-01T08:00:00Z")
    plant(backends, "1.1.0", lang="go", os="mac", staged_at="2026-11-02T08:00:00Z")
    plant(backends, "1.2.0", lang="c", os="linux", staged_at="2026-11-03T08:00:00Z")
    plant(backends, "2.0.0", lang="go", os="linux", staged_at="2026-11-04T08:00:00Z")
    here = session(backends)

    assert texts(here, where={"lang": "go"}) == ["2.0.0", "1.1.0", "1.0.0"]
    assert texts(here, where={"lang": "go", "os": "linux"}) == ["2.0.0", "1.0.0"]
    assert texts(here, where={"lang": "go"}, version_range="^1", since="2026-11-02") == ["1.1.0"]
    assert texts(here, since="2026-11-02T08:00:00+00:00") == ["2.0.0", "1.2.0", "1.1.0"]
    assert texts(here, since=date(2026, 11, 4)) == ["2.0.0"]


def test_since_a_while(backends: list[Backend], caplog: pytest.LogCaptureFixture) -> None:
    """A length of time is counted back from now; what has no time is left out with a warning."""
    recent = datetime.now(UTC) - timedelta(hours=1)
    plant(backends, "1.0.0", staged_at="2020-01-01T00:00:00Z")
    plant(backends, "1.1.0", staged_at=recent.isoformat())
    plant(backends, "1.2.0", staged_at="yesterday")
    here = session(backends)

    assert texts(here, since="7d") == texts(here, since=timedelta(days=7)) == ["1.1.0"]
    assert "SugarWater@1.2.0 is left out: when it was staged is not recorded" in caplog.messages


def test_of_a_channel(backends: list[Backend], make_file: MakeFile) -> None:
    """Versions that a channel points at, or has pointed at, newest first."""
    here = session(backends)
    for version in ("1.0.0", "1.1.0", "1.2.0", "1.10.0"):
        here.stage("SugarWater", version, make_file(version.encode()))
    for version in ("1.0.0", "1.10.0", "1.2.0"):
        here.promote("SugarWater", version, "prod")
    here.remove_channel("SugarWater", "prod")

    assert texts(here, channel="prod") == ["1.10.0", "1.2.0", "1.0.0"]
    assert texts(here, channel="prod", limit=1, long=False) == ["1.10.0"]
    assert texts(here, channel="prod", version_range="~1.2") == ["1.2.0"]
    assert texts(here, channel="latest") == ["1.10.0", "1.2.0"]
    with pytest.raises(NotFoundError, match="has no channel test"):
        texts(here, channel="test")
    with pytest.raises(NotFoundError, match=r"that is 1\.2\.0, 1\.10\.0, 1\.0\.0"):
        texts(here, channel="prod", version_range="^2")


def test_ranges_list_their_prefixes(backends: list[Backend]) -> None:
    """Several ranges in one are listed in order, each version once."""
    for version in ("0.9.0", "1.2.3", "1.2.30", "1.3.0", "2.0.0", "3.0.0-rc.1", "3.1.0", "10.0.0"):
        plant(backends, version)
    here = session(backends)

    def satisfying(text: str) -> list[str]:
        return texts(here, version_range=text, long=False)

    assert satisfying("1.2.3 || 1.2.30 || ^3") == ["3.1.0", "1.2.30", "1.2.3"]
    assert satisfying("<2 || >=10") == ["10.0.0", "1.3.0", "1.2.30", "1.2.3", "0.9.0"]
    assert satisfying("1.2.3") == ["1.2.3"]
    assert satisfying(">=3.0.0-rc.1 <3.1") == ["3.0.0-rc.1"]


@pytest.mark.parametrize(
    ("text", "near"), [("^7", "1.0.0, 1.1.0"), (">2 <1", "1.0.0"), ("<0.5", "1.0.0")]
)
def test_nothing_satisfies(backends: list[Backend], text: str, near: str) -> None:
    """The error of a range that nothing satisfies has the nearest that there are."""
    plant(backends, "1.0.0")
    plant(backends, "1.1.0")

    with pytest.raises(NotFoundError, match="; the nearest: ") as caught:
        texts(session(backends), version_range=text)

    assert near in caught.value.message
    assert caught.value.exit_code == 3


@FILES
def test_nothing_is_as_asked_for(backends: list[Backend]) -> None:
    """Where no version meets the conditions, the error repeats them."""
    plant(backends, "1.0.0", lang="go")

    with pytest.raises(NotFoundError, match="'lang=c'"):
        texts(session(backends), where={"lang": "c"})
    with pytest.raises(NotFoundError, match="nothing of SaltWater is staged"):
        next(session(backends).list_versions("SaltWater"))


@FILES
@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"version_range": ""}, "it is empty"),
        ({"version_range": "prod"}, "range 'prod' is a channel"),
        ({"version_range": "1.2"}, "is not a semantic version"),
        ({"channel": "Prod"}, "channel 'Prod' is not a legal name"),
        ({"since": "soon"}, "since 'soon' is not a time"),
        ({"limit": 0}, "limit is 0, expected a whole number from 1 on"),
        ({"limit": True}, "limit is True, expected"),
    ],
)
def test_bad_input(backends: list[Backend], asked: dict[str, Any], message: str) -> None:
    """What is not valid is refused at once, before anything is asked."""
    with pytest.raises(InputError, match=message):
        session(backends).list_versions("SugarWater", **asked)


@FILES
def test_trouble_with_one(backends: list[Backend], caplog: pytest.LogCaptureFixture) -> None:
    """One that was removed, or that regions disagree about, says so and ends nothing."""
    plant(backends, "1.0.0", lang="go")
    plant(backends, "1.1.0", lang="go")
    plant(backends, "1.2.0", lang="go")
    for number, backend in enumerate(backends):
        backend.plant("SugarWater@1.1.0", b"x", record(lang=str(number)))
        backend.plant("SugarWater@1.2.0", b"", TOMBSTONE)
    here = session(backends)

    removed, differing, sound = here.list_versions("SugarWater")
    with caplog.at_level(logging.WARNING, "startifact"):
        wanted = texts(here, where={"lang": "go"})

    assert "removed" in removed.trouble
    assert "different" in differing.trouble
    assert (removed.size, differing.digest, sound.trouble) == (None, "", "")
    assert wanted == ["1.0.0"]
    assert [m.partition(" is left out: ")[0] for m in caplog.messages] == ["SugarWater@1.1.0"]


@FILES
def test_region_down(backends: list[Backend], make_file: MakeFile) -> None:
    """A region that could not be listed is not asked once more for each version."""
    session(backends).stage("SugarWater", "2.0.0", make_file())
    for number in range(40):
        plant(backends, f"1.0.{number}")
    regions = faulty([backend.spec for backend in backends])
    regions[2].fail("*", RegionUnavailableError("it is down"))

    found = texts(session_over(regions))

    assert len(found) == 41
    assert regions[2].calls.count("describe") == 0


@FILES
def test_too_few_regions(backends: list[Backend]) -> None:
    """Where too few can describe a version, that is an error in its turn."""
    plant(backends, "1.0.0")
    plant(backends, "1.1.0")
    regions = faulty([backend.spec for backend in backends])
    for region in regions:
        region.fail("describe", RegionUnavailableError("it is down"))

    with pytest.raises(
        SeveralRegionsError, match=r"cannot tell whether SugarWater@1\.1\.0"
    ) as caught:
        texts(session_over(regions))

    assert caught.value.exit_code == 5


@FILES
def test_marks_that_cannot_be_listed(backends: list[Backend]) -> None:
    """It is not guessed that nothing was yanked."""
    plant(backends, "1.0.0")
    regions = faulty([backend.spec for backend in backends])
    for region in regions[:2]:
        region.fail("channel_keys", RegionUnavailableError("it is down"), nth=2)  # behind channels

    with pytest.raises(SeveralRegionsError, match="cannot tell which versions of SugarWater were"):
        texts(session_over(regions))

    assert texts(session_over(regions), long=False, where={}) == ["1.0.0"]
