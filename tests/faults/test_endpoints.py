"""Where requests go: an endpoint is judged the same wherever it comes from, and so is its style."""

from pathlib import Path
from urllib.parse import quote

import pytest

from startifact.errors import StartifactError
from tests.conftest import AwsAccount
from tests.support.limits import Session
from tests.support.wire import Wire

WRONG = ["http://192.0.2.1:9000", "https://store.example/path", "https://u:secret@store.example"]


def endpoint_from(
    source: str, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Set *endpoint* where *source* says, and return the region to use it with."""
    config = tmp_path / "config"
    keys = "aws_access_key_id = AKIABASEBASEBASEBASE\naws_secret_access_key = secret-of-base\n"
    region = "s3://my-artifacts?region=us-east-1&profile=p"
    match source:
        case "spelling":
            config.write_text(f"[profile p]\n{keys}")
            region += f"&endpoint={quote(endpoint, safe='')}"
        case "AWS_ENDPOINT_URL" | "AWS_ENDPOINT_URL_S3" | "AWS_ENDPOINT_URL_STS":
            config.write_text(f"[profile p]\n{keys}")
            monkeypatch.setenv(source, endpoint)
        case "profile":
            config.write_text(f"[profile p]\n{keys}endpoint_url = {endpoint}\n")
        case "services":
            config.write_text(
                f"[profile p]\n{keys}services = here\n"
                f"[services here]\ns3 =\n  endpoint_url = {endpoint}\n"
            )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    return region


SOURCES = ["spelling", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "profile", "services"]


@pytest.mark.parametrize("source", [*SOURCES, "AWS_ENDPOINT_URL_STS"])
@pytest.mark.parametrize("endpoint", WRONG)
def test_wrong_endpoint(
    source: str, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the clear to another machine, with a path or a password: refused before any request."""
    region = endpoint_from(source, endpoint, tmp_path, monkeypatch)

    with pytest.raises(StartifactError) as caught:
        Session(regions=[region, "file:./other"]).versions("SugarWater")

    assert caught.value.exit_code == 2
    assert "expected https://host, or http:// on this machine" in caught.value.message
    assert "secret@" not in str(caught.value)


@pytest.mark.parametrize("source", SOURCES)
def test_right_endpoint(
    source: str, account: AwsAccount, wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same ways lead to an endpoint on this machine."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    region = endpoint_from(source, wire.endpoint, tmp_path, monkeypatch)
    region = region.replace("my-artifacts", account.buckets["us-east-1"])

    with pytest.raises(StartifactError) as caught:
        Session(regions=region).versions("SugarWater")

    assert caught.value.exit_code == 3
    assert [r.path.partition("?")[0] for r in wire.requests()] == [
        f"/{account.buckets['us-east-1']}"
    ]


def test_ignored_endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that the SDK is told to ignore is not looked at."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", WRONG[0])
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")

    assert Session(regions="s3://my-artifacts?region=us-east-1").regions


@pytest.mark.parametrize(
    ("spelled", "in_profile", "host_has_bucket"),
    [
        ("", "", False),
        ("", "virtual", True),
        ("", "path", False),
        ("&addressing=virtual", "path", True),
        ("&addressing=path", "virtual", False),
    ],
)
def test_addressing(
    account: AwsAccount,
    wire: Wire,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spelled: str,
    in_profile: str,
    host_has_bucket: bool,
) -> None:
    """The bucket's name stands where the spelling says, else the profile, else behind the host."""
    style = f"s3 =\n  addressing_style = {in_profile}\n" if in_profile else ""
    config = tmp_path / "config"
    config.write_text(
        "[profile p]\naws_access_key_id = AKIABASEBASEBASEBASE\n"
        f"aws_secret_access_key = secret-of-base\n{style}"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    endpoint = quote(wire.endpoint.replace("127.0.0.1", "localhost"), safe="")
    bucket = account.buckets["us-east-1"]
    region = f"s3://{bucket}?region=us-east-1&endpoint={endpoint}&profile=p{spelled}"

    with pytest.raises(StartifactError):
        Session(regions=region).versions("SugarWater")

    hosts = {r.headers["host"].startswith(f"{bucket}.") for r in wire.requests()}
    # A name below localhost may not resolve; then nothing came, and the address was asked for.
    assert hosts == {host_has_bucket} or (host_has_bucket and not hosts)


def test_configured_bucket_that_is_none(account: AwsAccount) -> None:
    """The bucket that an organisation's parameter names is judged in the same way."""
    account.ssm("us-east-1").put_parameter(
        Name=account.bucket_parameter, Value="logs--use1-az4--x-s3", Type="String", Overwrite=True
    )

    with pytest.raises(StartifactError, match="a directory bucket") as caught:
        Session(regions="us-east-1").versions("SugarWater")

    assert caught.value.exit_code == 2
