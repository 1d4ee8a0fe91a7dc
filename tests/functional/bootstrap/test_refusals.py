"""What keeps an account from being set up is said before anything is changed, all at once."""

import json
import re
from collections.abc import Callable

import pytest

from tests.faults.rules import answering, when
from tests.functional.bootstrap.conftest import (
    EU,
    NAME,
    US,
    Bootstrap,
    EmptyAccount,
)
from tests.support.command import run_inside
from tests.support.wire import Answer, Request, Rule

REPOSITORY = "ORG@1/REPO@2"
XML = {"Content-Type": "text/xml"}
USER = "arn:aws:iam::123456789012:user/me"


def refusal(code: str, message: str, status: int = 403) -> Rule:
    """Return a rule that answers as services do that speak XML in forms."""
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return answering(Answer(status, f"{body}</ErrorResponse>".encode(), XML))


def denied(action: str, resource: str = "arn:aws:x") -> Rule:
    """Return a rule that denies *action* in AWS's words."""
    because = f"because no identity-based policy allows the {action} action"
    said = f"User: {USER} is not authorized to perform: {action} on resource: {resource} {because}"
    return refusal("AccessDenied", said)


def asks(operation: str, region: str = US) -> Callable[[Request], bool]:
    return lambda r: (r.operation, r.region) == (operation, region)


def is_head(region: str) -> Callable[[Request], bool]:
    return lambda r: r.service == "s3" and r.method == "HEAD" and r.region == region


def test_name_is_taken(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """A bucket of somebody else is distinguished from a free name, and nothing is changed."""
    empty.wire.add(when(is_head(EU), answering(Answer(403))))

    done = bootstrap()

    assert done.code == 2
    assert f"bucket {empty.bucket(EU)} for {EU} belongs to somebody else" in done.err
    assert f"or a bucket of your own: --bucket {EU}=NAME" in done.err
    assert empty.writes() == []


def test_bucket_that_must_not_be_listed(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """One that is in the account's own list is its own, whoever may see what is in it."""
    empty.make_bucket(US, empty.bucket(US))
    empty.wire.add(when(is_head(US), answering(Answer(403))))

    done = bootstrap("--dry-run", regions=(US,))

    assert done.code == 0
    assert re.search(rf"take in +bucket +{empty.bucket(US)}", done.err)


def test_bucket_elsewhere(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """A bucket of another region is named with where it is."""
    own = f"sugar-{empty.number}"
    empty.make_bucket(EU, own)

    done = bootstrap("--bucket", f"{US}={own}", regions=(US,))

    assert done.code == 2
    assert f"bucket {own} is in {EU}, expected in {US}" in done.err


def test_bucket_that_has_gone(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """A stack whose bucket was deleted behind its back cannot make it again by itself."""
    bootstrap(regions=(US,))
    s3 = empty.client("s3")
    s3.delete_bucket(Bucket=empty.bucket(US))

    done = bootstrap(regions=(US,))

    assert done.code == 2
    assert f"has made bucket {empty.bucket(US)}, which is not there any more" in done.err
    assert f"aws s3api create-bucket --bucket {empty.bucket(US)} --region {US}" in done.err


def test_other_bucket_than_before(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """Artifacts would be left behind in the old one."""
    bootstrap(regions=(US,))

    done = bootstrap("--bucket", f"{US}=other-{empty.number}", regions=(US,))

    assert done.code == 2
    assert "it is not clear which bucket is meant" in done.err
    assert empty.get(US, f"/{NAME}/bucket") == empty.bucket(US)


def test_parameter_without_a_bucket(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """A parameter that holds no name of a bucket is named with what is in it."""
    empty.put(US, f"/{NAME}/bucket", "Not a bucket")

    done = bootstrap(regions=(US,))

    assert done.code == 2
    assert f"parameter /{NAME}/bucket in {US} holds 'Not a bucket'" in done.err


def test_roles_of_somebody_else(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """Roles of those names, and no stack, were made by hand."""
    empty.client("iam").create_role(RoleName=f"{NAME}-stage", AssumeRolePolicyDocument="{}")

    done = bootstrap(regions=(US,))

    assert done.code == 2
    assert f"role '{NAME}-stage' of that name" in done.err
    assert empty.writes()[1:] == []  # the role itself


@pytest.mark.parametrize(
    ("kind", "count", "quota", "new", "quota_name"),
    [
        ("roles", 998, 1000, "6 are", "Roles per account"),
        ("policies", 1500, 1500, "1 is", "Customer managed policies per account"),
    ],
)
def test_quotas(
    empty: EmptyAccount,
    bootstrap: Bootstrap,
    kind: str,
    count: int,
    quota: int,
    new: str,
    quota_name: str,
) -> None:
    """That there is no room in IAM is known before, and where it is to be had."""
    entries = "".join(
        f"<entry><key>{name}</key><value>{value}</value></entry>"
        for name, value in ((kind.title(), count), (f"{kind.title()}Quota", quota))
    )
    body = (
        f"<GetAccountSummaryResponse><GetAccountSummaryResult><SummaryMap>{entries}</SummaryMap>"
        "</GetAccountSummaryResult></GetAccountSummaryResponse>"
    )
    empty.wire.add(when(asks("GetAccountSummary"), answering(Answer(200, body.encode(), XML))))

    done = bootstrap(regions=(US,))

    assert done.code == 2
    said = f"the account has {count:,} {kind} of at most {quota:,}, and {new} to be made"
    assert said in done.err
    assert quota_name in done.err
    assert empty.writes() == []


def test_quota_of_trust_policies(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """More repositories than fit into the trust policy of a role are known before as well."""
    words = [word for n in range(20) for word in ("--github", f"ORG@1/REPOSITORY-{n}@{n + 1}")]

    fits, done = bootstrap("--dry-run", *words[:20]), bootstrap(*words)

    assert (fits.code, done.code) == (0, 2)
    assert "the trust policy of a role has 2," in done.err
    assert "characters, and IAM allows at most 2,048" in done.err
    assert "'Role trust policy length'" in done.err
    assert empty.writes() == []


def test_all_at_once(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """Several things that are wrong, in several regions, are one error."""
    empty.client("iam").create_role(RoleName=f"{NAME}-read", AssumeRolePolicyDocument="{}")
    empty.wire.add(when(is_head(EU), answering(Answer(403))))
    empty.make_bucket(EU, f"sugar-{empty.number}")

    key = empty.client("kms", US).create_key()["KeyMetadata"]["KeyId"]
    empty.client("kms", US).disable_key(KeyId=key)

    done = bootstrap("--bucket", f"{US}=sugar-{empty.number}", "--kms-key", key)

    assert done.code == 2
    for part in (
        "belongs to somebody else",
        f"is in {EU}, expected in {US}",
        f"'{NAME}-read'",
        f"key '{key}' in KMS in {US} is Disabled",
        f"there is no key '{key}' in KMS in {EU}",
    ):
        assert part in done.err


def test_bad_options(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """What is wrong with the options is said at once as well, and nothing is asked."""
    done = bootstrap(
        *("--github", "ORG", "--channel", "latest", "--project", "a b", "--bucket-name-param", "x"),
        *("--bucket", f"{EU}=a", "--bucket", f"{US}=arn:aws:s3:x", "--bucket-owner", "12"),
        *("--bucket-key-prefix", "a*/", "--unset", "x"),
        name="My_artifacts",
        regions=(US, US),
    )

    assert done.code == 2
    for part in (
        "repository: got 'ORG'",
        "channel: got 'latest'",
        "project: got 'a b'",
        "parameter: got 'x', expected a name that begins with /",
        f"bucket: got '{EU}', expected one of the regions",
        "bucket 'arn:aws:s3:x' is an ARN",
        "bucket_key_prefix: got 'a*/'",
        "--unset: got 'x'",
        "name: got 'My_artifacts'",
        "a region is named twice",
    ):
        assert part in done.err
    assert empty.wire.requests() == []


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--name", "x"], "no region is named"),
        (["--regions", US], "no name is given"),
        (["--regions", US, "--name", "x"], "expected 2 to 24 lower-case letters"),
        (["--regions", US, "--name", "aws-artifacts"], "does not begin with aws or ssm"),
        (["--regions", US, "--name", "a" * 25], "expected 2 to 24 lower-case letters"),
        (["--regions", US, "--name", "x1", "--bucket", "name"], "does not say for which region"),
        (
            ["--regions", US, "--name", "x1", "--branch", "main", "--tag", "v*"],
            "--branch and --tag are given, and no repository whose runs are meant",
        ),
        (
            ["--regions", US, "--name", "x1", "--environment", "build"],
            "hint: Give --github ORGANISATION/REPOSITORY too: --environment needs it",
        ),
        (
            ["--regions", US, "--name", "x1", "--github", "a/b", "--branch", "refs/heads/main"],
            "hint: Write main",
        ),
        *(
            (["--regions", US, "--name", "x1", "--github", text], "hint: Write a/b")
            for text in ("https://github.com/a/b", "git@github.com:a/b.git", "a/b.git", "a/b/")
        ),
        (["--regions", US, "--name", "x1", "--github", "a/b", "--branch", "*"], "branch: got '*'"),
        (["--regions", US, "--name", "x1", "--github", "a/b", "--tag", "a,b"], "without a comma"),
    ],
)
def test_lacking_options(
    empty: EmptyAccount, capsys: pytest.CaptureFixture[str], words: list[str], part: str
) -> None:
    """Each of these is refused with what was expected."""
    done = run_inside(capsys, ["bootstrap", *words])

    assert done.code == 2
    assert part in done.err
    assert empty.writes() == []


def test_regions_of_the_environment(
    empty: EmptyAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regions that cannot be set up are said to come from the environment, where they do."""
    monkeypatch.setenv("STARTIFACT_REGIONS", "file:./a, s3://bucket")

    done = run_inside(capsys, ["bootstrap", "--name", NAME])
    given = run_inside(capsys, ["bootstrap", "--name", NAME, "--regions", "file:./a"])

    assert done.code == given.code == 2
    for text in ("file:./a", "s3://bucket"):
        assert f"STARTIFACT_REGIONS: got '{text}', expected an AWS region" in done.err
    assert "hint: Name AWS regions with --regions, which counts before STARTIFACT_REG" in done.err
    assert "region: got 'file:./a', expected an AWS region" in given.err
    assert "STARTIFACT_REGIONS" not in given.err
    assert empty.wire.requests() == []


def test_denied_before(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """What may not be asked is named with the action, in all regions at once."""
    empty.wire.add(when(asks("DescribeStacks"), denied("cloudformation:DescribeStacks")))
    empty.wire.add(when(asks("DescribeStacks", EU), denied("cloudformation:DescribeStacks")))

    done = bootstrap()

    assert done.code == 6
    for region in (US, EU):
        assert f"{region} refused cloudformation:DescribeStacks" in done.err
    assert "hint: Allow cloudformation:DescribeStacks on" in done.err
    assert "in the policy of whoever runs this" in done.err
    assert empty.writes() == []


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        ("ListOpenIDConnectProviders", "iam:ListOpenIDConnectProviders"),
        ("CreateChangeSet", "cloudformation:CreateChangeSet"),
    ],
)
def test_denied(empty: EmptyAccount, bootstrap: Bootstrap, operation: str, action: str) -> None:
    """So is what may not be done."""
    empty.wire.add(when(asks(operation), denied(action)))

    done = bootstrap("--github", REPOSITORY, regions=(US,))

    assert done.code == 6
    assert f"hint: Allow {action} on" in done.err


def test_credentials(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """Credentials that a region does not accept are named with it."""
    empty.wire.add(
        when(asks("GetCallerIdentity", EU), refusal("InvalidClientTokenId", "The token is invalid"))
    )

    done = bootstrap()

    assert done.code == 6
    assert f"{EU} did not accept the AWS credentials for sts:GetCallerIdentity" in done.err


def test_other_owner(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """Buckets belong to the account that is set up: with another owner S3 would refuse all."""
    done = bootstrap("--bucket-owner", "210987654321")

    assert done.code == 2
    assert f"bucket_owner of {US} is 210987654321, expected {empty.number}" in done.err
    assert empty.writes() == []


def test_key_that_is_not_there(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """A key of KMS has to be there in each region."""
    done = bootstrap("--kms-key", "alias/artifacts")

    assert done.code == 2
    for region in (US, EU):
        assert f"there is no key 'alias/artifacts' in KMS in {region}" in done.err


def test_configurations_that_differ(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """Where regions have different names for one thing, somebody has to say which is right."""
    for region in (US, EU):
        empty.put(region, "/startifact", json.dumps({"bucket_name_param": f"/{region}/bucket"}))

    done = bootstrap()
    given = bootstrap("--bucket-name-param", "/ci/bucket", "--dry-run")

    assert done.code == 2
    assert "regions are configured with several bucket_name_param" in done.err
    assert "Say which is right with --bucket-name-param" in done.err
    assert given.code == 0
