"""What a policy is asked to allow, and whether there can be such a policy."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from startifact.lazy_dataclasses import dataclass
from startifact.limits import MAX_CHANNEL_NAME_CHARACTERS, MAX_PROJECT_CHARACTERS
from startifact.model.aws_regions import PARTITIONS, partition_of
from startifact.model.configuration import (
    DEFAULT_PARAMETER,
    is_key_prefix,
    is_parameter_name,
    is_parameter_prefix,
)
from startifact.model.keys import LATEST
from startifact.model.roles import is_role
from startifact.organisation.given_options import say_no_aws_region
from startifact.permissions import OPERATIONS, PERMISSIONS, Permission, When, advice_on
from startifact.problems import Problems
from startifact.regions.aws.endpoint import is_custom
from startifact.regions.aws.spec import BucketSpec
from startifact.text import nearest, perhaps, quoted

logger = logging.getLogger(__name__)

ANY = "*"
_OF_BOOTSTRAP = "startifact policy bootstrap prints that of bootstrap"

ACCOUNT = "ACCOUNT_ID"
BUCKET = "NAME_OF_BUCKET"
BUCKET_NAME_PARAMETER = "/PARAMETER_WITH_BUCKET_NAME"
NAME = "NAME_GIVEN_TO_BOOTSTRAP"

PATTERN = re.compile(rf"[A-Za-z0-9*][A-Za-z0-9_.*-]{{0,{MAX_PROJECT_CHARACTERS - 1}}}")
CHANNELS = re.compile(rf"[a-z][a-z0-9*-]{{0,{MAX_CHANNEL_NAME_CHARACTERS - 1}}}")
REGION = re.compile(r"[a-z]{2,5}(?:-[a-z]+)+-[0-9]{1,2}")
_ACCOUNT = re.compile(r"[0-9]{12}")
_BUCKET = re.compile(r"[a-z0-9*][a-z0-9.*-]{1,62}")
_KMS_KEY = re.compile(r"arn:[a-z-]+:kms:([a-z0-9-]+):[0-9]{12}:key/[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRequest:
    """What a policy is to allow, and where. The fields are as `policy` takes them."""

    operations: tuple[str, ...]
    projects: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    denied_channels: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    buckets: Mapping[str, str]
    account: str | None = None
    partition: str | None = None
    configuration_parameter: str = DEFAULT_PARAMETER
    bucket_name_param: str | None = None
    bucket_key_prefix: str = ""
    parameter_name_prefix: str = ""
    kms_keys: tuple[str, ...] = ()
    to_roles: tuple[str, ...] = ()
    object_tags: bool = False
    object_lock: bool = False
    named_buckets: tuple[BucketSpec, ...] = ()
    """Buckets that are spelled ``s3://``, which have no parameters in SSM."""

    @property
    def is_for_other_store(self) -> bool:
        """Whether the buckets are on a store other than AWS, which has no accounts of AWS."""
        return any(map(is_on_other_store, self.named_buckets))

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """What its operations need, each once, in the order of the table."""
        needed = [p for p in PERMISSIONS if set(p.operations) & set(self.operations)]
        return tuple(
            p
            for p in needed
            if self._has(p.when) and not (p.is_denial and _is_allowed_by_name(p, needed))
        )

    def _has(self, when: When) -> bool:
        """Say whether what is needed *when* something is so is needed here."""
        return {
            When.KMS: bool(self.kms_keys),
            When.TAGS: self.object_tags,
            When.LOCK: self.object_lock,
            When.OTHER_STORE: self.is_for_other_store,
            When.TO_ROLE: bool(self.to_roles),
        }.get(when, True)

    def templates(self) -> list[str]:
        """Return all templates of what its operations need."""
        conditions = (keys.values() for p in self.permissions for keys in p.conditions.values())
        templates = [value for values in conditions for texts in values for value in texts]
        return templates + [resource for p in self.permissions for resource in p.resources]

    def choices(self) -> dict[str, Sequence[str]]:
        """Return what may stand for each placeholder in a template of the table."""
        regions = self.regions or (ANY,)
        given = self.buckets
        buckets = [given.get(r) or given.get(ANY) or _bucket_placeholder(r) for r in regions]
        partition = self.partition or next(map(partition_of, self.regions), PARTITIONS[0])
        return {
            "partition": (partition,),
            "account": (self.account or ACCOUNT,),
            "region": regions,
            "bucket": tuple(dict.fromkeys(buckets)),
            "key_prefix": (escaped(self.bucket_key_prefix),),
            "project": self.projects,
            "channel": self.channels,
            "configuration_parameter": (_with_slash(self.configuration_parameter),),
            "bucket_name_parameter": (
                _with_slash(self.bucket_name_param or BUCKET_NAME_PARAMETER),
            ),
            "parameter_prefix": (self.parameter_name_prefix,),
            "kms_key": self.kms_keys,
            "kms_region": tuple(dict.fromkeys(key.split(":")[3] for key in self.kms_keys)),
            "role": self.to_roles,
        }

    def all_choices(self) -> list[dict[str, Sequence[str]]]:
        """Return those of the organisation's regions, if there are any, and those of each bucket.

        A bucket has none for the placeholders of parameters, which are for no bucket by itself.
        """
        common = self.choices()
        found = [common] if self.regions or not self.named_buckets else []
        for spec in self.named_buckets:
            own: dict[str, Sequence[str]] = {
                "partition": (self.partition or partition_of(spec.region or ""),),
                "account": (spec.options.bucket_owner or self.account or ACCOUNT,),
                "bucket": (spec.bucket,),
                "key_prefix": (escaped(spec.prefix),),
            }
            kept = ("project", "channel", "kms_key", "kms_region", "role")
            found.append(own | {name: common[name] for name in kept})
        return found


def is_on_other_store(spec: BucketSpec) -> bool:
    """Say whether the bucket that *spec* names is on a store other than AWS."""
    return spec.endpoint is not None and is_custom(spec.endpoint)


def escaped(text: str) -> str:
    """Return *text* as a policy has to have it to mean just that: ``*`` is any text there."""
    return re.sub(r"[*?$]", r"${\g<0>}", text)


def _with_slash(name: str) -> str:
    return f"/{name.removeprefix('/')}"


def _bucket_placeholder(region: str) -> str:
    return BUCKET if region == ANY else f"{BUCKET}_IN_{region}"


def _is_allowed_by_name(denial: Permission, permissions: Iterable[Permission]) -> bool:
    """Say whether another permission is for just what *denial* takes away."""
    return any(
        set(denial.actions) & set(other.actions) and set(denial.resources) & set(other.resources)
        for other in permissions
        if not other.is_denial
    )


def check_request(request: PolicyRequest) -> None:
    """Raise one `InputError` with all that is wrong with *request*, or return."""
    problems = Problems("policy")
    for name in request.operations:
        if name not in OPERATIONS:
            advice = advice_on(name) or perhaps(nearest(name, OPERATIONS)) or _OF_BOOTSTRAP
            problems.add("command", name, f"one of {', '.join(OPERATIONS)}", hint=advice)
    if not request.operations:
        every = f"Name one or more of {', '.join(OPERATIONS)}"
        problems.say("no command is named", hint=f"{every}. {_OF_BOOTSTRAP}")
    if not problems:
        _check_targets(request, problems)
    _check_regions(request, problems)
    _check_buckets(request, problems)
    _check_configuration(request, problems)
    problems.raise_if_any()


def check_regions_of_environment(regions: Iterable[str]) -> None:
    """Raise one `InputError` with those of *regions* that no policy is for, or return.

    It says that they come from the environment.
    """
    problems = Problems("policy")
    for region in regions:
        if not region.startswith("s3://") and not REGION.fullmatch(region):
            say_no_aws_region(region, problems, of_environment=True)
    problems.raise_if_any()


def _check_targets(request: PolicyRequest, problems: Problems) -> None:
    templates = request.templates()
    for name, given, hint in (
        ("project", request.projects, "Name it, or a pattern of names: 'Web-*', or '*' for all"),
        ("channel", request.channels, "Name each channel that may be moved, such as prod"),
    ):
        is_needed = any(f"{{{name}}}" in template for template in templates)
        if is_needed and not given:
            problems.say(f"no {name} is named", hint=hint)
        elif given and not is_needed:
            commands = " and ".join(request.operations)
            logger.warning("%s needs no %s: the policy has none", commands, name)
    for project in request.projects:
        if not PATTERN.fullmatch(project):
            problems.add(
                "project", project, "letters, digits, dots, dashes and underscores, and * for any"
            )
    for channel in (*request.channels, *request.denied_channels):
        if not CHANNELS.fullmatch(channel):
            problems.add("channel", channel, "lower-case letters, digits and dashes, and * for any")
    for channel in request.channels:
        if fnmatchcase(LATEST, channel):
            problems.say(f"channel {quoted(channel)}: {LATEST} is moved by stagings alone")


def check_account(account: str | None, problems: Problems) -> None:
    """Add to *problems* that *account* is no number of an account."""
    if account is not None and not _ACCOUNT.fullmatch(account):
        problems.add("account", account, "its number of twelve digits")


def _check_buckets(request: PolicyRequest, problems: Problems) -> None:
    check_account(request.account, problems)
    for region, bucket in request.buckets.items():
        if region != ANY and region not in request.regions:
            problems.add("bucket", region, "one of the regions before the =")
        if not _BUCKET.fullmatch(bucket):
            problems.add("bucket", bucket, "the name of a bucket, in which * stands for any text")
    for role in request.to_roles:
        if not is_role(role):
            problems.add("to-role", role, "the ARN of a role")
    if request.to_roles and "copy-from" not in request.operations:
        problems.say("to-role is given, and it is copy-from that takes on a role")
    for key in request.kms_keys:
        if not _KMS_KEY.fullmatch(key):
            problems.add("kms-key", key, "the ARN of a key: an alias cannot stand in a policy")


def _check_regions(request: PolicyRequest, problems: Problems) -> None:
    for region in request.regions:
        if not REGION.fullmatch(region):
            problems.add("region", region, "an AWS region such as eu-west-1")
    of_aws = [s for s in request.named_buckets if not is_on_other_store(s)]
    if request.is_for_other_store and (of_aws or request.regions):
        problems.say(
            "no policy is for AWS and for another store, which has policies of its own",
            hint="Make one for each",
        )
    regions = (*request.regions, *(spec.region for spec in of_aws if spec.region))
    _check_partition(request.partition, regions, problems)


def _check_partition(partition: str | None, regions: Iterable[str], problems: Problems) -> None:
    partitions = tuple(dict.fromkeys(map(partition_of, regions)))
    if partition not in {None, *PARTITIONS}:
        problems.add("partition", partition, f"one of {', '.join(PARTITIONS)}")
    elif len(partitions) > 1:
        problems.say(
            f"no role reaches regions of {' and '.join(partitions)}",
            hint="Make a policy for each partition",
        )
    elif partition and partitions and partition not in partitions:
        problems.add("partition", partition, f"{partitions[0]}, by the regions")


def partition_of_all(regions: Sequence[str], partition: str | None) -> str:
    """Return the *partition* that is given, or else that of *regions*, or else that of most people.

    Raises:
        InputError: The regions are in another one, or in several.
    """
    problems = Problems("policy")
    _check_partition(partition, regions, problems)
    problems.raise_if_any()
    return partition or next(map(partition_of, regions), PARTITIONS[0])


def _check_configuration(request: PolicyRequest, problems: Problems) -> None:
    for name in (request.configuration_parameter, request.bucket_name_param):
        if name is not None and not is_parameter_name(name):
            problems.add("parameter", name, "the name of an SSM parameter")
    if not is_key_prefix(request.bucket_key_prefix):
        problems.add("bucket_key_prefix", request.bucket_key_prefix, "what keys can begin with")
    if not is_parameter_prefix(request.parameter_name_prefix):
        problems.add(
            "parameter_name_prefix", request.parameter_name_prefix, "empty, or such as /team"
        )
