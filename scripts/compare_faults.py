"""Run the same faults under aws-cli, rclone and Startifact, and print who survives which.

    make compare-faults OPTIONS="--only 429 --white-space 5"

Each tool sends one file to moto on loopback through the wire of the tests, which throttles,
resets, refuses or keeps silent. A tool survives when it exits with 0 and the bytes are stored. The
exit code is 1 where Startifact does not survive what one of the others does, or what has no fault
at all. What is not installed is left out, with the reason.
"""

import argparse
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import boto3

from tests.faults.network_rules import reset, restarting, throttled
from tests.faults.rules import is_part, is_upload, sometimes, starting, when, within
from tests.faults.store_rules import SlowCompletion, completed_once
from tests.support.server import Aws
from tests.support.wire import Request, Rule, Wire

PROJECT = Path(__file__).resolve().parent.parent
REGION, BUCKET = "us-east-1", "compared"
MB = 1_000_000
US = "Startifact"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIATESTTESTTESTTEST",
    "AWS_SECRET_ACCESS_KEY": "test-secret",
}


@dataclass(frozen=True)
class Fault:
    """What goes wrong while a file of *size* bytes is sent."""

    name: str
    size: int
    rule: Callable[[Wire], Rule] | None = None


@dataclass(frozen=True)
class Tool:
    """A command that sends a file; without *program* it is not installed, for the *reason*."""

    name: str
    program: str | None
    words: Callable[[Path, str], list[str]]
    reason: str = ""


@dataclass(frozen=True)
class Run:
    """What came of one tool under one fault; ``code`` is ``None`` where it had to be ended."""

    code: int | None
    seconds: float
    stored: bool
    last_line: str

    @property
    def survived(self) -> bool:
        """Whether the tool says that it succeeded, and is right."""
        return self.code == 0 and self.stored

    def __str__(self) -> str:
        code = "ended" if self.code is None else f"exit {self.code}"
        wrong = " (NOT stored)" if self.code == 0 and not self.stored else ""
        return f"{'yes' if self.survived else 'NO'}, {code}, {self.seconds:.0f} s{wrong}"


def sends_bytes(request: Request) -> bool:
    """Say whether *request* sends bytes of the file, and not what tries or describes a store."""
    return is_upload(request) and len(request.body) > MB // 10


def is_of_the_file(request: Request) -> bool:
    """Say whether *request* is not one that tries the store, whose objects are tiny."""
    return "/_probe/" not in request.path


def _burst(kind: Callable[[Wire, float], Rule], nth: int, seconds: float, wire: Wire) -> Rule:
    """Return the rule of a burst of *kind* that the *nth* request with bytes of the file begins."""
    return starting(nth, sends_bytes, kind(wire, seconds))


def faults(white_space: float, silence: float) -> Iterator[Fault]:
    """Yield what is tried, one after the other."""
    yield Fault("no fault, 1 MB", MB)
    yield Fault("no fault, 100 MB", 100 * MB)
    kinds: dict[str, Callable[[Wire, float], Rule]] = {
        "503 SlowDown": lambda _, seconds: within(seconds, throttled()),
        "429": lambda _, seconds: within(seconds, throttled(429)),
        "resets": lambda _, seconds: within(seconds, reset),
        "refused connections": restarting,
    }
    # A burst begins with the first bytes of a small file, and amid the parts of a large one.
    for size, nth, seconds in ((1, 1, 4), (100, 3, 1)):
        for name, kind in kinds.items():
            yield Fault(
                f"{name} for {seconds} s, {size} MB",
                size * MB,
                partial(_burst, kind, nth, seconds),
            )
    for size in (100, 300):
        yield Fault(
            f"30 % of parts throttled, {size} MB",
            size * MB,
            lambda _: when(is_part, sometimes(0.3, throttled())),
        )
    yield Fault(
        f"white space for {white_space:g} s in Complete, 20 MB",
        20 * MB,
        lambda wire: when(is_of_the_file, SlowCompletion(wire, white_space)),
    )
    yield Fault(
        f"silence for {silence:g} s in Complete, 20 MB",
        20 * MB,
        lambda wire: when(is_of_the_file, SlowCompletion(wire, silence, every=None)),
    )


def tools() -> list[Tool]:
    """Return the tools, those that are not installed too."""
    aws = shutil.which("aws", path=PROJECT / "build" / "compare" / "bin")
    rclone = shutil.which("rclone", path=Path(sys.executable).parent) or shutil.which("rclone")
    return [
        Tool(
            "aws-cli",
            aws,
            lambda file, endpoint: [
                *("s3", "cp", str(file), f"s3://{BUCKET}/file"),
                *("--endpoint-url", endpoint, "--region", REGION, "--no-progress"),
            ],
            "awscli could not be installed into build/compare",
        ),
        Tool(
            "rclone",
            rclone,
            lambda file, endpoint: [
                *("copyto", str(file), f":s3:{BUCKET}/file", "--config", os.devnull),
                # As "AWS" it sends a small file by https alone.
                *("--s3-provider", "Other", "--s3-env-auth", "--s3-region", REGION),
                *("--s3-endpoint", endpoint, "--s3-force-path-style", "--s3-no-check-bucket"),
                # As large as those of the others; by default it sends 200 MB in one request.
                *("--s3-upload-cutoff", "8Mi", "--s3-chunk-size", "8Mi"),
            ],
            "rclone is neither in the environment of the tests nor on the PATH",
        ),
        Tool(
            US,
            shutil.which("startifact", path=Path(sys.executable).parent),
            lambda file, endpoint: [
                *("stage", "compared@1.0.0", str(file)),
                *("--regions", f"s3://{BUCKET}?region={REGION}&endpoint={endpoint}"),
            ],
            "the project is not installed",
        ),
    ]


def run(tool: Tool, fault: Fault, file: Path, aws: Aws, limit: float) -> Run:
    """Have *tool* send *file* under *fault* to a bucket that is empty, within *limit* seconds."""
    s3 = boto3.Session(
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    ).client("s3", region_name=REGION, endpoint_url=aws.endpoint)
    s3.create_bucket(Bucket=BUCKET)
    wire = Wire(aws.endpoint)
    wire.add(completed_once(wire))
    if fault.rule is not None:
        wire.add(fault.rule(wire))
    began = time.monotonic()
    code, said = execute([str(tool.program), *tool.words(file, wire.endpoint)], file.parent, limit)
    seconds = time.monotonic() - began
    wire.stop()
    result = Run(code, seconds, is_stored(s3, file), said.strip().rpartition("\n")[2])
    empty(s3)
    return result


def execute(command: list[str], home: Path, limit: float) -> tuple[int | None, str]:
    """Return the exit code of *command*, and what it said of errors; ``None`` past *limit*."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        **CREDENTIALS,
    }
    try:
        done = subprocess.run(
            command,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit,
        )
    except subprocess.TimeoutExpired:
        return None, f"not done after {limit:g} s"
    return done.returncode, done.stderr


def is_stored(s3: Any, file: Path) -> bool:
    """Say whether an object of the bucket has the bytes of *file*."""
    digest = hashlib.sha256(file.read_bytes()).digest()
    return any(
        entry["Size"] == file.stat().st_size
        and hashlib.sha256(s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read()).digest()
        == digest
        for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    )


def empty(s3: Any) -> None:
    """Delete every object and every upload, so that the next tool finds nothing."""
    for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        s3.delete_object(Bucket=BUCKET, Key=entry["Key"])
    for upload in s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []):
        s3.abort_multipart_upload(Bucket=BUCKET, Key=upload["Key"], UploadId=upload["UploadId"])


def table(rows: list[tuple[str, list[str]]], names: list[str]) -> str:
    """Return *rows* as a table in Markdown."""
    lines = [["fault", *names], *[[name, *cells] for name, cells in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |"
        for line in lines
    )


def is_behind(results: dict[str, Run], fault: Fault) -> bool:
    """Say whether Startifact fails where another tool does not, or where nothing is wrong."""
    if US not in results or results[US].survived:
        return False
    return fault.rule is None or any(result.survived for result in results.values())


def parse() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="faults that have it in the name"
    )
    parser.add_argument("--white-space", type=float, default=40, metavar="SECONDS")
    parser.add_argument("--silence", type=float, default=18, metavar="SECONDS")
    parser.add_argument(
        "--limit", type=float, default=180, metavar="SECONDS", help="when a run is ended"
    )
    return parser.parse_args()


def main() -> int:
    """Try every fault with every tool."""
    arguments = parse()
    here = tools()
    chosen = [
        f for f in faults(arguments.white_space, arguments.silence) if arguments.only in f.name
    ]
    rows: list[tuple[str, list[str]]] = []
    behind: list[str] = []
    aws = Aws()
    with tempfile.TemporaryDirectory() as folder:
        for fault in chosen:
            file = Path(folder, "file")
            file.write_bytes(random.Random(fault.size).randbytes(MB) * (fault.size // MB))
            results = {}
            for tool in here:
                if tool.program is None:
                    continue
                result = results[tool.name] = run(tool, fault, file, aws, arguments.limit)
                why = "" if result.survived else f": {result.last_line}"
                print(f"{fault.name}: {tool.name}: {result}{why}", file=sys.stderr, flush=True)
            cells = [str(results.get(tool.name, "not installed")) for tool in here]
            rows.append((fault.name, cells))
            if is_behind(results, fault):
                behind.append(fault.name)
    aws.stop()
    print(table(rows, [tool.name for tool in here]))
    for tool in here:
        if tool.program is None:
            print(f"{tool.name} is left out: {tool.reason}.")
    for name in behind:
        print(f"Startifact fails where it has to survive: {name}")
    return 1 if behind or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
