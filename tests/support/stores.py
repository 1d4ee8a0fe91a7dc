"""Real servers that speak S3: versitygw, which honours conditions, and rclone, which does not."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import boto3

START_SECONDS = 20.0

# What the tests' environment says; see clean_environment in conftest.py.
ACCESS_KEY, SECRET_KEY = "AKIATESTTESTTESTTEST", "test-secret"


def find(name: str) -> str | None:
    """Return the program *name*: beside this Python, or on the PATH."""
    legacy_metadata = Path(sys.executable).parent / name
    return str(legacy_metadata) if legacy_metadata.exists() else shutil.which(name)


@contextlib.contextmanager
def serve_versitygw(folder: Path) -> Iterator[str]:
    """Serve *folder* with versitygw, and return the spelling of a bucket in it."""
    port = _free_port()
    command = [str(find("versitygw")), "--port", f"127.0.0.1:{port}", "--quiet"]
    environment = {"ROOT_ACCESS_KEY_ID": ACCESS_KEY, "ROOT_SECRET_ACCESS_KEY": SECRET_KEY}
    with _serving([*command, "posix", str(folder)], port, environment) as endpoint:
        client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
        )
        client.create_bucket(Bucket="contract")
        yield f"s3://contract?region=us-east-1&endpoint={quote(endpoint, safe='')}"


@contextlib.contextmanager
def serve_rclone(folder: Path) -> Iterator[str]:
    """Serve *folder* with rclone, and return the spelling of a bucket in it."""
    (folder / "contract").mkdir()
    port = _free_port()
    command = [str(find("rclone")), "serve", "s3", "--addr", f"127.0.0.1:{port}"]
    command += ["--auth-key", f"{ACCESS_KEY},{SECRET_KEY}", "--config", os.devnull, str(folder)]
    with _serving(command, port, {}) as endpoint:
        yield f"s3://contract?region=us-east-1&endpoint={quote(endpoint, safe='')}"


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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
