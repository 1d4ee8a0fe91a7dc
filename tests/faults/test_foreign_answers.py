"""What is no answer of the service is not believed, and not taken for damage."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from startifact.errors import (
    ConfigurationError,
    NotFoundError,
    RegionUnavailableError,
    SeveralRegionsError,
    StartifactError,
)
from startifact.limits import DEFAULT_LIMITS
from startifact.model.keys import Key
from startifact.regions.interface import StoredChannel
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults.network_rules import (
    captive_portal,
    cut,
    nothing,
    page,
    proxy_authentication,
    stalled,
    without_body,
    without_headers,
)
from tests.faults.rules import (
    answering,
    in_turn,
    is_artifact,
    is_completion,
    is_part,
    is_read,
    when,
    within,
)
from tests.faults.store_rules import weak_etags_never_match
from tests.support.faulty_region import faulty
from tests.support.limits import PART, short_limits
from tests.support.limits import SessionOfSmallParts as Session
from tests.support.wire import Answer, Forward, Request, Rule, Wire, error

MakeFile = Callable[..., Path]

HERE, THERE, ELSEWHERE = AWS_REGIONS
LIMITS = short_limits(part_bytes=PART, read_seconds=1.0, read_attempts=2, idle_timeout_seconds=5.0)
LATEST = Key("SugarWater/latest")


def of(*regions: str) -> Callable[[Request], bool]:
    """Return the condition that a request is one to S3 in one of *regions*."""
    return lambda request: request.service == "s3" and request.region in regions


def is_latest(request: Request) -> bool:
    return request.path.endswith(LATEST)


def both(*conditions: Callable[[Request], bool]) -> Callable[[Request], bool]:
    return lambda request: all(condition(request) for condition in conditions)


def is_method(*methods: str) -> Callable[[Request], bool]:
    return lambda request: request.method in methods


def is_listing(request: Request) -> bool:
    return "list-type" in request.query


@pytest.fixture
def session(account: AwsAccount, wire: Wire) -> Session:
    return Session(regions=AWS_REGIONS, limits=LIMITS)


@pytest.fixture
def staged(session: Session, make_file: MakeFile) -> bytes:
    """Return what is staged as 1.0.0 in all regions."""
    content = os.urandom(1024)
    session.stage("SugarWater", "1.0.0", make_file(content))
    return content


# Bodies that break off --------------------------------------------------------------------------

BROKEN = {
    "404 cut": cut(answering(error(404, "NoSuchKey")), after=20),
    "404 reset": cut(answering(error(404, "NoSuchKey")), after=20, with_reset=True),
    "404 stalled": stalled(answering(error(404, "NoSuchKey")), after=20),
    "400 cut": cut(answering(error(400, "Nonsense")), after=20),
    "503 cut": cut(answering(error(503, "SlowDown")), after=20),
    "503 stalled": stalled(answering(error(503, "SlowDown")), after=20),
    "200 cut": cut(lambda request, forward: forward(), after=20),
    "200 reset": cut(lambda request, forward: forward(), after=20, with_reset=True),
    "200 stalled": stalled(lambda request, forward: forward(), after=20),
}


@pytest.mark.parametrize("rule", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.represented_by("404 cut", "404 stalled", "400 cut", "503 cut", "200 reset")
def test_an_answer_about_latest_breaks_off(
    session: Session, wire: Wire, staged: bytes, make_file: MakeFile, tmp_path: Path, rule: Rule
) -> None:
    """One region of three cuts its answers about `latest`: the others serve every command."""
    wire.add(when(both(of(HERE), is_latest, is_method("GET")), rule))

    artifact = session.get("SugarWater")
    artifact.downloader.download(tmp_path / "back")
    found = session.verify("SugarWater")
    repaired = session.repair("SugarWater")
    staging = session.stage("SugarWater", "1.1.0", make_file(b"more"))

    assert (tmp_path / "back").read_bytes() == staged
    assert list(found.failures) == [HERE]
    assert list(repaired.failures) == [HERE]
    assert staging.is_latest


@pytest.mark.parametrize("rule", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.represented_by("404 cut", "400 cut", "503 stalled", "200 reset")
def test_two_regions_cut_what_they_answer(
    session: Session, wire: Wire, staged: bytes, tmp_path: Path, rule: Rule
) -> None:
    """Two regions cut their answers about an artifact's bytes: the third serves them."""
    wire.add(when(both(of(HERE, THERE), is_read), rule))

    session.get("SugarWater", "1.0.0").downloader.download(tmp_path / "back")

    assert (tmp_path / "back").read_bytes() == staged


@pytest.mark.parametrize(
    "name", sorted(BROKEN.keys() - {"200 cut"})
)  # that is taken up where it broke
@pytest.mark.represented_by("404 cut", "503 cut", "200 stalled")
def test_all_regions_cut_what_they_answer(
    session: Session, wire: Wire, staged: bytes, tmp_path: Path, name: str
) -> None:
    """No region can be read: that is their trouble, and no bug of ours."""
    wire.add(when(is_read, BROKEN[name]))

    with pytest.raises(StartifactError) as caught:
        session.get("SugarWater", "1.0.0").downloader.download(tmp_path / "back")

    assert caught.value.exit_code == 5


def test_absent_and_there(session: Session, wire: Wire, staged: bytes, tmp_path: Path) -> None:
    """What is described was not removed, whatever the answer to its bytes says."""
    wire.add(when(is_read, answering(Answer(404))))

    with pytest.raises(StartifactError) as caught:
        session.get("SugarWater", "1.0.0").downloader.download(tmp_path / "back")

    assert caught.value.exit_code == 5
    assert "said that SugarWater@1.0.0 is not there, and then that it is" in caught.value.message


# Answers that lack what the service always sends --------------------------------------------------

LACKING = {
    "nothing": nothing,
    "portal": captive_portal,
    "portal with an ETag": answering(page(200, "Sign in", {"ETag": '"1234"'})),
    "404 of a portal": answering(page(404, "Not here")),
    "no ETag": without_headers("ETag"),
}


def rules(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("rule", [LACKING[name] for name in names], ids=names)


@rules(*LACKING)
def test_a_write_of_latest_is_not_believed(
    session: Session, wire: Wire, staged: bytes, make_file: MakeFile, rule: Rule
) -> None:
    """A write is believed by its answer only where that is one; else what is there decides."""
    wire.add(when(both(of(HERE), is_latest, is_method("PUT")), rule))

    staging = session.stage("SugarWater", "1.1.0", make_file(b"more"))

    wire.clear()
    followed = str(Session(regions=[HERE]).get("SugarWater").version) == "1.1.0"
    failed = [outcome.region for outcome in staging.outcomes if outcome.error]
    assert failed == ([] if followed else [HERE])
    assert followed == (rule is LACKING["no ETag"])
    if not followed:
        error_here = next(o.error for o in staging.outcomes if o.region == HERE)
        assert isinstance(error_here, RegionUnavailableError)
        assert "is not an answer of us-east-1" in error_here.message
        assert "portal" in str(error_here.hint)


@pytest.mark.sweep
@pytest.mark.parametrize("size", [1024, PART + 1], ids=["at once", "in parts"])
@rules(*LACKING)
def test_a_write_of_an_artifact_is_not_believed(
    session: Session, wire: Wire, make_file: MakeFile, rule: Rule, size: int
) -> None:
    """An artifact is in a region only where it is described afterwards."""
    wire.add(when(both(of(HERE), is_method("PUT", "POST")), rule))

    staging = session.stage("SugarWater", "1.0.0", make_file(os.urandom(size)))

    wire.clear()
    try:
        Session(regions=[HERE]).get("SugarWater", "1.0.0")
        stored = True
    except NotFoundError:
        stored = False
    states = {outcome.region: outcome.state for outcome in staging.outcomes}
    assert states == {
        HERE: "created" if stored else "failed",
        THERE: "created",
        ELSEWHERE: "created",
    }
    assert stored == (rule is LACKING["no ETag"] and size == 1024)


STEPS: dict[str, Callable[[Request], bool]] = {
    "create": lambda r: r.method == "POST" and "uploads" in r.query,
    "part": is_part,
    "complete": is_completion,
    "artifact": lambda r: is_artifact(r) and not is_part(r),
    "latest": both(is_latest, is_method("PUT")),
    "read latest": both(is_latest, is_method("GET")),
    "describe": is_method("HEAD"),
    "configuration": lambda r: r.operation == "GetParameter",
}
MALFORMED = b"<html><head><meta charset=utf-8></head><body>Sign in<br></body></html>"
FOREIGN = {
    "nothing": nothing,
    "portal": captive_portal,
    "malformed page": answering(Answer(200, MALFORMED, {"Content-Type": "text/html"})),
    "403 of a portal": answering(page(403, "Sign in")),
}


@pytest.mark.sweep
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("rule", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_step_is_answered_by_something_else_once(
    account: AwsAccount, wire: Wire, make_file: MakeFile, rule: Rule, step: str
) -> None:
    """What is no answer is no refusal either: the same is asked again, as after a reset."""
    size = 1024 if step in {"artifact", "latest", "read latest"} else PART + 1
    wire.add(when(STEPS[step], rule, times=1))

    staging = Session(regions=[HERE]).stage("SugarWater", "1.0.0", make_file(os.urandom(size)))

    assert staging.is_latest
    assert sum(STEPS[step](request) for request in wire.requests()) > 1


@pytest.mark.parametrize("step", sorted(STEPS.keys() - {"configuration", "read latest"}))
def test_a_step_is_answered_by_something_else_for_seconds(
    account: AwsAccount, wire: Wire, make_file: MakeFile, step: str
) -> None:
    """It is asked for as long as a region may be idle, not three times."""
    size = 1024 if step in {"artifact", "latest"} else PART + 1
    wire.add(when(STEPS[step], within(2, captive_portal)))

    session = Session(regions=[HERE], limits=replace(DEFAULT_LIMITS, part_bytes=PART))
    staging = session.stage("SugarWater", "1.0.0", make_file(os.urandom(size)))

    assert staging.is_latest


@rules("nothing", "portal", "404 of a portal")
def test_the_answer_to_a_write_is_replaced(
    account: AwsAccount, wire: Wire, make_file: MakeFile, rule: Rule
) -> None:
    """What was done is found, and not done again, where something else answers in S3's place."""

    def replaced(request: Request, forward: Forward) -> Answer | None:
        forward()
        return rule(request, forward)

    for condition in (is_completion, STEPS["latest"]):
        wire.add(when(condition, replaced, times=1))

    session = Session(regions=[HERE])
    staging = session.stage("SugarWater", "1.0.0", make_file(os.urandom(PART + 1)))

    assert staging.is_latest
    assert sum(is_completion(request) for request in wire.requests()) == 1
    assert sum(STEPS["latest"](request) for request in wire.requests()) == 1


def test_a_channel_without_its_bytes_once(
    account: AwsAccount, wire: Wire, session: Session, staged: bytes
) -> None:
    """A body that is empty, and is not what its ETag says, is asked for again."""
    wire.add(when(both(is_latest, is_method("GET")), without_body, times=len(AWS_REGIONS)))

    assert str(session.get("SugarWater").version) == "1.0.0"


def test_a_listing_of_something_else_once(wire: Wire, session: Session, staged: bytes) -> None:
    """A listing that is none is asked for again."""
    wire.add(when(is_listing, captive_portal, times=len(AWS_REGIONS)))

    assert [str(v) for v in session.versions("SugarWater")] == ["1.0.0"]


def test_a_proxy_that_wants_a_password(account: AwsAccount, wire: Wire) -> None:
    """A page with status 407 is a proxy's, and is named as that, at once."""
    wire.add(when(of(HERE), proxy_authentication))
    began = time.monotonic()

    with pytest.raises(StartifactError) as caught:
        faulty([HERE], DEFAULT_LIMITS)[0].inner.describe(Key("SugarWater@1.0.0"))

    assert "a proxy answered" in caught.value.message
    assert time.monotonic() - began < 3


TRUNCATED = (
    b"<ListBucketResult><Name>b</Name><IsTruncated>true</IsTruncated>"
    b"<Contents><Key>team/SugarWater@1.0.0</Key></Contents></ListBucketResult>"
)
LISTINGS = {
    "nothing": nothing,
    "no body": without_body,
    "portal": captive_portal,
    "404 of a portal": answering(page(404, "Not here")),
    "another element": answering(Answer(200, b"<Portal><a/></Portal>")),
    "neither whole nor part": answering(Answer(200, b"<ListBucketResult></ListBucketResult>")),
    "a part without a rest": answering(Answer(200, TRUNCATED)),
    "page in XML": answering(Answer(200, b"<?xml version='1.0'?>\n<!DOCTYPE html>\n<html></html>")),
}


@pytest.mark.parametrize("rule", LISTINGS.values(), ids=LISTINGS.keys())
def test_a_listing_that_is_none(session: Session, wire: Wire, staged: bytes, rule: Rule) -> None:
    """An empty body, or a page, is not the listing of an empty bucket."""
    wire.add(when(both(of(*AWS_REGIONS), is_listing), rule))

    with pytest.raises(StartifactError) as caught:
        session.versions("SugarWater")

    assert caught.value.exit_code == 5
    assert "is not an answer of" in caught.value.message


@rules("nothing", "portal", "portal with an ETag", "404 of a portal", "no ETag")
def test_a_description_that_is_none(
    session: Session, wire: Wire, staged: bytes, rule: Rule
) -> None:
    """Neither a page nor a HEAD without an ETag describes an artifact, or says that it is not."""
    wire.add(when(both(of(*AWS_REGIONS), is_method("HEAD")), rule))

    with pytest.raises(StartifactError) as caught:
        session.get("SugarWater", "1.0.0")

    assert caught.value.exit_code == 5
    assert "is not an answer of" in caught.value.message


@rules("nothing", "portal", "portal with an ETag", "404 of a portal", "no ETag")
def test_a_channel_that_is_none(session: Session, wire: Wire, staged: bytes, rule: Rule) -> None:
    """A page is no damaged channel, and its 404 does not say that there is none."""
    wire.add(when(both(of(*AWS_REGIONS), is_latest), rule))

    with pytest.raises(StartifactError) as caught:
        session.get("SugarWater")

    assert caught.value.exit_code == 5
    assert "damaged" not in caught.value.message


def test_a_channel_without_its_bytes(session: Session, wire: Wire, staged: bytes) -> None:
    """An empty body is not the channel whose ETag comes with it, and none that is damaged."""
    wire.add(when(both(is_latest, is_method("GET")), without_body))

    with pytest.raises(SeveralRegionsError) as caught:
        session.get("SugarWater")

    assert caught.value.exit_code == RegionUnavailableError.exit_code
    assert "its body is empty" in str(caught.value.causes[0])


def test_a_404_that_names_no_key(session: Session, wire: Wire, staged: bytes) -> None:
    """A 404 without S3's own reason is settled by a listing: the channel is there."""
    wire.add(when(both(of(*AWS_REGIONS), is_latest), answering(Answer(404))))

    with pytest.raises(StartifactError) as caught:
        session.get("SugarWater")

    assert caught.value.exit_code == 5


@rules("nothing", "portal", "no ETag")
def test_a_deletion_that_is_none(
    account: AwsAccount, wire: Wire, staged: bytes, rule: Rule
) -> None:
    """A page does not say that something was deleted."""
    region = faulty([HERE])[0].inner
    key = Key("SugarWater@1.0.0")
    stored = region.describe(key)
    assert stored is not None
    wire.add(when(is_method("DELETE"), rule))

    if rule is LACKING["portal"]:
        with pytest.raises(RegionUnavailableError):
            region.delete(key, stored)
    else:
        assert region.delete(key, stored)


@rules("nothing", "portal")
def test_a_parameter_that_is_none(
    session: Session,
    wire: Wire,
    staged: bytes,
    make_file: MakeFile,
    rule: Rule,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """SSM answers in JSON: what is none does not say that a parameter was written."""
    wire.add(when(lambda r: r.operation == "PutParameter" and r.region == HERE, rule))

    assert session.stage("SugarWater", "1.1.0", make_file(b"more")).is_latest

    assert "the copy of SugarWater/latest in us-east-1 could not be written" in caplog.text
    assert "is not an answer of us-east-1" in caplog.text


# A 412 that does not mean what it says ------------------------------------------------------------


def test_weak_etags_while_reading(
    session: Session, wire: Wire, staged: bytes, tmp_path: Path
) -> None:
    """With a proxy that makes ETags weak no bytes come, and none of them is called damaged."""
    wire.add(when(of(*AWS_REGIONS), weak_etags_never_match))

    with pytest.raises(StartifactError) as caught:
        session.get("SugarWater", "1.0.0").downloader.download(tmp_path / "back")
    found = session.verify("SugarWater", read_data=True)

    assert caught.value.exit_code == 2
    for text in ("us-east-1", "GetObject", "expected ETag 'W/\"", "got 'W/\"", "does not honour"):
        assert text in caught.value.message
    assert "proxy that rewrites ETags" in str(caught.value.hint)
    assert "replaced" not in caught.value.message.replace("was not replaced", "")
    assert "damaged" not in caught.value.message
    assert "again" not in str(caught.value.hint)
    assert found.differences == ()
    assert set(found.failures) == set(AWS_REGIONS)


def test_weak_etags_in_one_region(
    session: Session, wire: Wire, staged: bytes, tmp_path: Path
) -> None:
    """Another region serves what cannot be read through a proxy."""
    wire.add(when(of(HERE, THERE), weak_etags_never_match))

    session.get("SugarWater", "1.0.0").downloader.download(tmp_path / "back")

    assert (tmp_path / "back").read_bytes() == staged


def test_weak_etags_while_latest_moves(
    session: Session, wire: Wire, staged: bytes, make_file: MakeFile
) -> None:
    """`latest` does not keep changing where nobody changes it: the proxy is named, at once."""
    wire.add(when(both(of(*AWS_REGIONS), is_latest), weak_etags_never_match))

    with pytest.raises(StartifactError) as caught:
        session.stage("SugarWater", "1.1.0", make_file(b"more"))

    assert "kept changing" not in caught.value.message
    assert "does not honour If-Match" in caught.value.message
    moves = [r for r in wire.requests() if is_latest(r) and r.method == "PUT" and r.region == HERE]
    assert len(moves) <= 3


def test_weak_etags_while_deleting(wire: Wire, account: AwsAccount, staged: bytes) -> None:
    """What is there still is not said to be another one."""
    wire.add(weak_etags_never_match)
    region = faulty([HERE])[0].inner
    key = Key("SugarWater@1.0.0")
    stored = region.describe(key)
    assert stored is not None

    with pytest.raises(ConfigurationError) as caught:
        region.delete(key, stored)

    assert "DeleteObject" in caught.value.message


def test_refused_although_nothing_is_there(wire: Wire, account: AwsAccount) -> None:
    """A store that counts what was deleted as an object does not keep `latest` changing."""
    wire.add(when(both(is_latest, is_method("PUT")), answering(error(412, "PreconditionFailed"))))
    region = faulty([HERE])[0].inner

    with pytest.raises(ConfigurationError) as caught:
        region.write_channel(LATEST, "{}\n", None)

    assert "If-None-Match" in caught.value.message


def test_another_writer_in_between(wire: Wire, account: AwsAccount) -> None:
    """A channel that another writer has moved is not blamed on a proxy."""
    region = faulty([HERE])[0].inner
    assert region.write_channel(LATEST, "one\n", None)
    first = region.read_channel(LATEST)
    assert region.write_channel(LATEST, "two\n", first)

    assert not region.write_channel(LATEST, "three\n", first)
    assert not region.write_channel(LATEST, "three\n", None)
    assert not region.write_channel(LATEST, "three\n", StoredChannel("", '"1234"'))


def test_gone_in_between(wire: Wire, account: AwsAccount, staged: bytes) -> None:
    """What was deleted since a deletion was refused is gone, as was asked."""
    region = faulty([HERE])[0].inner
    key = Key("SugarWater@1.0.0")
    stored = region.describe(key)
    assert stored is not None

    def refuse(request: Request, forward: Forward) -> Answer | None:
        forward()
        return error(412, "PreconditionFailed")

    wire.add(when(is_method("DELETE"), in_turn(refuse), times=1))

    assert region.delete(key, stored)
