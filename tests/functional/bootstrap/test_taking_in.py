"""What an account has already is used as it is."""

import json

import pytest

from tests.functional.bootstrap.conftest import (
    EU,
    NAME,
    US,
    Bootstrap,
    EmptyAccount,
    planned,
)
from tests.support.command import run_inside

REPOSITORY = "ORG@1/REPO@2"
OIDC = "https://token.actions.githubusercontent.com"


def test_bucket(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """A bucket that is named is taken in as it is; what it lacks doctor says, and exit code 8."""
    own = f"sugar-{empty.number}"
    empty.make_bucket(EU, own)

    done = bootstrap("--bucket", f"{EU}={own}", "--json")

    assert done.code == done.json["exit-code"] == 8
    assert ("take in", "bucket", own) in planned(done)[EU]
    assert ("create", "bucket", empty.bucket(US)) in planned(done)[US]
    assert empty.get(EU, f"/{NAME}/bucket") == own
    failed = {(c["region"], c["check"]) for c in done.json["checks"] if c["state"] == "failed"}
    assert failed >= {(EU, "versioning"), (EU, "public access"), (EU, "lifecycle")}
    assert {region for region, _ in failed} == {EU}
    assert "it keeps its policy, which may deny what the new roles do" in done.err
    cures = [c["hint"] for c in done.json["checks"] if c["check"] == "versioning"]
    assert f"put-bucket-versioning --bucket {own}" in str(cures)


def test_bucket_of_ones_own_name(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """So is one that has the name which a new one would get."""
    empty.make_bucket(US, empty.bucket(US))

    done = bootstrap("--dry-run", "--json", regions=(US,))

    assert ("take in", "bucket", empty.bucket(US)) in planned(done)[US]


def test_organisation_of_setup(
    empty: EmptyAccount, bootstrap: Bootstrap, capsys: pytest.CaptureFixture[str]
) -> None:
    """Parameters that setup and a person have made keep their names, and what is in them."""
    for region in (US, EU):
        name = f"sugar-{empty.number}-{region}"
        empty.make_bucket(region, name)
        empty.put(region, "/ci/bucket", name)
        configuration = {
            "bucket_name_param": "/ci/bucket",
            "bucket_key_prefix": "team/",
            "parameter_name_prefix": "/team",
            "regions": [US, EU],
            "object_tags": {"team": "build"},
        }
        empty.put(region, "/startifact", json.dumps(configuration))

    done = bootstrap("--json")

    assert planned(done)[EU] == [
        ("create", "stack", NAME),
        ("take in", "bucket", f"sugar-{empty.number}-{EU}"),
        ("take in", "parameter", "/ci/bucket"),
        ("take in", "configuration", "/startifact"),
    ]
    assert empty.configuration(EU) == configuration
    parameters = done.json["roles"]["parameters"]
    assert (parameters["KeyPrefix"], parameters["ParameterPrefix"]) == ("team/", "/team")
    again = bootstrap("--json")
    assert {action for lines in planned(again).values() for action, _, _ in lines} == {
        "unchanged",
        "take in",
    }


def test_configuration_that_changes(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """A configuration that is not the stack's own is changed where that is asked for."""
    present = {"bucket_name_param": "/ci/bucket", "regions": [US], "save_ok": "x"}
    empty.put(US, "/startifact", json.dumps(present))

    done = bootstrap("--storage-class", "STANDARD_IA", "--json", regions=(US,))

    (line,) = (one for one in done.json["regions"][0]["plan"] if one["kind"] == "configuration")
    assert line["action"] == "update"
    assert line["details"] == ["storage_class: nothing becomes 'STANDARD_IA'"]
    assert empty.get(US, "/ci/bucket") == empty.bucket(US)
    assert empty.configuration(US)["storage_class"] == "STANDARD_IA"


def test_regions_of_another_organisation(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """One that has more regions does not lose them, which would split it; its own may leave one."""
    assert bootstrap().code == 0
    before = empty.writes()

    done = bootstrap(name="web", regions=(US,))

    assert done.code == 2
    assert f"/startifact in {US} is of '{US}', '{EU}', and would lose '{EU}'" in done.err
    assert f"--regions {US},{EU}" in done.err
    assert "--configuration-parameter /web" in done.err
    assert f"--remove-region {EU}" in done.err
    assert empty.writes() == before
    own = bootstrap("--configuration-parameter", "/web", name="web", regions=(US,))
    assert (own.code, bootstrap(regions=(US,)).code) == (0, 0)


@pytest.mark.parametrize("regions", [[US, EU], f"{US},{EU}"])
def test_removing_a_region(empty: EmptyAccount, bootstrap: Bootstrap, regions: object) -> None:
    """One of another organisation goes where it is named, and it says what is left of it."""
    present = {"bucket_name_param": "/ci/bucket", "regions": regions}
    empty.put(US, "/startifact", json.dumps(present))

    refused = bootstrap("--dry-run", regions=(US,))
    done = bootstrap("--dry-run", "--remove-region", EU, "--json", regions=(US,))
    both = bootstrap("--dry-run", "--remove-region", EU)

    assert (refused.code, done.code, both.code) == (2, 0, 2)
    assert f"would lose '{EU}'" in refused.err
    (note,) = done.json["notes"]
    assert note == (
        f"region {EU}: its configuration stays, and names the regions before: aws ssm "
        f"delete-parameter --region {EU} --name /startifact"
    )
    assert f"--remove-region: got '{EU}', expected a region that --regions lacks" in both.err


def test_provider(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """GitHub's identity provider, of which an account has one, is that which is there."""
    iam = empty.client("iam")
    made = iam.create_open_id_connect_provider(Url=OIDC, ClientIDList=["sts.amazonaws.com"])

    done = bootstrap("--github", REPOSITORY, "--json", regions=(US,))

    assert done.code == 0
    assert planned(done)["roles"][1][:2] == ("take in", "provider")
    parameters = done.json["roles"]["parameters"]
    assert parameters["ProviderArn"] == made["OpenIDConnectProviderArn"]
    role = iam.get_role(RoleName=f"{NAME}-stage")["Role"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Federated": made["OpenIDConnectProviderArn"]}


def test_provider_of_another_audience(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """One that takes no tokens for AWS is named, with the command that makes it."""
    iam = empty.client("iam")
    iam.create_open_id_connect_provider(Url=OIDC, ClientIDList=["somebody"])

    done = bootstrap("--github", REPOSITORY, regions=(US,))

    assert done.code == 2
    assert "takes no tokens for sts.amazonaws.com" in done.err
    assert "aws iam add-client-id-to-open-id-connect-provider" in done.err


def test_setup_afterwards(
    empty: EmptyAccount, bootstrap: Bootstrap, capsys: pytest.CaptureFixture[str]
) -> None:
    """What setup writes later is kept by the next bootstrap."""
    bootstrap(regions=(US,))
    words = ["setup", "--regions", US, "--bucket-name-param", f"/{NAME}/bucket"]
    run_inside(
        capsys, [*words, "--parameter-name-prefix", f"/{NAME}", "--storage-class", "STANDARD_IA"]
    )

    done = bootstrap("--json", regions=(US,))

    assert done.code == 0
    assert empty.configuration(US)["storage_class"] == "STANDARD_IA"
