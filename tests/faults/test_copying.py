"""Copying to other regions in trouble: one side throttles, breaks or lies, or the process dies."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from startifact.errors import (
    AccessDeniedError,
    IntegrityError,
    NotFoundError,
    StagingFailedError,
    StartifactError,
)
from tests.conftest import AwsAccount
from tests.faults.conftest import Served
from tests.faults.network_rules import captive_portal, cut, reset, reset_after, throttled
from tests.faults.rules import (
    answering,
    flipping_downloads,
    flipping_uploads,
    is_artifact,
    is_completion,
    is_part,
    is_read,
    when,
)
from tests.support.faulty_region import faulty, session_over
from tests.support.limits import PART, Session, short_limits
from tests.support.wire import Answer, Forward, Request, Rule, Wire, error

MakeFile = Callable[..., Path]
Condition = Callable[[Request], bool]

HERE, THERE = "us-east-1", "eu-west-1"
SMALL, PARTS = 1024, PART + 1
KEY, LATEST, YANKED = "SugarWater@1.0.0", "SugarWater/latest", "SugarWater/_yanked/1.0.0"

BRIEF = short_limits(part_bytes=PART, idle_timeout_seconds=3.0)
"""For trouble that does not end."""


@pytest.fixture(params=[SMALL], ids=["single"])
def content(request: pytest.FixtureRequest) -> bytes:
    """Return what is staged here."""
    return os.urandom(request.param)


@pytest.fixture
def here(account: AwsAccount, served: Served, make_file: MakeFile, content: bytes) -> Session:
    """Return a session in whose only region a version is staged."""
    assert account.buckets
    session = Session(regions=HERE, limits=BRIEF)
    session.stage("SugarWater", "1.0.0", make_file(content), metadata={"lang": "dotnet"})
    return session


@pytest.fixture
def there() -> Session:
    """Return a session with another region."""
    return Session(regions=THERE, limits=BRIEF)


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the temporary folder that copies pass through."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    return folder


def at(region: str, condition: Condition) -> Condition:
    """Return what says whether a request to *region* fulfils *condition*."""
    return lambda request: request.region == region and condition(request)


def is_put(request: Request) -> bool:
    return request.method == "PUT" and request.path.endswith(KEY) and not is_part(request)


def is_beginning(request: Request) -> bool:
    return request.method == "POST" and "uploads" in request.query


def is_description(request: Request) -> bool:
    return request.method == "HEAD" and request.path.endswith(KEY)


def is_move(request: Request) -> bool:
    return request.method == "PUT" and request.path.endswith(LATEST)


def is_yank(request: Request) -> bool:
    return request.method == "PUT" and request.path.endswith(YANKED)


def meet(wire: Wire, condition: Condition, rule: Rule) -> list[Request]:
    """Put the first two requests that fulfil *condition* under *rule*, and return them."""
    met: list[Request] = []

    def noted(request: Request, forward: Forward) -> Answer | None:
        met.append(request)
        return rule(request, forward)

    wire.add(when(condition, noted, times=2))
    return met


def is_copied(here: Session, there: Session, content: bytes, folder: Path) -> bool:
    """Say whether the version is *there* as it is *here*, byte for byte."""
    before, after = here.get("SugarWater", "1.0.0"), there.get("SugarWater")
    path = after.downloader.download(folder / "back")
    return after == before and dict(after) == {"lang": "dotnet"} and path.read_bytes() == content


def breaking_off(*, after: int) -> Rule:
    return cut(lambda request, forward: forward(), after=after, with_reset=True)


TROUBLE = {
    "503": throttled(503),
    "500": answering(error(500, "InternalError")),
    "reset": reset,
    "lost": reset_after,
}
REQUESTS = {
    "HeadObject": (SMALL, is_description),
    "PutObject": (SMALL, is_put),
    "latest": (SMALL, is_move),
    "CreateMultipartUpload": (PARTS, is_beginning),
    "UploadPart": (PARTS, is_part),
    "CompleteMultipartUpload": (PARTS, is_completion),
}


@pytest.mark.sweep
@pytest.mark.parametrize("rule", TROUBLE.values(), ids=TROUBLE)
@pytest.mark.parametrize(
    ("content", "asked"), REQUESTS.values(), ids=REQUESTS, indirect=["content"]
)
def test_trouble_there(
    here: Session,
    there: Session,
    wire: Wire,
    served: Served,
    tmp_path: Path,
    content: bytes,
    asked: Condition,
    rule: Rule,
) -> None:
    """Whatever is in trouble for two requests is asked for again, and stored once."""
    met = meet(wire, at(THERE, asked), rule)

    staging = here.copy("SugarWater", "1.0.0", there)

    assert met
    assert [str(outcome.state) for outcome in staging.outcomes] == ["created"]
    assert staging.is_latest
    assert served.stored(KEY, THERE) == 1
    assert is_copied(here, there, content, tmp_path)


READING = {
    "503": throttled(503),
    "reset": reset,
    "portal": captive_portal,
    "cut at once": breaking_off(after=0),
    "cut midway": breaking_off(after=500),
    "end early": cut(lambda request, forward: forward(), after=500),
}


@pytest.mark.sweep
@pytest.mark.parametrize("rule", READING.values(), ids=READING)
@pytest.mark.parametrize("content", [SMALL, PARTS], ids=["single", "parts"], indirect=True)
def test_trouble_here(
    here: Session,
    there: Session,
    wire: Wire,
    served: Served,
    tmp_path: Path,
    content: bytes,
    rule: Rule,
) -> None:
    """Bytes that do not come for two requests, or break off, are asked for again."""
    met = meet(wire, at(HERE, is_read), rule)

    staging = here.copy("SugarWater", "1.0.0", there)

    assert met
    assert staging.created
    assert served.stored(KEY, THERE) == 1
    assert is_copied(here, there, content, tmp_path)


FOR_EVER = {
    "503": throttled(503),
    "portal": captive_portal,
    "denied": answering(error(403, "AccessDenied")),
}


def exit_code_for(rule: Rule) -> int:
    """Return the exit code of what fails because of *rule*, which is one of ``FOR_EVER``."""
    return AccessDeniedError.exit_code if rule is FOR_EVER["denied"] else 5


def left_in(scratch: Path) -> list[str]:
    """Return what copies have left in the temporary folder."""
    return [path.name for path in scratch.glob("*/*") if path.name != "lock"]


@pytest.mark.sweep
@pytest.mark.parametrize("rule", FOR_EVER.values(), ids=FOR_EVER)
@pytest.mark.parametrize(
    ("content", "asked"),
    [(SMALL, is_put), (PARTS, is_part)],
    ids=["single", "parts"],
    indirect=["content"],
)
def test_trouble_there_that_stays(
    here: Session,
    there: Session,
    account: AwsAccount,
    wire: Wire,
    scratch: Path,
    tmp_path: Path,
    content: bytes,
    asked: Condition,
    rule: Rule,
) -> None:
    """A copy that fails says so and leaves nothing; the same again succeeds once it is over."""
    over = wire.add(when(at(THERE, asked), rule))

    with pytest.raises(StagingFailedError) as caught:
        here.copy("SugarWater", "1.0.0", there)

    assert caught.value.exit_code == exit_code_for(rule)
    assert account.keys(THERE) == []
    bucket = account.buckets[THERE]
    assert not account.s3(THERE).list_multipart_uploads(Bucket=bucket).get("Uploads")
    assert left_in(scratch) == []
    over()
    assert here.copy("SugarWater", "1.0.0", there).created
    assert is_copied(here, there, content, tmp_path)


@pytest.mark.parametrize("rule", FOR_EVER.values(), ids=FOR_EVER)
def test_trouble_here_that_stays(
    here: Session,
    there: Session,
    account: AwsAccount,
    wire: Wire,
    scratch: Path,
    tmp_path: Path,
    content: bytes,
    rule: Rule,
) -> None:
    """What cannot be read is not copied; the same again succeeds once it is over."""
    over = wire.add(when(at(HERE, is_read), rule))

    with pytest.raises(StartifactError) as caught:
        here.copy("SugarWater", "1.0.0", there)

    assert caught.value.exit_code == exit_code_for(rule)
    assert account.keys(THERE) == []
    assert left_in(scratch) == []
    over()
    assert here.copy("SugarWater", "1.0.0", there).created
    assert is_copied(here, there, content, tmp_path)


def test_bit_that_is_flipped_here(
    here: Session, there: Session, account: AwsAccount, wire: Wire
) -> None:
    """Other bytes than those of the record are not copied."""
    wire.add(when(at(HERE, is_read), flipping_downloads(7, SMALL)))

    with pytest.raises(StartifactError) as caught:
        here.copy("SugarWater", "1.0.0", there)

    assert caught.value.exit_code == IntegrityError.exit_code
    assert account.keys(THERE) == []


@pytest.mark.parametrize("content", [SMALL, PARTS], ids=["single", "parts"], indirect=True)
def test_bit_that_is_flipped_on_the_way_there(
    here: Session,
    there: Session,
    account: AwsAccount,
    wire: Wire,
    tmp_path: Path,
    content: bytes,
) -> None:
    """Bytes that are damaged once are sent again, and damaged for ever they are not stored."""
    over = wire.add(when(at(THERE, is_artifact), flipping_uploads(7)))

    with pytest.raises(StagingFailedError):
        here.copy("SugarWater", "1.0.0", there)

    assert account.keys(THERE) == []
    over()
    wire.add(when(at(THERE, is_artifact), flipping_uploads(7), times=1))
    assert here.copy("SugarWater", "1.0.0", there).created
    assert is_copied(here, there, content, tmp_path)


def test_other_content_that_comes_first(
    here: Session, there: Session, wire: Wire, make_file: MakeFile
) -> None:
    """Where another one stages other content there meanwhile, nothing of it is replaced."""
    other = make_file(b"other", name="other")
    begun: list[bool] = []

    def race(request: Request, forward: Forward) -> Answer | None:
        if not begun:
            begun.append(True)
            Session(regions=THERE).stage("SugarWater", "1.0.0", other)
        return forward()

    wire.add(when(at(THERE, is_put), race))

    with pytest.raises(StartifactError) as caught:
        here.copy("SugarWater", "1.0.0", there)

    assert caught.value.exit_code == 4
    assert there.get("SugarWater", "1.0.0").size == len(b"other")


class TestYank:
    """A version that was yanked, which is yanked there after it was copied."""

    @pytest.fixture(autouse=True)
    def yanked(self, here: Session) -> None:
        here.yank("SugarWater", "1.0.0", "it loses data")

    @pytest.mark.parametrize("rule", TROUBLE.values(), ids=TROUBLE)
    def test_trouble(self, here: Session, there: Session, wire: Wire, rule: Rule) -> None:
        """It is yanked once, whatever is in trouble for two requests."""
        met = meet(wire, at(THERE, is_yank), rule)

        here.copy("SugarWater", "1.0.0", there)

        assert met
        yank = Session(regions=THERE).get("SugarWater", "1.0.0").yank
        assert yank is not None
        assert yank.reason == "it loses data"

    @pytest.mark.parametrize("rule", FOR_EVER.values(), ids=FOR_EVER)
    def test_trouble_that_stays(
        self, here: Session, there: Session, wire: Wire, rule: Rule
    ) -> None:
        """What was copied and not yanked is said; the same again yanks it."""
        over = wire.add(when(at(THERE, is_yank), rule))

        with pytest.raises(StartifactError) as caught:
            here.copy("SugarWater", "1.0.0", there)

        assert caught.value.exit_code in {5, 6}
        assert "SugarWater@1.0.0 was copied, and is not known to be yanked there" in str(
            caught.value.__notes__
        )
        over()
        assert not here.copy("SugarWater", "1.0.0", there).created
        assert Session(regions=THERE).get("SugarWater", "1.0.0").yank is not None


def test_nothing_here(here: Session, there: Session, wire: Wire) -> None:
    """A version that is not there is not found, and nothing is asked of the other regions."""
    before = len([request for request in wire.requests() if request.region == THERE])

    with pytest.raises(NotFoundError):
        here.copy("SugarWater", "2.0.0", there)

    assert len([request for request in wire.requests() if request.region == THERE]) == before


def _copy_and_die(
    here: Sequence[str], there: Sequence[str], operation: str, nth: int, *, after: bool
) -> None:
    regions = faulty(there)
    for region in regions:
        region.die(operation, nth=nth, after=after)
    Session(regions=here).copy("SugarWater", "1.0.0", session_over(regions))


@pytest.mark.sweep
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("operation", "nth"),
    [("create", 1), ("write_channel", 1), ("write_channel", 2), ("write_channel", 3)],
    ids=["artifact", "latest", "promise of the yank", "yank"],
)
def test_killed(
    directories: list[str],
    make_file: MakeFile,
    scratch: Path,
    tmp_path: Path,
    operation: str,
    nth: int,
    *,
    after: bool,
) -> None:
    """Wherever a copy is killed, the same again completes it, and takes away what was left here."""
    here = Session(regions=directories)
    here.stage("SugarWater", "1.0.0", make_file(b"sugar"), metadata={"lang": "dotnet"})
    here.yank("SugarWater", "1.0.0", "it loses data")
    there = [f"file:{tmp_path / 'there' / name}" for name in "xyz"]
    process = multiprocessing.get_context("fork").Process(
        target=_copy_and_die, args=(directories, there, operation, nth), kwargs={"after": after}
    )
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL

    here.copy("SugarWater", "1.0.0", Session(regions=there))

    target = Session(regions=there)
    assert is_copied(here, target, b"sugar", tmp_path)
    assert target.verify("SugarWater", read_data=True)
    yank = target.get("SugarWater", "1.0.0").yank
    assert yank is not None
    assert yank.reason == "it loses data"
    assert left_in(scratch) == []
