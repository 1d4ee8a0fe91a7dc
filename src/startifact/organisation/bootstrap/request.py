"""What an organisation is to be set up with, as it is asked for, and whether it can be."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import field

from startifact.errors import InputError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import (
    MAX_ROLE_CHANNEL_CHARACTERS,
    MAX_ROLES_NAME_CHARACTERS,
)
from startifact.model.aws_regions import AWS_REGION, partition_of
from startifact.model.configuration import (
    is_key_prefix,
    is_parameter_name,
    is_parameter_prefix,
    is_reserved_parameter,
)
from startifact.model.keys import CHANNEL, LATEST
from startifact.organisation.given_options import GivenOptions, say_no_aws_region
from startifact.organisation.lost_regions import check_removed
from startifact.organisation.policy_request import PATTERN
from startifact.organisation.trust import subjects_of
from startifact.problems import Problems
from startifact.regions.aws.spec import is_bucket_name, wrong_kind_of_bucket
from startifact.text import quoted

_NAME = re.compile(r"[a-z][a-z0-9-]*[a-z0-9]", re.ASCII)

_NO_STAR = "one without *, which policies take for any text"

DEFAULT_CHANNELS = ("prod",)
DEFAULT_BRANCHES = ("main",)
DEFAULT_TAGS = ("v*",)


@dataclass(frozen=True, slots=True, kw_only=True)
class BootstrapRequest:
    """What is asked for. What is not given, an account may have already."""

    regions: tuple[str, ...]
    are_regions_of_environment: bool = False
    """Whether it is not the command line that names them."""

    removed: tuple[str, ...] = ()
    """Regions that the configuration may have, and is not to have any more."""

    name: str
    """What the names of the stacks, buckets, parameters and roles begin with."""

    configuration_parameter: str
    bucket_name_param: str | None = None
    bucket_key_prefix: str | None = None
    parameter_name_prefix: str | None = None
    buckets: Mapping[str, str] = field(default_factory=dict)
    """The names of buckets that are not called by *name*, by region."""

    repositories: tuple[str, ...] = ()
    """Those of GitHub whose runs take on roles."""

    branches: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    """Which of their runs; without any, those on the defaults."""

    projects: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    options: GivenOptions = field(default_factory=GivenOptions)
    """What the configuration is to say besides."""

    @property
    def roles_stack(self) -> str:
        """The name of the stack of the roles."""
        return f"{self.name}-roles"

    @property
    def partition(self) -> str:
        """That of the regions."""
        return partition_of(self.regions[0])

    def bucket_of(self, region: str, account: str) -> str:
        """Return the name of the bucket of *region*, where there is none yet."""
        return self.buckets.get(region) or f"{self.name}-{account}-{region}"

    def role(self, suffix: str) -> str:
        """Return the name of the role that ends with *suffix*."""
        return f"{self.name}-{suffix}"

    def options_of_runs(self) -> list[str]:
        """Return the options that say which runs of the repositories are meant."""
        given = {
            "--branch": self.branches,
            "--tag": self.tags,
            "--environment": self.environments,
        }
        return [name for name, texts in given.items() if texts]

    def subjects(self) -> list[str]:
        """Return the subjects of the tokens of all runs that take on roles."""
        runs = {"branch": self.branches, "tag": self.tags, "environment": self.environments}
        if not any(runs.values()):
            runs = {"branch": DEFAULT_BRANCHES, "tag": DEFAULT_TAGS}
        return [one for name in self.repositories for one in subjects_of(name, runs)]

    def subjects_of_channel(self, channel: str) -> list[str]:
        """Return the subjects of those that move *channel*: jobs of the environment of its name."""
        runs = {"environment": (channel,)}
        return [one for name in self.repositories for one in subjects_of(name, runs)]


def check_bootstrap(request: BootstrapRequest) -> None:
    """Raise one `InputError` with all that is wrong with *request*, or return."""
    problems = Problems("bootstrap")
    _check_regions(request, problems)
    check_removed(request.removed, request.regions, problems)
    _check_name(request, problems)
    _check_buckets(request, problems)
    _check_parameters(request, problems)
    _check_github(request, problems)
    for project in request.projects:
        if not PATTERN.fullmatch(project):
            expected = "letters, digits, dots, dashes and underscores, and * for any"
            problems.add("project", project, expected)
    for channel in request.channels:
        if not CHANNEL.fullmatch(channel) or channel == LATEST:
            expected = "lower-case letters, digits and dashes; latest moves by itself"
            problems.add("channel", channel, expected)
        elif len(channel) > MAX_ROLE_CHANNEL_CHARACTERS:
            expected = f"at most {MAX_ROLE_CHANNEL_CHARACTERS} characters, for the name of its role"
            problems.add("channel", channel, expected)
    request.options.values(problems)
    problems.raise_if_any()


def _check_regions(request: BootstrapRequest, problems: Problems) -> None:
    regions = request.regions
    if not regions:
        problems.say("no region is named", hint="Name AWS regions: --regions us-east-1,eu-west-1")
    for region in regions:
        if not AWS_REGION.fullmatch(region):
            say_no_aws_region(region, problems, of_environment=request.are_regions_of_environment)
    if len(set(regions)) < len(regions):
        problems.say("a region is named twice")
    partitions = dict.fromkeys(map(partition_of, regions))
    if len(partitions) > 1:
        problems.say(
            f"the regions are in the partitions {' and '.join(partitions)}, which have no "
            "credentials in common",
            hint="Set each partition up by itself, and bring versions across with copy",
        )


def _check_name(request: BootstrapRequest, problems: Problems) -> None:
    name = request.name
    if not name:
        hint = "Name what names are to begin with, of your own: --name my-artifacts"
        problems.say("no name is given", hint=hint)
        return
    expected = (
        f"2 to {MAX_ROLES_NAME_CHARACTERS} lower-case letters, digits and dashes, a letter first, "
        "no dash last and no two together: names of buckets have the account and the region "
        "behind it, and those of roles what they do"
    )
    if not _NAME.fullmatch(name) or "--" in name or len(name) > MAX_ROLES_NAME_CHARACTERS:
        problems.add("name", name, expected)
    elif is_reserved_parameter(name):
        problems.add("name", name, "one that does not begin with aws or ssm, which AWS keeps")


def _check_buckets(request: BootstrapRequest, problems: Problems) -> None:
    for region, bucket in request.buckets.items():
        if region not in request.regions:
            problems.add("bucket", region, "one of the regions before the =")
        if wrong := wrong_kind_of_bucket(bucket):
            problems.say(f"bucket {quoted(bucket)} is {wrong}")
        elif not is_bucket_name(bucket):
            problems.add("bucket", bucket, "a bucket name: 3 to 63 of a-z, 0-9, . and -")
    if len(set(request.buckets.values())) < len(request.buckets):
        problems.say(
            "one bucket is named for two regions: it would count twice",
            hint="Name a bucket of its own for each region",
        )


def _check_parameters(request: BootstrapRequest, problems: Problems) -> None:
    own = request.configuration_parameter
    for name in (own, request.bucket_name_param):
        if name is None:
            continue
        if not is_parameter_name(name):
            problems.add("parameter", name, "the name of an SSM parameter")
        elif is_reserved_parameter(name):
            problems.add("parameter", name, "one that does not begin with aws or ssm")
        elif not name.startswith("/"):
            problems.add("parameter", name, "a name that begins with /")
    if own == request.bucket_name_param:
        problems.say(f"parameter {quoted(own)} cannot hold the configuration and a bucket's name")
    if not is_key_prefix(request.bucket_key_prefix or ""):
        problems.add("bucket_key_prefix", request.bucket_key_prefix, "what keys can begin with")
    elif "*" in (request.bucket_key_prefix or ""):
        problems.add("bucket_key_prefix", request.bucket_key_prefix, _NO_STAR)
    if not is_parameter_prefix(request.parameter_name_prefix or ""):
        expected = "empty, or such as /team"
        problems.add("parameter_name_prefix", request.parameter_name_prefix, expected)


def _check_github(request: BootstrapRequest, problems: Problems) -> None:
    runs = {
        "branch": request.branches,
        "tag": request.tags,
        "environment": request.environments,
    }
    for name, texts in runs.items():
        for text in texts:
            if "," in text:  # which separates them in the parameter of a stack
                problems.add(name, text, "a name without a comma")
    try:
        request.subjects()
    except InputError as e:
        problems.absorb(e)


def merged(*lists: Iterable[str]) -> tuple[str, ...]:
    """Return all of *lists* as one, each text once."""
    return tuple(dict.fromkeys(text for one in lists for text in one))
