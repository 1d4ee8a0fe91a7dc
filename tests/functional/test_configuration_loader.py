"""The organisation configuration is read once, and shared."""

import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from startifact.errors import AccessDeniedError, ConfigurationError, RegionUnavailableError
from startifact.model.configuration import Configuration
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.support.limits import ConfigurationLoader, Session
from tests.support.wire import Answer, Forward, Request, Wire

MakeFile = Callable[..., Path]


def asked(wire: Wire, name: str) -> int:
    """Return how often SSM was asked for the parameter *name*."""
    requests = [r for r in wire.requests() if r.operation == "GetParameter"]
    return sum(json.loads(r.body)["Name"] == name for r in requests)


def test_load(account: AwsAccount) -> None:
    """A loader reads what a region holds."""
    loaded = ConfigurationLoader().load("eu-west-1")

    assert loaded == Configuration(
        bucket_name_param=account.bucket_parameter,
        bucket_key_prefix="team/",
        parameter_name_prefix=f"/team-{account.unique}",
        regions=AWS_REGIONS,
    )


def test_parameter(account: AwsAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parameter comes from the argument, else the environment, else it is /startifact."""
    named = ConfigurationLoader("/named")
    from_environment = ConfigurationLoader()
    monkeypatch.delenv("STARTIFACT_PARAMETER")
    by_default = ConfigurationLoader()

    assert named.parameter == "/named"
    assert from_environment.parameter == account.parameter
    assert by_default.parameter == "/startifact"


def test_default_parameter(account: AwsAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in /startifact is read where nobody names a parameter."""
    monkeypatch.delenv("STARTIFACT_PARAMETER")
    account.ssm("ap-southeast-2").put_parameter(
        Name="/startifact", Value='{"bucket_name_param": "/x"}', Type="String", Overwrite=True
    )

    assert ConfigurationLoader().load("ap-southeast-2").bucket_name_param == "/x"


def test_each_region_has_its_own(account: AwsAccount) -> None:
    """Each region's own configuration is read: one may have another prefix."""
    account.configure("eu-west-1", '{"bucket_name_param": "/x", "bucket_key_prefix": "other/"}')
    loader = ConfigurationLoader()

    assert loader.load("eu-west-1").bucket_key_prefix == "other/"
    assert loader.load("us-east-1").bucket_key_prefix == "team/"


def test_read_once(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """A session asks for the configuration and the bucket's name once in each region."""
    session = Session()

    session.stage("SugarWater", "1.0.0", make_file())
    session.stage("SugarWater", "2.0.0", make_file(b"more"))
    session.get("SugarWater")
    session.versions("SugarWater")

    assert asked(wire, account.parameter) == 3
    assert asked(wire, account.bucket_parameter) == 3


def test_shared_by_sessions(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """Sessions that are given one loader read the configuration once."""
    loader = ConfigurationLoader()

    Session(configuration_loader=loader).stage("SugarWater", "1.0.0", make_file())
    Session(configuration_loader=loader, read_only=True).get("SugarWater")
    Session(configuration_loader=loader, regions=["us-east-1"]).get("SugarWater")

    assert asked(wire, account.parameter) == 3


def test_read_once_by_many_threads(account: AwsAccount, wire: Wire) -> None:
    """Many threads that need the configuration at once have it read once."""
    loader = ConfigurationLoader()
    barrier = threading.Barrier(8)

    def load(_: int) -> Configuration:
        barrier.wait()
        return loader.load("us-east-1")

    with ThreadPoolExecutor(8) as pool:
        loaded = list(pool.map(load, range(8)))

    assert loaded == [loaded[0]] * 8
    assert asked(wire, account.parameter) == 1


def test_failure_is_not_kept(account: AwsAccount) -> None:
    """A configuration that was not there is looked for again."""
    loader = ConfigurationLoader(f"{account.parameter}-later")
    with pytest.raises(ConfigurationError):
        loader.load("us-east-1")
    account.ssm().put_parameter(
        Name=f"{account.parameter}-later", Value='{"bucket_name_param": "/x"}', Type="String"
    )

    assert loader.load("us-east-1").bucket_name_param == "/x"


def test_unknown_keys_warn_once(account: AwsAccount, caplog: pytest.LogCaptureFixture) -> None:
    """Keys that are ignored are reported once for each region."""
    account.configure("us-east-1", '{"bucket_name_param": "/x", "colour\\n": "red"}')
    loader = ConfigurationLoader()

    with caplog.at_level(logging.WARNING, "startifact"):
        loader.load("us-east-1")
        loader.load("us-east-1")

    (warning,) = [r.getMessage() for r in caplog.records]
    assert warning.endswith(r"has keys that are ignored: 'colour\n'")


def refused(code: str) -> Callable[[Request, Forward], Answer]:
    """Return a rule by which SSM answers with *code*."""

    def refuse(request: Request, forward: Forward) -> Answer:
        if request.service != "ssm":
            return forward()
        body = json.dumps({"__type": code, "message": "because"}).encode()
        return Answer(400, body, {"Content-Type": "application/x-amz-json-1.1"})

    return refuse


def test_access_denied(account: AwsAccount, wire: Wire) -> None:
    """Where the configuration must not be read, the action that has to be allowed is reported."""
    wire.add(refused("AccessDeniedException"))

    with pytest.raises(AccessDeniedError) as caught:
        ConfigurationLoader().load("us-east-1")

    assert f"us-east-1 refused ssm:GetParameter on parameter {account.parameter}" in str(
        caught.value
    )
    assert caught.value.hint is not None
    assert "Allow ssm:GetParameter" in caught.value.hint


def test_expired_credentials(account: AwsAccount, wire: Wire) -> None:
    """Expired credentials are reported as such."""
    wire.add(refused("ExpiredTokenException"))

    with pytest.raises(AccessDeniedError, match="did not accept the AWS credentials"):
        ConfigurationLoader().load("us-east-1")


def test_trouble_of_its_own(account: AwsAccount, wire: Wire) -> None:
    """A region with trouble of its own is unavailable, with what it said."""
    wire.add(refused("InternalServerError"))

    with pytest.raises(RegionUnavailableError, match="'InternalServerError', 'because'"):
        ConfigurationLoader().load("us-east-1")


def test_region_that_does_not_exist() -> None:
    """A region that only looks like one is unavailable, not a traceback."""
    with pytest.raises(RegionUnavailableError):
        ConfigurationLoader().load("xx-nowhere-1")


def test_home_region_that_is_down(account: AwsAccount, wire: Wire) -> None:
    """Where the list of regions is in a region that is down, that is what is reported."""
    wire.add(lambda request, forward: None)

    with pytest.raises(RegionUnavailableError, match="us-east-1"):
        Session().get("SugarWater")
