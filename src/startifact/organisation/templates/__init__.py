"""The templates of CloudFormation that set an organisation up: one for a region, one for roles."""

from collections.abc import Iterable
from importlib.resources import files

from startifact.errors import InputError
from startifact.limits import MAX_ROLE_CHANNEL_CHARACTERS, MAX_TEMPLATE_BYTES
from startifact.model.keys import CHANNEL, LATEST
from startifact.organisation.policy_request import ANY, PolicyRequest, check_request
from startifact.organisation.templates.roles import READ
from startifact.organisation.templates.roles_text import roles_text
from startifact.problems import Problems


def regional_template() -> str:
    """Return the template of a bucket and of its parameters, one stack for each region."""
    return files(__package__).joinpath("regional.yaml").read_text(encoding="utf-8")


def roles_template(
    *,
    projects: Iterable[str] = (),
    channels: Iterable[str] = (),
    regions: Iterable[str] = (),
    buckets: Iterable[str] = (),
) -> str:
    """Return the template of the roles, one stack for all regions.

    What is not given is a parameter of the template, for one project, one pattern of buckets'
    names and up to three channels; without *regions* roles reach parameters in all.

    Args:
        projects: Names of projects, or patterns of them with ``*``.
        channels: Those that get a role each.
        regions: AWS regions.
        buckets: The names of the regions' buckets, or patterns of them.

    Raises:
        InputError: One of them cannot be, or the template is larger than CloudFormation takes.
    """
    given = {
        "project": tuple(dict.fromkeys(projects)),
        "region": tuple(dict.fromkeys(regions)),
        "bucket": tuple(dict.fromkeys(buckets)),
    }
    channels = tuple(dict.fromkeys(channels))
    for bucket in given["bucket"] or ("",):
        check_request(
            PolicyRequest(
                operations=READ.operations,
                projects=given["project"] or (ANY,),
                regions=given["region"],
                buckets={ANY: bucket} if bucket else {},
            )
        )
    _check_channels(channels)
    choices = {name: values for name, values in given.items() if values}
    text = roles_text(choices, channels)
    if len(text) > MAX_TEMPLATE_BYTES:
        raise InputError(
            f"the template of the roles has {len(text):,} bytes, and CloudFormation takes at most "
            f"{MAX_TEMPLATE_BYTES:,}",
            hint="Name fewer projects, channels, regions or buckets, or patterns of them such as "
            "'Web-*'",
        )
    return text


def _check_channels(channels: Iterable[str]) -> None:
    problems = Problems("template")
    expected = f"at most {MAX_ROLE_CHANNEL_CHARACTERS} lower-case letters, digits and dashes"
    for channel in channels:
        if (
            not CHANNEL.fullmatch(channel)
            or channel == LATEST
            or len(channel) > MAX_ROLE_CHANNEL_CHARACTERS
        ):
            problems.add("channel", channel, f"{expected}, and not {LATEST}")
    problems.raise_if_any()
