"""Real servers that speak S3, each started on loopback in front of an empty directory.

docs/stores.md says what each of them honours.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

START_SECONDS = 60.0


class Lack(Enum):
    """What a store lacks that S3 has, and that a test of the contract has to know of."""

    CONDITIONAL_DELETE = "DeleteObject ignores If-Match"
    LONG_NAMES = "a name between two slashes of a key has at most 255 bytes"
    ANSWERS_DURING_WRITES = "a key is locked while a conditional write to it is under way"


# What the tests' environment says; see clean_environment in conftest.py.
ACCESS_KEY, SECRET_KEY = "AKIATESTTESTTESTTEST", "test-secret"


def find(name: str) -> str | None:
    """Return the program *name*: beside this Python, or on the PATH."""
    local = Path(sys.executable).parent / name
    return str(local) if local.exists() else shutil.which(name)


@contextlib.contextmanager
def serve_versitygw(folder: Path, *, keeps_connections: bool = False) -> Iterator[str]:
    """Serve *folder* with versitygw, and return the spelling of a bucket in it.

    By itself it closes each connection after one answer.
    """
    port = _free_port()
    command = [str(find("versitygw")), "--port", f"127.0.0.1:{port}", "--quiet"]
    command += ["--keep-alive"] if keeps_connections else []
    environment = {"ROOT_ACCESS_KEY_ID": ACCESS_KEY, "ROOT_SECRET_ACCESS_KEY": SECRET_KEY}
    with _serving([*command, "posix", str(folder)], port, environment) as endpoint:
        yield make_bucket(endpoint)


@contextlib.contextmanager
def serve_minio(folder: Path) -> Iterator[str]:
    """Serve *folder* with MinIO, and return the spelling of a bucket in it."""
    port, console = _free_ports(2)
    command = [str(find("minio")), "server", "--quiet", "--address", f"127.0.0.1:{port}"]
    command += ["--console-address", f"127.0.0.1:{console}", str(folder)]
    environment = {
        "MINIO_ROOT_USER": ACCESS_KEY,
        "MINIO_ROOT_PASSWORD": SECRET_KEY,
        "MINIO_BROWSER": "off",
        "MINIO_UPDATE": "off",  # it asks nobody for a newer version
    }
    with _serving(command, port, environment) as endpoint:
        yield make_bucket(endpoint)


@contextlib.contextmanager
def serve_seaweedfs(folder: Path, *, volumes: int = 50) -> Iterator[str]:
    """Serve *folder* with SeaweedFS, and return the spelling of a bucket in it.

    It stores what *volumes* of 64 MiB hold, what was deleted since it began among it.
    """
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
        "actions": ["Admin"],
    }
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": [identity]}))
    # One process, but its parts talk to each other: each has a port for HTTP and one for gRPC.
    parts = ("master", "volume", "filer", "s3")
    ports = _free_ports(2 * len(parts))
    command = [str(find("weed")), f"-logdir={folder}", "server", "-s3", f"-dir={folder}"]
    command += ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-s3.config={config}"]
    # Otherwise whoever may administer it makes a bucket by writing to it.
    command += ["-s3.autoCreateBucket=false"]
    command += [
        "-master.volumeSizeLimitMB=64",
        f"-volume.max={volumes}",
        "-volume.preStopSeconds=0",
    ]
    command += [f"-{part}.port={port}" for part, port in zip(parts, ports, strict=False)]
    command += [f"-{part}.port.grpc={port}" for part, port in zip(parts, ports[4:], strict=True)]
    with _serving(command, ports[3], {}) as endpoint:
        yield make_bucket(endpoint)


@contextlib.contextmanager
def serve_rclone(folder: Path) -> Iterator[str]:
    """Serve *folder* with rclone, and return the spelling of a bucket in it."""
    (folder / "contract").mkdir()
    port = _free_port()
    command = [str(find("rclone")), "serve", "s3", "--addr", f"127.0.0.1:{port}"]
    command += ["--auth-key", f"{ACCESS_KEY},{SECRET_KEY}", "--config", os.devnull, str(folder)]
    with _serving(command, port, {}) as endpoint:
        yield f"s3://contract?region=us-east-1&endpoint={quote(endpoint, safe='')}"


@dataclass(frozen=True)
class Store:
    """A store that the contract suite runs on, where *program* is installed."""

    program: str
    serve: Callable[[Path], AbstractContextManager[str]]
    lacks: frozenset[Lack] = frozenset()


STORES = {
    "versitygw": Store("versitygw", serve_versitygw),
    "minio": Store(
        "minio",
        serve_minio,
        frozenset({Lack.CONDITIONAL_DELETE, Lack.LONG_NAMES, Lack.ANSWERS_DURING_WRITES}),
    ),
    "seaweedfs": Store("weed", serve_seaweedfs),
}


@contextlib.contextmanager
def _serving(command: list[str], port: int, environment: dict[str, str]) -> Iterator[str]:
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        give_up = time.monotonic() + START_SECONDS
        while not _answers(port):
            assert process.poll() is None, f"{command[0]} ended"
            assert time.monotonic() < give_up, f"{command[0]} does not answer"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def endpoint_of(spec: str) -> str:
    """Return the endpoint of the bucket that is spelled *spec*."""
    return parse_qs(urlsplit(spec).query)["endpoint"][0]


def make_bucket(endpoint: str, name: str = "contract") -> str:
    """Make bucket *name* in the store at *endpoint*, as soon as it can; return its spelling."""
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )
    give_up = time.monotonic() + START_SECONDS
    while True:
        try:
            client.create_bucket(Bucket=name)
            break
        except (ClientError, BotoCoreError):  # some listen before they can store anything
            if time.monotonic() > give_up:
                raise
            time.sleep(0.1)
    return f"s3://{name}?region=us-east-1&endpoint={quote(endpoint, safe='')}"


def _free_port() -> int:
    return _free_ports(1)[0]


def _free_ports(count: int) -> list[int]:
    """Return *count* different ports on which nothing listens."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
