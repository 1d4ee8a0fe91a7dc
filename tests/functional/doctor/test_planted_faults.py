"""One thing is wrong: the line that says so names it, and what to do. All others are as before."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from startifact import CheckState, ConfigurationLoader
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults.refusals import denied
from tests.faults.rules import answering, when
from tests.faults.test_wrong_region import redirecting
from tests.functional.doctor.conftest import Examine, check_of, failures
from tests.support.limits import Session
from tests.support.wire import Answer, Forward, Request, Rule, Wire, error

US, EU, AP = AWS_REGIONS
JSON = {"Content-Type": "application/x-amz-json-1.1"}
XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
KEY = "arn:aws:kms:eu-west-1:123456789012:key/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"


def refusing(code: str, status: int = 400, message: str = "because the test says so") -> Rule:
    """Return a rule that answers as services do that speak JSON."""
    body = json.dumps({"__type": code, "message": message}).encode()
    return answering(Answer(status, body, JSON))


def by_sts(code: str, message: str) -> Answer:
    """Return an error as STS answers it."""
    body = error(403, code, message).body.decode()
    answer = f"<ErrorResponse>{body}</ErrorResponse>".encode()
    return Answer(403, answer, {"Content-Type": "text/xml"})


def setting(name: str, body: str, status: int = 200) -> Rule:
    """Return a rule by which the bucket in eu-west-1 has *body* as the setting *name*."""
    answer = Answer(status, body.encode(), {"Content-Type": "application/xml"})
    return when(lambda r: r.region == EU and name in r.query, answering(answer))


def absent(name: str, code: str) -> Rule:
    """Return a rule by which the bucket in eu-west-1 lacks the setting *name*."""
    return when(lambda r: r.region == EU and name in r.query, answering(error(404, code)))


def in_eu(operation: str, rule: Rule) -> Rule:
    """Return *rule* for what is asked of SSM or KMS in eu-west-1."""
    return when(lambda r: r.region == EU and r.operation == operation, rule)


def lifecycle(rule: str) -> Rule:
    """Return a rule by which the bucket in eu-west-1 has one lifecycle rule."""
    body = f"<LifecycleConfiguration {XMLNS}><Rule><ID>tidy</ID><Status>Enabled</Status>{rule}"
    return setting("lifecycle", f"{body}</Rule></LifecycleConfiguration>")


def encrypted(state: str | None) -> Rule:
    """Return a rule by which the bucket in eu-west-1 has a key of its own, in *state*.

    ``None`` is that of a key that is not there.
    """
    bucket = setting(
        "encryption",
        f"<ServerSideEncryptionConfiguration {XMLNS}><Rule><ApplyServerSideEncryptionByDefault>"
        f"<SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>{KEY}</KMSMasterKeyID>"
        "</ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>",
    )
    body = json.dumps({"KeyMetadata": {"KeyId": KEY, "KeyState": state}}).encode()
    known = refusing("NotFoundException") if state is None else answering(Answer(200, body, JSON))
    key = in_eu("DescribeKey", known)

    def rule(request: Request, forward: Forward) -> Answer | None:
        return (key if request.service == "kms" else bucket)(request, forward)

    return rule


def replication(arn: str) -> str:
    return (
        f"<ReplicationConfiguration {XMLNS}><Role>arn:aws:iam::123456789012:role/r</Role><Rule>"
        "<ID>all</ID><Status>Enabled</Status><Destination>"
        f"<Bucket>{arn}</Bucket></Destination></Rule></ReplicationConfiguration>"
    )


def replicating(name: str) -> Rule:
    """Return a rule by which the bucket in eu-west-1 is replicated into the bucket *name*."""
    return setting("replication", replication(f"arn:aws:s3:::{name}"))


def parameter(name: str, value: str) -> Rule:
    """Return a rule by which the parameter *name* in eu-west-1 holds *value*."""
    body = json.dumps({"Parameter": {"Name": name, "Type": "String", "Value": value}}).encode()
    asks = answering(Answer(200, body, JSON))
    return when(
        lambda r: (
            (r.region, r.operation) == (EU, "GetParameter") and json.loads(r.body)["Name"] == name
        ),
        asks,
    )


def at_another_time(seconds: float) -> Rule:
    """Return a rule by which services have a clock that is so many seconds ahead."""

    def rule(request: Request, forward: Forward) -> Answer | None:
        answer = forward()
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
        rest = {k: v for k, v in answer.headers.items() if k.lower() != "date"}
        return replace(answer, headers={**rest, "Date": date})

    return rule


def many_parameters(request: Request, forward: Forward) -> Answer | None:
    """Say that there is always one more page of parameters."""
    names = [{"Name": f"/parameter/{index}"} for index in range(3000)]
    body = json.dumps({"Parameters": names, "NextToken": "more"}).encode()
    return Answer(200, body, JSON)


def lacks(action: str) -> Rule:
    """Return a rule by which no policy allows *action* in eu-west-1."""
    service, _, operation = action.partition(":")
    asks: dict[str, Callable[[Request], bool]] = {
        "s3:GetObject": lambda r: r.method == "GET" and "@" in r.path,
        "s3:ListBucket": lambda r: "list-type" in r.query,
        "s3:PutObject": lambda r: r.method == "POST" and "uploadId" in r.query,
        "s3:AbortMultipartUpload": lambda r: r.method == "DELETE" and "uploadId" in r.query,
    }

    def of_latest(request: Request) -> bool:
        return request.operation == operation and "latest" in request.body.decode()

    asked = asks.get(action, of_latest)
    return when(lambda r: (r.region, r.service) == (EU, service) and asked(r), denied(None))


Make = Callable[[AwsAccount], Rule]


def lacking(action: str) -> Make:
    """Return what makes the rule by which *action* is not allowed."""
    return lambda _: lacks(action)


@dataclass(frozen=True)
class Fault:
    """What is wrong in eu-west-1, and what has to be said of it."""

    check: str
    rule: Make
    found: str
    cure: str
    others: int = 0
    """In how many regions it fails beside that one."""


FAULTS = {
    "versioning is off": Fault(
        "versioning",
        lambda _: setting("versioning", f"<VersioningConfiguration {XMLNS}/>"),
        "it is off",
        "aws s3api put-bucket-versioning --bucket artifacts-{}-eu-west-1 --region eu-west-1",
    ),
    "versioning is suspended": Fault(
        "versioning",
        lambda _: setting(
            "versioning",
            f"<VersioningConfiguration {XMLNS}><Status>Suspended</Status>"
            "</VersioningConfiguration>",
        ),
        "it was suspended",
        "Status=Enabled",
    ),
    "public access is open": Fault(
        "public access",
        lambda _: absent("publicAccessBlock", "NoSuchPublicAccessBlockConfiguration"),
        "BlockPublicPolicy",
        "aws s3api put-public-access-block --bucket artifacts-{}-eu-west-1",
    ),
    "public policies are allowed": Fault(
        "public access",
        lambda _: setting(
            "publicAccessBlock",
            f"<PublicAccessBlockConfiguration {XMLNS}><BlockPublicAcls>true</BlockPublicAcls>"
            "<IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>false</BlockPublicPolicy>"
            "<RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>",
        ),
        "BlockPublicPolicy: not set",
        "BlockPublicPolicy=true",
    ),
    "no encryption": Fault(
        "encryption",
        lambda _: absent("encryption", "ServerSideEncryptionConfigurationNotFoundError"),
        "no encryption",
        "aws s3api put-bucket-encryption",
    ),
    "no lifecycle": Fault(
        "lifecycle",
        lambda _: absent("lifecycle", "NoSuchLifecycleConfiguration"),
        "unfinished uploads",
        "AbortIncompleteMultipartUpload",
    ),
    "lifecycle for another prefix": Fault(
        "lifecycle",
        lambda _: lifecycle(
            "<Filter><Prefix>logs/</Prefix></Filter><AbortIncompleteMultipartUpload>"
            "<DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>"
        ),
        "unfinished uploads",
        "replaces them all",
    ),
    "lifecycle deletes artifacts": Fault(
        "lifecycle",
        lambda _: lifecycle(
            "<Filter><Prefix>team/</Prefix></Filter><Expiration><Days>30</Days></Expiration>"
        ),
        "rule 'tidy' deletes artifacts",
        "get-bucket-lifecycle-configuration",
    ),
    "lifecycle archives artifacts": Fault(
        "lifecycle",
        lambda _: lifecycle(
            "<Filter><Prefix/></Filter><Transition><Days>30</Days>"
            "<StorageClass>DEEP_ARCHIVE</StorageClass></Transition>"
        ),
        "archives artifacts (DEEP_ARCHIVE)",
        "Leave artifacts and channels out",
    ),
    "replication into a listed bucket": Fault(
        "replication",
        lambda account: replicating(account.buckets[US]),
        "into the bucket of us-east-1",
        "aws s3api delete-bucket-replication --bucket artifacts-{}-eu-west-1 --region eu-west-1",
    ),
    "KMS key disabled": Fault(
        "KMS key",
        lambda _: encrypted("Disabled"),
        "'Disabled'",
        f"aws kms enable-key --key-id {KEY} --region eu-west-1",
    ),
    "KMS key about to be deleted": Fault(
        "KMS key", lambda _: encrypted("PendingDeletion"), "nobody can read", "cancel-key-deletion"
    ),
    "KMS key not there": Fault(
        "KMS key",
        lambda _: encrypted(None),
        f"there is no '{KEY}'",
        "aws s3api put-bucket-encryption --bucket artifacts-{}-eu-west-1 --region eu-west-1",
    ),
    "too many parameters": Fault(
        "parameters",
        lambda _: in_eu("DescribeParameters", many_parameters),
        "12,000 of 10,000",
        "--mirrored-channel latest",
    ),
    "clock that is late": Fault(
        "clock", lambda _: at_another_time(400), "behind that of eu-west-1", "timedatectl", others=2
    ),
    "clock that is early": Fault(
        "clock", lambda _: at_another_time(-400), "ahead of that of", "timedatectl", others=2
    ),
    "shared bucket": Fault(
        "other regions",
        lambda account: parameter(account.bucket_parameter, account.buckets[US]),
        "the same bucket as that of us-east-1",
        "a bucket of its own: aws ssm put-parameter --region eu-west-1 --overwrite --name /buckets",
        others=2,  # it also is in the wrong region, and the other one has the same
    ),
    "other configuration": Fault(
        "configuration",
        lambda account: parameter(
            account.parameter,
            json.dumps(
                {
                    "bucket_name_param": account.bucket_parameter,
                    "bucket_key_prefix": "elsewhere/",
                    "parameter_name_prefix": f"/team-{account.unique}",
                    "regions": list(AWS_REGIONS),
                }
            ),
        ),
        "bucket_key_prefix is 'elsewhere/', expected 'team/'",
        "Session.doctor",
    ),
    **{
        f"no permission {action}": Fault(action, lacking(action), "denied on ", action)
        for action in (
            "s3:GetObject",
            "s3:ListBucket",
            "s3:PutObject",
            "s3:AbortMultipartUpload",
            "ssm:GetParameter",
            "ssm:PutParameter",
        )
    },
}
"""What leaves everything else as it is."""

COMMAND = re.compile(
    r"\b(?:aws [a-z0-9]+ [a-z-]+|startifact (?:setup|policy)[ \w-]* --\w|timedatectl )"
)
"""What a cure has to have, for somebody who does not know which command it takes."""


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.represented_by(
    "versioning is suspended",
    "public access is open",
    "no encryption",
    "lifecycle archives artifacts",
    "replication into a listed bucket",
    "KMS key disabled",
    "too many parameters",
    "clock that is late",
    "shared bucket",
    "other configuration",
    "no permission s3:PutObject",
    "no permission ssm:GetParameter",
)
def test_one_fault(examine: Examine, good_account: AwsAccount, line: Wire, name: str) -> None:
    """It is the only line that fails, and says what to do."""
    fault = FAULTS[name]
    line.add(fault.rule(good_account))

    found = examine()

    assert not found
    check = check_of(found, EU, fault.check)
    assert check.state is CheckState.FAILED
    assert fault.found in check.found
    cure = fault.cure.format(good_account.unique)
    assert cure.replace("Session.doctor", "startifact setup") in str(check.hint)
    if ":" in fault.check:
        parameter = good_account.parameter
        prints = f"--project SugarWater --configuration-parameter {parameter} prints"
        assert f"startifact policy stage {prints}" in str(check.hint)
    assert COMMAND.search(str(check.hint))
    assert failures(found).count((EU, fault.check)) == 1
    assert len(failures(found)) == 1 + fault.others
    assert not line.writes()


@dataclass(frozen=True)
class Lacking:
    """What no policy allows in eu-west-1, for an operation that needs it."""

    operation: str
    asks: Callable[[Request], bool]
    policy: str | None = None
    """Which policy denies it; ``None`` where it is only not allowed."""

    cure: str = "Allow "


OTHERS = {
    "s3:GetObjectVersion": Lacking("link", lambda r: "versionId" in r.query),
    "s3:DeleteObject": Lacking(
        "repair-keep", lambda r: r.method == "DELETE" and "uploadId" not in r.query
    ),
    "ssm:DeleteParameter": Lacking("repair", lambda r: r.operation == "DeleteParameter"),
    "s3:ListBucket": Lacking("projects", lambda r: "list-type" in r.query),
    "s3:GetObject": Lacking(
        "download",
        lambda r: r.method == "GET" and "@" in r.path,
        "a service control policy",
        "in the service control policy that denies it",
    ),
    "s3:PutObject": Lacking(
        "promote",
        lambda r: r.method == "POST" and "uploadId" in r.query,
        "a resource-based policy",
        "in the resource-based policy that denies it: what other policies allow does not count "
        "against that; that of a bucket which startifact bootstrap has made is to stay as it is: "
        "take on its role NAME-prune or NAME-repair",
    ),
    "ssm:PutParameter": Lacking(
        "promote",
        lambda r: r.operation == "PutParameter",
        "a permissions boundary",
        "in the permissions boundary that denies it",
    ),
    "s3:AbortMultipartUpload": Lacking(
        "copy-to",
        lambda r: r.method == "DELETE" and "uploadId" in r.query,
        "a VPC endpoint policy",
        "in the VPC endpoint policy that denies it",
    ),
}


@pytest.mark.parametrize("action", OTHERS)
def test_lacking_for_other_operations(examine: Examine, line: Wire, action: str) -> None:
    """A permission that is missing is named, and so is the policy that takes it away."""
    lacking_ = OTHERS[action]
    service = action.partition(":")[0]
    line.add(
        when(
            lambda r: (r.region, r.service) == (EU, service) and lacking_.asks(r),
            denied(lacking_.policy),
        )
    )

    found = examine(lacking_.operation, channel="prod")

    check = check_of(found, EU, action)
    assert failures(found) == [(EU, action)]
    assert "denied on " in check.found
    assert lacking_.cure in str(check.hint)
    assert f"startifact policy {lacking_.operation} --project SugarWater" in str(check.hint)
    assert not line.writes()


def test_tight_policy(examine: Examine, line: Wire) -> None:
    """A role that is confined to another project is said to lack each permission for this one."""
    elsewhere = when(lambda r: r.region == EU and "SugarWater" in r.path, denied(None))
    line.add(when(lambda r: r.service == "s3" and r.method != "HEAD", elsewhere))

    found = examine("download")

    assert failures(found) == [(EU, "s3:GetObject")]
    assert "/team/SugarWater@*" in str(check_of(found, EU, "s3:GetObject").hint)


ENDS = {
    "configuration missing": Fault(
        "configuration",
        lambda account: when(
            lambda r: r.region == EU and account.parameter in r.body.decode(errors="replace"),
            refusing("ParameterNotFound"),
        ),
        "there is no organisation configuration",
        "startifact setup --regions us-east-1,eu-west-1,ap-southeast-2 --bucket-name-param ",
    ),
    "configuration not valid": Fault(
        "configuration",
        lambda account: parameter(account.parameter, "{"),
        "the organisation configuration in",
        "--parameter-name-prefix /team-{0} --configuration-parameter /startifact-{0}",
    ),
    "configuration must not be read": Fault(
        "configuration",
        lambda _: in_eu("GetParameter", denied(None)),
        "refused ssm:GetParameter",
        "Allow ssm:GetParameter on arn:aws:ssm:eu-west-1:123456789012:parameter/startifact-{0} in "
        "the role's policy. startifact policy stage --project SugarWater --configuration-parameter",
    ),
    "bucket parameter missing": Fault(
        "bucket name",
        lambda account: when(
            lambda r: (
                r.region == EU and account.bucket_parameter in r.body.decode(errors="replace")
            ),
            refusing("ParameterNotFound"),
        ),
        "there is no parameter",
        "Make it: aws ssm put-parameter --region eu-west-1 --name /",
    ),
    "bucket parameter is no name": Fault(
        "bucket name",
        lambda account: parameter(account.bucket_parameter, "No Bucket"),
        "expected the name of a bucket",
        "bucket into it: aws ssm put-parameter --region eu-west-1 --overwrite --name /",
    ),
    "wrong region": Fault(
        "bucket",
        lambda account: redirecting({account.buckets[EU]: AP}),
        "is in ap-southeast-2, expected in eu-west-1",
        "Name a bucket that is in eu-west-1: aws ssm put-parameter --region eu-west-1 --overwrite "
        "--name /buckets/",
    ),
    "no bucket": Fault(
        "bucket",
        lambda _: when(lambda r: r.region == EU and r.method == "HEAD", answering(Answer(404))),
        "there is no bucket",
        "aws s3api create-bucket --bucket artifacts-{}-eu-west-1 --region eu-west-1 "
        "--create-bucket-configuration LocationConstraint=eu-west-1",
    ),
    "expired token": Fault(
        "identity",
        lambda _: when(
            lambda r: r.region == EU,
            lambda r, _: by_sts("ExpiredToken", "The security token has expired"),
        ),
        "did not accept the AWS credentials",
        "Get new credentials, and check the clock of this machine; for a profile that signs in, "
        "aws sso login",
    ),
    "dead region": Fault(
        "bucket",
        lambda _: when(lambda r: r.region == EU and r.service == "s3", lambda r, f: None),
        "did not answer",
        "Check the network",
    ),
}
"""What keeps everything behind it from being looked at."""


@pytest.mark.parametrize("name", ENDS)
def test_fault_that_ends_an_examination(
    examine: Examine, good_account: AwsAccount, line: Wire, name: str
) -> None:
    """It is named with its cure, nothing that follows from it fails, and other regions go on."""
    fault = ENDS[name]
    line.add(fault.rule(good_account))

    found = examine()

    check = check_of(found, EU, fault.check)
    assert check.state is CheckState.FAILED
    assert fault.found in check.found
    assert fault.cure.format(good_account.unique) in (check.hint or "")
    assert COMMAND.search(check.hint or "") or name == "dead region"  # where none helps
    assert failures(found) == [(EU, fault.check)]
    assert len(found.regions[0].checks) == len(found.regions[2].checks) > 15


def test_thirty_faults() -> None:
    """What is planted here is thirty faults and more, each with its own name and cure."""
    planted = {name: fault.cure for name, fault in (FAULTS | ENDS).items()}

    assert len(planted) + len(OTHERS) >= 30
    assert [name for name, cure in planted.items() if not cure] == []


def test_clock_that_is_refused(examine: Examine, line: Wire) -> None:
    """Where AWS takes no request any more because of the clock, that is what is named."""
    refused = by_sts("SignatureDoesNotMatch", "Signature expired: 20260101T000000Z is now earlier")
    line.add(when(lambda r: r.service == "sts", lambda r, _: refused))
    line.add(at_another_time(400))

    found = examine(regions=AWS_REGIONS[:1])

    assert failures(found) == [(US, "identity"), (US, "clock")]
    assert "and the clock of this machine" in str(check_of(found, US, "identity").hint)
    assert " s behind that of us-east-1" in check_of(found, US, "clock").found


def test_copies_of_channels(examine: Examine, good_account: AwsAccount, line: Wire) -> None:
    """A parameter beside them whose name begins alike, as that of a bucket's name, is none."""
    prefix = f"/team-{good_account.unique}"
    names = ["/bucket", "/SugarWater/latest", "/SugarWater/prod", "/a/b/c", "er/x/y"]
    body = json.dumps({"Parameters": [{"Name": prefix + name} for name in names]}).encode()
    line.add(in_eu("DescribeParameters", answering(Answer(200, body, JSON))))

    check = check_of(examine(), EU, "parameters")

    assert check.found == "5 of 10,000 in this account and region, 2 of them copies of channels"


def test_default_parameter(
    examine: Examine, good_account: AwsAccount, line: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command in a hint names no parameter where that of the configuration is the usual one."""
    monkeypatch.delenv("STARTIFACT_PARAMETER")
    usual = json.dumps({"bucket_name_param": good_account.bucket_parameter, "regions": AWS_REGIONS})

    def configured(request: Request, _: Forward) -> Answer:
        text = "{" if request.region == EU else usual
        value = {"Name": "x", "Type": "String", "Value": text}
        return Answer(200, json.dumps({"Parameter": value}).encode(), JSON)

    line.add(when(lambda r: b'"/startifact"' in r.body, configured))

    hint = check_of(examine(), EU, "configuration").hint

    assert "startifact setup --regions" in str(hint)
    assert "--configuration-parameter" not in str(hint)


def test_no_configuration_anywhere(line: Wire) -> None:
    """Both commands that write one are there whole, for the parameter that was asked for."""
    loader = ConfigurationLoader("/web")
    specs = [US, "file:./here", EU]
    with Session(regions=specs, configuration_loader=loader) as session:
        found = session.doctor()

    hint = str(check_of(found, EU, "configuration").hint)
    options = f"--regions {US},{EU} "
    assert f"startifact setup {options}--bucket-name-param /NAME/bucket --config" in hint
    assert f"startifact bootstrap {options}--name NAME --configuration-parameter /web" in hint


READS = {
    "versioning": ("versioning", "s3:GetBucketVersioning"),
    "encryption": ("encryption", "s3:GetEncryptionConfiguration"),
    "public access": ("publicAccessBlock", "s3:GetBucketPublicAccessBlock"),
    "lifecycle": ("lifecycle", "s3:GetLifecycleConfiguration"),
    "replication": ("replication", "s3:GetReplicationConfiguration"),
}


def test_pipelines_may_not_read_settings(
    examine: Examine, good_account: AwsAccount, line: Wire
) -> None:
    """What no command needs is not known then, with the permission to look, and no failure."""
    names = [query for query, _ in READS.values()]
    line.add(
        when(lambda r: any(n in r.query for n in names), answering(error(403, "AccessDenied")))
    )
    line.add(in_eu("DescribeParameters", denied(None)))

    found = examine()

    assert found
    for name, (_, action) in READS.items():
        check = check_of(found, EU, name)
        assert check.state is CheckState.UNKNOWN
        assert f"needs {action} on arn:aws:s3:::{good_account.buckets[EU]}" in check.found
    assert "ssm:DescribeParameters" in check_of(found, EU, "parameters").found


def test_bucket_of_another_account(examine: Examine, line: Wire) -> None:
    """It may be meant, and is said."""
    line.add(
        when(
            lambda r: r.region == EU and "x-amz-expected-bucket-owner" in r.headers,
            answering(Answer(403)),
        )
    )

    found = examine()

    check = check_of(found, EU, "owner")
    assert check.state is CheckState.UNKNOWN
    assert "another account than 123456789012" in check.found
    assert "yours" in str(check.hint)
    assert found


@pytest.mark.parametrize("state", ["Enabled", "Disabled", None])
def test_key_of_the_configuration(
    good_account: AwsAccount, line: Wire, examine: Examine, state: str | None
) -> None:
    """The key that the configuration names is looked at, whatever that of the bucket is."""
    names = {"bucket_name_param": good_account.bucket_parameter, "bucket_key_prefix": "team/"}
    text = json.dumps({**names, "regions": [EU], "kms_key": {EU: KEY}})
    line.add(parameter(good_account.parameter, text))
    of_key = encrypted(state)
    line.add(when(lambda r: r.service == "kms", of_key))

    found = examine(regions=[EU])

    check = check_of(found, EU, "KMS key")
    cures = {
        "Enabled": "None",
        "Disabled": f"aws kms enable-key --key-id {KEY}",
        None: "startifact setup --regions eu-west-1 ",
    }
    assert (check.state is CheckState.OK) == (state == "Enabled")
    assert cures[state] in str(check.hint)
    assert state is not None or " --kms-key eu-west-1=ARN_OF_KEY " in str(check.hint)
    assert check_of(found, EU, "kms:GenerateDataKey").state is CheckState.NOT_TRIED


OTHER_OWNER = "210987654321"


def owned_by(owner: str) -> Rule:
    """Return a rule by which all buckets belong to *owner*, and S3 gives no reason."""
    return when(
        lambda r: r.headers.get("x-amz-expected-bucket-owner", owner) != owner,
        answering(error(403, "AccessDenied", "Access Denied")),
    )


def test_wrong_bucket_owner(good_account: AwsAccount, line: Wire, examine: Examine) -> None:
    """Where the configuration names an owner that is not the bucket's, that is what is wrong."""
    names = {"bucket_name_param": good_account.bucket_parameter, "bucket_key_prefix": "team/"}
    text = json.dumps({**names, "regions": [EU], "bucket_owner": {EU: OTHER_OWNER}})
    line.add(parameter(good_account.parameter, text))
    line.add(owned_by("123456789012"))

    found = examine(regions=[EU])

    check = check_of(found, EU, "owner")
    assert check.state is CheckState.FAILED
    assert f"belongs to account 123456789012, and bucket_owner is {OTHER_OWNER}" in check.found
    assert "startifact setup --regions eu-west-1 " in str(check.hint)
    assert " --bucket-owner eu-west-1=123456789012 " in str(check.hint)
    denied_ = check_of(found, EU, "s3:PutObject")
    assert f"a bucket that is not of the account {OTHER_OWNER}" in str(denied_.hint)


@pytest.mark.parametrize("owner", [OTHER_OWNER, "123456789012"])
def test_bucket_owner_of_a_spelling(good_account: AwsAccount, line: Wire, owner: str) -> None:
    """A bucket's own spelling says whose it is: another account's, where S3 agrees."""
    spec = f"s3://{good_account.buckets[EU]}/team?region={EU}&bucket-owner={OTHER_OWNER}"
    line.add(owned_by(owner))
    with Session(regions=[spec]) as session:
        check = check_of(session.doctor("SugarWater", operation="stage"), spec, "owner")

    assert (check.state is CheckState.OK) == (owner == OTHER_OWNER)
    if owner == OTHER_OWNER:
        assert f"belongs to account {OTHER_OWNER}, as bucket_owner says" in check.found
    else:
        assert "bucket-owner=123456789012" in str(check.hint)


def test_replication_in_another_partition(line: Wire) -> None:
    """It is found in China and GovCloud as well."""
    specs = [f"s3://doctor-{region}?region={region}" for region in ("cn-north-1", "cn-northwest-1")]
    body = replication("arn:aws-cn:s3:::doctor-cn-northwest-1").encode()
    xml = {"Content-Type": "application/xml"}
    line.add(when(lambda r: r.service == "s3", answering(error(403, "AccessDenied"))))
    line.add(when(lambda r: r.method == "HEAD", answering(Answer(200))))
    line.add(
        when(
            lambda r: (r.region, "replication" in r.query) == ("cn-north-1", True),
            answering(Answer(200, body, xml)),
        )
    )
    with Session(regions=specs) as session:
        found = session.doctor()

    check = check_of(found, specs[0], "replication")
    assert f"into the bucket of {specs[1]}" in check.found


def test_replication_elsewhere(examine: Examine, line: Wire) -> None:
    """A bucket that no region has may get copies, as for a backup."""
    line.add(replicating("backup"))

    found = examine()

    assert found
    assert "to 'backup'" in check_of(found, EU, "replication").found


def test_no_majority_of_configurations(
    examine: Examine, good_account: AwsAccount, line: Wire
) -> None:
    """Where no two are the same nobody knows which is right: each differs."""
    bodies = {}
    for region in AWS_REGIONS:
        configuration = {
            "bucket_name_param": good_account.bucket_parameter,
            "bucket_key_prefix": f"{region}/",
        }
        value = {"Name": "x", "Type": "String", "Value": json.dumps(configuration)}
        bodies[region] = json.dumps({"Parameter": value}).encode()
    line.add(
        when(
            lambda r: good_account.parameter in r.body.decode(errors="replace"),
            lambda r, _: Answer(200, bodies[r.region], JSON),
        )
    )

    found = examine()

    assert {region for region, name in failures(found) if name == "configuration"} == {*AWS_REGIONS}
    check = check_of(found, US, "configuration")
    assert "no majority of the regions has the same bucket_key_prefix" in check.found
    assert str(check.hint).startswith("Decide which is right, and write it into all, such as: ")


def test_missing_beside_two_that_differ(
    examine: Examine, good_account: AwsAccount, line: Wire
) -> None:
    """A region without a configuration may get that of either of the others."""

    def configured(request: Request, _: Forward) -> Answer:
        if request.region == AP:
            return Answer(400, b'{"__type": "ParameterNotFound"}', JSON)
        text = {"bucket_name_param": good_account.bucket_parameter, "regions": [*AWS_REGIONS]}
        value = {"Name": "x", "Type": "String"}
        value["Value"] = json.dumps({**text, "bucket_key_prefix": f"{request.region}/"})
        return Answer(200, json.dumps({"Parameter": value}).encode(), JSON)

    line.add(when(lambda r: good_account.parameter in r.body.decode(errors="replace"), configured))

    hint = str(check_of(examine(), AP, "configuration").hint)

    assert hint.startswith(
        "Decide which is right, and write it into all, such as: startifact setup"
    )
    assert "--bucket-key-prefix us-east-1/ " in hint


def test_cure_of_regions(examine: Examine, good_account: AwsAccount, line: Wire) -> None:
    """What makes configurations the same says which region has to go, as setup wants it said."""
    usual = {"bucket_name_param": good_account.bucket_parameter, "regions": [*AWS_REGIONS]}
    odd = {**usual, "regions": [*AWS_REGIONS, "eu-central-1"]}

    def configured(request: Request, _: Forward) -> Answer:
        value = {"Name": "x", "Type": "String"}
        value["Value"] = json.dumps(odd if request.region == EU else usual)
        return Answer(200, json.dumps({"Parameter": value}).encode(), JSON)

    line.add(when(lambda r: good_account.parameter in r.body.decode(errors="replace"), configured))

    found = check_of(examine(), EU, "configuration")

    assert found.hint is not None
    assert " --remove-region eu-central-1 " in found.hint


def test_cure_of_other_keys(examine: Examine, good_account: AwsAccount, line: Wire) -> None:
    """What makes configurations the same has an option for each key, and for one that has to go."""
    usual = {
        "bucket_name_param": good_account.bucket_parameter,
        "storage_class": "STANDARD_IA",
        "object_tags": {"team": "a b"},
        "use_fips": False,
        "mirrored_channels": [],
    }
    odd = {"bucket_name_param": good_account.bucket_parameter, "bucket_owner": "123456789012"}

    def configured(request: Request, _: Forward) -> Answer:
        text = json.dumps(odd if request.region == EU else usual)
        value = {"Name": "x", "Type": "String", "Value": text}
        return Answer(200, json.dumps({"Parameter": value}).encode(), JSON)

    line.add(when(lambda r: good_account.parameter in r.body.decode(errors="replace"), configured))

    found = check_of(examine(), EU, "configuration")

    assert "storage_class is None, expected 'STANDARD_IA'" in found.found
    assert found.hint is not None
    assert (
        " --mirrored-channel latest --unset bucket_owner --storage-class STANDARD_IA "
        "--object-tag 'team=a b' --use-fips false "
    ) in found.hint


def test_denied_without_a_project(examine: Examine, line: Wire) -> None:
    """A role may be allowed for some projects alone: nobody knows before one is named."""
    line.add(lacks("s3:PutObject"))

    found = examine(project=None)

    check = check_of(found, EU, "s3:PutObject")
    assert check.state is CheckState.UNKNOWN
    assert "doctor('SugarWater', operation='stage')" in str(check.hint)


def test_encrypted_without_kms_rights(examine: Examine, line: Wire) -> None:
    """That the key is disabled is seen also by who may not ask for the key: latest is read."""
    line.add(encrypted("Enabled"))
    line.add(in_eu("DescribeKey", refusing("AccessDeniedException")))
    line.add(
        when(
            lambda r: r.region == EU and r.path.endswith("/latest") and r.method == "GET",
            answering(error(400, "KMS.DisabledException", f"{KEY} is disabled.")),
        )
    )

    found = examine()

    assert check_of(found, EU, "KMS key").state is CheckState.UNKNOWN
    check = check_of(found, EU, "s3:GetObject")
    assert check.state is CheckState.FAILED
    assert "KMS.DisabledException" in check.found
    assert "enable it" in str(check.hint)


def test_who_asks_is_not_shown(examine: Examine, line: Wire) -> None:
    """No permission is needed for that, but a policy may deny it: everything else is known."""
    line.add(
        when(lambda r: r.service == "sts", lambda r, _: by_sts("AccessDenied", "explicit deny"))
    )

    found = examine()

    assert found
    assert check_of(found, EU, "identity").state is CheckState.UNKNOWN
    assert check_of(found, EU, "owner").state is CheckState.NOT_TRIED


def test_regions_of_a_configuration_that_is_missing(good_account: AwsAccount, line: Wire) -> None:
    """Where the configuration should say which regions there are, its own is looked at."""
    line.add(
        when(
            lambda r: good_account.parameter in r.body.decode(errors="replace"),
            refusing("ParameterNotFound"),
        )
    )
    with Session() as session:
        found = session.doctor()

    assert failures(found) == [(US, "configuration")]
    assert "startifact setup" in str(check_of(found, US, "configuration").hint)


@pytest.mark.tries_stores
def test_store_that_ignores_conditions(good_account: AwsAccount, wire: Wire) -> None:
    """A store other than AWS is tried where the command writes, and only there."""

    def unconditional(request: Request, forward: Forward) -> Answer | None:
        kept = {k: v for k, v in request.headers.items() if not k.startswith("if-")}
        return forward(replace(request, headers=kept))

    wire.add(when(lambda r: r.method in {"PUT", "POST"}, unconditional))
    endpoint = wire.endpoint.replace(":", "%3A").replace("/", "%2F")
    spec = f"s3://{good_account.buckets[US]}/doctor?region={US}&endpoint={endpoint}"
    with Session(regions=[spec]) as session, Session(regions=[spec], read_only=True) as reader:
        found = session.doctor("SugarWater", operation="stage")
        reading = [reader.doctor("SugarWater", operation=o) for o in ("stage", "download")]

    assert failures(found) == [(spec, "conditional writes")]
    assert "does not honour conditions" in check_of(found, spec, "conditional writes").found
    assert "Use a store that honours" in str(check_of(found, spec, "conditional writes").hint)
    for other in reading:
        assert check_of(other, spec, "conditional writes").state is CheckState.NOT_TRIED
    assert check_of(found, spec, "settings").state is CheckState.NOT_TRIED
    assert check_of(found, spec, "identity").state is CheckState.NOT_TRIED
