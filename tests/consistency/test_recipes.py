"""The recipes of the documents do what they say, as far as the AWS on loopback goes.

AWS's own command is a stand-in with the SDK (tests/support/aws_command.py). What moto lacks, each
test says.
"""

import base64
import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml

from tests.conftest import AwsAccount, _client
from tests.support.command import run_inside
from tests.support.limits import Session
from tests.support.runner_step import PROJECT, Step
from tests.support.server import make_bucket
from tests.support.workflow import Job

US, EU = "us-east-1", "eu-west-1"
HEAD = r'^```(\w+) title="([^"]+)"\n(.*?)^```$'


def text_of(page: str) -> str:
    return (PROJECT / "docs" / f"{page}.md").read_text(encoding="utf-8")


BLOCKS = {
    (page, title): text
    for page in ("recipes", "from-aws-s3-cp")
    for _, title, text in re.findall(HEAD, text_of(page), re.MULTILINE | re.DOTALL)
}
# A store other than AWS would be tried before the first write, which takes a while.
AS_AWS = f"""
import runpy, sys
runpy.run_path({str(PROJECT / "benchmarks" / "as_aws.py")!r})
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
needs_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="there is no jq")


@dataclass
class Machine:
    """A folder with what a reader of the documents has, whose commands are asked of one account."""

    account: AwsAccount
    folder: Path
    page: str = "recipes"
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        programs = self.folder / "bin"
        programs.mkdir()
        for name, command in {
            "aws": [str(PROJECT / "tests" / "support" / "aws_command.py")],
            "startifact": [str(PROJECT / "benchmarks" / "as_aws.py")],
            "python": ["-c", AS_AWS],
        }.items():
            program = programs / name
            program.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, *command])} "$@"\n')
            program.chmod(0o755)
        self.environment |= {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}

    def text(self, title: str) -> str:
        """Return a block of the page, with the names of this account in it."""
        text = BLOCKS[self.page, title]
        text = text.replace(f"my-artifacts-{US}", self.account.buckets[US])
        text = text.replace("/team/SugarWater", f"/team-{self.account.unique}/SugarWater")
        text = re.sub(r"--stack-name (\S+)", rf"--stack-name \1-{self.account.unique}", text)
        return text.replace("sugarwater-promotions", f"promotions-{self.account.unique}")

    def write(self, title: str) -> None:
        """Write a block as the file that it is called."""
        (self.folder / title).write_text(self.text(title), encoding="utf-8")

    def run(self, title: str) -> str:
        """Run a block as a script, and return what it printed."""
        return self.script(self.text(title))

    def script(
        self, text: str, more: Mapping[str, str] = MappingProxyType({}), *, code: int = 0
    ) -> str:
        """Run *text* in a shell, with *more* in its environment, and return what it printed."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self.folder,
            env={**os.environ, **self.environment, **more},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def machine(account: AwsAccount, tmp_path: Path) -> Iterator[Machine]:
    """Return a machine that may do everything in the account."""
    yield Machine(account, tmp_path)
    functions = _client("lambda", US, account.endpoint)
    with contextlib.suppress(functions.exceptions.ResourceNotFoundException):
        functions.delete_function(FunctionName="SugarWater")


@pytest.fixture
def step(tmp_path: Path) -> Step:
    """Return a step that has not begun."""
    return Step(tmp_path)


@pytest.fixture
def role(account: AwsAccount) -> None:
    """Make the role that the functions have, where there is none."""
    iam = _client("iam", US, account.endpoint)
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(
            RoleName="sugarwater-function",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}),
        )


@pytest.fixture
def versions(machine: Machine) -> None:
    """Stage two versions of a function, of which the first is what prod points at."""
    for region in (US, EU):
        machine.account.s3(region).put_bucket_versioning(
            Bucket=machine.account.buckets[region], VersioningConfiguration={"Status": "Enabled"}
        )
    with Session() as session:
        for version in ("1.0.0", "1.1.0"):
            path = machine.folder / "function.zip"
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("index.py", f"def handler(event, _): return '{version}'\n")
            session.stage("SugarWater", version, path)
        session.promote("SugarWater", "1.0.0", "prod")


def promote(version: str) -> None:
    with Session() as session:
        session.promote("SugarWater", version, "prod")


def digest_of_function(account: AwsAccount) -> str:
    functions = _client("lambda", US, account.endpoint)
    return str(functions.get_function(FunctionName="SugarWater")["Configuration"]["CodeSha256"])


def facts(version: str) -> Any:
    with Session() as session:
        return session.get("SugarWater", version)


def base64_of(version: str) -> str:
    return base64.b64encode(bytes.fromhex(facts(version).sha256)).decode()


@pytest.mark.usefixtures("role", "versions")
def test_function_follows_a_channel(machine: Machine) -> None:
    """The same deployment, after a promotion, makes the function the version that was promoted.

    moto reads the parameter when a stack is made, and updates only what differs in the text of the
    template: the second deployment makes the stack anew here. That a new value is a change is
    CloudFormation's alone.
    """
    stacks = _client("cloudformation", US, machine.account.endpoint)
    machine.write("follow.yaml")

    machine.run("follow")
    assert digest_of_function(machine.account) == base64_of("1.0.0")
    promote("1.1.0")
    stacks.delete_stack(StackName=f"sugarwater-{machine.account.unique}")
    machine.run("follow")

    assert digest_of_function(machine.account) == base64_of("1.1.0")


@pytest.mark.usefixtures("role", "versions")
def test_dynamic_reference(machine: Machine) -> None:
    """The reference is to the version of the parameter that is there, which a promotion changes.

    moto knows no dynamic references: here they are resolved, with the number, as CloudFormation
    does it. That a template without a number is no change is CloudFormation's alone.
    """
    ssm = machine.account.ssm(US)
    template = machine.text("reference.yaml")

    def resolve(moves: str) -> None:
        text = template.replace("${Moves}", moves)
        (name,) = re.findall(r"{{resolve:ssm:(\S+)}}", text)
        value = ssm.get_parameter(Name=name)["Parameter"]["Value"]
        resolved = text.replace(f"{{{{resolve:ssm:{name}}}}}", value)
        (machine.folder / "reference.yaml").write_text(resolved)

    resolve("1")
    machine.run("reference")
    assert digest_of_function(machine.account) == base64_of("1.0.0")
    promote("1.1.0")
    resolve("2")
    machine.run("reference")

    assert digest_of_function(machine.account) == base64_of("1.1.0")


@pytest.mark.usefixtures("role", "versions")
def test_function_of_exact_bytes(machine: Machine, step: Step) -> None:
    """The outputs of a step are what Lambda takes as code, its version and its digest.

    moto publishes a version whatever its digest: that Lambda refuses another one is Lambda's alone.
    """
    machine.write("exact.yaml")
    shutil.copy(machine.folder / "exact.yaml", step.workspace)
    environment = {
        **machine.environment,
        **{n: os.environ[n] for n in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")},
        **{n: os.environ[n] for n in ("AWS_ENDPOINT_URL", "STARTIFACT_PARAMETER")},
    }

    job = Job(step, environment=environment)
    job.run(yaml.safe_load(machine.text("exact")))

    outputs = job.done[0].outputs
    functions = _client("lambda", US, machine.account.endpoint)
    found = functions.list_versions_by_function(FunctionName="SugarWater")["Versions"]
    template = yaml.safe_load(re.sub(r"!\w+ ", "", machine.text("exact.yaml")))
    code = template["Resources"]["Function"]["Properties"]["Code"]
    assert outputs["sha256-base64"] == base64_of("1.0.0")
    assert outputs["object-version"]
    assert {v["CodeSha256"] for v in found} == {outputs["sha256-base64"]}
    assert set(code) == {"S3Bucket", "S3Key", "S3ObjectVersion"}


@needs_jq
@pytest.mark.usefixtures("role", "versions")
def test_function_of_exact_bytes_by_hand(machine: Machine) -> None:
    """The script updates the function, and fails where its digest is another."""
    machine.write("follow.yaml")
    machine.run("follow")
    promote("1.1.0")

    machine.run("exact by hand")

    assert digest_of_function(machine.account) == base64_of("1.1.0")
    damaged = machine.text("exact by hand").replace(".sha256-base64", ".tree")
    machine.script(damaged.replace('."sha256-base64"', '."tree"'), code=1)


@needs_jq
@pytest.mark.filterwarnings("ignore:Tried to parse AWS..SQS..QueuePolicy")  # which moto lacks
@pytest.mark.usefixtures("versions")
def test_event_of_a_promotion(machine: Machine) -> None:
    """The rule takes the event of the mirror that a promotion has written, and no other one.

    moto's Parameter Store sends no events, so the test sends what the documents of AWS show, for
    the parameters that the promotion has really written. Its queues need no policy.
    """
    machine.write("promoted.yaml")
    machine.run("promoted")
    mirror = f"/team-{machine.account.unique}/SugarWater"
    events = _client("events", US, machine.account.endpoint)

    def send(name: str, operation: str) -> None:
        detail = {"name": name, "type": "String", "operation": operation}
        entry = {
            "Source": "aws.ssm",
            "DetailType": "Parameter Store Change",
            "Detail": json.dumps(detail),
        }
        assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0

    promote("1.1.0")
    known = machine.account.ssm(US).get_parameters_by_path(Path=mirror)["Parameters"]
    assert {p["Name"]: p["Value"] for p in known} == {
        f"{mirror}/latest": "1.1.0",
        f"{mirror}/prod": "1.1.0",
    }
    send(f"{mirror}/latest", "Update")
    send(f"{mirror}/prod", "Delete")
    machine.run("promoted to")
    assert not (machine.folder / "promoted-version").exists()
    send(f"{mirror}/prod", "Update")
    machine.run("promoted to")

    assert (machine.folder / "promoted-version").read_text() == "1.1.0\n"


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
@pytest.mark.usefixtures("versions")
def test_link(machine: Machine) -> None:
    """Whoever has the link gets the bytes."""
    machine.run("link")

    path = machine.folder / "dist.tar.gz"
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        assert b"1.0.0" in archive.read("index.py")


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("sha256sum")), reason="no tools")
@needs_jq
@pytest.mark.usefixtures("versions")
def test_page_of_links(machine: Machine) -> None:
    """The commands and the Python of the page about links run, and the digest is compared."""
    page = text_of("links")
    (console,) = re.findall(r"```console\n\$ (.*?)\n```", page)
    (shell,) = re.findall(r"```bash\n(.*?)```", page, re.DOTALL)
    (python,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)

    assert machine.script(console).startswith("http")
    assert machine.script(shell) == "dist.tar.gz: OK\n"
    (machine.folder / "link.py").write_text(python)
    machine.script("python link.py")


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
@pytest.mark.usefixtures("versions")
def test_steps_of_the_page_of_links(machine: Machine, step: Step) -> None:
    """The link is an output that the next step downloads with."""
    page = text_of("links")
    (steps,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL")
    environment = {n: os.environ[n] for n in (*names, "STARTIFACT_PARAMETER")}

    Job(step, environment=environment).run(yaml.safe_load(steps))

    assert (step.workspace / "dist.tar.gz").stat().st_size == facts("1.0.0").size


def gitlab_jobs() -> dict[str, Any]:
    """Return the jobs of the pipeline, each with what it extends, as GitLab merges them."""
    pipeline = yaml.safe_load(BLOCKS["recipes", ".gitlab-ci.yml"])
    jobs = {}
    for name, job in pipeline.items():
        base = pipeline.get(job.get("extends", ""), {})
        variables = {**base.get("variables", {}), **job.get("variables", {})}
        jobs[name] = {**base, **job, "variables": variables}
    return {name: job for name, job in jobs.items() if not name.startswith(".")}


def test_gitlab(machine: Machine) -> None:
    """The scripts of the jobs stage, as a role that is taken on with GitLab's token, and download.

    The runner is a shell here, and what `pip` would install is there. moto takes every token: that
    the trust policy lets in these jobs alone is IAM's.
    """
    (machine.folder / "dist").mkdir()
    (machine.folder / "dist" / "tool").write_text("sugar\n")
    installs = []

    for job in gitlab_jobs().values():
        lines = [*job["before_script"], *job["script"]]
        installs += [line for line in lines if line.startswith("pip install ")]
        token = machine.folder / "aws-token"
        variables = {**job["variables"], "AWS_WEB_IDENTITY_TOKEN_FILE": str(token)}
        runner = {
            **dict.fromkeys(job["id_tokens"], "a.b.c"),
            "CI_COMMIT_TAG": "1.0.9000",
            "CI_COMMIT_SHA": "0f1e2d3c",
            "CI_PIPELINE_URL": "https://gitlab.example.com/GROUP/PROJECT/-/pipelines/1",
            "AWS_ACCESS_KEY_ID": "",
            "AWS_SECRET_ACCESS_KEY": "",
        }
        script = "\n".join(line for line in lines if line not in installs)
        machine.script(
            f"unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY\n{script}", {**runner, **variables}
        )
        assert token.read_text() == "a.b.c"
        assert token.stat().st_mode & 0o077 == 0
        if "prod" not in [c.channel for c in Session().channels("SugarWater")]:
            promote("1.0.9000")

    assert (machine.folder / "app" / "tool").read_text() == "sugar\n"
    assert dict(facts("prod")) == {
        "commit": "0f1e2d3c",
        "pipeline": "https://gitlab.example.com/GROUP/PROJECT/-/pipelines/1",
    }
    assert set(installs) == {'pip install "git+https://github.com/OWNER/startifact@v1"'}


def test_gitlab_trust() -> None:
    """The policy names one provider, for the audience that the jobs ask for."""
    (statement,) = json.loads(BLOCKS["recipes", "GitLab's trust policy"])["Statement"]
    provider = statement["Principal"]["Federated"].partition("oidc-provider/")[2]
    audiences = {token["aud"] for j in gitlab_jobs().values() for token in j["id_tokens"].values()}

    assert audiences == {statement["Condition"]["StringEquals"][f"{provider}:aud"]}
    assert list(statement["Condition"]["StringLike"]) == [f"{provider}:sub"]


def test_shell(machine: Machine) -> None:
    """The commands stage, promote and download, and what failed with 5 is tried again."""
    (machine.folder / "dist.tar.gz").write_bytes(b"sugar\n")

    machine.run("shell")
    machine.run("again")

    assert (machine.folder / "downloads" / "dist.tar.gz").read_bytes() == b"sugar\n"
    assert str(facts("latest").version) == "1.0.9001"


def test_shell_that_tries_again(machine: Machine) -> None:
    """Three attempts, with pauses, and only where the exit code is 5."""
    program, calls = machine.folder / "bin" / "startifact", machine.folder / "calls"
    script = machine.text("again").replace("sleep", "echo pause")
    for code, count in ((5, 3), (4, 1)):
        program.write_text(f"#!/bin/sh\necho call >> {calls}\nexit {code}\n")
        machine.script(script, code=code)
        assert calls.read_text().count("call") == count
        calls.unlink()


def test_installing() -> None:
    """What is installed from is what Start says; installing itself is the test of wheels."""
    start = text_of("start")
    named = re.findall(r"git\+https://[^\"'\s]+", "".join(BLOCKS.values()))

    assert len(set(named)) == 1
    assert named[0] in start


def rows() -> list[tuple[str, str]]:
    """Return each command of the table, and what takes its place."""
    page = text_of("from-aws-s3-cp")
    table = page.split("| Before | Now |\n| --- | --- |\n")[1].split("\n\n")[0]
    cells = [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in table.splitlines()]
    return [(before.replace(r"\|", "|"), now.replace(r"\|", "|")) for before, now in cells]


def test_commands(
    machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command that takes the place of one of AWS's can be run, one after the other."""
    with zipfile.ZipFile(machine.folder / "dist.tar.gz", "w") as archive:
        archive.writestr("tool", "sugar\n")
    (machine.folder / "dist").mkdir()
    (machine.folder / "dist" / "tool").write_text("sugar\n")
    monkeypatch.chdir(machine.folder)
    commands = [command for _, now in rows() for command in re.findall(r"`(startifact .*?)`", now)]

    assert len(commands) == len(rows()) - 1
    for command in commands:
        if "|" in command:  # what is piped on is no tar here
            machine.script(command.replace("| tar xz", "> piped"))
        else:
            done = run_inside(capsys, shlex.split(command)[1:])
            assert done.code == 0, f"{command}: {done.err}"

    assert (machine.folder / "back" / "tool").read_text() == "sugar\n"
    assert (machine.folder / "piped").read_bytes() == (machine.folder / "dist.tar.gz").read_bytes()
    assert (machine.folder / "customer" / "SugarWater@1.0.9000").is_dir()


def test_taking_in(machine: Machine) -> None:
    """What is in a bucket by its keys is staged, whatever the order, and a second time changes
    nothing.
    """
    machine.page = "from-aws-s3-cp"
    old = f"old-{machine.account.unique}"
    make_bucket(US, old)
    s3 = machine.account.s3(US)
    for key in ("SugarWater/1.2.0/app.zip", "SugarWater/1.10.0/app.zip", "SugarWater/1.0/app.zip",
                "SugarWater/latest/app.zip", "notes.txt"):  # fmt: skip
        s3.put_object(Bucket=old, Key=key, Body=key.encode())
    machine.write("take_in.py")
    script = machine.text("take in").replace("old-artifacts", old)

    first, second = machine.script(script), machine.script(script)

    latest = facts("latest")
    assert str(latest.version) == "1.10.0"
    assert latest.filename == "app.zip"
    assert latest["uploaded"]
    assert "SugarWater@1.2.0 staged" in first
    assert "SugarWater@1.2.0 was there" in second
    for output in (first, second):
        assert "passed over SugarWater/1.0/app.zip: " in output
        assert "passed over SugarWater/latest/app.zip: " in output


def test_every_block_is_run() -> None:
    """No block of the two pages is left out of the tests above."""
    source = Path(__file__).read_text(encoding="utf-8")
    names = [title for _, title in BLOCKS]
    pages = ("recipes", "from-aws-s3-cp")
    texts = [text_of(page) for page in pages]

    assert [name for name in names if f'"{name}"' not in source and name != "install"] == []
    assert sum(len(re.findall(r"^```\w", text, re.MULTILINE)) for text in texts) == len(BLOCKS)
