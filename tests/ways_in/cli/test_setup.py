"""Writing the organisation configuration into every region."""

import json
from pathlib import Path

import pytest

from tests.conftest import AWS_REGIONS, AwsAccount
from tests.support.command import Done
from tests.support.wire import Answer, Forward, Request, Wire
from tests.ways_in.cli.conftest import Run

STAY = "parameters of the old names stay, and no longer follow their channels"


@pytest.fixture
def bucket_name_param(account: AwsAccount) -> str:
    """Return the parameter that holds the names of the buckets, with no configuration beside it."""
    for region in AWS_REGIONS:
        account.ssm(region).delete_parameter(Name=account.parameter)
    return f"/buckets/{account.parameter.removeprefix('/startifact-')}"


def configured(account: AwsAccount, region: str) -> dict[str, object] | None:
    """Return the configuration that *region* holds."""
    ssm = account.ssm(region)
    try:
        text = ssm.get_parameter(Name=account.parameter)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        return None
    return dict(json.loads(text))


def words(bucket_name_param: str, *more: str) -> list[str]:
    return [
        "setup",
        "--regions",
        ",".join(AWS_REGIONS),
        "--bucket-name-param",
        bucket_name_param,
        *more,
    ]


def outcomes(done: Done) -> list[str]:
    return [region["outcome"] for region in done.json["regions"]]


def test_fresh(run: Run, account: AwsAccount, bucket_name_param: str, tmp_path: Path) -> None:
    """The configuration is written into every region, and what it configures can be staged to."""
    file = tmp_path / "x"
    file.write_bytes(b"x")

    done = run(*words(bucket_name_param, "--bucket-key-prefix", "p/"))
    staged = run("stage", "SugarWater@1.0.0", file, "--json")

    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines() == [
        f"  us-east-1       {account.parameter} written",
        f"  eu-west-1       {account.parameter} written",
        f"  ap-southeast-2  {account.parameter} written",
    ]
    for region in AWS_REGIONS:
        assert configured(account, region) == {
            "bucket_name_param": bucket_name_param,
            "bucket_key_prefix": "p/",
            "parameter_name_prefix": "",
            "regions": list(AWS_REGIONS),
        }
    assert staged.json["key"] == "p/SugarWater@1.0.0"


def test_what_is_kept(run: Run, account: AwsAccount, bucket_name_param: str) -> None:
    """What a region's configuration says of its bucket and of mirrors is kept, and has to fit."""
    kept = {"mirrored_channels": ["prod"], "kms_key": dict.fromkeys(AWS_REGIONS[:2], "alias/x")}
    for region in AWS_REGIONS[:2]:
        text = {"bucket_name_param": bucket_name_param, "regions": list(AWS_REGIONS[:2])} | kept
        account.configure(region, json.dumps(text))
    two = ["--regions", ",".join(AWS_REGIONS[:2]), "--bucket-key-prefix", "p/"]

    done = run("setup", *two, "--bucket-name-param", bucket_name_param)
    refused = run(*words(bucket_name_param))

    assert done.code == 0
    for region in AWS_REGIONS[:2]:
        found = configured(account, region)
        assert found is not None
        assert found["bucket_key_prefix"] == "p/"
        assert kept.items() <= found.items()
    assert refused.code == 2
    assert f"kms_key: it says nothing of {AWS_REGIONS[2]}" in refused.err
    given = " ".join(f"--kms-key {region}=alias/x" for region in AWS_REGIONS[:2])
    assert f"hint: Give it for each: {given} --kms-key {AWS_REGIONS[2]}=VALUE" in refused.err


def test_again(run: Run, wire: Wire, account: AwsAccount, bucket_name_param: str) -> None:
    """Running it again writes nothing."""
    run(*words(bucket_name_param))
    written = len(wire.writes())

    done = run(*words(bucket_name_param), "--json")

    assert outcomes(done) == ["unchanged"] * 3
    assert len(wire.writes()) == written == 3


def test_configuration_of_the_first_startifact(
    run: Run, account: AwsAccount, bucket_name_param: str
) -> None:
    """A configuration that says the same in the first Startifact's way is left alone."""
    old = {"bucket_name_param": bucket_name_param, "regions": ",".join(AWS_REGIONS), "save_ok": ""}
    for region in AWS_REGIONS:
        account.configure(region, json.dumps(old))

    done = run(*words(bucket_name_param), "--json")

    assert outcomes(done) == ["unchanged"] * 3
    assert configured(account, "eu-west-1") == old


def test_replacing(run: Run, account: AwsAccount, bucket_name_param: str) -> None:
    """What was there otherwise is replaced, and what changes is reported."""
    run(*words(bucket_name_param))
    account.configure("us-east-1", "not JSON")

    done = run(*words(bucket_name_param, "--parameter-name-prefix", "/team"))

    assert done.code == 0
    assert done.err.splitlines() == [
        f"  us-east-1       {account.parameter} replaced",
        "    what was there is not a valid configuration",
        f"  eu-west-1       {account.parameter} replaced",
        f"    parameter_name_prefix: '' becomes '/team': {STAY}",
        f"  ap-southeast-2  {account.parameter} replaced",
        f"    parameter_name_prefix: '' becomes '/team': {STAY}",
    ]
    assert configured(account, "us-east-1") == configured(account, "eu-west-1")


def test_other_keys_than_before(run: Run, account: AwsAccount, bucket_name_param: str) -> None:
    """What is not found any more, because keys or parameters begin otherwise, is said."""
    given = ("--bucket-key-prefix", "team/", "--parameter-name-prefix", "/team")
    run(*words(bucket_name_param, *given))

    done = run(*words(bucket_name_param, "--dry-run"))

    lines = done.err.splitlines()
    gone = "no version or channel that is there now is found then"
    assert f"    bucket_key_prefix: 'team/' becomes '': {gone}" in lines
    assert f"    parameter_name_prefix: '/team' becomes '': {STAY}" in lines


def test_dry_run(run: Run, wire: Wire, account: AwsAccount, bucket_name_param: str) -> None:
    """A dry run says what would be written, and writes nothing."""
    account.configure("eu-west-1", "{}")

    done = run(*words(bucket_name_param), "--dry-run", "--json")

    assert outcomes(done) == ["would-write", "would-replace", "would-write"]
    assert done.json["dry-run"] is True
    assert done.json["configuration-parameter"] == account.parameter
    assert wire.writes() == []


def _refuse(region: str, operation: str, wire: Wire) -> None:
    def rule(request: Request, forward: Forward) -> Answer | None:
        if (request.region, request.operation) != (region, operation):
            return forward()
        said = {"__type": "AccessDeniedException", "message": "no\nerror: fake\x1b[31m"}
        return Answer(400, json.dumps(said).encode())

    wire.add(rule)


def test_one_region_refuses(
    run: Run, wire: Wire, account: AwsAccount, bucket_name_param: str
) -> None:
    """A region that refuses is reported with the others, which are done, and with what ends it."""
    _refuse("eu-west-1", "PutParameter", wire)

    done = run(*words(bucket_name_param), "--json")

    assert done.code == done.json["error"]["exit-code"] == 6
    assert outcomes(done) == ["written", "failed", "written"]
    assert "ssm:PutParameter" in done.json["regions"][1]["error"]
    lines = done.err.splitlines()
    assert lines[0] == "error: 1 of 3 regions did not get the configuration:"
    assert lines[1] == "  us-east-1: written"
    assert lines[2].startswith("  eu-west-1 refused ssm:PutParameter")
    assert lines[-1].startswith("hint: Allow ssm:PutParameter on parameter ")
    assert "again" not in lines[-1]
    assert not [line for line in lines if line.startswith("error: fake")]
    assert "\x1b" not in done.err
    assert configured(account, "eu-west-1") is None
    assert configured(account, "us-east-1") == configured(account, "ap-southeast-2") is not None


def test_dry_run_where_one_region_refuses(
    run: Run, wire: Wire, account: AwsAccount, bucket_name_param: str
) -> None:
    """A dry run fails where the region cannot be read."""
    _refuse("eu-west-1", "GetParameter", wire)

    done = run(*words(bucket_name_param), "--dry-run")

    assert done.code == 6
    assert done.err.startswith("error: 1 of 3 regions would not get the configuration:\n")


def test_bucket_name_is_missing(run: Run, account: AwsAccount, bucket_name_param: str) -> None:
    """A region without a usable bucket name is warned of and named; the others are not."""
    account.ssm("eu-west-1").delete_parameter(Name=bucket_name_param)
    account.ssm("us-east-1").put_parameter(
        Name=bucket_name_param, Value="Not A Bucket\x1b", Type="String", Overwrite=True
    )

    done = run(*words(bucket_name_param))

    assert done.code == 0
    assert done.err.splitlines()[:2] == [
        (
            f"warning: us-east-1: parameter {bucket_name_param} holds 'Not A Bucket\\x1b', "
            "expected the name of a bucket"
        ),
        f"warning: eu-west-1 has no parameter {bucket_name_param} with the bucket's name yet",
    ]
    assert "ap-southeast-2" not in "".join(done.err.splitlines()[:2])
    assert configured(account, "eu-west-1") is not None


def test_bucket_name_that_cannot_be_read(
    run: Run, wire: Wire, account: AwsAccount, bucket_name_param: str
) -> None:
    """A bucket name that must not be read is a warning, for others may read it."""

    def rule(request: Request, forward: Forward) -> Answer | None:
        if bucket_name_param.encode() not in request.body or request.operation != "GetParameter":
            return forward()
        return Answer(400, json.dumps({"__type": "AccessDeniedException"}).encode())

    wire.add(rule)

    done = run(*words(bucket_name_param), "--json")

    assert done.code == 0
    assert outcomes(done) == ["written"] * 3
    assert "could not be checked" in done.json["regions"][0]["warning"]


def test_nothing_is_sent_for_bad_options(run: Run, wire: Wire, account: AwsAccount) -> None:
    """Everything that is wrong with the options is reported at once, before anything is sent."""
    done = run(
        "setup", "--regions", "eu-west-1,file:./a,eu-west-1", "--bucket-name-param", "a b",
        "--bucket-key-prefix", "../", "--parameter-name-prefix", "/aws/x",
    )  # fmt: skip

    assert done.code == 2
    for part in ("regions[1]", "regions[2]", "bucket_name_param", "bucket_key_prefix"):
        assert part in done.err
    assert "parameter_name_prefix" in done.err
    assert wire.requests() == []


def test_parameters_that_collide(run: Run, wire: Wire, account: AwsAccount) -> None:
    """The configuration is never written over the parameter with the bucket's name."""
    done = run(
        "setup", "--regions", " ", "--bucket-name-param", "aws/x",
        "--configuration-parameter", "/aws/x", "--bucket-key-prefix", "é",
    )  # fmt: skip

    assert done.code == 2
    for part in (
        "no region is named",
        "begins with aws or ssm",
        "cannot hold both the configuration and a bucket's name",
        "bucket_key_prefix",
    ):
        assert part in done.err
    assert wire.requests() == []


def test_parameter_that_is_none(run: Run, wire: Wire, account: AwsAccount) -> None:
    """A configuration parameter that SSM cannot have is refused."""
    done = run(
        "setup", "--regions", "eu-west-1", "--bucket-name-param", "/b",
        "--configuration-parameter", "a b",
    )  # fmt: skip

    assert done.code == 2
    assert "configuration parameter: got 'a b', expected the name of an SSM parameter" in done.err
    assert wire.requests() == []


GIVEN = {
    "kms_key": ("--kms-key=us-east-1=alias/x", "--kms-key=eu-west-1=alias/y"),
    "bucket_owner": ("--bucket-owner=123456789012",),
    "storage_class": ("--storage-class=STANDARD_IA",),
    "object_tags": ("--object-tag=team=a b", "--object-tag=site=sydney"),
    "object_lock_mode": ("--object-lock-mode=GOVERNANCE",),
    "object_lock_days": ("--object-lock-days=7",),
    "mirrored_channels": ("--mirrored-channel=prod", "--mirrored-channel=latest"),
    "use_dualstack": ("--use-dualstack=false",),
    "use_fips": ("--use-fips=true",),
}
MEANT = {
    "kms_key": {"us-east-1": "alias/x", "eu-west-1": "alias/y"},
    "bucket_owner": "123456789012",
    "storage_class": "STANDARD_IA",
    "object_tags": {"team": "a b", "site": "sydney"},
    "object_lock_mode": "GOVERNANCE",
    "object_lock_days": 7,
    "mirrored_channels": ["prod"],
    "use_dualstack": False,
    "use_fips": True,
}


def two(bucket_name_param: str, *more: str) -> list[str]:
    regions = "us-east-1,eu-west-1"
    return ["setup", "--regions", regions, "--bucket-name-param", bucket_name_param, *more]


def test_all_keys(run: Run, account: AwsAccount, bucket_name_param: str) -> None:
    """Every key of the configuration has an option; what is not named again stays, or is unset."""
    given = [word for words in GIVEN.values() for word in words]

    first = run(*two(bucket_name_param, *given))
    found = configured(account, "eu-west-1")
    again = run(*two(bucket_name_param, "--unset=use_fips", "--object-tag=team=b"), "--json")

    assert first.code == again.code == 0
    assert found is not None
    assert {name: found[name] for name in MEANT} == MEANT
    rest = {name: value for name, value in MEANT.items() if name != "use_fips"}
    now = configured(account, "eu-west-1")
    assert now is not None
    assert now.items() >= (rest | {"object_tags": {"team": "b"}}).items()
    assert "use_fips" not in now
    assert again.json["regions"][1]["changes"] == [
        "object_tags: {'team': 'a b', 'site': 'sydney'} becomes {'team': 'b'}",
        "use_fips: True becomes nothing",
    ]


def test_endpoints_and_no_mirrors(run: Run, account: AwsAccount, bucket_name_param: str) -> None:
    """An endpoint belongs to a region; only latest is copied where nothing else is named."""
    endpoint = "https://bucket.vpce-1a2b3c4d-5e6f.s3.us-east-1.vpce.amazonaws.com"

    done = run(
        *two(bucket_name_param, f"--endpoint=us-east-1={endpoint}", "--mirrored-channel=latest")
    )

    assert done.code == 0
    found = configured(account, "us-east-1")
    assert found is not None
    assert found["endpoint"] == {"us-east-1": endpoint}
    assert found["mirrored_channels"] == []


def test_what_is_wrong_with_the_keys(run: Run, wire: Wire, account: AwsAccount) -> None:
    """All that is wrong is reported at once, and nothing is sent; no password is shown."""
    done = run(
        *two(
            "/b",
            *("--kms-key=alias/x", "--kms-key=us-east-1=alias/y", "--bucket-owner=12"),
            *("--object-tag=team", "--object-lock-days=7", "--endpoint=https://me:secret@host"),
            *("--unset=storage", "--unset=bucket_owner"),
        )
    )

    assert done.code == 2
    for part in (
        "--kms-key is given for all regions, and again",
        "bucket_owner: got '12'",
        "--object-tag: what is given has no = in it, expected NAME=VALUE",
        "--endpoint: what is given has no = in it, expected REGION=URL",
        "object_lock_mode and object_lock_days: one is there and the other is not",
        "--unset: got 'storage'",
        "Perhaps storage_class is meant",
        "bucket_owner is given, and is to be unset",
    ):
        assert part in done.err
    assert "secret" not in done.err
    assert wire.requests() == []


@pytest.mark.parametrize("as_text", [False, True])
def test_fewer_regions(
    run: Run, wire: Wire, account: AwsAccount, bucket_name_param: str, *, as_text: bool
) -> None:
    """A region that nobody says is to go is not lost, and nothing is written anywhere."""
    regions = ",".join(AWS_REGIONS) if as_text else list(AWS_REGIONS)
    text = {"bucket_name_param": bucket_name_param, "regions": regions}
    account.configure("eu-west-1", json.dumps(text))

    done = run(*two(bucket_name_param))
    dry = run(*two(bucket_name_param, "--dry-run"))

    assert done.code == dry.code == 2
    every = ", ".join(map(repr, AWS_REGIONS))
    lost = f"{account.parameter} in eu-west-1 is of {every}, and would lose 'ap-southeast-2'"
    assert lost in done.err
    assert lost in dry.err
    assert "--regions us-east-1,eu-west-1,ap-southeast-2" in done.err
    assert "--remove-region ap-southeast-2" in done.err
    assert wire.writes() == []
    assert configured(account, "eu-west-1") == text
    assert configured(account, "us-east-1") is None


def test_removing_a_region(run: Run, account: AwsAccount, bucket_name_param: str) -> None:
    """One that is named goes; what it still has is said, and again is safe."""
    run(*words(bucket_name_param))
    remove = two(bucket_name_param, "--remove-region", "ap-southeast-2")

    done = run(*remove)
    again = run(*remove, "--json")

    assert done.code == again.code == 0
    found = configured(account, "us-east-1")
    assert found is not None
    assert found["regions"] == ["us-east-1", "eu-west-1"]
    assert (
        "warning: ap-southeast-2: its configuration stays, and names the regions before: aws ssm "
        f"delete-parameter --region ap-southeast-2 --name {account.parameter}"
    ) in " ".join(done.err.split())
    assert outcomes(again) == ["unchanged"] * 2
    assert "delete-parameter" not in again.err


def test_removing_what_is_named(run: Run, wire: Wire, account: AwsAccount) -> None:
    """A region cannot stay and go, and only AWS regions go."""
    done = run(*two("/b", "--remove-region", "eu-west-1", "--remove-region", "eu"))

    assert done.code == 2
    assert "--remove-region: got 'eu-west-1', expected a region that --regions lacks" in done.err
    assert "--remove-region: got 'eu', expected an AWS region" in done.err
    assert wire.requests() == []
