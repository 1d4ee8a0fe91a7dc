"""What there is before the first block of a page is run: what the page takes for granted."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3

from startifact import Session

CONTENT = b"sugar and water\n"
REGIONS = ("file:./one", "file:./two", "file:./three")


def stage(version: str, project: str = "SugarWater", **more: Any) -> None:
    """Stage a file in the three directories."""
    with Session(regions=REGIONS) as session:
        session.stage(project, version, Path("dist.txt"), **more)


def age(*versions: str) -> None:
    """Let *versions* be years old."""
    for version in versions:
        for path in Path().glob(f"*/*@{version}/metadata.json"):
            text = re.sub(r'(staged-at": ?")20\d\d', r"\g<1>2020", path.read_text("utf-8"))
            path.write_text(text, encoding="utf-8")


def one_version() -> None:
    stage("1.0.9000", metadata={"lang": "dotnet"}, save_filename=True)


def versions() -> None:
    for version in ("1.1.0", "1.2.0", "1.2.1"):
        stage(version, metadata={"lang": "dotnet", "os": "linux"}, save_filename=True)
    age("1.2.0")
    with Session(regions=REGIONS) as session:
        session.promote("SugarWater", "1.1.0", "prod")


def no_regions() -> None:
    """Leave the regions to the commands."""
    del os.environ["STARTIFACT_REGIONS"]


def old_versions() -> None:
    """Stage 22 versions, all of which but the newest are old."""
    numbers = [f"1.0.{number}" for number in range(22)]
    for number in numbers:
        stage(number)
    age(*numbers[:-1])


def command_line_tools() -> None:
    """Make the directories and the program that the page of archives is about."""
    for name in ("dist/a.whl", "dist/a.dev1.whl", "function/handler.py"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(CONTENT)
    program = Path("make-report")
    program.write_text("#!/bin/sh\necho report\n", encoding="utf-8")
    program.chmod(0o755)


def two_projects() -> None:
    """Stage what the page of lock files locks, in a repository of git."""
    subprocess.run(["git", "init", "--quiet"], check=True)
    stage("1.4.0", project="CLI")
    stage("1.1.0")
    age("1.4.0", "1.1.0")
    with Session(regions=REGIONS) as session:
        session.promote("SugarWater", "1.1.0", "prod")


def another_organisation() -> None:
    """Make a partner's bucket, two regions with a configuration, and a profile to reach both."""
    stage("1.4.2")
    with Session(regions=REGIONS) as session:
        session.promote("SugarWater", "1.4.2", "prod")
    configuration = json.dumps({"bucket_name_param": "/artifacts/bucket"})
    for region in ("eu-west-1", "us-east-1"):
        more: Any = {} if region == "us-east-1" else {"LocationConstraint": region}
        s3: Any = boto3.client("s3", region_name=region)
        for bucket in ("their-artifacts", f"my-artifacts-{region}")[region == "us-east-1" :]:
            s3.create_bucket(Bucket=bucket, **({"CreateBucketConfiguration": more} if more else {}))
        ssm = boto3.client("ssm", region_name=region)
        for name, value in (
            ("/artifacts/bucket", f"my-artifacts-{region}"),
            ("/startifact", configuration),
        ):
            ssm.put_parameter(Name=name, Value=value, Type="String")
    Path("config").write_text("[profile partner]\nregion = eu-west-1\n", encoding="utf-8")
    Path("credentials").write_text(
        "[partner]\naws_access_key_id = AKIAPARTNERPARTNERPA\naws_secret_access_key = partner\n",
        encoding="utf-8",
    )


REPAIRING = """
rm -r one/SugarWater@1.0.9000
printf 'something else\\n' > other.txt
STARTIFACT_REGIONS=file:./one startifact stage SugarWater@1.0.9000 other.txt
"""

BEFORE: dict[str, Callable[[], None]] = {
    "README.md": lambda: None,
    "docs/start.md": lambda: None,
    "docs/permissions.md": no_regions,
    "docs/organisation.md": no_regions,
    "docs/command-line.md": lambda: None,
    "docs/python.md": lambda: None,
    "docs/archives.md": command_line_tools,
    "docs/doctor.md": one_version,
    "docs/versions.md": versions,
    "docs/channels.md": versions,
    "docs/prune.md": old_versions,
    "docs/repair.md": one_version,
    "docs/lock-file.md": two_projects,
    "docs/copy.md": another_organisation,
}
"""What there is before the first block of a page is run."""

BETWEEN = {("docs/repair.md", 1): REPAIRING}
"""What happens before another block of a page, by the number of the block."""

ON_AWS = ("docs/start.md", "docs/copy.md", "docs/organisation.md")
