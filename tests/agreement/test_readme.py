"""What the README tells its reader to do works, and what it quotes is what the reader will see."""

import ast
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.agreement.test_documents import README, column
from tests.conftest import AWS_REGIONS
from tests.runner_step import PROJECT, Step

IAM = PROJECT / "examples" / "iam"
CONTENT = b"sugar and water\n"

# What the README's reader has installed and these tests have not, as far as the README uses it.
AWS_COMMAND = f"""#!{sys.executable}
import sys
import boto3

service, verb, *rest = sys.argv[1:]
option = {{name: value for name, value in zip(rest, rest[1:]) if name.startswith("--")}}
client = boto3.client("s3" if service == "s3" else "ssm", region_name=option["--region"])
if (service, verb) == ("s3", "mb"):
    place = {{"LocationConstraint": option["--region"]}}
    more = {{}} if option["--region"] == "us-east-1" else {{"CreateBucketConfiguration": place}}
    client.create_bucket(Bucket=rest[0].removeprefix("s3://"), **more)
elif (service, verb) == ("ssm", "put-parameter"):
    client.put_parameter(
        Name=option["--name"], Value=option["--value"], Type=option["--type"]
    )
else:
    sys.exit(f"the tests do not know {{sys.argv}}")
"""


def blocks(heading: str) -> list[str]:
    """Return the shell blocks below a heading of the ten minutes."""
    section = README.split(f"\n### {heading}\n", 1)[1].split("\n##", 1)[0]
    return re.findall(r"```shell\n(.*?)```", section, re.DOTALL)


@pytest.fixture
def reader(tmp_path: Path) -> Path:
    """Return the folder of a reader who has installed the command line and AWS's own."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "aws").write_text(AWS_COMMAND)
    command = f'#!/bin/sh\nexec {sys.executable} -m startifact "$@"\n'
    (programs / "startifact").write_text(command)
    for program in programs.iterdir():
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return tmp_path


@pytest.fixture
def account(moto_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give the reader an AWS account, and empty it of what the README makes."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_server)
    yield
    for region in AWS_REGIONS:
        ssm = boto3.client("ssm", region_name=region, endpoint_url=moto_server)
        names = ["/startifact", "/artifacts/bucket", "/team/SugarWater/latest"]
        ssm.delete_parameters(Names=names)
    s3 = boto3.resource("s3", endpoint_url=moto_server)
    for bucket in s3.buckets.all():
        if bucket.name.startswith("my-artifacts-"):
            bucket.objects.delete()
            bucket.delete()


def run(reader: Path, *scripts: str) -> str:
    """Run the reader's commands, one after the other in one shell, until one fails."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join([*scripts, 'echo "<$STARTIFACT_REGIONS>"'])],
        cwd=reader,
        env={**os.environ, "PATH": f"{reader / 'bin'}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.rsplit("<", 1)[1].strip(">\n")


def check_action(reader: Path, regions: str) -> None:
    """Stage and download with the action where the README's commands have just been."""
    step = Step(reader / "job")
    if "file:" in regions:
        regions = regions.replace("file:./", f"file://{reader}/")
    step.file(CONTENT)
    common = {"project": "SugarWater", "regions": regions}

    staged = step.run(command="stage", version="1.0.9001", path="dist.tar.gz", **common)
    for file in (step.output, step.summary):
        file.write_bytes(b"")
    downloaded = step.run(command="download", version="latest", path="back", **common)

    assert (staged.exit_code, downloaded.exit_code) == (0, 0), staged.errors + downloaded.errors
    assert downloaded.outputs["version"] == "1.0.9001"
    assert (step.workspace / "back").read_bytes() == CONTENT


def test_directories(reader: Path) -> None:
    """The first of the ten minutes works as written, and the action meets what it staged."""
    regions = run(reader, *blocks("Directories, with nothing to set up"))

    assert (reader / "back.txt").read_bytes() == CONTENT
    check_action(reader, regions)


@pytest.mark.usefixtures("account")
def test_one_bucket(reader: Path) -> None:
    """One bucket works as written, and the action meets what was staged."""
    (reader / "dist.txt").write_bytes(CONTENT)

    regions = run(reader, *blocks("One bucket"))

    assert (reader / "back.txt").read_bytes() == CONTENT
    check_action(reader, regions)


@pytest.mark.usefixtures("account")
def test_organisation(reader: Path) -> None:
    """Setting up an organisation works as written, and the action meets what was staged."""
    (reader / "dist.txt").write_bytes(CONTENT)

    regions = run(reader, *blocks("An organisation"))

    assert (reader / "back.txt").read_bytes() == CONTENT
    check_action(reader, regions)


def texts_in_code() -> list[str]:
    """Return every text in the code, with a gap where a value is put in."""
    found = []
    for path in [*(PROJECT / "src").rglob("*.py"), *(PROJECT / "composite").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.append("".join(_constant(part) for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


def _constant(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else "\0"


def test_troubleshooting_quotes_the_code() -> None:
    """Every text in the table of troubleshooting is part of a message in the code."""
    composite = (PROJECT / "composite" / "action.yml").read_text(encoding="utf-8")
    texts = [*texts_in_code(), composite]
    quoted = [cell.split("`")[1] for cell in column("Troubleshooting")]

    missing = [quote for quote in quoted if not any(quote in text for text in texts)]

    assert len(quoted) >= 15
    assert missing == []


def permissions() -> dict[str, set[str]]:
    """Return the IAM actions in the README's table, by command."""
    found: dict[str, set[str]] = {}
    for command, actions in zip(column("Permissions"), column("Permissions", 1), strict=True):
        name = command.replace("`", "")
        found.setdefault(name, set()).update(re.findall(r"`([a-z0-9]+:[A-Za-z]+)`", actions))
    return found


@pytest.mark.parametrize(
    ("policy", "commands"),
    [
        ("read", ["all"]),
        ("stage", ["all", "stage"]),
        ("repair-keep", ["all", "stage", "repair --keep"]),
        ("setup", ["setup"]),
    ],
)
def test_policies_are_those_of_the_table(policy: str, commands: list[str]) -> None:
    """A policy allows exactly the actions that the table names for its commands."""
    statements = json.loads((IAM / f"{policy}.json").read_text(encoding="utf-8"))["Statement"]
    allowed = set()
    for statement in statements:
        assert statement["Effect"] == "Allow"
        actions = statement["Action"]
        allowed |= {actions} if isinstance(actions, str) else set(actions)
        assert "*" not in (statement["Resource"], *allowed)

    assert allowed == set().union(*(permissions()[command] for command in commands))


def test_trust_policies() -> None:
    """Both trust policies hold the audience, and one repository in its own form of sub."""
    subjects = []
    for name in ("trust", "trust-older-repository"):
        document = json.loads((IAM / f"{name}.json").read_text(encoding="utf-8"))
        (statement,) = document["Statement"]
        condition, issuer = statement["Condition"], "token.actions.githubusercontent.com"
        assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        assert statement["Principal"]["Federated"].endswith(f":oidc-provider/{issuer}")
        assert condition["StringEquals"] == {f"{issuer}:aud": "sts.amazonaws.com"}
        subjects.append(condition["StringLike"][f"{issuer}:sub"])

    assert re.fullmatch(r"repo:\w+@\w+/\w+@\w+:ref:refs/tags/v\*", subjects[0])
    assert re.fullmatch(r"repo:\w+/\w+:ref:refs/tags/v\*", subjects[1])


def test_first_lines() -> None:
    """A step that stages and one that downloads are the first things in the README."""
    first = "\n".join(README.splitlines()[:40])

    assert "command: stage" in "\n".join(README.splitlines()[:20])
    assert "command: download" in first
    assert "make demo" in README
    assert "make test" in README
    assert "pip install startifact" not in README
