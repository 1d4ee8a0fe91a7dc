"""
The cases that an action has to stand, numbers 17 to 25: secrets, surroundings, what fails half-way.

Numbers 22 and 23, how a step ends and whose its files are, are in ``test_conformance_ends.py``.
"""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from startifact import Session
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.support.runner_rules import SUMMARY_LIMIT
from tests.support.runner_step import ACTION, PROJECT
from tests.support.wire import Answer, Request, Wire
from tests.ways_in.action.identity import BEARER, SECRET, TOKEN, Identities
from tests.ways_in.container.conftest import RunnerStep, docker

CONTENT = b"sugar and water\n"
HERE = {"project": "SugarWater", "regions": "file:artifacts"}
THERE = {"project": "SugarWater", "regions": ", ".join(AWS_REGIONS)}
ROLE = "arn:aws:iam::123456789012:role/stage"
NO_KEYS = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}


def stage(step: RunnerStep, **more: str) -> dict[str, str]:
    name = step.file(CONTENT)
    return {**HERE, "command": "stage", "version": "1.0.0", "path": name, **more}


@pytest.fixture
def identities() -> Iterator[Identities]:
    """Return GitHub and STS on loopback."""
    identities = Identities()
    yield identities
    identities.stop()


def test_case_17_secrets(step: RunnerStep, account: AwsAccount, identities: Identities) -> None:
    """No secret is on a stream, in an output, in the summary or in a file, and so none is masked.

    The step prints no secret at all, which is better than to print it after it was masked.
    """
    done = step.run(
        {**NO_KEYS, **identities.environment, "RUNNER_DEBUG": "1"},
        **stage(step, **THERE, role_to_assume=ROLE),
    )

    files = [p.read_bytes() for p in step.temp.rglob("*") if p.is_file()]
    assert done.exit_code == 0, done.stdout + done.stderr
    actions = [request["Action"] for request in identities.role_requests]
    assert actions == ["AssumeRoleWithWebIdentity", "GetCallerIdentity"]  # the second for the log
    assert done.commands == []
    for secret in (BEARER, TOKEN, SECRET, "ASIAROLEROLEROLEROLE"):
        assert secret not in done.stdout + done.stderr
        assert not any(secret.encode() in content for content in files)


def dropped(outputs: Mapping[str, str], *masks: str) -> list[str]:
    """Return the outputs that a job does not hand on, for what is masked in it."""
    return [name for name, value in outputs.items() if any(mask in value for mask in masks)]


def test_case_18_masked_outputs(
    step: RunnerStep, account: AwsAccount, identities: Identities
) -> None:
    """An output that a job would drop is warned of, and by themselves outputs are none of those."""
    key, number = os.environ["AWS_ACCESS_KEY_ID"], ROLE[13:25]

    plain = step.run(**stage(step, **THERE))
    step.output.write_bytes(b"")
    masked = step.run(**stage(step, **THERE, version="1.0.1", metadata=f"key={key}"))
    step.output.write_bytes(b"")
    ours = {**NO_KEYS, **identities.environment}
    numbered = stage(step, **THERE, version="1.0.2", metadata=f"account={number}")
    with_role = step.run(ours, **numbered, role_to_assume=ROLE)

    assert plain.commands == []
    assert dropped(plain.outputs, key, number) == []
    assert dropped(masked.outputs, key) == dropped(with_role.outputs, number) == ["metadata"]
    for done in (masked, with_role):
        assert len(done.warnings) == 1
        assert dropped({"warning": done.warnings[0]}, key, number) == []
    assert "AWS_ACCESS_KEY_ID: metadata. " in masked.warnings[0]
    assert "the number of role-to-assume's AWS account: metadata. " in with_role.warnings[0]


@pytest.mark.parametrize("room", [500, 100_000])
def test_case_19_summary(room: int, step: RunnerStep) -> None:
    """With what is there the summary keeps to its limit, and says where something is left out."""
    step.summary.write_text("b" * (SUMMARY_LIMIT - room))
    unsafe = "file:a`<b>|c"

    done = step.run(**stage(step, regions=f"{unsafe} file:d", metadata="k: 'a|b`<i>'"))
    without = step.run({"GITHUB_STEP_SUMMARY": ""}, **stage(step, regions=f"{unsafe} file:d"))

    assert (done.exit_code, without.exit_code) == (0, 4), done.stdout
    ours = done.summary.lstrip("b")
    assert ("may have 1 MiB" in ours) == (room == 500)
    assert "`SugarWater@1.0.0` staged" in ours
    assert "<b>" not in ours
    assert "<i>" not in ours


def test_case_20_unsafe_surroundings(step: RunnerStep) -> None:
    """What a job puts into its environment and its workspace does not get into the program."""
    for name in ("json", "boto3", "yaml", "startifact", "sitecustomize"):
        for folder in (step.workspace, step.workspace / "src"):
            folder.mkdir(exist_ok=True)
            (folder / f"{name}.py").write_text("raise SystemExit('imported')")

    done = step.run(
        {
            "PATH": "/home/runner/.local/bin",
            "PYTHONPATH": "/github/workspace/src",
            "PYTHONHOME": "/nowhere",
            "PYTHONIOENCODING": "ascii",
            "LC_ALL": "xx",
        },
        **stage(step, metadata="greeting=Grüße"),
    )

    assert done.exit_code == 0, done.stdout + done.stderr
    assert done.commands == []
    assert done.stderr == ""
    assert set(done.outputs) == set(ACTION["outputs"])
    assert done.outputs["metadata"] == '{"greeting":"Grüße"}'


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"AWS_DEFAULT_REGION": ""},
        {"AWS_PROFILE": ""},
        {"AWS_SESSION_TOKEN": ""},
    ],
    ids=["region", "default region", "profile", "token"],
)
def test_case_21_aws_variables(
    variables: dict[str, str], step: RunnerStep, account: AwsAccount, tmp_path: Path
) -> None:
    """AWS_REGION is enough, and a variable that an expression left blank is not there."""
    file = tmp_path / "file"
    file.write_bytes(CONTENT)
    Session(regions=AWS_REGIONS).stage("SugarWater", "1.0.0", file)

    done = step.run(variables, command="info", project="SugarWater")

    assert done.exit_code == 0, done.stdout
    assert done.outputs["version"] == "1.0.0"


def test_case_21_no_credentials(step: RunnerStep, account: AwsAccount) -> None:
    """Without credentials, and with metadata that a container cannot reach, it fails in seconds."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as silent:
        metadata = {
            "AWS_EC2_METADATA_DISABLED": "false",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}",
        }
        began = time.monotonic()

        done = step.run({**NO_KEYS, **metadata}, **THERE, command="info")

        seconds = time.monotonic() - began
    assert done.exit_code == 6
    for text in ("hop-limit", "id-token: write", "configure-aws-credentials", "role-to-assume"):
        assert text in done.errors[0]
    assert seconds < 15


def test_case_24_copy_that_fails(step: RunnerStep, account: AwsAccount, wire: Wire) -> None:
    """A copy of latest in SSM that fails is one warning; the staging has succeeded all the same."""

    def refuse(request: Request, forward: object) -> Answer | None:
        if (request.operation, request.region) == ("PutParameter", "eu-west-1"):
            return Answer(400, b'{"__type":"AccessDeniedException","message":"no"}')
        return forward()  # type: ignore[operator,no-any-return]

    quiet = step.run(**stage(step, **THERE))
    wire.add(refuse)
    step.output.write_bytes(b"")

    done = step.run(**stage(step, **THERE, version="1.0.1"))

    assert (quiet.exit_code, quiet.commands, quiet.stderr) == (0, [], "")
    assert (done.exit_code, done.errors, done.stderr) == (0, [], "")
    assert len(done.warnings) == 1
    assert "ssm:PutParameter" in done.warnings[0]
    assert set(done.outputs) == set(ACTION["outputs"])
    assert done.outputs["created"] == done.outputs["is-latest"] == "true"


def test_case_25_files(image: str) -> None:
    """The action is what validators want, and starts without network and without writable files.

    The Dockerfile itself is held by tests/ways_in/action/test_action_files.py, GitHub's own parser
    is asked in tests/consistency/test_parser.py, and that what is locked can be installed on other
    machines is in tests/consistency/test_wheels.py. That there is a manifest for those can be seen
    only when the image is released.
    """
    tools = Path(sys.executable).parent
    commands = (
        ["check-jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml"],
        ["zizmor", "--offline", "--no-progress", "--quiet", "--persona=auditor", "action.yml"],
    )
    for command in commands:
        ran = subprocess.run(
            [str(tools / command[0]), *command[1:]],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr

    started = docker("run", "--rm", "--network=none", "--read-only", image)

    assert started.returncode == 2
    assert "command is missing" in started.stdout
    assert all(re.fullmatch(r"[a-z][a-z0-9-]*", name) for name in ACTION["inputs"])
    assert all(i["description"] and "default" in i for i in ACTION["inputs"].values())
