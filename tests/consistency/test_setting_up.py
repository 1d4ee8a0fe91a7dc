"""Directories, a bucket and an organisation work as the documents set them up, in each form."""

import fnmatch
import json
import re
from pathlib import Path
from typing import Any

import boto3
import pytest

import startifact
from tests.conftest import AWS_REGIONS
from tests.consistency.conftest import forms
from tests.consistency.documents import PAGES, blocks_of, workflows
from tests.consistency.reader import IAM, programs, reader_account, run
from tests.support.runner_step import Step

__all__ = ["programs", "reader_account"]

CONTENT = b"sugar and water\n"
READING = ("download", "info", "versions", "channels", "lock", "copy-from", "verify")
ACCOUNT: dict[str, Any] = {
    "projects": ["SugarWater"],
    "regions": AWS_REGIONS,
    "buckets": "my-artifacts-*",
    "account": "123456789012",
    "bucket_name_param": "/artifacts/bucket",
    "bucket_key_prefix": "team/",
    "parameter_name_prefix": "/team",
}
START = "docs/start.md"
ORGANISATION = "docs/organisation-by-hand.md"


def scripts(page: str, *below: str) -> list[str]:
    """Return the shell blocks of *page*, or of the sections *below* these headings."""
    return [b.text for heading in below or ("",) for b in blocks_of(page, "shell", below=heading)]


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


@pytest.mark.represented_by("process", "container")
def test_directories(programs: Path, form: Step) -> None:
    """The first minutes work as written, and the action meets what they staged."""
    ran = run(programs, form.workspace, *scripts(START, "2. Stage a file", "3. Get it back"))

    assert (form.workspace / "back.txt").read_bytes() == CONTENT
    check_action(form, ran.regions)


# The commands before the step are the same for each form, and other blocks have all each time.
each_form_when_exhaustive = pytest.mark.parametrize(
    "form", forms(pytest.mark.exhaustive), indirect=True
)


@each_form_when_exhaustive
@pytest.mark.usefixtures("reader_account")
def test_one_bucket(programs: Path, form: Step) -> None:
    """One bucket works as written, and the action meets what was staged."""
    form.file(CONTENT, "dist.txt")

    ran = run(programs, form.workspace, *scripts(START, "6. A bucket"))

    assert (form.workspace / "back.txt").read_bytes() == CONTENT
    check_action(form, ran.regions)


@each_form_when_exhaustive
@pytest.mark.usefixtures("reader_account")
def test_organisation(programs: Path, form: Step) -> None:
    """Setting up an organisation works as written, and the action meets what was staged."""
    ran = run(programs, form.workspace, *scripts(ORGANISATION))

    assert (form.workspace / "back.txt").read_bytes() == CONTENT
    check_roles()
    check_action(form, ran.regions)


def check_roles() -> None:
    """Check that the roles are those which the first workflows name, each with its policy."""
    iam = boto3.resource("iam", region_name="us-east-1")
    (provider,) = iam.meta.client.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    trust = json.loads((IAM / "trust.json").read_text(encoding="utf-8"))
    (federated,) = (s["Principal"]["Federated"] for s in trust["Statement"])
    named = {
        role
        for page in ("README.md", ORGANISATION, "docs/index.md")
        for role in re.findall(r"arn:aws:iam::123456789012:role/([\w-]+)", PAGES[page])
    }
    roles = {"stage-sugarwater": ("stage",), "download-sugarwater": READING}

    assert provider["Arn"] == federated
    assert named == set(roles)
    for name, operations in roles.items():
        role = iam.Role(name)
        assert role.assume_role_policy_document == trust
        (attached,) = role.policies.all()
        assert attached.policy_document == startifact.policy(*operations, **ACCOUNT)


def test_key_prefix() -> None:
    """Keys begin as the policies of the examples say, and so do the names of parameters."""
    first = workflows("README.md")[:2]
    bucket, organisation = (scripts(p, h)[0] for p, h in FIRST_LINES)
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


FIRST_LINES = [(START, "6. A bucket"), (ORGANISATION, "Buckets and the configuration")]


@pytest.mark.parametrize(("page", "heading"), FIRST_LINES)
def test_names_of_buckets(page: str, heading: str) -> None:
    """The name of a bucket is the reader's own, and stands in one place of each block."""
    first, *rest = scripts(page, heading)[0].splitlines()

    assert re.match(r"BUCKETS?=my-artifacts(-one)? # .*of your own", first)
    assert "my-artifacts" not in "\n".join(rest)
