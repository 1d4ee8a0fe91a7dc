"""What works in a region on S3, and what does not: who asks, its configuration, and its bucket.

Everything here is asked with requests that change nothing. What only some may ask, such as the
settings of a bucket, is not known to others, and that is no failure.
"""

import shlex
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from startifact.errors import (
    AccessDeniedError,
    ConfigurationError,
    StartifactError,
    WrongRegionError,
)
from startifact.hints import Hint, join
from startifact.lazy_dataclasses import dataclass
from startifact.model.configuration import to_json
from startifact.model.examination import (
    BUCKET,
    BUCKET_NAME,
    CONDITIONAL_WRITES,
    CONFIGURATION,
    ENCRYPTION,
    IDENTITY,
    OWNER,
    Check,
    CheckState,
    ExaminationRequest,
    failed,
    failed_by,
    not_tried,
    ok,
    unknown,
)
from startifact.permissions import WRITING
from startifact.regions.aws.asking import Asking, code_behind, is_denied, unknown_by
from startifact.regions.aws.bucket import Bucket
from startifact.regions.aws.bucket_settings import examine_settings, key_of
from startifact.regions.aws.configuration_loader import store_configuration
from startifact.regions.aws.endpoint import is_custom
from startifact.regions.aws.permission_trials import NO_PROJECT
from startifact.regions.aws.tried_permissions import printing_policy, try_permissions
from startifact.text import quoted

if TYPE_CHECKING:
    from startifact.regions.aws.region import Reach

_NOT_SHOWN = "and what it holds is not shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """The region that is examined."""

    name: str
    reach: "Reach"
    bucket: Callable[[], Bucket]
    store_identity: Callable[[], str]
    preflight: Callable[[str], None]


def examine(region: Examined, request: ExaminationRequest) -> Iterator[Check]:
    """Yield what is found; see `Region.examine`."""
    asking = Asking(region.name, region.reach.aws_region)
    identity, account = _identity(region, asking)
    yield identity
    if account is not None or identity.state is CheckState.FAILED:
        yield asking.clock()
    if identity.state is CheckState.FAILED:
        yield not_tried(BUCKET, "nobody answers without credentials")
        return
    bucket: Bucket | None = None
    for check in _find_bucket(region, request):
        yield check
        if check.state is CheckState.FAILED:
            break
    else:
        bucket = region.bucket()
        check = _reach(region, bucket, asking)
        yield check
        bucket = None if check.state is CheckState.FAILED else bucket
    if account is None:
        yield asking.clock()
    if bucket is None:
        yield not_tried("permissions", "the bucket has to be there first")
        return
    if bucket.is_aws:
        yield _owner(bucket, asking, account, is_listed=_NOT_SHOWN not in check.found)
    yield _conditions(region, bucket, request)
    key: str | None = None
    for check in examine_settings(bucket, asking, region.reach, request):
        yield check
        if check.name == ENCRYPTION:
            key = key_of(bucket, check)
    yield from try_permissions(
        bucket, asking, request, loader=region.reach.loader, kms_key=key, account=account
    )


def _identity(region: Examined, asking: Asking) -> tuple[Check, str | None]:
    """Return who asks, and the number of the account, where that is known."""
    endpoint = region.reach.endpoint
    if endpoint is not None and is_custom(endpoint):
        return not_tried(IDENTITY, "the store is not AWS"), None
    try:
        sts = region.reach.clients.other("sts", region.reach.aws_region, region.reach.profile)
        answer = asking.ask("sts:GetCallerIdentity", "the identity", sts.get_caller_identity)
    except (AccessDeniedError, ConfigurationError) as e:
        if is_denied(e):
            return unknown(IDENTITY, e.message), None
        return failed_by(IDENTITY, e), None
    except StartifactError as e:  # where S3 is reached by a way of its own, it may answer
        return unknown(IDENTITY, e.message, e.next_step), None
    account = str(answer["Account"])
    who = str(answer["Arn"]).partition(f":{account}:")[2]
    return ok(IDENTITY, f"account {quoted(account)}, {quoted(who)}"), account


def _find_bucket(region: Examined, request: ExaminationRequest) -> Iterator[Check]:
    """Yield what is found of what names the bucket; what has failed is the last."""
    if region.reach.loader is not None:
        try:
            configuration = store_configuration(region.reach.loader, region.name)
        except StartifactError as e:
            yield _not_read(CONFIGURATION, e, region, request, "", region.reach.loader.parameter)
            return
        parameter = region.reach.loader.parameter
        found = f"parameter {parameter} can be read"
        yield ok(CONFIGURATION, found, to_json(configuration), parameter)
    try:
        bucket = region.bucket()
    except StartifactError as e:
        yield _not_read(BUCKET_NAME, e, region, request)
        return
    if region.reach.loader is not None:
        parameter = configuration.bucket_name_param
        yield ok(BUCKET_NAME, f"parameter {parameter} holds {bucket.name}", parameter)


def _not_read(
    name: str,
    error: StartifactError,
    region: Examined,
    request: ExaminationRequest,
    *subjects: str,
) -> Check:
    """Return the check *name* of a parameter that *error* hides."""
    if not is_denied(error):
        return failed(name, error.message, error.next_step, *subjects)
    prints = Hint.of(*printing_policy(request, region.reach.loader))
    return failed(name, error.message, join([error.next_step, prints]))


def _reach(region: Examined, bucket: Bucket, asking: Asking) -> Check:
    """Return whether the bucket is there, and where it should be; its subject is the store."""
    store = region.store_identity()
    try:
        answer = asking.ask(
            "s3:ListBucket", bucket.arn(), lambda: bucket.client.head_bucket(Bucket=bucket.name)
        )
    except StartifactError as e:
        if is_denied(e):
            return ok(BUCKET, f"{bucket.name} is there, {_NOT_SHOWN}", store)
        if code_behind(e) in {"404", "NoSuchBucket"}:
            return _no_bucket(region, bucket)
        step = _name_of_other(region) if isinstance(e, WrongRegionError) else e.next_step
        return failed(BUCKET, e.message, step or e.next_step, store)
    where = answer["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region")
    at = f" in {quoted(where)}" if where else ""
    return ok(BUCKET, f"{bucket.name} is there{at}", store)


def _name_of_other(region: Examined) -> str | None:
    """Return what names a bucket of the right region; ``None`` where the list itself does."""
    loader, where = region.reach.loader, region.reach.aws_region
    if loader is None:
        return None
    parameter = shlex.quote(store_configuration(loader, region.name).bucket_name_param)
    return (
        f"Name a bucket that is in {where}: aws ssm put-parameter --region {where} --overwrite "
        f"--name {parameter} --value NAME_OF_BUCKET"
    )


def _no_bucket(region: Examined, bucket: Bucket) -> Check:
    found = f"there is no bucket {bucket.name} in {region.name}"
    if not bucket.is_aws:
        return failed(BUCKET, found, "Make it, or correct its name where it is configured")
    where = region.reach.aws_region
    make = f"aws s3api create-bucket --bucket {bucket.name} --region {where}{_constraint(where)}"
    return failed(BUCKET, found, f"Make it: {make}; or correct its name where it is configured")


def _constraint(region: str) -> str:
    if region == "us-east-1":
        return ""
    return f" --create-bucket-configuration LocationConstraint={region}"


def _owner(bucket: Bucket, asking: Asking, account: str | None, *, is_listed: bool) -> Check:
    expected = bucket.options.bucket_owner
    if is_listed and expected is not None:  # which each request names
        return ok(OWNER, f"{bucket.name} belongs to account {expected}, as bucket_owner says")
    if account is None:
        return not_tried(OWNER, "it is not known who asks")
    if not is_listed:
        if expected in {None, account} or _is_denied_to(account, bucket, asking):
            return unknown(OWNER, f"needs s3:ListBucket on {bucket.arn()}")
        return failed(
            OWNER,
            f"{bucket.name} belongs to account {account}, and bucket_owner is {expected}: S3 "
            "refuses everything",
            f"Write bucket-owner={account} where the bucket is spelled",
            account,
        )
    try:
        _ask_for(account, bucket, asking)
    except StartifactError as e:
        if not is_denied(e):
            return unknown_by(OWNER, e, "s3:ListBucket", bucket.arn())
        return unknown(
            OWNER,
            f"{bucket.name} belongs to another account than {account}",
            "Make sure that it is yours: whoever makes a bucket of a name that is free gets "
            "whatever is staged to it",
        )
    return ok(OWNER, f"{bucket.name} belongs to account {account}")


def _ask_for(account: str, bucket: Bucket, asking: Asking) -> None:
    """Return where S3 says that *bucket* belongs to *account*."""
    asking.ask(
        "s3:ListBucket",
        bucket.arn(),
        lambda: bucket.client.head_bucket(Bucket=bucket.name, ExpectedBucketOwner=account),
    )


def _is_denied_to(account: str, bucket: Bucket, asking: Asking) -> bool:
    try:
        _ask_for(account, bucket, asking)
    except StartifactError:
        return True
    return False


def _conditions(region: Examined, bucket: Bucket, request: ExaminationRequest) -> Check:
    """Return whether writes that must not happen are refused: S3 does it, others have to show."""
    if bucket.is_aws:
        return ok(CONDITIONAL_WRITES, "Amazon S3 honours conditions")
    if request.operation not in WRITING:
        return not_tried(CONDITIONAL_WRITES, f"{request.operation} writes nothing")
    if not request.may_write:
        return not_tried(CONDITIONAL_WRITES, "it takes writes, and none are allowed")
    try:
        region.preflight(request.project or NO_PROJECT)
    except StartifactError as e:
        return failed_by(CONDITIONAL_WRITES, e)
    return ok(CONDITIONAL_WRITES, "the store has refused each write that it had to refuse")
