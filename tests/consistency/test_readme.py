"""The README's first two screens work as written, and lead to everything else."""

import re
from collections.abc import Iterator

import boto3
import pytest
import yaml

from tests.consistency.documents import PAGES, README, blocks_of, workflows
from tests.consistency.reader import reader_account
from tests.support.runner_step import Step
from tests.support.workflow import Job
from tests.ways_in.action.identity import Identities

__all__ = ["reader_account"]

CONTENT = b"sugar and water\n"


def steps_of(workflow: str) -> list[dict[str, object]]:
    """Return the steps of the only job of a workflow that GitHub would run."""
    encoded_record = yaml.safe_load(workflow)
    assert set(encoded_record) == {True, "permissions", "jobs"}  # YAML 1.1: "on" is a boolean
    (job,) = encoded_record["jobs"].values()
    assert job["runs-on"] == "ubuntu-latest"
    return list(job["steps"])


def test_first_lines(form: Step) -> None:
    """The README's first twenty lines are all that is needed to stage the first artifact."""
    (workflow,) = [b.text for b in blocks_of("README.md", "yaml") if b.line <= 20]

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


@pytest.mark.usefixtures("reader_account")
@pytest.mark.represented_by("process", "container")
def test_second_workflow(form: Step, identities: Identities) -> None:
    """With a bucket and a role as its comments say, the second workflow downloads what it staged.

    NAME is all that its reader has to replace.
    """
    staging, downloading = workflows("README.md")[:2]
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
    found = [
        README.index(text)
        for text in ("command: stage", "command: download", "\nmake demo\n", "\nmake test\n")
    ]

    assert README.splitlines()[2].startswith("Startifact ")
    assert found == sorted(found)
    assert "pip install startifact" not in README
    assert len(README.splitlines()) <= 160


def test_start_has_the_first_workflow() -> None:
    """The page that begins has the workflow that the README begins with."""
    first = blocks_of("README.md", "yaml")[0]
    start = blocks_of("docs/start.md", "yaml")[0]

    def without_comments(text: str) -> str:
        return re.sub(r" +#.*", "", text)

    assert without_comments(first.text) == without_comments(start.text)


def test_subjects_of_the_first_workflows() -> None:
    """The trust policies are for tags, and the page says what the first two workflows need."""
    for text in workflows("README.md")[:2]:
        assert yaml.safe_load(text)[True] == "workflow_dispatch"
        assert "environment:" not in text

    assert (
        "or a start from the Actions tab | `:ref:refs/heads/main` |" in PAGES["docs/workflows.md"]
    )
    assert (
        "started from the Actions tab, say\n`--branch main`"
        in PAGES["docs/organisation-by-hand.md"]
    )
