"""The servers that commands talk to, all on loopback, each ended with its block."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3

from benchmarks import requests
from benchmarks.requests import Exchange
from tests.support.server import Aws
from tests.support.stores import ACCESS_KEY, SECRET_KEY, find, serve_seaweedfs, serve_versitygw

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-2")
PREFIX = "team/"


@dataclass(frozen=True)
class Server:
    """A server that speaks S3, and its buckets by region."""

    endpoint: str
    buckets: dict[str, str]

    @property
    def bucket(self) -> str:
        """The bucket of the first region."""
        return next(iter(self.buckets.values()))

    def spec(self, bucket: str | None = None) -> str:
        """Return how Startifact spells a bucket of this server as a region."""
        return f"s3://{bucket or self.bucket}?region=us-east-1&endpoint={self.endpoint}"

    def client(self, service: str = "s3", region: str = REGIONS[0]) -> Any:
        """Return a client of the harness's own; its operations are not typed."""
        session = boto3.Session(aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY)
        return session.client(service, region_name=region, endpoint_url=self.endpoint)  # type: ignore[call-overload]  # a name that is no literal

    def at(self, endpoint: str) -> "Server":
        """Return this server as it is reached at *endpoint*."""
        return Server(endpoint, self.buckets)


@contextlib.contextmanager
def aws(names: dict[int, str]) -> Iterator[Server]:
    """Serve an AWS with a bucket in each of three regions.

    *names* are the parameters of organisation configurations, by how many regions each has.
    """
    moto = Aws(keeps_connections=True)
    try:
        yield _aws_at(moto.endpoint, names)
    finally:
        # Otherwise the harness does not end where a case fails.
        moto.stop()


def _aws_at(endpoint: str, names: dict[int, str]) -> Server:
    server = Server(endpoint, {region: f"artifacts-{region}" for region in REGIONS})
    for region, bucket in server.buckets.items():
        client = server.client(region=region)
        where = {} if region == REGIONS[0] else {"LocationConstraint": region}
        client.create_bucket(
            Bucket=bucket, **({"CreateBucketConfiguration": where} if where else {})
        )
        _configure(server, region, bucket, names)
    return server


def _configure(server: Server, region: str, bucket: str, names: dict[int, str]) -> None:
    parameters = {"/bucket": bucket}
    for count, name in names.items():
        parameters[name] = json.dumps(
            {
                "bucket_name_param": "/bucket",
                "bucket_key_prefix": PREFIX,
                "parameter_name_prefix": f"/channels-{count}",
                "regions": list(REGIONS[:count]),
            }
        )
    ssm = server.client("ssm", region)
    for name, value in parameters.items():
        ssm.put_parameter(Name=name, Value=value, Type="String")


@contextlib.contextmanager
def versitygw(folder: Path, buckets: int = 1) -> Iterator[Server]:
    """Serve *folder*, which is empty, with versitygw, as so many buckets.

    It keeps connections, as AWS does.
    """
    with serve_versitygw(folder, keeps_connections=True) as spec:
        yield _server(spec, buckets)


@contextlib.contextmanager
def seaweedfs(folder: Path, buckets: int) -> Iterator[Server]:
    """Serve *folder*, which is empty, with SeaweedFS, as so many buckets that copy."""
    with serve_seaweedfs(folder, volumes=200) as spec:
        yield _server(spec, buckets)


def _server(spec: str, buckets: int) -> Server:
    url = urlsplit(spec)
    server = Server(parse_qs(url.query)["endpoint"][0], {REGIONS[0]: url.netloc})
    for number in range(1, buckets):
        name = f"{url.netloc}-{number}"
        server.client().create_bucket(Bucket=name)
        server.buckets[f"bucket {number}"] = name
    return server


def has_seaweedfs() -> bool:
    """Say whether SeaweedFS is installed."""
    return find("weed") is not None


def has_versitygw() -> bool:
    """Say whether versitygw is installed."""
    return find("versitygw") is not None


@dataclass(frozen=True)
class Proxy:
    """A proxy in front of a server, and what it recorded."""

    endpoint: str
    process: subprocess.Popen[str]

    def take(self) -> list[Exchange]:
        """Return the requests since this was asked before, of clients that have ended."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return requests.read(self.process.stdout.readline())


@contextlib.contextmanager
def proxy(
    server: Server, round_trip_seconds: float, handshake_seconds: float | None = None
) -> Iterator[Proxy]:
    """Stand in front of *server*: each round trip and each new connection takes so long."""
    port = str(urlsplit(server.endpoint).port)
    handshake = round_trip_seconds if handshake_seconds is None else handshake_seconds
    command = [sys.executable, "-m", "benchmarks.latency_proxy", port]
    command += [str(round_trip_seconds), str(handshake)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            yield Proxy(f"http://127.0.0.1:{process.stdout.readline().strip()}", process)
        finally:
            process.kill()
