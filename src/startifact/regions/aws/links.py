"""Links that S3 accepts in the place of credentials (presigned URLs), signed here.

S3 is not asked to make one, so nobody says at once that it will not work: it is signed with
credentials that have just read the very object, and for no longer than these live.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from startifact.errors import InputError, IntegrityError
from startifact.hints import ByWayIn, Hint, Option, join
from startifact.limits import (
    DEFAULT_SIGNED_LINK_SECONDS,
    LEAST_SIGNED_LINK_SECONDS,
    UNKNOWN_CREDENTIALS_SECONDS,
)
from startifact.model.clock import seconds_text
from startifact.model.durations import duration_text
from startifact.model.keys import Key
from startifact.model.links import LinkRequest, SignedLink
from startifact.regions.aws.bucket import Bucket
from startifact.regions.aws.conditions import UNMET
from startifact.regions.aws.described_bucket import ABSENT
from startifact.regions.aws.errors import aws_errors
from startifact.regions.aws.trouble import code_of
from startifact.regions.interface import StoredArtifact

_GONE = UNMET | ABSENT | {"NoSuchVersion"}
_ONE_SECOND = timedelta(seconds=1)
_DEFAULT = timedelta(seconds=DEFAULT_SIGNED_LINK_SECONDS)
_LEAST = timedelta(seconds=LEAST_SIGNED_LINK_SECONDS)
_UNKNOWN = timedelta(seconds=UNKNOWN_CREDENTIALS_SECONDS)

_LONGER_SESSION = Hint.of(
    "Sign in anew, or for longer: a session lasts as long as it was asked for",
    ByWayIn(workflow=", with role-duration, and at most as long as the role allows"),
)


def signed_link(
    bucket: Bucket,
    credentials: Credentials | None,
    key: Key,
    stored: StoredArtifact,
    request: LinkRequest,
) -> SignedLink:
    """Return the link to *stored* at *key* of *bucket*; see `Region.sign_link`.

    *credentials* are those of the bucket's client.
    """
    where: dict[str, Any] = {"Bucket": bucket.name, "Key": bucket.full(key)}
    action = "s3:GetObject"
    if stored.object_version is not None:
        where["VersionId"] = stored.object_version
        action = "s3:GetObjectVersion"
    _check_readable(bucket, key, stored, where, action)
    with aws_errors(action, region=bucket.region, resource=bucket.arn(key)):
        ends, is_certain = _end_of(credentials)
        now = datetime.now(UTC)
        length = _length(request, None if ends is None else ends - now, ends, is_certain=is_certain)
        url = bucket.client.generate_presigned_url(
            "get_object",
            Params={**where, "ResponseContentDisposition": request.content_disposition},
            ExpiresIn=int(length.total_seconds()),
        )
    return SignedLink(
        url=url,
        expires_at=(now + length).replace(microsecond=0),
        may_end_sooner=not is_certain,
        object_version=stored.object_version,
    )


def _check_readable(
    bucket: Bucket, key: Key, stored: StoredArtifact, where: dict[str, Any], action: str
) -> None:
    """Return when these credentials may read just *stored*, which the link is going to lead to.

    Its first byte is read, as the link will read it: where a key in KMS encrypts it, a description
    would be given also to who may not use the key.
    """
    with aws_errors(action, region=bucket.region, resource=bucket.arn(key)):
        try:
            answer = bucket.client.get_object(**where, IfMatch=stored.token, Range="bytes=0-0")
        except ClientError as e:
            if code_of(e) in _GONE:
                raise IntegrityError(
                    f"{key} in {bucket.region} was replaced or removed while a link to it was made"
                ) from e
            if code_of(e) not in {"InvalidRange", "416"}:  # an empty object has no first byte
                raise
        else:
            answer["Body"].close()


def _end_of(credentials: Credentials | None) -> tuple[datetime | None, bool]:
    """Return when *credentials* end, in UTC, and whether that is certain.

    ``None`` for credentials without an end, or without one that anybody knows.
    """
    if credentials is None:
        return None, True
    frozen = credentials.get_frozen_credentials()  # renews them, if it is time
    # Those that the signature is made with may be newer, and then end later.
    # The SDK has no public name for it: tests/unit/test_botocore.py holds that this still works.
    end: datetime | None = getattr(credentials, "_expiry_time", None)
    if end is not None:
        return end.astimezone(UTC), True
    return None, not frozen.token


def _length(
    request: LinkRequest, left: timedelta | None, ends: datetime | None, *, is_certain: bool
) -> timedelta:
    """Return how long a link works, whose credentials live for what is *left*, until *ends*.

    Raises:
        InputError: It is to work for longer than these credentials do, or may.
    """
    if left is None and not is_certain:
        left = _UNKNOWN
    wanted = request.expires
    if wanted is None:
        length = _DEFAULT if left is None else min(_DEFAULT, left)
        is_enough = length >= _LEAST
    else:
        length, is_enough = wanted, left is None or wanted <= left
    if not is_enough:
        raise _too_long(wanted, left or timedelta(0), ends)
    return length - length % _ONE_SECOND


def _too_long(wanted: timedelta | None, left: timedelta, ends: datetime | None) -> InputError:
    asked = "a link" if wanted is None else f"a link for {duration_text(wanted)}"
    less = Option("expires", f"{int(left.total_seconds()) // 60}m")
    if ends is None:
        return InputError(
            f"{asked} is asked for, to be signed with temporary credentials of which nobody says "
            f"when they end, so that no more than {duration_text(left)} may be asked for",
            hint=Hint.of(
                "Set ",
                less,
                " or less, or AWS_CREDENTIAL_EXPIRATION to when they end, as aws configure "
                "export-credentials --format env prints it",
                ByWayIn(workflow="; with role-to-assume it is known"),
            ),
        )
    shorter = Hint.of("Set ", less, " or less") if left >= _LEAST else None
    return InputError(
        f"{asked} is asked for, to be signed with credentials that end at {seconds_text(ends)}, "
        f"{duration_text(left)} from now, and a link ends with them",
        hint=join([shorter, _LONGER_SESSION]),
    )
