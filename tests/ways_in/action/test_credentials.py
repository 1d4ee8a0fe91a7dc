"""A role that one step takes on for itself, and what it says when it cannot."""

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from startifact import Session
from startifact.limits import TOKEN_RETRY, Limits
from tests.conftest import AwsAccount
from tests.support.runner_step import Step
from tests.ways_in.action.conftest import Call, to_stage
from tests.ways_in.action.identity import BEARER, SECRET, TOKEN, Identities

ROLE = "arn:aws:iam::123456789012:role/stage-sugarwater"
NO_KEYS = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
LOOK_UP = {"command": "info", "project": "SugarWater"}


@pytest.fixture
def identities() -> Iterator[Identities]:
    """Return GitHub and STS on loopback."""
    identities = Identities()
    yield identities
    identities.stop()


@pytest.fixture
def staging(step: Step, account: AwsAccount) -> dict[str, str]:
    """Return the inputs of a staging with a role."""
    return {
        "command": "stage",
        "project": "SugarWater",
        "version": "1.0.0",
        "path": step.file(),
        "regions": "us-east-1, eu-west-1, ap-southeast-2",
        "role-to-assume": ROLE,
    }


def test_role(staging: dict[str, str], step: Step, call: Call, identities: Identities) -> None:
    """A step takes on its role with a token that GitHub gives it, and needs no other."""
    done = call(
        {**NO_KEYS, **identities.environment},
        **staging,
        **{
            "role-session-name": "stage@42",
            "role-duration": "900",
            "audience": "https://a+b/",
        },
    )

    assert done.exit_code == 0, done.stdout
    (asked,) = identities.token_requests
    assert asked["audience"] == "https://a+b/"
    assert asked["Authorization"] == f"Bearer {BEARER}"
    (taken,) = identities.role_requests
    assert taken == {
        "Action": "AssumeRoleWithWebIdentity",
        "Authorization": "",
        "DurationSeconds": "900",
        "RoleArn": ROLE,
        "RoleSessionName": "stage@42",
        "Version": "2011-06-15",
        "WebIdentityToken": f"{TOKEN}-1",
    }
    assert done.commands == []


def test_nothing_is_left(
    staging: dict[str, str], step: Step, call: Call, identities: Identities
) -> None:
    """No token and no credential is in the log, the environment or any file afterwards."""
    done = call({**NO_KEYS, **identities.environment, "RUNNER_DEBUG": "1"}, **staging)

    left = [p.read_bytes() for p in step.temp.parent.rglob("*") if p.is_file()]
    secrets = (TOKEN, BEARER, SECRET, "ASIAROLEROLEROLEROLE")
    assert done.exit_code == 0, done.stdout
    assert "the identity: " in done.stdout
    for secret in secrets:
        assert secret not in done.stdout + done.stderr
        assert not any(secret.encode() in content for content in left)
    assert "AWS_ACCESS_KEY_ID" not in os.environ
    assert list(step.home.iterdir()) == []


def test_long_step(staging: dict[str, str], call: Call, identities: Identities) -> None:
    """Credentials that are about to expire are asked for again, with a new token each time."""
    identities.seconds = 30

    done = call({**NO_KEYS, **identities.environment}, **staging)

    tokens = [request["WebIdentityToken"] for request in identities.role_requests]
    assert done.exit_code == 0, done.stdout
    assert len(tokens) > 1
    assert len(set(tokens)) == len(tokens)


def test_shortest_session(staging: dict[str, str], call: Call, identities: Identities) -> None:
    """Credentials for the shortest time there is are not asked for at every request."""
    identities.seconds = 899

    call({**NO_KEYS, **identities.environment}, **staging)

    assert len(identities.role_requests) == 1


@pytest.mark.parametrize("extra", [{}, {"AWS_PROFILE": "of-the-job"}], ids=["keys", "profile"])
def test_role_wins(
    extra: dict[str, str], staging: dict[str, str], call: Call, identities: Identities
) -> None:
    """The role is taken on whatever other credentials the job has, and the log says so."""
    done = call({**identities.environment, **extra}, **staging)

    assert done.exit_code == 0, done.stdout
    assert len(identities.role_requests) == 1
    assert "the AWS credentials in the environment are not used" in done.stdout
    assert done.commands == []


def test_keys_do_not_stand_in(staging: dict[str, str], call: Call, identities: Identities) -> None:
    """A step whose role is refused does nothing with the job's own credentials."""
    identities.refusal = (403, "AccessDenied")

    done = call(identities.environment, **staging)

    assert done.exit_code == 6
    locations = done.outputs["locations"]
    assert done.has_only(
        "access-denied", project="SugarWater", version="1.0.0", locations=locations
    )
    assert not any(location["outcome"] == "created" for location in json.loads(locations))


@pytest.mark.parametrize(
    ("runs", "cure"),
    [
        ("ref:refs/heads/main", "--trust A@1/B@2 --branch main"),
        ("ref:refs/tags/v1.2", "--trust A@1/B@2 --tag v1.2"),
        ("environment:prod", "--trust A@1/B@2 --environment prod"),
        ("pull_request", None),
        ("job_workflow_ref:x", None),
        ("ref:refs/heads/a::set-output name=x::y\n::error::z", ""),
    ],
)
def test_subject_that_is_not_trusted(
    runs: str, cure: str | None, call: Call, identities: Identities, account: AwsAccount
) -> None:
    """The error has the subject of the job itself, and the command that prints what trusts it."""
    identities.refusal = (403, "AccessDenied")
    identities.subject = f"repo:A@1/B@2:{runs}"

    done = call(
        {**NO_KEYS, **identities.environment}, **LOOK_UP, regions="us-east-1", role_to_assume=ROLE
    )

    (error,) = done.errors
    assert (f"sub of this job is '{identities.subject}'" in error) == (cure != "")
    assert ("startifact policy --trust " in error) == bool(cure)
    assert not cure or f"startifact policy {cure} " in error
    assert "repo:ORGANISATION/REPOSITORY:" in error
    assert TOKEN not in done.stdout


@pytest.mark.parametrize(
    ("status", "code", "exit_code", "reported"),
    [
        (403, "AccessDenied", 6, "repo:ORGANISATION@ID/REPOSITORY@ID:"),
        (403, "AccessDenied", 6, "repo:ORGANISATION/REPOSITORY:"),
        (403, "AccessDenied", 6, ROLE),
        (400, "InvalidIdentityToken", 6, "https://token.actions.githubusercontent.com"),
        (400, "ValidationError", 6, "role-duration"),
        (400, "IDPCommunicationError", 5, "IDPCommunicationError"),
    ],
)
def test_refused(
    status: int,
    code: str,
    exit_code: int,
    reported: str,
    call: Call,
    identities: Identities,
    account: AwsAccount,
) -> None:
    """A role that is refused is one error that names it, and what to change."""
    identities.refusal = (status, code)

    done = call(
        {**NO_KEYS, **identities.environment},
        **LOOK_UP,
        regions="us-east-1",
        role_to_assume=ROLE,
    )

    assert done.exit_code == exit_code
    assert len(done.errors) == 1
    assert reported in done.errors[0]
    assert ROLE in done.errors[0]
    assert TOKEN not in done.stdout


@pytest.mark.parametrize(
    ("command", "version"),
    [
        ("stage", "1.0.0"),
        ("download", "latest"),
        ("info", "1.0.0"),
        ("versions", ""),
        ("verify", ""),
        ("verify", "1.0.0"),
        ("repair", ""),
    ],
)
def test_refused_once(
    command: str, version: str, staging: dict[str, str], call: Call, identities: Identities
) -> None:
    """A refusal answers for all regions of the step: it is asked for and reported once."""
    identities.refusal = (403, "AccessDenied")
    inputs = staging | {"command": command, "version": version}
    if command not in {"stage", "download"}:
        del inputs["path"]

    done = call({**NO_KEYS, **identities.environment}, **inputs)

    (error,) = done.errors
    assert done.exit_code == 6, done.stdout
    assert error.count(f"AWS did not let this job take on the role {ROLE}") == 1
    assert error.count("In the role's trust policy") == 1
    assert all(region in error for region in ("us-east-1", "eu-west-1", "ap-southeast-2"))
    assert len(identities.role_requests) == len(identities.token_requests) == 1


def test_refusal_of_a_while_ago(call: Call, identities: Identities, account: AwsAccount) -> None:
    """A refusal does not answer for ever: a role may be corrected while a long step goes on."""
    identities.refusal = (403, "AccessDenied")

    done = call(
        {**NO_KEYS, **identities.environment},
        Limits(refusal_cache_seconds=0.0),
        **LOOK_UP,
        regions="us-east-1 eu-west-1 ap-southeast-2",
        role_to_assume=ROLE,
    )

    assert done.exit_code == 6
    # Each region asks anew: once, or twice where its channel and the mirror are asked at once.
    assert 3 <= len(identities.role_requests) <= 6


def test_silent_github(step: Step, call: Call, account: AwsAccount) -> None:
    """Where GitHub does not answer, the step says so once, and not that regions hang."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(40)
        heard: list[socket.socket] = []

        def listen() -> None:
            with contextlib.suppress(OSError):
                while True:
                    heard.append(silent.accept()[0])

        listener = threading.Thread(target=listen)
        listener.start()
        began = time.monotonic()

        done = call(
            {
                **NO_KEYS,
                "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://127.0.0.1:{silent.getsockname()[1]}/",
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN": BEARER,
            },
            **LOOK_UP,
            regions="us-east-1, eu-west-1, ap-southeast-2",
            role_to_assume=ROLE,
        )

        seconds = time.monotonic() - began
        silent.shutdown(socket.SHUT_RDWR)
        listener.join()
        for connection in heard:
            connection.close()

    assert done.exit_code == 5
    (error,) = done.errors
    assert "GitHub gave no OpenID Connect token: it did not answer within 20 s" in error
    assert "Check the runner's network" in error
    assert "us-east-1" not in error
    assert seconds < 25
    assert 1 < len(heard) <= TOKEN_RETRY.attempts


def test_github_that_gives_no_more(
    staging: dict[str, str], call: Call, identities: Identities
) -> None:
    """A token that is refused later is asked for once, not once more for each region."""
    identities.seconds = 30
    identities.tokens = 1

    done = call({**NO_KEYS, **identities.environment}, **staging)

    assert done.exit_code == 6, done.stdout
    assert len(done.errors) == 1
    assert done.errors[0].count("GitHub gave no OpenID Connect token: it answered 403") == 1
    assert len(identities.token_requests) == 2


@pytest.mark.parametrize("missing", ["URL", "TOKEN"])
def test_no_permission(missing: str, staging: dict[str, str], call: Call) -> None:
    """A job that may not ask for tokens is shown the YAML that lets it."""
    given = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": "https://127.0.0.1:1/",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": BEARER,
        f"ACTIONS_ID_TOKEN_REQUEST_{missing}": "",
    }

    done = call(given, **staging)

    assert done.exit_code == 6
    assert len(done.errors) == 1
    assert "  permissions:\n    id-token: write\n" in done.errors[0]
    assert "fork" in done.errors[0]


def test_no_region_for_the_role(call: Call, identities: Identities) -> None:
    """Where no AWS region is known, the step says which input to set."""
    done = call(identities.environment, **LOOK_UP, regions="file:a", role_to_assume=ROLE)

    assert done.exit_code == 2
    assert "Set aws-region" in done.errors[0]
    assert identities.token_requests == []


@pytest.mark.parametrize("where", ["aws-region", "AWS_REGION", "AWS_DEFAULT_REGION"])
def test_home_region(where: str, step: Step, call: Call, account: AwsAccount) -> None:
    """The organisation configuration is read where aws-region or the environment says."""
    Session(regions=["eu-west-1"]).stage("SugarWater", "1.0.0", step.workspace / step.file())
    configuration = json.loads(
        account.ssm("eu-west-1").get_parameter(Name=account.parameter)["Parameter"]["Value"]
    )
    account.configure("eu-west-1", json.dumps(configuration | {"regions": ["eu-west-1"]}))
    inputs = {"aws-region": "eu-west-1"} if where == "aws-region" else {}
    variables = {"AWS_REGION": "us-east-1" if inputs else "", "AWS_DEFAULT_REGION": ""}

    done = call(variables | ({} if inputs else {where: "eu-west-1"}), **LOOK_UP, **inputs)

    assert done.exit_code == 0, done.stdout
    assert done.outputs["region"] == "eu-west-1"


@pytest.mark.parametrize(
    ("regions", "listed"),
    [("file:a eu-west-1 us-east-1", ""), ("", "file:a s3://bucket?region=eu-west-1")],
)
def test_region_of_the_role(
    regions: str, listed: str, call: Call, identities: Identities, account: AwsAccount
) -> None:
    """Where nothing else names one, the first AWS region in the list is asked for the role."""
    call(
        {
            **NO_KEYS,
            **identities.environment,
            "AWS_REGION": "",
            "STARTIFACT_REGIONS": listed,
        },
        **LOOK_UP,
        regions=regions,
        role_to_assume=ROLE,
    )

    assert len(identities.role_requests) == 1


def test_profile_that_is_not_there(call: Call, account: AwsAccount) -> None:
    """A profile of the job's home folder is not in the container: the error says what to do."""
    done = call({"AWS_PROFILE": "of-the-job"}, **LOOK_UP, regions="us-east-1")

    assert done.exit_code == 6
    assert "of-the-job" in done.errors[0]
    assert "set role-to-assume" in done.errors[0]


def test_blank_profile(step: Step, call: Call, account: AwsAccount) -> None:
    """A profile that an expression left blank is none."""
    Session(regions=["us-east-1"]).stage("SugarWater", "1.0.0", step.workspace / step.file())

    done = call({"AWS_PROFILE": " "}, **LOOK_UP, regions="us-east-1")

    assert done.exit_code == 0, done.stdout


def test_metadata_that_does_not_answer(call: Call, account: AwsAccount) -> None:
    """Without credentials, and with an instance whose metadata is a hop too far, the step ends in
    seconds, and the error names the setting of the instance.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=0) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()

        done = call(
            {
                **NO_KEYS,
                "AWS_EC2_METADATA_DISABLED": "false",
                "AWS_EC2_METADATA_SERVICE_ENDPOINT": address,
            },
            **LOOK_UP,
            regions="us-east-1, eu-west-1, ap-southeast-2",
        )

    assert done.exit_code == 6
    assert "http-put-response-hop-limit has to be 2" in done.errors[0]
    assert "role-to-assume" in done.errors[0]
    assert "permissions: id-token: write" in done.errors[0]
    assert time.monotonic() - began < 15


def test_masked_outputs(
    step: Step, call: Call, account: AwsAccount, identities: Identities
) -> None:
    """Outputs that hold what is masked are reported in a warning: a job would drop them."""
    number = "123456789012"
    bucket = f"artifacts-{number}-{account.unique}"
    account.s3().create_bucket(Bucket=bucket)

    done = call(
        identities.environment,
        command="stage",
        project="SugarWater",
        version="1.0.0",
        path=step.file(),
        metadata="key=AKIATESTTESTTESTTEST",
        regions=f"s3://{bucket}?region=us-east-1",
        role_to_assume=ROLE,
    )

    assert done.exit_code == 0, done.stdout
    assert len(done.warnings) == 1
    assert done.warnings[0].startswith(
        "these outputs hold the value of AWS_ACCESS_KEY_ID: metadata; and the number of "
        "role-to-assume's AWS account: bucket, region, uri, locations. "
    )
    assert not any(text in done.warnings[0] for text in (number, "AKIATESTTESTTESTTEST"))
    assert number in done.outputs["bucket"]


def test_short_key(step: Step, call: Call) -> None:
    """A key as other stores have them, which is a word, is no reason for a warning."""
    done = call(
        {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"},
        command="stage",
        project="latest-thing",
        version="1.0.0",
        path=step.file(),
        regions="file:tests",
    )

    assert done.exit_code == 0, done.stdout
    assert "test" in done.outputs["uri"]
    assert done.warnings == []


def test_outputs_hold_nothing_masked(step: Step, call: Call, account: AwsAccount) -> None:
    """By themselves outputs hold neither the access key nor the account."""
    done = call(**to_stage(step, regions="us-east-1 eu-west-1 ap-southeast-2"))

    assert done.commands == []
    assert not any("AKIATESTTESTTESTTEST" in value for value in done.outputs.values())
    assert "123456789012" not in json.dumps(done.outputs)


def test_role_and_profile(call: Call, identities: Identities) -> None:
    """A role of the step and a profile of a region exclude each other, before anything is asked."""
    region = "s3://my-artifacts?region=us-east-1&profile=mine"

    done = call(identities.environment, **LOOK_UP, regions=region, role_to_assume=ROLE)

    assert done.exit_code == 2
    assert "names a profile" in done.errors[0]
    assert "Leave one of them out" in done.errors[0]
    assert identities.token_requests == []
