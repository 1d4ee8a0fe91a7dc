"""A store that is not AWS has to show that it honours conditions also when writers come at once."""

import dataclasses
import hashlib
import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from startifact import errors
from startifact.limits import Limits
from startifact.regions.aws.race import run_at_once, wait_for_others
from tests.conftest import AwsAccount, percent
from tests.faults.network_rules import (
    captive_portal,
    reset,
    reset_after,
    throttled,
    without_request_headers,
)
from tests.faults.rules import is_completion, is_object, sometimes, when, within
from tests.faults.store_rules import (
    not_atomic,
    weak_etags,
    weak_etags_never_match,
    with_object_lock,
)
from tests.support.faulty_region import faulty
from tests.support.limits import Session
from tests.support.wire import Answer, Forward, Request, Rule, Wire, error

pytestmark = pytest.mark.tries_stores

MakeFile = Callable[..., Path]

PARTS = 8 * 1024 * 1024 + 1


@pytest.fixture
def spec(account: AwsAccount, wire: Wire) -> str:
    bucket = account.buckets["us-east-1"]
    return f"s3://{bucket}?region=us-east-1&endpoint={percent(wire.endpoint)}"


def is_probe(request: Request) -> bool:
    return "/_probe/" in request.path


def refusal(spec: str, path: Path, limits: Limits | None = None) -> errors.StartifactError:
    """Return why the store is refused; nothing of the artifact is written there."""
    with pytest.raises(errors.StartifactError) as caught:
        Session(regions=[spec], limits=limits or Limits()).stage("SugarWater", "1.0.0", path)
    assert "try again" not in str(caught.value).lower()
    if caught.value.exit_code == 2:
        assert "again" not in str(caught.value.hint)
    return caught.value


def creates(request: Request) -> bool:
    return request.method == "PUT" and "if-none-match" in request.headers


def replaces(request: Request) -> bool:
    return request.method == "PUT" and "if-match" in request.headers


# Conditions that hold one after the other, but not at once ----------------------------------------


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("condition", "step"),
    [
        (creates, "PutObject and If-None-Match: *"),
        (is_completion, "CompleteMultipartUpload and If-None-Match: *"),
        (replaces, "PutObject and If-Match"),
    ],
)
@pytest.mark.parametrize(("delay", "for_two"), [(0.02, 0), (0, 0.3)], ids=["all", "two"])
def test_a_store_that_checks_first_and_writes_then(
    account: AwsAccount,
    wire: Wire,
    spec: str,
    make_file: MakeFile,
    condition: Callable[[Request], bool],
    step: str,
    delay: float,
    for_two: float,
) -> None:
    """Where several of those that come at once succeed, the store is refused for just that."""
    wire.add(when(condition, not_atomic(wire, delay, for_two=for_two)))

    raised = refusal(spec, make_file())

    assert raised.exit_code == 2
    assert f"of 6 writers that come at once succeed with {step}" in raised.message
    assert account.keys("us-east-1") == []
    assert probe_objects(account) == []


def probe_objects(account: AwsAccount) -> list[str]:
    page = account.s3().list_objects_v2(Bucket=account.buckets["us-east-1"])
    return [item["Key"] for item in page.get("Contents", []) if "/_probe/" in item["Key"]]


def uploads(account: AwsAccount) -> list[str]:
    answer = account.s3().list_multipart_uploads(Bucket=account.buckets["us-east-1"])
    return [upload["Key"] for upload in answer.get("Uploads", [])]


def test_each_race_has_a_key_of_its_own(
    account: AwsAccount, wire: Wire, spec: str, make_file: MakeFile
) -> None:
    """No race is run where one was before, and nothing of it is left."""
    limits = Limits()
    for number in range(2):
        Session(regions=[spec]).stage("SugarWater", f"1.0.{number}", make_file())

    races: dict[str, int] = {}
    for request in filter(is_probe, wire.requests()):
        if replaces(request) or is_completion(request) or creates(request):
            races[request.path] = races.get(request.path, 0) + 1
    # One key for what is tried in turn with an artifact, one with a channel, and three a round.
    assert len(races) == 2 * (2 + 3 * limits.probe_rounds)
    raced = sum(count >= limits.probe_writers for count in races.values())
    assert raced == 2 * 3 * limits.probe_rounds
    assert probe_objects(account) == []
    assert uploads(account) == []


def test_no_winner(wire: Wire, spec: str, make_file: MakeFile) -> None:
    """A store that lets nobody succeed when several come at once is refused for that."""
    first: list[str] = []

    def refuse(request: Request, forward: Forward) -> Answer | None:
        if is_probe(request) and creates(request) and "json" not in request.headers["content-type"]:
            if not first:
                first.append(request.path)
            if request.path != first[0]:
                return error(412, "PreconditionFailed")
        return forward()

    wire.add(refuse)

    assert (
        "lets none of several writers that come at once succeed"
        in refusal(spec, make_file()).message
    )


def test_trouble_decides_nothing(wire: Wire, spec: str, make_file: MakeFile) -> None:
    """That a store is busy while writers race says nothing about its conditions."""
    lock, asked = threading.Lock(), [0]

    def busy(request: Request, forward: Forward) -> Answer | None:
        if is_probe(request) and creates(request) and "json" not in request.headers["content-type"]:
            with lock:
                asked[0] += 1
            if asked[0] > 2:
                return error(503, "SlowDown")
        return forward()

    wire.add(busy)

    raised = refusal(spec, make_file(), Limits(idle_timeout_seconds=10.0))

    assert raised.exit_code == 5
    assert "could not be shown to honour conditions" in raised.message
    assert "SlowDown" in raised.message


def test_time_bounds_the_rounds(wire: Wire, spec: str, make_file: MakeFile) -> None:
    """After its time no round begins, but one is always run."""
    limits = Limits(probe_seconds=0.0)

    Session(regions=[spec], limits=limits).stage("SugarWater", "1.0.0", make_file())

    races = {r.path for r in wire.requests() if is_probe(r) and is_completion(r)}
    assert len(races) == 1 + 1


def test_requests_that_leave_at_once() -> None:
    """A job that fails before it has sent anything does not keep the others waiting."""
    began = time.monotonic()

    def fail() -> None:
        raise errors.InputError("no")

    with pytest.raises(errors.InputError):
        run_at_once([wait_for_others, fail], limits=Limits())

    assert time.monotonic() - began < 0.4


def test_requests_wait_for_each_other() -> None:
    """The first request leaves when the last one is ready."""
    left: list[float] = []

    def send(after: float) -> None:
        time.sleep(after)
        wait_for_others()
        left.append(time.monotonic())

    run_at_once([partial(send, 0.0), partial(send, 0.2)], limits=Limits())

    assert max(left) - min(left) < 0.1


# What a staging sends -----------------------------------------------------------------------------

VALUES = {"authorization", "content-length", ":target", "amz-sdk-invocation-id", "content-md5"}


def headers(requests: list[Request], chosen: Callable[[Request], bool]) -> set[frozenset[str]]:
    return {frozenset(r.headers.keys() - VALUES) for r in requests if chosen(r)}


def test_the_headers_are_those_of_a_staging(wire: Wire, spec: str, make_file: MakeFile) -> None:
    """Every header of a staging is tried: none is refused only afterwards."""
    session = Session(regions=[spec])
    session.stage("SugarWater", "1.0.0", make_file())
    session.stage("SugarWater", "1.0.1", make_file(bytes(PARTS)))
    tried = [r for r in wire.requests() if is_probe(r)]
    sent = [r for r in wire.requests() if not is_probe(r)]

    kinds: dict[str, Callable[[Request], bool]] = {
        "PutObject": lambda r: creates(r) and "octet" in r.headers["content-type"],
        "PutObject of a new channel": lambda r: creates(r) and "json" in r.headers["content-type"],
        "PutObject of a channel": replaces,
        "CreateMultipartUpload": lambda r: r.method == "POST" and "uploads" in r.query,
        "UploadPart": lambda r: "partNumber" in r.query,
        "CompleteMultipartUpload": is_completion,
    }
    for kind, chosen in kinds.items():
        assert headers(sent, chosen), kind
        assert headers(sent, chosen) <= headers(tried, chosen), kind
    completed = next(r for r in tried if is_completion(r))
    assert "x-amz-mp-object-size" in completed.headers
    assert b"ChecksumCRC32" in completed.body


@pytest.mark.sweep
@pytest.mark.parametrize("silent", [False, True], ids=["named", "not named"])
@pytest.mark.parametrize(
    ("header", "status", "operation"),
    [
        ("x-amz-mp-object-size", 501, "CompleteMultipartUpload"),
        ("x-amz-checksum-sha256", 400, "PutObject"),
        ("x-amz-checksum-crc32", 400, "UploadPart"),
        ("x-amz-meta-startifact", 400, "PutObject"),
        ("x-amz-checksum-algorithm", 501, "CreateMultipartUpload"),
    ],
)
def test_a_header_that_is_refused(
    account: AwsAccount,
    wire: Wire,
    spec: str,
    make_file: MakeFile,
    header: str,
    status: int,
    operation: str,
    *,
    silent: bool,
) -> None:
    """A store that refuses a header of a staging is refused by that name, before anything else."""
    reason = "A header implies functionality that is not implemented"
    text = reason if silent else f"{reason}: {header}"

    def refuse(request: Request, forward: Forward) -> Answer | None:
        return error(status, "NotImplemented", text) if header in request.headers else forward()

    wire.add(refuse)

    raised = refusal(spec, make_file())

    assert raised.exit_code == 2
    assert f"refuses {header} of {operation}" in raised.message
    assert account.keys("us-east-1") == []


def test_a_refusal_that_does_not_last(wire: Wire, spec: str, make_file: MakeFile) -> None:
    """What is refused once is not blamed on a header."""
    once = when(is_completion, lambda r, f: error(400, "InvalidRequest"), times=1)
    wire.add(when(is_probe, once))

    assert Session(regions=[spec]).stage("SugarWater", "1.0.0", make_file()).created


def test_a_store_that_loses_metadata(wire: Wire, spec: str, make_file: MakeFile) -> None:
    """A store that does not give user metadata back as it was is refused."""

    def lose(request: Request, forward: Forward) -> Answer | None:
        answer = forward()
        kept = {n: v for n, v in answer.headers.items() if not n.lower().startswith("x-amz-meta-")}
        return dataclasses.replace(answer, headers=kept)

    wire.add(lose)

    assert "does not keep user metadata" in refusal(spec, make_file()).message


@pytest.mark.parametrize("rule", [weak_etags, weak_etags_never_match])
@pytest.mark.parametrize(("method", "operation"), [("HEAD", "HeadObject"), ("GET", "GetObject")])
def test_weak_etags(
    wire: Wire, spec: str, make_file: MakeFile, rule: Rule, method: str, operation: str
) -> None:
    """A store whose ETags are weak is refused, whether conditions with them hold or not."""
    wire.add(when(lambda r: is_object(r) and r.method == method, rule))

    raised = refusal(spec, make_file())

    assert raised.exit_code == 2
    assert f"answers {operation} with a weak ETag: got 'W/" in raised.message


@pytest.mark.parametrize("checksums", ["when_supported", "when_required"])
def test_a_bucket_with_object_lock(
    account: AwsAccount,
    wire: Wire,
    make_file: MakeFile,
    monkeypatch: pytest.MonkeyPatch,
    checksums: str,
) -> None:
    """Whatever is stored brings a checksum, also where the SDK is told to send none by itself."""
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", checksums)
    bucket = f"locked-{uuid4().hex}"
    account.s3().create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    wire.add(with_object_lock)
    session = Session(regions=[f"s3://{bucket}?region=us-east-1&endpoint={percent(wire.endpoint)}"])

    for number, content in enumerate([b"one", bytes(PARTS)]):
        assert session.stage("SugarWater", f"1.0.{number}", make_file(content)).is_latest

    assert {r.path for r in wire.requests() if replaces(r) and not is_probe(r)}


def test_etags_without_quotation_marks(wire: Wire, spec: str, make_file: MakeFile) -> None:
    """A store to which its own ETag is another one, as DigitalOcean's, cannot move ``latest``."""

    def quoted(request: Request) -> bool:
        return replaces(request) and request.headers["if-match"].startswith('"')

    wire.add(when(quoted, lambda r, f: error(412, "PreconditionFailed")))

    raised = refusal(spec, make_file())

    assert raised.exit_code == 2
    assert "refuses to replace an object whose ETag is the one in If-Match" in raised.message


# Deletion -----------------------------------------------------------------------------------------


def test_nothing_has_to_be_deleted(
    account: AwsAccount,
    wire: Wire,
    spec: str,
    make_file: MakeFile,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Where deleting is not allowed the probe's objects stay, which is only logged."""
    wire.add(when(lambda r: r.method == "DELETE" and is_object(r), denied))

    with caplog.at_level(logging.INFO, logger="startifact"):
        staging = Session(regions=[spec]).stage("SugarWater", "1.0.0", make_file())

    assert staging.created
    assert probe_objects(account)
    [record] = [r for r in caplog.records if "were not deleted" in r.getMessage()]
    assert record.levelno == logging.INFO


def denied(request: Request, forward: Forward) -> Answer | None:
    return error(403, "AccessDenied")


def damaged(account: AwsAccount, spec: str, make_file: MakeFile, tmp_path: Path) -> list[str]:
    """Stage to *spec* and a directory, and put other bytes into the former; return both."""
    regions = [spec, f"file:{tmp_path / 'other'}"]
    Session(regions=regions).stage("SugarWater", "1.0.0", make_file(b"right"))
    client, bucket = account.s3(), account.buckets["us-east-1"]
    head = client.head_object(Bucket=bucket, Key="SugarWater@1.0.0")
    client.put_object(
        Bucket=bucket, Key="SugarWater@1.0.0", Body=b"wrong", Metadata=head["Metadata"]
    )
    return regions


RIGHT = f"sha256:{hashlib.sha256(b'right').hexdigest()}"


def test_a_store_that_ignores_if_match_on_deletion(
    account: AwsAccount, wire: Wire, spec: str, make_file: MakeFile, tmp_path: Path
) -> None:
    """It is staged to and read from; only a repair that would delete there is refused."""
    wire.add(when(lambda r: r.method == "DELETE", without_request_headers("if-match")))
    regions = damaged(account, spec, make_file, tmp_path)

    done = Session(regions=regions).repair("SugarWater", "1.0.0", keep=RIGHT)

    assert "deletes an object whose ETag is not the one in If-Match" in done.failures[spec].message
    assert done.failures[spec].exit_code == 2
    bucket = account.buckets["us-east-1"]
    body = account.s3().get_object(Bucket=bucket, Key="SugarWater@1.0.0")["Body"].read()
    assert body == b"wrong"
    assert account.keys("us-east-1") == ["SugarWater/latest", "SugarWater@1.0.0"]


def test_nothing_is_removed_in_a_store_that_ignores_if_match(
    account: AwsAccount, wire: Wire, spec: str, make_file: MakeFile
) -> None:
    """A prune that would remove there is refused, with the reason; the plan is shown."""
    for version in ("1.0.0", "1.1.0"):
        Session(regions=spec).stage("SugarWater", version, make_file(version.encode()))
    wire.add(when(lambda r: r.method == "PUT", without_request_headers("if-match")))

    plan = Session(regions=spec).prune("SugarWater", keep_versions=1)
    done = Session(regions=spec).prune("SugarWater", keep_versions=1, grace="0s", yes=True)

    assert [str(version) for version in plan.marked] == ["1.0.0"]
    assert (done.marked, done.removed) == ((), ())
    assert done.incomplete["1.0.0"].exit_code == 2
    assert "does not honour conditions" in done.incomplete["1.0.0"].message


def test_a_store_that_honours_if_match_on_deletion(
    account: AwsAccount, wire: Wire, spec: str, make_file: MakeFile, tmp_path: Path
) -> None:
    """It is tried before the first deletion, with an object of the probe's own."""
    regions = damaged(account, spec, make_file, tmp_path)

    done = Session(regions=regions).repair("SugarWater", "1.0.0", keep=RIGHT)

    conditional = [r for r in wire.requests() if r.method == "DELETE" and "if-match" in r.headers]
    assert done
    assert [is_probe(r) for r in conditional] == [True, False]
    assert Session(regions=[spec]).get("SugarWater", "1.0.0").sha256 == RIGHT[7:]


# Dry runs -----------------------------------------------------------------------------------------


def test_a_dry_run_tries_nothing(
    account: AwsAccount,
    wire: Wire,
    spec: str,
    make_file: MakeFile,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A dry run writes nothing to a store, the probe included, and says that it did not."""
    regions = [spec, f"file:{tmp_path / 'other'}"]
    Session(regions=regions[1:]).stage("SugarWater", "1.0.0", make_file())
    caplog.clear()

    Session(regions=regions, read_only=True).stage("SugarWater", "1.0.0", make_file())
    Session(regions=regions, read_only=True).repair("SugarWater")

    messages = [r.getMessage() for r in caplog.records if "does not try it" in r.getMessage()]
    assert len(messages) == 2
    assert all(spec in text and "other" not in text for text in messages)
    assert wire.writes() == []


def test_a_dry_run_after_a_staging(
    wire: Wire, spec: str, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """Where nothing would be written, nothing is said of what is not tried."""
    Session(regions=[spec]).stage("SugarWater", "1.0.0", make_file())

    Session(regions=[spec], read_only=True).stage("SugarWater", "1.0.0", make_file())

    assert "does not try it" not in caplog.text


def test_a_store_is_tried_once_it_has_been(account: AwsAccount, spec: str) -> None:
    """What is not tried yet is known, and AWS and directories need not be."""
    region = faulty([spec])[0].inner
    before = region.is_untried()

    region.preflight("SugarWater")

    assert before
    assert not region.is_untried()
    assert not faulty(["file:./artifacts"])[0].inner.is_untried()


# Trouble of its own -------------------------------------------------------------------------------


def one_write_at_a_time(seconds: float) -> Rule:
    """Return a rule that refuses a write so soon after another at the same key with 429, as R2."""
    lock, written = threading.Lock(), dict[str, float]()

    def allow(request: Request, forward: Forward) -> Answer | None:
        if not creates(request) and not replaces(request) and not is_completion(request):
            return forward()
        with lock:
            now = time.monotonic()
            early = request.path in written and now - written[request.path] < seconds
            if not early:
                written[request.path] = now
        return error(429, "TooManyRequests", "Reduce your rate") if early else forward()

    return allow


@pytest.mark.sweep
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(lambda seed: sometimes(0.3, throttled(), seed=seed), id="503"),
        pytest.param(lambda seed: sometimes(0.3, throttled(429), seed=seed), id="429"),
        pytest.param(lambda seed: within(1.0, sometimes(0.5, reset, seed=seed)), id="reset"),
        pytest.param(lambda seed: within(1.0, sometimes(0.5, reset_after, seed=seed)), id="lost"),
        pytest.param(
            lambda seed: within(1.0, sometimes(0.5, captive_portal, seed=seed)), id="portal"
        ),
        pytest.param(lambda seed: within(0.5, throttled(429)), id="all for a while"),
        pytest.param(lambda seed: one_write_at_a_time(0.1), id="one write at a time"),
    ],
)
@pytest.mark.represented_by("429-2", "lost-2", "portal-1", "one write at a time-1")
def test_a_store_that_is_busy(
    wire: Wire, spec: str, make_file: MakeFile, rule: Callable[[int], Rule], seed: int
) -> None:
    """A store that throttles or cuts connections for a while is no unfit one: it is staged to."""
    wire.add(rule(seed))

    assert Session(regions=[spec]).stage("SugarWater", "1.0.0", make_file()).created


class Races:
    """Tells the requests of the probe's races from its others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._paths: list[str] = []
        self.count: dict[tuple[str, str], int] = {}
        """How many requests there were, by kind and path."""

    def number(self, request: Request) -> tuple[int, int]:
        """Count *request*; return how many there were in its race and of its kind, or zeros."""
        if not is_probe(request):
            return 0, 0
        with self._lock:
            if request.path not in self._paths:
                self._paths.append(request.path)
            # Before any race, one key has what is tried in turn with an artifact, one a channel.
            kind = kind_of(request) if request.path not in self._paths[:2] else None
            if kind is None:
                return 0, 0
            race = (kind, request.path)
            self.count[race] = self.count.get(race, 0) + 1
            return self.count[race], sum(n for (k, _), n in self.count.items() if k == kind)


def kind_of(request: Request) -> str | None:
    """Return what of a race *request* may be."""
    if is_completion(request) or replaces(request):
        return "complete" if is_completion(request) else "replace"
    return "put" if creates(request) and "octet" in request.headers["content-type"] else None


def test_races_that_are_throttled(wire: Wire, spec: str, make_file: MakeFile) -> None:
    """A race of which nothing but "later" comes is run again, however often that happens."""
    races, writers = Races(), Limits().probe_writers
    wire.add(when(lambda request: 0 < races.number(request)[0] <= writers, throttled(429)))
    session = Session(regions=[spec], limits=Limits())

    assert session.stage("SugarWater", "1.0.0", make_file()).created
    assert {kind for kind, _ in races.count} == {"put", "complete", "replace"}
    assert min(races.count.values()) > writers


def test_races_whose_answers_are_lost(wire: Wire, spec: str, make_file: MakeFile) -> None:
    """What no round has decided for trouble is raced again, at fresh keys."""
    races, limits = Races(), Limits()
    rounds = limits.probe_writers * limits.probe_rounds
    wire.add(when(lambda request: 0 < races.number(request)[1] <= rounds, reset_after))

    assert Session(regions=[spec]).stage("SugarWater", "1.0.0", make_file()).created
    assert len(races.count) == 3 * (limits.probe_rounds + 1)
