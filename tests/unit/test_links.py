"""Addresses of links, and what of them is secret."""

import io
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.awsrequest import AWSResponse

from startifact.limits import DEFAULT_LIMITS
from startifact.model.bucket_options import BucketOptions
from startifact.model.durations import duration_text
from startifact.model.keys import Key
from startifact.model.links import LinkRequest, secrets_of
from startifact.regions.aws.bucket import Bucket
from startifact.regions.aws.clients import Clients
from startifact.regions.aws.links import signed_link
from startifact.regions.interface import StoredArtifact

STORED = StoredArtifact(size=1, encoded_record=None, token='"etag"', object_version="v/1+2=")
REQUEST = LinkRequest(expires=timedelta(hours=1), filename=None)


def link_from(region: str, name: str = "artifacts", **options: Any) -> str:
    """Return the link to an artifact in *region*, where every request is answered at once."""
    clients = Clients()
    client = clients.s3(region, options=BucketOptions(**options), in_region=True)

    def answer(request: Any, **_: object) -> AWSResponse:
        headers = {"content-length": "1", "etag": STORED.token}
        return AWSResponse(request.url, 206, headers, _Body())  # type: ignore[arg-type]

    client.meta.events.register("before-send.s3", answer)  # type: ignore[arg-type]
    bucket = Bucket(
        client,
        region=region,
        name=name,
        prefix="team/",
        limits=DEFAULT_LIMITS,
        options=BucketOptions(**options),
    )
    credentials = clients.credentials(None, region)
    return signed_link(bucket, credentials, Key("SugarWater@1.0.0"), STORED, REQUEST).url


class _Body(io.BytesIO):
    def stream(self, *_: object, **__: object) -> Any:
        return iter([b"x"])


@pytest.mark.parametrize(
    ("region", "host", "options"),
    [
        ("eu-west-1", "artifacts.s3.eu-west-1.amazonaws.com", {}),
        ("us-east-1", "artifacts.s3.amazonaws.com", {}),
        ("eu-west-1", "artifacts.s3.dualstack.eu-west-1.amazonaws.com", {"use_dualstack": True}),
        ("us-east-2", "artifacts.s3-fips.us-east-2.amazonaws.com", {"use_fips": True}),
        ("us-gov-west-1", "artifacts.s3.us-gov-west-1.amazonaws.com", {}),
        ("cn-north-1", "artifacts.s3.cn-north-1.amazonaws.com.cn", {}),
        ("eu-west-1", "artifacts.s3.eu-west-1.amazonaws.com", {"bucket_owner": "123456789012"}),
    ],
)
def test_hosts(region: str, host: str, options: dict[str, Any]) -> None:
    """It leads to the host of the bucket's region, partition and form, signed for that region."""
    parts = urlsplit(link_from(region, **options))
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}

    assert (parts.scheme, parts.hostname) == ("https", host)
    assert parts.path == "/team/SugarWater%401.0.0"
    assert query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert query["X-Amz-Credential"].split("/")[2:] == [region, "s3", "aws4_request"]
    assert query["X-Amz-SignedHeaders"] == "host"
    assert query["versionId"] == STORED.object_version


def test_names_with_dots() -> None:
    """A certificate is for no bucket whose name has dots: the name stands in the path then."""
    parts = urlsplit(link_from("eu-west-1", "my.artifacts"))

    assert parts.hostname == "s3.eu-west-1.amazonaws.com"
    assert parts.path == "/my.artifacts/team/SugarWater%401.0.0"


def test_secrets() -> None:
    """The link is secret, and so is its signature, however the rest of it is written."""
    url = link_from("eu-west-1")

    whole, signature = secrets_of(url)

    assert whole == url
    assert len(signature) == 64
    assert f"X-Amz-Signature={signature}" in url


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.9, "0s"), (59, "59s"), (60, "1m"), (3599, "59m 59s"), (3600, "1h"),
     (90_061, "1d 1h"), (604_800, "7d"), (-5, "0s")],
)  # fmt: skip
def test_lengths_in_words(seconds: float, text: str) -> None:
    """A length of time is written in its two largest units."""
    assert duration_text(timedelta(seconds=seconds)) == text
