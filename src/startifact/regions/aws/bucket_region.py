"""Whether a bucket is in the AWS region that its region stands for.

The SDK follows redirects to the AWS region that a bucket is in. Two regions of a list could then be
in one AWS region unnoticed, fail together, and count as a majority all the same.
"""

from typing import TYPE_CHECKING, Any

from startifact.errors import ConfigurationError, WrongRegionError
from startifact.model.aws_regions import AWS_REGION

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_HEADER = "x-amz-bucket-region"
_REDIRECTS = frozenset({301, 302, 307})
_ELSEWHERE = frozenset({"AuthorizationHeaderMalformed", "PermanentRedirect"})


def refuse_other_regions(client: "S3Client", region: str | None) -> None:
    """Make *client* refuse buckets in another AWS region than *region*; ``None`` allows every one.

    Every answer is checked, before the SDK's own handler follows a redirect.
    """

    def check(request_dict: dict[str, Any], response: Any, operation: Any, **_: object) -> None:
        if response is None:
            return
        bucket = request_dict.get("context", {}).get("s3_redirect", {}).get("bucket")
        found = _where(response[1])
        if found is None and operation.name == "HeadBucket" and _status(response[1]) in _REDIRECTS:
            # The SDK would send this same request to find the region, without end.
            raise ConfigurationError(
                f"bucket {bucket} is not in {client.meta.region_name}, and nobody says where it is",
                hint="Check the bucket's name, and name the region it is in",
            )
        if region is not None and found not in {None, region}:
            raise WrongRegionError(
                f"bucket {bucket} is in {found}, expected in {region}",
                hint=f"Name a bucket that is in {region} where this one is configured, or {found} "
                "as its region; regions of one list have to be in different AWS regions",
            )

    client.meta.events.register_first("needs-retry.s3", check)


def _status(answer: dict[str, Any]) -> object:
    return answer.get("ResponseMetadata", {}).get("HTTPStatusCode")


def _where(answer: dict[str, Any]) -> str | None:
    """Return the AWS region that *answer* says the bucket is in, if it says so.

    Stores other than AWS call it what they like, or nothing.
    """
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    error = answer.get("Error", {})
    from_body = error.get("Region") if error.get("Code") in _ELSEWHERE else None
    found = headers.get(_HEADER) or from_body
    return found if isinstance(found, str) and AWS_REGION.fullmatch(found) else None
