"""The organisation configuration of the first Startifact is one of ours."""

import json
import logging
from pathlib import Path

import pytest

from startifact import ConfigurationLoader, Session, errors
from startifact.cli import main
from tests.conftest import AWS_REGIONS, AwsAccount


def test_configuration(
    account: AwsAccount, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Regions in one string, and what its set-up dialogue had remembered, are accepted quietly."""
    for region in AWS_REGIONS:
        account.configure(
            region,
            json.dumps(
                {
                    "bucket_name_param": account.bucket_parameter,
                    "bucket_key_prefix": "team/",
                    "parameter_name_prefix": f"/team-{account.unique}",
                    "regions": "us-east-1, eu-west-1,ap-southeast-2",
                    "save_ok": "y",
                }
            ),
        )
    (tmp_path / "file").write_bytes(b"content")

    session = Session()
    staging = session.stage("SugarWater", "1.0.0", tmp_path / "file")

    assert session.regions == AWS_REGIONS
    assert len(staging.outcomes) == 3
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []
    assert ConfigurationLoader().load("eu-west-1").unknown_keys == ()


def configure(account: AwsAccount, regions: object) -> None:
    """Put *regions* into the configuration of every region."""
    for region in AWS_REGIONS:
        account.configure(
            region,
            json.dumps(
                {
                    "bucket_name_param": account.bucket_parameter,
                    "parameter_name_prefix": f"/team-{account.unique}",
                    "regions": regions,
                }
            ),
        )


@pytest.mark.parametrize(
    ("regions", "warnings"),
    [
        ("us-east-1,eu-west-1,ap-southeast-2,", ["a comma with no region beside it"]),
        (", us-east-1,,eu-west-1,ap-southeast-2", ["a comma with no region beside it"]),
        ("us-east-1,eu-west-1,us-east-1,ap-southeast-2", ["'us-east-1' 2 times"]),
        (
            "us-east-1,eu-west-1,us-east-1,ap-southeast-2,us-east-1,",
            ["a comma with no region beside it", "'us-east-1' 3 times"],
        ),
    ],
)
def test_regions_that_nobody_checked(
    account: AwsAccount,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    regions: str,
    warnings: list[str],
) -> None:
    """A comma too many, or a region that is there twice, is read, with a warning."""
    configure(account, regions)
    (tmp_path / "file").write_bytes(b"content")

    session = Session()
    staging = session.stage("SugarWater", "1.0.0", tmp_path / "file")

    assert session.regions == AWS_REGIONS
    assert len(staging.outcomes) == 3
    source = f"the organisation configuration in {account.parameter} in us-east-1"
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == [
        f"{source}: regions has {warning}" for warning in warnings
    ]


@pytest.mark.parametrize("regions", ["us-east-1,eu-west-1,us-east-1,", "nowhere", 7, ["a", "a"]])
def test_named_regions(
    account: AwsAccount, tmp_path: Path, caplog: pytest.LogCaptureFixture, regions: object
) -> None:
    """Where regions are named, it does not matter which ones the configuration names."""
    configure(account, regions)
    (tmp_path / "file").write_bytes(b"content")

    session = Session(regions=AWS_REGIONS)
    staging = session.stage("SugarWater", "1.0.0", tmp_path / "file")

    assert len(staging.outcomes) == 3
    assert str(session.get("SugarWater").version) == "1.0.0"
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


def test_the_rest_of_it_counts(account: AwsAccount) -> None:
    """What names the bucket has to be valid, whoever names the regions."""
    for region in AWS_REGIONS:
        account.configure(region, '{"bucket_name_param": 7, "regions": "nowhere"}')

    with pytest.raises(errors.SeveralRegionsError) as caught:
        Session(regions=AWS_REGIONS).get("SugarWater")

    assert "bucket_name_param: got 7" in caught.value.message
    assert "nowhere" not in caught.value.message


def test_setup_writes_it_anew(account: AwsAccount, capsys: pytest.CaptureFixture[str]) -> None:
    """What is odd about a configuration is no reason to leave it alone."""
    configure(account, "us-east-1,eu-west-1,us-east-1,ap-southeast-2")
    words = ["setup", f"--bucket-name-param={account.bucket_parameter}"]
    words += [f"--parameter-name-prefix=/team-{account.unique}"]

    code = main([*words, f"--regions={','.join(AWS_REGIONS)}"])

    assert code == 0
    assert "regions has 'us-east-1' 2 times" in capsys.readouterr().err
    assert ConfigurationLoader().load("us-east-1").warnings == ()
