"""How many requests commands make at Amazon S3, how many one after another, and how many at once.

A round trip to another continent takes as long as importing Startifact.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from startifact.cli import main
from startifact.limits import Limits
from startifact.regions.aws import endpoint
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.support.limits import Session
from tests.support.wire import Answer, Forward, Request, Wire

MakeFile = Callable[..., Path]

# A busy machine takes long to begin requests that could all begin at once.
QUIET_SECONDS = 0.75
AT_ONCE, AT_ONCE_SECONDS = 16, 5.0
ONE, THREE = AWS_REGIONS[:1], AWS_REGIONS


class Trips:
    """Answers requests in rounds: all that wait for an answer, once no further one comes."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._changed = threading.Condition()
        self._waiting: list[str] = []
        self._last = 0.0
        self.rounds: list[list[str]] = []
        self.most_connections = 0

    def begin(self) -> None:
        """Forget what was asked before."""
        self.rounds, self.most_connections = [], 0

    @property
    def names(self) -> list[str]:
        """The requests, sorted."""
        return sorted(name for names in self.rounds for name in names)

    def rule(self, request: Request, forward: Forward) -> Answer | None:
        """Answer *request* with its round."""
        with self._changed:
            self._waiting.append(request.operation or f"{request.method} {_last(request.path)}")
            self._last = time.monotonic()
            with self._wire.lock:
                self.most_connections = max(self.most_connections, len(self._wire.connections))
            number = len(self.rounds)
            while number == len(self.rounds):
                quiet = time.monotonic() - self._last
                if quiet >= QUIET_SECONDS:
                    self.rounds.append(self._waiting)
                    self._waiting = []
                    self._changed.notify_all()
                else:
                    self._changed.wait(QUIET_SECONDS - quiet)
        return forward()


def _last(path: str) -> str:
    return path.rpartition("/")[2]


@pytest.fixture
def trips(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trips]:
    """Let the server stand for Amazon S3, and answer in rounds."""
    monkeypatch.setattr(endpoint, "AWS_HOST", re.compile(""))
    counted = Trips(wire)
    wire.add(counted.rule)
    yield counted
    wire.clear()


@pytest.mark.parametrize(
    ("regions", "is_first", "requests", "connections"),
    [(ONE, True, 12, 4), (ONE, False, 11, 3), (THREE, True, 36, 14), (THREE, False, 33, 11)],
    ids=["one-first", "one", "three-first", "three"],
)
def test_staging_in_an_organisation(
    trips: Trips,
    account: AwsAccount,
    make_file: MakeFile,
    monkeypatch: pytest.MonkeyPatch,
    regions: tuple[str, ...],
    requests: int,
    connections: int,
    *,
    is_first: bool,
) -> None:
    """Seven round trips, whether the regions are one or three, and whether others were staged."""
    if not is_first:
        stage_before(regions, make_file)
    session = _session_of(account, regions, monkeypatch)
    trips.begin()

    session.stage("SugarWater", "1.1.0", make_file(b"two", "two"))

    assert len(trips.names) == requests, trips.names
    assert len(trips.rounds) == 7, trips.rounds
    assert trips.most_connections <= connections
    assert {account.latest(region, "SugarWater") for region in regions} == {"1.1.0"}
    assert {account.parameter_value(region, "SugarWater") for region in regions} == {"1.1.0"}


def stage_before(regions: tuple[str, ...] | str, make_file: MakeFile) -> None:
    """Stage a version, and close the connections that it took."""
    with Session(regions=regions) as session:
        session.stage("SugarWater", "1.0.0", make_file(b"one", "one"))


def _session_of(
    account: AwsAccount, regions: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> Session:
    """Return a session that finds *regions* in the organisation configuration of the first."""
    configuration = {
        "bucket_name_param": account.bucket_parameter,
        "bucket_key_prefix": "team/",
        "parameter_name_prefix": f"/team-{account.unique}",
        "regions": list(regions),
    }
    for region in regions:
        account.configure(region, json.dumps(configuration))
    monkeypatch.setenv("AWS_REGION", regions[0])
    return Session()


@pytest.mark.parametrize(("is_first", "requests"), [(True, 6), (False, 5)])
def test_staging_into_one_bucket(
    trips: Trips, account: AwsAccount, make_file: MakeFile, requests: int, *, is_first: bool
) -> None:
    """Three round trips: what is there, the artifact, latest."""
    spec = f"s3://{account.buckets[ONE[0]]}?region={ONE[0]}"
    if not is_first:
        stage_before(spec, make_file)
    session = Session(regions=spec)
    trips.begin()

    session.stage("SugarWater", "1.1.0", make_file(b"two", "two"))

    assert len(trips.names) == requests, trips.names
    assert len(trips.rounds) == 3, trips.rounds
    assert trips.most_connections <= (3 if is_first else 2)
    assert account.latest(ONE[0], "SugarWater", prefix="") == "1.1.0"


@pytest.mark.parametrize(
    ("regions", "requests", "connections"), [(ONE, 7, 3), (THREE, 19, 11)], ids=["one", "three"]
)
def test_download_of_latest(
    trips: Trips,
    account: AwsAccount,
    make_file: MakeFile,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    regions: tuple[str, ...],
    requests: int,
    connections: int,
) -> None:
    """Five round trips: the copy in SSM is read beside ``latest``, a yank beside the version."""
    stage_before(regions, make_file)
    session = _session_of(account, regions, monkeypatch)
    trips.begin()

    session.get("SugarWater").downloader.download(tmp_path / "back")

    assert (tmp_path / "back").read_bytes() == b"one"
    assert len(trips.names) == requests, trips.names
    assert len(trips.rounds) == 5, trips.rounds
    assert trips.most_connections <= connections


def test_command_that_downloads_reads_the_mark_beside_the_version(
    trips: Trips, account: AwsAccount, make_file: MakeFile, tmp_path: Path
) -> None:
    """So the connection that it takes is open before the bytes need one."""
    spec = f"s3://{account.buckets[ONE[0]]}?region={ONE[0]}"
    stage_before(spec, make_file)
    trips.begin()

    words = ["download", "SugarWater@1.0.0", str(tmp_path / "back"), "--regions", spec]
    assert main(words) == 0

    rounds = [sorted(names) for names in trips.rounds]
    assert rounds == [["GET 1.0.0", "HEAD SugarWater@1.0.0"], ["GET SugarWater@1.0.0"]]
    assert trips.most_connections <= 2


class Together:
    """Answers no description before so many of its region wait for one, if they ever do."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[str, int] = dict.fromkeys(THREE, 0)
        self.most = dict(self._waiting)
        """How many of each region waited at once at most."""

    def rule(self, request: Request, forward: Forward) -> Answer | None:
        """Answer *request*, a description with others of its region."""
        if request.method != "HEAD":
            return forward()
        region = request.region
        with self._changed:
            self._waiting[region] += 1
            self.most[region] = max(self.most[region], self._waiting[region])
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most[region] >= AT_ONCE, AT_ONCE_SECONDS)
        try:
            return forward()
        finally:
            with self._changed:
                self._waiting[region] -= 1


def test_verify_describes_many_at_once(
    wire: Wire, account: AwsAccount, make_file: MakeFile
) -> None:
    """Each region describes at least 16 versions at once, and no more than there are workers."""
    stage_before(THREE, make_file)
    for region, bucket in account.buckets.items():
        source = {"Bucket": bucket, "Key": "team/SugarWater@1.0.0"}
        for patch in range(1, 2 * AT_ONCE):
            key = f"team/SugarWater@0.9.{patch}"
            account.s3(region).copy_object(Bucket=bucket, Key=key, CopySource=source)
    together, limits = Together(), Limits()
    wire.add(together.rule)

    verification = Session(regions=THREE).verify("SugarWater")

    assert verification, verification.differences
    assert len(verification.versions) == 2 * AT_ONCE
    assert all(AT_ONCE <= most <= limits.inventory_workers for most in together.most.values())
