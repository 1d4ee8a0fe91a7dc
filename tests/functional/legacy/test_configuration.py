"""The organisation configuration of the first Startifact is one of ours."""

import json
import logging
from pathlib import Path

import pytest

from startifact import ConfigurationLoader, Session
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
