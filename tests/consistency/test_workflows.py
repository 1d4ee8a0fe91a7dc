"""The reusable workflows and the examples do what they say, as far as a step in them shows it."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from startifact import Session
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.consistency.conftest import FORMS
from tests.consistency.test_documents import reusable
from tests.support.archives import zip_of
from tests.support.runner_step import PROJECT, Step
from tests.support.workflow import Action, Job
from tests.ways_in.action.identity import Identities

CONTENT = b"sugar and water\n"
PULL_REQUEST = "dry-run-on-pull-request"
EXAMPLES = {p.stem: p for p in sorted((PROJECT / "examples" / "workflows").glob("*.yml"))}
NOTHING: dict[str, Action] = {"actions/checkout": lambda _: {}}
COMMIT = "0123456789abcdef0123456789abcdef01234567"
WHERE = {"project": "SugarWater", "regions": "file:regions/one"}


def call(step: Step, name: str, actions: Mapping[str, Action], **given: Any) -> dict[str, str]:
    """Return the outputs of a reusable workflow."""
    workflow = reusable(name)
    declared = workflow[True]["workflow_call"]["inputs"]
    inputs = {n: given.get(n.replace("-", "_"), i.get("default")) for n, i in declared.items()}
    own = {"workflow_repository": "octocat/startifact", "workflow_sha": COMMIT}
    job = Job(step, {"inputs": inputs, "job": own}, actions=actions)
    job.run(workflow["jobs"][name]["steps"])
    return {n: job.value(v) for n, v in workflow["jobs"][name]["outputs"].items()}


@pytest.mark.parametrize("form", FORMS[:2], indirect=True)
@pytest.mark.parametrize("name", ["dist.tar.gz", ".odd[1] name.gz"])
def test_reusable_workflows(name: str, form: Step, tmp_path: Path) -> None:
    """What one stages the other hands on, whatever the file is called."""
    fetched: list[dict[str, str]] = []

    def checkout(inputs: dict[str, str]) -> dict[str, str]:
        fetched.append(inputs)
        return {}

    def unpack(inputs: dict[str, str]) -> dict[str, str]:
        assert inputs["name"] == "dist"
        (form.workspace / inputs["path"]).mkdir()
        form.file(CONTENT, f"{inputs['path']}/{name}")
        return {}

    def pack(inputs: dict[str, str]) -> dict[str, str]:
        assert not re.search(r"[*?\[\]!]", inputs["path"])
        assert (inputs["name"], inputs["include-hidden-files"]) == ("back", "true")
        shutil.copytree(form.workspace / inputs["path"], tmp_path / "back")
        return {"artifact-id": "7"}

    actions = {
        "actions/checkout": checkout,
        "actions/download-artifact": unpack,
        "actions/upload-artifact": pack,
    }

    staged = call(form, "stage", actions, **WHERE, artifact="dist", path=name, version="1.0.0")
    shutil.rmtree(form.workspace / "artifact")
    handed_on = call(form, "download", actions, **WHERE, artifact="back")

    assert [(f["repository"], f["ref"]) for f in fetched] == [("octocat/startifact", COMMIT)] * 2
    assert (staged["created"], staged["is-latest"], staged["version"]) == ("true", "true", "1.0.0")
    assert (handed_on["artifact-id"], handed_on["filename"]) == ("7", name)
    assert handed_on["sha256"] == staged["sha256"]
    assert [p.name for p in (tmp_path / "back").iterdir()] == [name]
    assert (tmp_path / "back" / name).read_bytes() == CONTENT


PATHS = """
# The wheels, and what is read first.
  *.whl
!*dev*

./#read first
docs/**/*.md
"""


def test_paths_of_a_workflow_artifact(step: Step) -> None:
    """Each line is about the workflow artifact, and nothing beside it is staged."""
    in_artifact = ["a.whl", "a.dev.whl", "#read first", "docs/x/y.md", "docs/x.txt", ".hidden.whl"]

    staged = stage_artifact(step, in_artifact, path=PATHS)

    assert members(step, "1.0.0") == ["#read first", "a.whl", "docs", "docs/x", "docs/x/y.md"]
    assert staged["filename"] == "SugarWater.tar.gz"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"path": "."}, ["a", "b", "b/c"]),
        ({"path": ".", "include_hidden": True}, [".env", "a", "b", "b/c"]),
        ({"path": "b"}, ["c"]),
        ({"path": "*\n!b/", "archive": "zip"}, ["a"]),
    ],
)
def test_whole_workflow_artifact(given: dict[str, Any], expected: list[str], step: Step) -> None:
    """A dot is all that is in it; hidden files, and the kind of archive, are as in the action."""
    staged = stage_artifact(step, ["a", "b/c", ".env"], **given)

    ending = given.get("archive", "tar.gz")
    assert members(step, "1.0.0") == expected
    assert staged["filename"] == f"{'b' if given['path'] == 'b' else 'SugarWater'}.{ending}"


@pytest.mark.parametrize("path", [" ", "\n\n", "# nothing"])
def test_no_path(path: str, step: Step) -> None:
    """Lines that say nothing do not stand for all of the workflow artifact."""
    with pytest.raises(AssertionError, match="path is missing, the command stage needs one"):
        stage_artifact(step, ["a"], path=path)


@pytest.mark.parametrize(
    ("filename", "expected"),
    [("", ["docs", "docs/x", "tool"]), ("new", ["new", "new/docs", "new/docs/x", "new/tool"])],
)
def test_extracted(filename: str, expected: list[str], step: Step, tmp_path: Path) -> None:
    """What an archive has in it is handed on, in the folder that filename names."""
    stage_artifact(step, ["docs/x", "tool"], path=".")
    shutil.rmtree(step.workspace / "artifact")

    def pack(inputs: dict[str, str]) -> dict[str, str]:
        shutil.copytree(step.workspace / inputs["path"], tmp_path / "back")
        return {"artifact-id": "7"}

    actions = {**NOTHING, "actions/upload-artifact": pack}
    given = {"artifact": "back", "filename": filename, "extract": True, "max_members": "3"}
    done = call(step, "download", actions, **WHERE, **given)

    back = tmp_path / "back"
    assert done["outcome"] == "succeeded"
    assert sorted(p.relative_to(back).as_posix() for p in back.rglob("*")) == expected
    assert (back / filename / "tool").read_bytes() == CONTENT


def stage_artifact(step: Step, names: list[str], **given: Any) -> dict[str, str]:
    """Stage from a workflow artifact that has the files *names*, and return the outputs."""

    def unpack(inputs: dict[str, str]) -> dict[str, str]:
        for name in names:
            path = step.workspace / inputs["path"] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(CONTENT)
        return {}

    (step.workspace / "beside.whl").write_bytes(CONTENT)
    actions = {**NOTHING, "actions/download-artifact": unpack}
    return call(step, "stage", actions, **WHERE, artifact="dist", version="1.0.0", **given)


def members(step: Step, version: str) -> list[str]:
    """Return the names of what is in the archive that was staged, by the bytes that it has."""
    folder = step.temp / f"members-{version}"
    session = Session(regions=[f"file:{step.workspace}/regions/one"])
    session.get("SugarWater", version).downloader.extract(folder)
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))


@pytest.mark.parametrize("form", FORMS[:2], indirect=True)
def test_promotion(form: Step) -> None:
    """The workflow moves the channel as the run that called it, and says from where to where."""
    session = Session(regions=[f"file:{form.workspace}/regions/one"])
    for version in ("1.0.0", "1.1.0"):
        session.stage("SugarWater", version, form.workspace / form.file(CONTENT))
    session.promote("SugarWater", "1.0.0", "prod")

    promoted = call(form, "promote", NOTHING, **WHERE, version="^1", channel="prod", expect="1.0.0")

    assert (promoted["version"], promoted["previous"], promoted["channel"]) == (
        "1.1.0",
        "1.0.0",
        "prod",
    )
    (prod,) = (c for c in session.channels("SugarWater") if c.channel == "prod")
    assert str(prod.version) == "1.1.0"
    assert "/actions/runs/" in prod.moved_by


def test_promotion_waits_for_its_environment() -> None:
    """The job that may take on the role is the one that waits for the environment's approval."""
    workflow = reusable("promote")
    (job,) = workflow["jobs"].values()
    environment = workflow[True]["workflow_call"]["inputs"]["environment"]

    assert job["environment"] == "${{ inputs.environment }}"
    assert environment["required"]
    assert job["permissions"] == {"id-token": "write"}


def test_reusable_workflow_that_does_not_know_its_commit(step: Step) -> None:
    """Where GitHub does not say it, nothing is fetched and nothing runs."""
    steps = reusable("stage")["jobs"]["stage"]["steps"]
    job = Job(step, {"job": {"workflow_sha": ""}})

    with pytest.raises(AssertionError, match="does not tell a workflow its own commit"):
        job.run(steps)


@pytest.fixture
def step(tmp_path: Path) -> Step:
    """Return a step that has not begun."""
    return Step(tmp_path / "job")


def jobs_of(name: str) -> dict[str, Any]:
    jobs: dict[str, Any] = yaml.safe_load(EXAMPLES[name].read_text(encoding="utf-8"))["jobs"]
    return jobs


def git(step: Step, *arguments: str) -> str:
    """Run git in the workspace, with nothing of this machine's configuration."""
    who = ["-c", "user.name=octocat", "-c", "user.email=octocat@example.com"]
    return subprocess.run(
        ["git", *who, *arguments],
        cwd=step.workspace,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


@pytest.mark.skipif(shutil.which("jq") is None, reason="there is no jq")
def test_monorepo(step: Step) -> None:
    """What changed is each folder with a version, by its own name; what is gone is not there.

    Each has the version that is in it.
    """
    projects = step.workspace / "projects"
    for name in ("kept", "changed", "gone", "moved", 'gr\u00fcn "x"'):
        (projects / name).mkdir(parents=True)
        (projects / name / "VERSION").write_text(f"1.0.0 {name}\n")
    git(step, "init", "--quiet")
    git(step, "add", ".")
    git(step, "commit", "--quiet", "--message", "first")
    before = git(step, "rev-parse", "HEAD")
    shutil.rmtree(projects / "gone")
    (projects / "moved").rename(projects / "new")
    (projects / "README.md").write_text("not a project")
    for name in ("changed", 'gr\u00fcn "x"'):
        (projects / name / "file").write_text("new")
    git(step, "add", ".")
    git(step, "commit", "--quiet", "--message", "second")

    def changed(since: str) -> list[str]:
        job = Job(step, {"github": {"event": {"before": since}}}, actions=NOTHING)
        job.run(jobs_of("monorepo")["changed"]["steps"])
        found = json.loads(job.value("${{ steps.changed.outputs.projects }}"))
        for one in found:
            version = (projects / one["project"] / "VERSION").read_text().strip()
            assert one == {"project": one["project"], "version": version}
        return [one["project"] for one in found]

    assert changed(before) == ["changed", 'gr\u00fcn "x"', "new"]
    assert changed("0" * 40) == ["changed", 'gr\u00fcn "x"', "kept", "new"]
    assert changed(git(step, "rev-parse", "HEAD")) == []


@pytest.mark.parametrize("name", ["stage-lambda", "stage-wheels", "stage-per-platform"])
def test_examples_of_archives(name: str, step: Step) -> None:
    """They stage what their build has handed on, as the archive or the file that they say."""
    jobs = jobs_of(name)
    handed_on = ["lib/core.py", "a-1.0.whl", "b-1.0.whl", "sugarwater-1.0-linux.tar.xz"]
    given = {n.replace("-", "_"): v for n, v in jobs["stage"]["with"].items()}
    own = {"artifact", "project", "version", "regions", "role_to_assume", "aws_region"}

    staged = stage_artifact(step, handed_on, **{n: v for n, v in given.items() if n not in own})

    if name == "stage-per-platform":
        assert staged["filename"] == "sugarwater-1.0-linux.tar.xz"
        return
    assert (
        members(step, "1.0.0")
        == {
            "stage-lambda": ["a-1.0.whl", "b-1.0.whl", "lib", "lib/core.py", handed_on[-1]],
            "stage-wheels": ["a-1.0.whl", "b-1.0.whl"],
        }[name]
    )
    assert staged["filename"].endswith(given["archive"])


def wheel(name: str, requires: str = "") -> bytes:
    """Return a wheel that has a module of its name, and requires another one."""
    info = f"{name}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    if requires:
        metadata += f"Requires-Dist: {requires}\n"
    return zip_of(
        (f"{name}.py", b""),
        (f"{info}/METADATA", metadata.encode()),
        (f"{info}/WHEEL", b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
        (f"{info}/RECORD", b""),
    )


def test_install_wheels(step: Step, tmp_path: Path) -> None:
    """What was staged together is all that pip needs."""
    jobs = jobs_of("install-wheels")
    given = {n.replace("-", "_"): v for n, v in jobs["download"]["with"].items()}
    wheels = {"SugarWater": wheel("SugarWater", "sugar"), "sugar": wheel("sugar")}

    def unpack(inputs: dict[str, str]) -> dict[str, str]:
        for name, content in wheels.items():
            path = step.workspace / inputs["path"] / f"{name}-1.0-py3-none-any.whl"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        return {}

    def pack(inputs: dict[str, str]) -> dict[str, str]:
        (step.workspace / inputs["path"]).rename(step.workspace / "artifact-of-the-run")
        return {"artifact-id": "7"}

    def fetch(inputs: dict[str, str]) -> dict[str, str]:
        (step.workspace / "artifact-of-the-run").rename(step.workspace / inputs["path"])
        return {}

    actions = {**NOTHING, "actions/download-artifact": unpack, "actions/upload-artifact": pack}
    staging = {"artifact": "wheels", "path": "*.whl", "version": "1.0.0"}
    call(step, "stage", actions, **WHERE, **staging)
    shutil.rmtree(step.workspace / "artifact")
    call(step, "download", actions, **{**given, **WHERE, "version": "latest", "role_to_assume": ""})
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PIP_TARGET": str(tmp_path / "installed"),
    }
    job = Job(step, actions={"actions/download-artifact": fetch}, environment=environment)
    job.run(jobs["install"]["steps"])

    assert {"SugarWater.py", "sugar.py"} <= {p.name for p in (tmp_path / "installed").iterdir()}


@pytest.fixture
def identities() -> Iterator[Identities]:
    """Return GitHub and STS on loopback."""
    identities = Identities()
    yield identities
    identities.stop()


AWS_SYNC = """#!/bin/sh
echo "$@" > "$CALLS"
find "$3" | sort >> "$CALLS"
"""


@pytest.mark.usefixtures("account")
def test_deploy_static_site(step: Step, identities: Identities, tmp_path: Path) -> None:
    """What is copied to the bucket is what was staged, and nothing else."""
    folder = step.workspace / step.folder()
    staged = Session(regions=list(AWS_REGIONS)).stage("SugarWater", "1.0.0", folder)
    shutil.rmtree(folder)
    program = tmp_path / "bin" / "aws"
    program.parent.mkdir()
    program.write_text(AWS_SYNC)
    program.chmod(0o755)
    environment = {
        **identities.environment,
        "CALLS": str(tmp_path / "calls"),
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
    }
    actions: dict[str, Action] = {"aws-actions/configure-aws-credentials": lambda _: {}}
    context = {"inputs": {"version": "latest"}}

    job = Job(step, context, actions=actions, environment=environment)
    job.run(jobs_of("deploy-static-site")["deploy"]["steps"])

    assert staged.created
    assert (tmp_path / "calls").read_text().splitlines() == [
        "s3 sync site s3://www.example.com --delete",
        *("site", "site/bin", "site/bin/tool", "site/read me.txt", "site/tool"),
    ]


AWS_LAMBDA = f"""#!{sys.executable}
import json, os, sys
with open(os.environ["CALLS"], "a") as calls:
    print(json.dumps(sys.argv[2:]), file=calls)
if sys.argv[2] == "update-function-code":
    print(os.environ["CODE_SHA256"])
"""


class Lambda:
    """The deployment of the example, with a stand-in for AWS's command."""

    def __init__(self, step: Step, identities: Identities, tmp_path: Path) -> None:
        self._calls = tmp_path / "calls"
        program = tmp_path / "bin" / "aws"
        program.parent.mkdir()
        program.write_text(AWS_LAMBDA)
        program.chmod(0o755)
        self._step = step
        self._environment = {
            **identities.environment,
            "CALLS": str(self._calls),
            "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        }

    def deploy(self, digest: str) -> None:
        job = Job(
            self._step,
            {"inputs": {"version": "latest"}},
            actions={"aws-actions/configure-aws-credentials": lambda _: {}},
            environment={**self._environment, "CODE_SHA256": digest},
        )
        job.run(jobs_of("deploy-lambda")["deploy"]["steps"])

    @property
    def calls(self) -> list[list[str]]:
        """What AWS's command was asked for."""
        text = self._calls.read_text() if self._calls.exists() else ""
        return [json.loads(line) for line in text.splitlines()]


@pytest.mark.skipif(shutil.which("jq") is None, reason="there is no jq")
def test_deploy_lambda(
    step: Step, account: AwsAccount, identities: Identities, tmp_path: Path
) -> None:
    """The object is the one in the function's region, and no other digest becomes a version."""
    deployment = Lambda(step, identities, tmp_path)
    path = step.workspace / step.file(CONTENT)
    staged = Session(regions=list(AWS_REGIONS)).stage("SugarWater", "1.0.0", path)
    digest = "TrmsWXSJu2Z4E7/5oP3OVB371gXkBh3rXaZJ+IMPhx8="
    assert staged.created

    with pytest.raises(AssertionError, match=f"the digest another, but {re.escape(digest)} was"):
        deployment.deploy("another")
    assert [c[0] for c in deployment.calls] == ["update-function-code"]
    deployment.deploy(digest)

    update, _, write_mirror = deployment.calls[1:]
    assert update[update.index("--s3-bucket") + 1] == account.buckets["us-east-1"]
    assert update[update.index("--s3-key") + 1] == "team/SugarWater@1.0.0"
    assert write_mirror[-2:] == ["--code-sha256", digest]

    account.s3().delete_object(Bucket=account.buckets["us-east-1"], Key="team/SugarWater@1.0.0")
    with pytest.raises(AssertionError, match="us-east-1 does not hold this version"):
        deployment.deploy(digest)
    assert len(deployment.calls) == 4


@pytest.mark.parametrize("name", EXAMPLES)
def test_subjects(name: str) -> None:
    """Each example says how the sub of its token ends, for the role's trust policy."""
    text = EXAMPLES[name].read_text(encoding="utf-8")
    encoded_record = yaml.safe_load(text)
    (said,) = re.findall(r"^# In the role's trust policy, sub ends in (.*)$", text, re.MULTILINE)
    triggers, tokens = encoded_record[True], set()
    for job in encoded_record["jobs"].values():
        if "id-token" not in job["permissions"]:
            continue
        if "environment" in (given := job.get("with", {})):
            tokens.add(f":environment:{given['environment']}")
        elif "environment" in job:
            tokens.add(f":environment:{job['environment']}")
        elif "pull_request" in triggers:
            tokens.add(":pull_request")
        elif "tags" in (triggers.get("push") or {}):
            tokens.add(":ref:refs/tags/v*")
        else:
            tokens.add(":ref:refs/heads/main")

    assert set(said.split(" and in ")) == tokens


@pytest.mark.parametrize(
    "name",
    [
        *("stage-on-tag", "stage-lambda", "stage-wheels", "stage-per-platform", "monorepo"),
        *("attest", "dry-run-on-pull-request"),
    ],
)
def test_build_and_role_apart(name: str) -> None:
    """No job that may take on the role runs anything of the repository."""
    jobs = jobs_of(name)
    trusted = [job for job in jobs.values() if "id-token" in job["permissions"]]

    assert "run" in str(jobs["build"]["steps"])
    assert jobs["build"]["permissions"] == {"contents": "read"}
    assert jobs["stage"] in trusted
    assert jobs["stage"]["uses"].startswith("OWNER/startifact/.github/workflows/stage.yml@")
    for step in (step for job in trusted for step in job.get("steps", [])):
        assert "run" not in step
        assert not step["uses"].startswith("actions/checkout@")
    handed_on = jobs["build"]["steps"][-1]["with"]
    path = "." if handed_on["path"].endswith("/") else Path(handed_on["path"]).name
    assert (handed_on["name"], path) == (
        jobs["stage"]["with"]["artifact"],
        jobs["stage"]["with"]["path"],
    )


def test_credentials_stay_in_the_step() -> None:
    """Only where another program needs credentials are they given to the whole job."""
    exported = [n for n, p in EXAMPLES.items() if "configure-aws-credentials" in p.read_text()]

    assert exported == ["deploy-lambda", "deploy-static-site"]


def test_pull_requests_from_forks() -> None:
    """They have no token, and are passed over."""
    condition = "github.event.pull_request.head.repo.full_name == github.repository"

    assert jobs_of("dry-run-on-pull-request")["build"]["if"] == condition


def test_pull_requests_that_do_not_raise_the_version(step: Step) -> None:
    """They report that what is staged is kept, and do not fail."""
    where = ["file:" + str(step.workspace / "regions" / "one")]
    Session(regions=where).stage("SugarWater", "1.0.0", step.workspace / step.file(CONTENT))
    given = {n.replace("-", "_"): v for n, v in jobs_of(PULL_REQUEST)["stage"]["with"].items()}
    given |= {"version": "1.0.0", "regions": "file:regions/one", "role_to_assume": ""}

    def unpack(inputs: dict[str, str]) -> dict[str, str]:
        (step.workspace / inputs["path"]).mkdir()
        step.file(b"built anew", f"{inputs['path']}/{given['path']}")
        return {}

    actions = {**NOTHING, "actions/download-artifact": unpack}
    reported = call(step, "stage", actions, **given)

    assert (reported["version"], reported["created"]) == ("1.0.0", "false")
    assert Session(regions=where).get("SugarWater", "1.0.0").sha256 == reported["sha256"]


def test_policies_of_the_examples() -> None:
    """The policy that an example names is there; each for projects of several names names one."""
    policy = re.compile(r"^# Its policy is (examples/iam/[\w-]+\.json)\.$", re.MULTILINE)
    named = {name: policy.findall(path.read_text()) for name, path in EXAMPLES.items()}

    assert {name for name, policies in named.items() if policies} == {
        name for name in EXAMPLES if "project: SugarWater\n" not in EXAMPLES[name].read_text()
    }
    mentioned = re.compile(r"examples/iam/[\w-]+\.json")
    policies = {m for path in EXAMPLES.values() for m in mentioned.findall(path.read_text())}
    assert {"examples/iam/promote-staging.json", "examples/iam/promote-prod.json"} < policies
    assert all((PROJECT / policy).is_file() for policy in policies)
