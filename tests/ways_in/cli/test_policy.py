"""Printing policies: what a role may do, and which runs take it on. Nothing is asked of AWS."""

import json
import re
import shlex
from typing import Any
from urllib.parse import quote

import pytest

import startifact
from startifact.errors import InputError
from startifact.limits import MAX_MANAGED_POLICY_CHARACTERS, MAX_ROLE_POLICY_CHARACTERS
from startifact.model.aws_regions import PARTITIONS
from startifact.options import OPTIONS, TARGETS
from startifact.permissions import OPERATIONS
from tests.support.runner_step import PROJECT
from tests.ways_in.cli.conftest import Run

WHERE = (
    *("--bucket", "my-artifacts-*", "--account", "123456789012"),
    *("--bucket-name-param", "/artifacts/bucket", "--bucket-key-prefix", "team/"),
    *("--parameter-name-prefix", "/team"),
)


def resources(iam_policy: dict[str, Any], service: str) -> set[str]:
    """Return what a policy is about in *service*."""
    found: set[str] = set()
    for statement in iam_policy["Statement"]:
        given = statement["Resource"]
        found |= {given} if isinstance(given, str) else set(given)
    return {arn for arn in found if arn.split(":")[2] == service}


def example(name: str) -> object:
    return json.loads((PROJECT / "examples" / "iam" / f"{name}.json").read_text(encoding="utf-8"))


def test_example(run: Run) -> None:
    """With everything given, it prints the policy that is among the examples, and says nothing."""
    done = run("policy", "stage", "--project", "SugarWater", *WHERE)

    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out) == example("stage")
    assert run("policy", "stage", "--project", "SugarWater", *WHERE, "--json").out == done.out


def test_python() -> None:
    """Python has the same as a function."""
    made = startifact.policy(
        "stage",
        projects=["SugarWater"],
        buckets="my-artifacts-*",
        account="123456789012",
        bucket_name_param="/artifacts/bucket",
        bucket_key_prefix="team/",
        parameter_name_prefix="/team",
    )

    assert made == example("stage")


def test_regions(run: Run) -> None:
    """It names the regions, their buckets, and every project."""
    done = run(
        *("policy", "promote", "--project", "A", "--project", "Web-*", "--channel", "prod"),
        *("--regions", "us-east-1,eu-west-1", "--bucket", "us-east-1=one"),
        *("--bucket", "eu-west-1=two", "--account", "123456789012"),
        *("--bucket-name-param", "buckets", "--configuration-parameter", "here"),
    )

    parameters = {arn.removeprefix("arn:aws:ssm:") for arn in resources(done.json, "ssm")}
    assert done.code == 0
    assert parameters == {
        f"{region}:123456789012:parameter/{name}"
        for region in ("us-east-1", "eu-west-1")
        for name in ("here", "buckets", "A/latest", "A/prod", "Web-*/latest", "Web-*/prod")
    }
    assert {arn.partition("/")[0] for arn in resources(done.json, "s3")} == {
        "arn:aws:s3:::one",
        "arn:aws:s3:::two",
    }


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["policy", "copy"], "Write copy-from or copy-to: each is a part of copy"),
        (["policy", "channels --remove"], "Write channels-remove for channels --remove"),
        (["policy", "channels", "--remove"], "Write channels-remove for channels --remove"),
        (["policy", "repair", "--keep", "x"], "Write repair-keep for repair --keep"),
        (["policy", "promte"], "Perhaps promote is meant"),
        (["doctor", "P", "--for", "channels", "--remove"], "Write channels-remove for channels"),
    ],
)
def test_parts_of_commands(run: Run, words: list[str], advice: str) -> None:
    """What only a part of a command needs has a name, which is said where the command's is not."""
    done = run(*words)

    assert done.code == 2
    assert f"hint: {advice}" in done.err


def test_regions_of_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regions that no policy is for are said to come from the environment, where they do."""
    monkeypatch.setenv("STARTIFACT_REGIONS", "file:./a")

    done = run("policy", "stage", "--project", "A")

    assert done.code == 2
    assert "STARTIFACT_REGIONS: got 'file:./a', expected an AWS region" in done.err
    assert "hint: Name AWS regions with --regions, which counts before STARTIFACT_REG" in done.err


def test_placeholders(run: Run) -> None:
    """What is not given is a placeholder, and it says which, and how to give it."""
    done = run("policy", "info", "--project", "A", "--regions", "eu-west-1")

    assert done.code == 0
    assert "arn:aws:s3:::NAME_OF_BUCKET_IN_eu-west-1" in resources(done.json, "s3")
    assert done.err.splitlines() == [
        "ACCOUNT_ID is a placeholder: give --account, or replace it",
        "NAME_OF_BUCKET is a placeholder: give --bucket, or replace it",
        "/PARAMETER_WITH_BUCKET_NAME is a placeholder: give --bucket-name-param, or replace it",
    ]


@pytest.mark.parametrize(
    ("region", "partition"),
    [("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn"), ("eu-west-1", "aws")],
)
def test_partition(run: Run, region: str, partition: str) -> None:
    """Every ARN is of the partition that the regions are in."""
    done = run("policy", "stage", "--project", "A", "--regions", region)

    arns = resources(done.json, "s3") | resources(done.json, "ssm")
    assert {arn.split(":")[1] for arn in arns} == {partition}


def test_key_in_kms(run: Run) -> None:
    """A key may be used for S3 in its region alone; who only reads does not encrypt with it."""
    key = "arn:aws:kms:eu-west-1:123456789012:key/0f1e2d3c"

    def actions(command: str) -> dict[str, Any]:
        made = run("policy", command, "--project", "A", "--kms-key", key).json["Statement"]
        return {s["Action"]: s for s in made if s["Resource"] == key}

    assert list(actions("download")) == ["kms:Decrypt"]
    assert list(actions("stage")) == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert actions("stage")["kms:Decrypt"]["Condition"] == {
        "StringLike": {"kms:ViaService": "s3.eu-west-1.amazonaws.com*"}
    }


def test_bucket_of_its_own(run: Run) -> None:
    """A bucket that is named has no parameters, and its spelling says what is its own."""
    key = "arn:aws:kms:eu-west-1:123456789012:key/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
    spec = (
        f"s3://my-bucket/some/prefix?region=eu-west-1&kms-key={quote(key, safe='')}"
        "&object-tags=team%3Dbuild&bucket-owner=210987654321"
    )
    made = run("policy", "stage", "--project", "A", "--regions", spec, "--account", "1" * 12)

    assert (made.code, made.err) == (0, "")
    assert resources(made.json, "ssm") == set()
    assert resources(made.json, "s3") == {
        "arn:aws:s3:::my-bucket",
        *(f"arn:aws:s3:::my-bucket/some/prefix/A{end}" for end in ("@*", "/*", "/latest")),
    }
    statements = {s["Sid"]: s for s in made.json["Statement"]}
    assert statements["Tag"]["Action"] == "s3:PutObjectTagging"
    assert statements["Encrypt"]["Resource"] == key
    owners = {
        s["Condition"]["StringEquals"]["aws:ResourceAccount"]
        for s in statements.values()
        if "StringEquals" in s["Condition"]
    }
    assert owners == {"210987654321"}


def test_buckets_beside_regions(run: Run) -> None:
    """Each bucket keeps its own prefix, beside those of an organisation."""
    made = run(
        *(
            "policy",
            "download",
            "--project",
            "A",
            "--bucket",
            "org",
            "--bucket-key-prefix",
            "team/",
        ),
        *("--regions", "eu-west-1,s3://one/x?region=us-east-1,s3://two"),
    )

    keys = {arn for arn in resources(made.json, "s3") if arn.endswith("@*")}
    assert keys == {f"arn:aws:s3:::{k}A@*" for k in ("org/team/", "one/x/", "two/")}
    (listing,) = (s for s in made.json["Statement"] if s["Action"] == "s3:ListBucket")
    assert "x/A@*" in listing["Condition"]["StringLike"]["s3:prefix"]


def test_other_store(run: Run) -> None:
    """A store other than AWS has no accounts, and is tried before it is written to."""
    spec = "s3://artifacts/x?endpoint=https%3A%2F%2Fstore.example"
    made = run("policy", "stage", "--project", "A", "--regions", spec)

    statements = {s["Sid"]: s for s in made.json["Statement"]}
    assert (made.code, made.err) == (0, "")
    assert "aws:ResourceAccount" not in made.out
    assert statements["Probe"]["Resource"] == "arn:aws:s3:::artifacts/x/A/_probe/*"
    assert "Condition" not in statements["Read"]


def test_role_to_copy_with(run: Run) -> None:
    """Whoever copies takes on the role for where the copy goes."""
    role = "arn:aws:iam::123456789012:role/copy"
    made = run("policy", "copy-from", "--project", "A", "--to-role", role)

    (statement,) = (s for s in made.json["Statement"] if s["Action"] == "sts:AssumeRole")
    assert statement["Resource"] == role


def test_several_commands(run: Run) -> None:
    """A role for several commands may do what each needs, and one denies nothing to the others."""
    prune = run("policy", "prune", "--project", "A").json["Statement"]
    both = run("policy", "prune", "stage", "--project", "A").json["Statement"]

    assert [s["Sid"] for s in prune if s["Effect"] == "Deny"] == ["NeverLatest"]
    assert [s["Sid"] for s in both if s["Effect"] == "Deny"] == []
    assert len({s["Sid"] for s in both}) == len(both)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stage"], "no project is named"),
        ([], "no command is named"),
        ([], "startifact policy bootstrap prints that of bootstrap"),
        (["bootstraps"], "startifact policy bootstrap prints that of bootstrap"),
        (["stag", "--project", "A"], "command: got 'stag', expected one of stage, download"),
        (["promote", "--project", "A"], "no channel is named"),
        (["promote", "--project", "A", "--channel", "*"], "channel: got '*'"),
        (["promote", "--project", "A", "--channel", "l*"], "moved by stagings alone"),
        (["stage", "--project", "A?"], "project: got 'A?'"),
        (["stage", "--project", "A/*"], "project: got 'A/*'"),
        (["stage", "--project", "${aws:username}"], "project: got '${aws:username}'"),
        (["stage", "--project", "A", "--account", "*"], "account: got '*'"),
        (["stage", "--project", "A", "--regions", "file:x"], "region: got 'file:x'"),
        (["stage", "--project", "A", "--regions", "s3://B_"], "bucket: got 'B_'"),
        (
            ["stage", "--project", "A", "--regions", "eu-west-1,s3://bbb?endpoint=https://c.d"],
            "no policy is for AWS and for another store",
        ),
        (["stage", "--project", "A", "--to-role", "r"], "to-role: got 'r'"),
        (["stage", "--project", "A", "--regions", "eu-west-1,cn-north-1"], "no role reaches"),
        (["stage", "--project", "A", "--bucket", "eu-west-1=b"], "bucket: got 'eu-west-1'"),
        (["stage", "--project", "A", "--bucket", "b/*"], "bucket: got 'b/*'"),
        (["stage", "--project", "A", "--bucket", "b1b", "--bucket", "b2b"], "names two buckets"),
        (["stage", "--project", "A", "--kms-key", "alias/x"], "kms-key: got 'alias/x'"),
        (["stage", "--project", "A", "--bucket-key-prefix", "é/"], "bucket_key_prefix: got"),
        (["stage", "--project", "A", "--bucket-name-param", "/a/*"], "parameter: got '/a/*'"),
        (["--trust", "o/r"], "nothing says which runs"),
        (["--trust", "o/*", "--tag", "v*"], "repository: got 'o/*'"),
        (["--trust", "*/r", "--tag", "v*"], "repository: got '*/r'"),
        (["--trust", "o@1/r", "--tag", "v*"], "repository: got 'o@1/r'"),
        (["--trust", "o/r", "--branch", "*"], "branch: got '*'"),
        (["--trust", "o/r", "--tag", "a:b"], "tag: got 'a:b'"),
        (["--trust", "o/r", "--branch", "refs/heads/main"], "hint: Write main"),
        (["--trust", "o/r", "--tag", "refs/tags/v*"], "expected the name of a tag alone"),
        (["--trust", "https://github.com/o/r.git", "--tag", "v*"], "hint: Write o/r"),
        (["--trust", "o/r", "--tag", "v*", "--name", "a"], "--name and --trust are given"),
        (
            ["--trust", "o/r", "--tag", "v*", "--bucket-key-prefix", "a/"],
            "--bucket-key-prefix and --trust are given",
        ),
        (
            ["--trust", "o/r", "--tag", "v*", "--regions", "us-east-1,cn-north-1"],
            "no role reaches regions of aws and aws-cn",
        ),
        (
            ["--trust", "o/r", "--tag", "v*", "--regions", "cn-north-1", "--partition", "aws"],
            "partition: got 'aws', expected aws-cn, by the regions",
        ),
        (["--trust", "o/r", "--environment", "*"], "environment: got '*'"),
        (["--trust", "o/r", "--tag", "v*", "--project", "A"], "--project and --trust are given"),
        (["stage", "--trust", "o/r", "--tag", "v*"], "a command and --trust are given"),
        (["stage", "--project", "A", "--tag", "v*"], "--tag is given, but --trust is not"),
    ],
)
def test_refused(run: Run, words: list[str], said: str) -> None:
    """What would allow more than it says, or nothing at all, is bad input, with what to write."""
    done = run("policy", *words)

    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_longer_than_iam_allows(run: Run) -> None:
    """A policy that fits into a role alone is printed with a warning, and a longer one refused."""

    def policy_for(count: int) -> list[str]:
        names = [f"--project=Some-long-name-of-a-project-{n}" for n in range(count)]
        return ["policy", "stage", *names, *WHERE]

    long, longer = run(*policy_for(12)), run(*policy_for(30))

    length = len(json.dumps(long.json, separators=(",", ":")))
    assert MAX_MANAGED_POLICY_CHARACTERS < length < MAX_ROLE_POLICY_CHARACTERS
    assert f"warning: the policy has {length:,} characters: it fits into a role" in long.err
    assert (longer.code, longer.out) == (2, "")
    assert "IAM allows at most 10,240" in longer.err
    assert "hint: Name fewer projects" in longer.err


@pytest.mark.parametrize(
    ("name", "repository"),
    [
        ("trust", "ORGANISATION@ORGANISATION_ID/REPOSITORY@REPOSITORY_ID"),
        ("trust-older-repository", "ORGANISATION/REPOSITORY"),
    ],
)
def test_trust(run: Run, name: str, repository: str) -> None:
    """In both forms of sub it prints the trust policy that is among the examples."""
    done = run("policy", "--trust", repository, "--tag", "v*", "--account", "123456789012")

    assert done.code == 0
    assert done.json == example(name)
    assert ("gh api repos/ORGANISATION/REPOSITORY" in done.err) == ("@" not in repository)
    made = startifact.trust_policy(repository, tags=["v*"], account="123456789012")
    assert made == done.json


@pytest.mark.parametrize("words", [["--partition", "aws-cn"], ["--regions", "cn-north-1"]])
def test_trust_in_china(run: Run, words: list[str]) -> None:
    """Tokens are meant for another service there, as in the roles that bootstrap makes."""
    done = run("policy", "--trust", "o/r", "--tag", "v1", *words)

    (statement,) = done.json["Statement"]
    assert statement["Principal"]["Federated"].startswith("arn:aws-cn:iam::")
    condition = statement["Condition"]["StringEquals"]
    assert condition["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com.cn"


def test_runs_that_take_it_on(run: Run) -> None:
    """Branches, tags and environments are each named; without a pattern they are compared whole."""
    done = run(
        *("policy", "--trust", "o@1/r@2", "--branch", "main", "--tag", "v1"),
        *("--environment", "release", "--partition", "aws-us-gov"),
    )

    (statement,) = done.json["Statement"]
    issuer = "token.actions.githubusercontent.com"
    provider = f"arn:aws-us-gov:iam::ACCOUNT_ID:oidc-provider/{issuer}"
    assert statement["Principal"] == {"Federated": provider}
    assert statement["Condition"] == {
        "StringEquals": {
            f"{issuer}:aud": "sts.amazonaws.com",
            f"{issuer}:sub": [
                "repo:o@1/r@2:ref:refs/heads/main",
                "repo:o@1/r@2:ref:refs/tags/v1",
                "repo:o@1/r@2:environment:release",
            ],
        }
    }


def test_trust_that_is_too_long() -> None:
    """A trust policy that IAM does not take is refused."""
    with pytest.raises(InputError, match="IAM allows at most 4,096"):
        startifact.trust_policy("o/r", branches=[f"{'x' * 200}{n}" for n in range(20)])


@pytest.mark.parametrize("page", ["permissions", "organisation-by-hand"])
def test_page(page: str, run: Run) -> None:
    """Every command of the pages prints a policy, and says nothing but what is missing."""
    text = (PROJECT / "docs" / f"{page}.md").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(r"^startifact (policy .*?) > \w+\.json$", text, re.MULTILINE)

    for line in lines:
        done = run(*shlex.split(line))
        assert done.json["Statement"]
        assert all(
            " is a placeholder: " in x or x.startswith("a repos") for x in done.err.splitlines()
        )
    assert len(lines) == 3


def test_names() -> None:
    """What the help says of parts of commands, and of partitions, is what there is."""
    parts = [name for name in OPERATIONS if name in TARGETS["COMMAND"]]

    assert {"channels-remove", "copy-from", "copy-to", "repair-keep", "stage"} <= set(parts)
    assert set(OPTIONS["partition"].values) == set(PARTITIONS)
