"""What the README asks its reader to do works, and what it quotes is what the reader will see."""

import ast
import fnmatch
import io
import itertools
import json
import os
import re
import shutil
import socketserver
import stat
import subprocess
import sys
import threading
import types
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.exceptions import BotoCoreError, ClientError

from startifact.limits import Limits
from startifact.permissions import PERMISSIONS
from startifact.permissions import PROBE as PROBE_KEYS
from startifact.regions.aws.probe import check_conditions, check_deletion
from startifact.regions.aws.probe_requests import METADATA
from tests.conftest import AWS_REGIONS
from tests.consistency.test_documents import README, column
from tests.support.iam import listed
from tests.support.runner_step import PROJECT, Step
from tests.support.workflow import Job
from tests.ways_in.action.identity import Identities

IAM = PROJECT / "examples" / "iam"
CONTENT = b"sugar and water\n"
CHANNELS = "Channels and ranges"

# What the README's reader has installed and these tests have not. It hands its arguments to the
# test: a process that imports boto3 for each of a dozen commands took most of these tests' time.
AWS_COMMAND = """#!{interpreter} -IS
import json, os, socket, sys

with socket.create_connection(("127.0.0.1", {port})) as test:
    test.sendall(json.dumps([os.getcwd(), *sys.argv[1:]]).encode() + b"\\n")
    said = test.makefile().read()
sys.exit(0 if said == "done" else said or "the test has not answered")
"""


def aws(folder: Path, service: str, verb: str, *rest: str) -> None:
    """Do what ``aws`` does with these words in *folder*, as far as the README uses it."""
    option = {name: value for name, value in pairwise(rest) if name.startswith("--")}

    def policy_text(name: str) -> str:
        return (folder / option[name].removeprefix("file://")).read_text(encoding="utf-8")

    region = "us-east-1" if service == "iam" else option["--region"]
    client: Any = boto3.client(service, region_name=region)  # type: ignore[call-overload]
    match service, verb:
        case "s3", "mb":
            configuration = {"LocationConstraint": region}
            more = {} if region == "us-east-1" else {"CreateBucketConfiguration": configuration}
            client.create_bucket(Bucket=rest[0].removeprefix("s3://"), **more)
        case "ssm", "put-parameter":
            client.put_parameter(
                Name=option["--name"], Value=option["--value"], Type=option["--type"]
            )
        case "iam", "create-open-id-connect-provider":
            client.create_open_id_connect_provider(
                Url=option["--url"], ClientIDList=[option["--client-id-list"]]
            )
        case "iam", "create-role":
            client.create_role(
                RoleName=option["--role-name"],
                AssumeRolePolicyDocument=policy_text("--assume-role-policy-document"),
            )
        case "iam", "put-role-policy":
            client.put_role_policy(
                RoleName=option["--role-name"],
                PolicyName=option["--policy-name"],
                PolicyDocument=policy_text("--policy-document"),
            )
        case _:
            raise ValueError(f"the tests do not know aws {service} {verb}")


class AwsHandler(socketserver.StreamRequestHandler):
    """Carries out one command of `AWS_COMMAND`, and answers ``done`` or what went wrong."""

    def handle(self) -> None:
        folder, *words = json.loads(self.rfile.readline())
        try:
            aws(Path(folder), *words)
            said = "done"
        except (BotoCoreError, ClientError, OSError, LookupError, ValueError) as e:
            said = f"aws {' '.join(words)}: {e!r}"
        self.wfile.write(said.encode())


def blocks(heading: str) -> list[str]:
    """Return the shell blocks below a heading."""
    section = README.split(f"# {heading}\n", 1)[1].split("\n##", 1)[0]
    return re.findall(r"```shell\n(.*?)```", section, re.DOTALL)


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Path]:
    """Return the folder of the programs that a reader has installed, AWS's own among them."""
    programs = tmp_path / "bin"
    programs.mkdir()
    server = socketserver.TCPServer(("127.0.0.1", 0), AwsHandler)
    port = server.server_address[1]
    (programs / "aws").write_text(AWS_COMMAND.format(interpreter=sys.executable, port=port))
    command = f'#!/bin/sh\nexec {sys.executable} -m startifact "$@"\n'
    (programs / "startifact").write_text(command)
    for program in programs.iterdir():
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield programs
    server.shutdown()
    thread.join()
    server.server_close()


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
    iam = boto3.resource("iam", endpoint_url=moto_server, region_name="us-east-1")
    for role in iam.roles.all():
        if role.name.endswith("-sugarwater"):
            for policy in role.policies.all():
                policy.delete()
            role.delete()
    for provider in iam.meta.client.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
        iam.meta.client.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider["Arn"])


def run(programs: Path, folder: Path, *scripts: str) -> str:
    """Run the reader's commands, one after the other in one shell, until one fails.

    Returns which regions the reader has named by then.
    """
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join([*scripts, 'echo "<$STARTIFACT_REGIONS>"'])],
        cwd=folder,
        env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.rsplit("<", 1)[1].strip(">\n")


def check_action(step: Step, regions: str) -> None:
    """Stage and download with the action where the README's commands have just been."""
    step.file(CONTENT)
    common = {"project": "SugarWater", "regions": regions}

    staged = step.run(command="stage", version="1.0.9001", path="dist.tar.gz", **common)
    for file in (step.output, step.summary):
        file.write_bytes(b"")
    downloaded = step.run(command="download", version="latest", path="back", **common)

    assert (staged.exit_code, downloaded.exit_code) == (0, 0), staged.errors + downloaded.errors
    assert downloaded.outputs["version"] == "1.0.9001"
    assert (step.workspace / "back").read_bytes() == CONTENT


def test_directories(programs: Path, form: Step) -> None:
    """The first of the ten minutes works as written, and the action meets what it staged."""
    regions = run(programs, form.workspace, *blocks("Directories, with nothing to set up"))

    assert (form.workspace / "back.txt").read_bytes() == CONTENT
    check_action(form, regions)


def test_channels_and_ranges(programs: Path, tmp_path: Path) -> None:
    """What the README does with channels and ranges works after its first minutes, as written."""
    first, channels = (
        blocks(heading) for heading in ("Directories, with nothing to set up", CHANNELS)
    )

    run(programs, tmp_path, *first, *channels)

    prod = json.loads((tmp_path / "one" / "SugarWater" / "prod").read_text(encoding="utf-8"))
    moves = prod["accepted"]["history"]
    assert [move["version"] for move in moves] == ["1.0.9000", "1.1.0", "1.0.9000"]
    assert moves[0]["rollback"]


@pytest.mark.usefixtures("account")
def test_one_bucket(programs: Path, form: Step) -> None:
    """One bucket works as written, and the action meets what was staged."""
    form.file(CONTENT, "dist.txt")

    regions = run(programs, form.workspace, *blocks("One bucket"))

    assert (form.workspace / "back.txt").read_bytes() == CONTENT
    check_action(form, regions)


@pytest.mark.usefixtures("account")
def test_organisation(programs: Path, form: Step) -> None:
    """Setting up an organisation works as written, and the action meets what was staged."""
    form.file(CONTENT, "dist.txt")
    for path in IAM.glob("*.json"):
        shutil.copy(path, form.workspace)

    regions = run(programs, form.workspace, *blocks("An organisation"))

    assert (form.workspace / "back.txt").read_bytes() == CONTENT
    check_roles()
    check_action(form, regions)


def check_roles() -> None:
    """Check that the roles are those which the README's workflows name, each with its policy."""
    iam = boto3.resource("iam", region_name="us-east-1")
    (provider,) = iam.meta.client.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    trust = json.loads((IAM / "trust.json").read_text(encoding="utf-8"))
    (federated,) = (s["Principal"]["Federated"] for s in trust["Statement"])
    named = set(re.findall(r"arn:aws:iam::123456789012:role/([\w-]+)", README))
    roles = {"stage-sugarwater": "stage", "download-sugarwater": "read"}

    assert provider["Arn"] == federated
    assert named == set(roles)
    for name, policy in roles.items():
        role = iam.Role(name)
        assert role.assume_role_policy_document == trust
        (attached,) = role.policies.all()
        assert attached.policy_document == json.loads((IAM / f"{policy}.json").read_text())


def test_subjects_of_the_first_workflows() -> None:
    """The trust policies are for tags, and the README says what the first two workflows need."""
    for text in workflows(README)[:2]:
        assert yaml.safe_load(text)[True] == "workflow_dispatch"
        assert "environment:" not in text

    assert "at the top of this page, `sub` ends in `:ref:refs/heads/main`" in README


def test_key_prefix() -> None:
    """The README's keys begin as the policies say, and so do the names of its parameters."""
    first = workflows(README)[:2]
    bucket, organisation = (blocks(h)[0] for h in ("One bucket", "An organisation"))
    addresses = [re.findall(r"s3://[\w$]+/?([^?\s]*)\?region=", t) for t in (*first, bucket)]
    setup = dict(re.findall(r"--(\S+) (\S+)", organisation.split("startifact setup", 1)[1]))

    assert addresses == [["team"]] * 3
    assert setup["bucket-key-prefix"] == "team/"
    (name,) = re.findall(r"^BUCKET=(\S+)", bucket)
    (begin,) = re.findall(r"^BUCKETS=(\S+)", organisation)
    for path in sorted(IAM.glob("*.json")):
        text = path.read_text(encoding="utf-8")
        for pattern, prefix in re.findall(r'"arn:aws:s3:::([^/"]+)(?:/([^"/]+/))?', text):
            assert prefix in {"", setup["bucket-key-prefix"]}
            assert fnmatch.fnmatchcase(name, pattern)
            assert all(fnmatch.fnmatchcase(f"{begin}-{r}", pattern) for r in AWS_REGIONS)
        for parameter in re.findall(r':parameter(/[^"]+)', text):
            assert parameter in {"/startifact", setup["bucket-name-param"]} or (
                re.fullmatch(f"{setup['parameter-name-prefix']}/[^/]+/([a-z]+|[*])", parameter)
            )


def test_names_of_buckets() -> None:
    """The name of a bucket is the reader's own, and stands in one place of each block."""
    for heading in ("One bucket", "An organisation"):
        first, *rest = blocks(heading)[0].splitlines()
        assert re.match(r"BUCKETS?=my-artifacts(-one)? # .*of your own", first)
        assert "my-artifacts" not in "\n".join(rest)


# What a new user meets first.
COMMON = [
    *("no regions are named", "nothing has been staged in", " did not answer "),
    *("GitHub gave no OpenID Connect token", "cannot make a client for"),
    *("there are no usable AWS credentials for", "there is no organisation configuration in"),
    *("is not a semantic version", "is already staged with other content", "there is no file"),
]


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
    # In N of M, capital letters stand for what is put in.
    quoted = [re.sub(r"\b[KMN]\b", "\0", quote) for quote in quoted]
    missing = [quote for quote in quoted if not any(quote in text for text in texts)]

    assert set(COMMON) <= set(quoted)
    assert missing == []


def test_policies_are_generated() -> None:
    """All policies among the examples are made of the table, and have no other actions."""
    actions = {action for permission in PERMISSIONS for action in permission.actions}
    generator = (PROJECT / "scripts" / "generate.py").read_text(encoding="utf-8")

    assert [path.name for path in IAM.iterdir() if f'"{path.stem}": ' not in generator] == []
    for path in (path for path in IAM.glob("*.json") if not path.name.startswith("trust")):
        for statement in json.loads(path.read_text(encoding="utf-8"))["Statement"]:
            assert set(listed(statement["Action"])) <= actions


PROBE = {
    "put_object": "s3:PutObject",
    "create_multipart_upload": "s3:PutObject",
    "upload_part": "s3:PutObject",
    "complete_multipart_upload": "s3:PutObject",
    "abort_multipart_upload": "s3:AbortMultipartUpload",
    "head_object": "s3:GetObject",
    "get_object": "s3:GetObject",
}


class Store:
    """A store that honours conditions, and takes down which requests are made of which keys."""

    meta = types.SimpleNamespace(region_name="us-east-1")

    def __init__(self) -> None:
        self.requests: set[tuple[str, str]] = set()
        self._etags: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        def answer(**given: Any) -> dict[str, Any]:
            key = str(given["Key"])
            with self._lock:
                self.requests.add((name, key))
                there = self._etags.get(key)
                if there and ("IfNoneMatch" in given or given.get("IfMatch", there) != there):
                    raise ClientError({"Error": {"Code": "PreconditionFailed"}}, name)
                if name in {"put_object", "complete_multipart_upload"}:
                    self._etags[key] = str(next(self._numbers))
                etag = self._etags.get(key, "")
            return {
                "UploadId": str(next(self._numbers)),
                "ETag": etag,
                "Metadata": METADATA,
                "Body": io.BytesIO(),
            }

        return answer


@pytest.mark.parametrize(
    ("trial", "names", "needed"),
    [
        (check_conditions, {"Probe"}, set(PROBE.values())),
        (check_deletion, {"Probe", "ProbeDeletion"}, {"s3:PutObject", "s3:DeleteObject"}),
    ],
)
def test_permissions_of_the_probe(
    trial: Callable[[Any, str], None], names: set[str], needed: set[str]
) -> None:
    """What the table says of a store other than AWS is what is asked of one.

    It is asked to delete as well, which it may refuse to a staging. A repair stages, too.
    """
    store = Store()
    bucket: Any = types.SimpleNamespace(
        client=store, name="B", region="one", full=lambda key: f"team/{key}", limits=Limits()
    )

    trial(bucket, "SugarWater")

    rows = [permission for permission in PERMISSIONS if permission.name in names]
    actions = {action for permission in rows for action in permission.actions}
    asked = {PROBE.get(request, "s3:DeleteObject") for request, _ in store.requests}
    assert asked - {"s3:DeleteObject"} == needed - {"s3:DeleteObject"}
    assert needed <= actions
    assert {resource for permission in rows for resource in permission.resources} == {PROBE_KEYS}
    assert all(key.startswith("team/SugarWater/_probe/") for _, key in store.requests)


@pytest.mark.parametrize("path", sorted(IAM.glob("*.json")), ids=lambda path: path.stem)
def test_policies_name_the_account(path: Path) -> None:
    """The name of a bucket says nothing of whose it is: the policies do."""
    for statement in json.loads(path.read_text(encoding="utf-8"))["Statement"]:
        resources = statement.get("Resource", [])
        buckets = [r for r in [resources, *resources] if str(r).startswith("arn:aws:s3:")]
        condition = statement.get("Condition", {}).get("StringEquals", {})
        is_denial = statement["Effect"] == "Deny"  # whose they are is no reason to allow it
        assert not buckets or is_denial or condition == {"aws:ResourceAccount": "123456789012"}


def test_trust_policies() -> None:
    """Both trust policies hold the audience, and one repository in its own form of sub."""
    subjects = []
    for name in ("trust", "trust-older-repository"):
        encoded_record = json.loads((IAM / f"{name}.json").read_text(encoding="utf-8"))
        (statement,) = encoded_record["Statement"]
        condition, issuer = statement["Condition"], "token.actions.githubusercontent.com"
        assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        assert statement["Principal"]["Federated"].endswith(f":oidc-provider/{issuer}")
        assert condition["StringEquals"] == {f"{issuer}:aud": "sts.amazonaws.com"}
        subjects.append(condition["StringLike"][f"{issuer}:sub"])

    assert re.fullmatch(r"repo:\w+@\w+/\w+@\w+:ref:refs/tags/v\*", subjects[0])
    assert re.fullmatch(r"repo:\w+/\w+:ref:refs/tags/v\*", subjects[1])


def workflows(text: str) -> list[str]:
    """Return the workflows in *text* that are whole, from the first line to the last fence."""
    return re.findall(r"^```yaml\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def steps_of(workflow: str) -> list[dict[str, object]]:
    """Return the steps of the only job of a workflow that GitHub would run."""
    encoded_record = yaml.safe_load(workflow)
    assert set(encoded_record) == {True, "permissions", "jobs"}  # YAML 1.1: "on" is a boolean
    (job,) = encoded_record["jobs"].values()
    assert job["runs-on"] == "ubuntu-latest"
    return list(job["steps"])


def test_first_lines(form: Step) -> None:
    """The README's first twenty lines are all that is needed to stage the first artifact."""
    (workflow,) = workflows("\n".join(README.splitlines()[:20]))

    job = Job(form)
    job.run(steps_of(workflow))

    staged = form.workspace / "artifacts" / "SugarWater@1.0.9000" / "artifact"
    assert staged.read_bytes() == CONTENT
    assert job.done[-1].outputs["created"] == "true"
    assert "SugarWater@1.0.9000" in job.done[-1].summary
    assert "OWNER is" in workflow


@pytest.fixture
def identities() -> Iterator[Identities]:
    """Return GitHub and STS on loopback."""
    identities = Identities()
    yield identities
    identities.stop()


@pytest.mark.usefixtures("account")
def test_second_workflow(form: Step, identities: Identities) -> None:
    """With a bucket and a role as its comments say, the second workflow downloads what it staged.

    NAME is all that its reader has to replace.
    """
    staging, downloading = workflows(README)[:2]
    (bucket,) = re.findall(r"# a bucket: (s3://\S+), with role-to-assume", staging)
    assert bucket in downloading
    assert yaml.safe_load(downloading)["permissions"] == {"id-token": "write"}
    assert "permissions: {} # id-token: write" in staging
    role = "\n          role-to-assume: arn:aws:iam::123456789012:role/stage-sugarwater"
    staging = staging.replace("file:./artifacts", bucket + role)
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="my-artifacts-name")
    keyless = {
        **identities.environment,
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
    }

    for workflow in (staging, downloading):
        (form.workspace / "dist.txt").unlink(missing_ok=True)
        Job(form, environment=keyless).run(steps_of(workflow.replace("NAME", "my-artifacts-name")))

    assert (form.workspace / "dist.txt").read_bytes() == CONTENT
    assert [r["RoleArn"].rpartition("/")[2] for r in identities.role_requests] == [
        "stage-sugarwater",
        "download-sugarwater",
    ]


def test_order_of_the_readme() -> None:
    """One sentence, a workflow that stages, one that downloads, the demonstration, the tests."""
    backends = [
        README.index(text)
        for text in ("command: stage", "command: download", "\nmake demo\n", "\nmake test\n")
    ]

    assert README.splitlines()[2].startswith("Startifact ")
    assert backends == sorted(backends)
    assert "pip install startifact" not in README
