"""The templates of CloudFormation that set an organisation up: one for a region, one for roles."""

from collections.abc import Iterable, Mapping
from importlib.resources import files

from startifact.model.keys import CHANNEL
from startifact.organisation.policy_request import ANY, PolicyRequest, check_request
from startifact.organisation.templates.roles import READ
from startifact.organisation.templates.roles_text import roles_text
from startifact.problems import Problems

MAX_TEMPLATE_BYTES = 51_200


def regional_template() -> str:
    """Return the template of a bucket and of its parameters, one stack for each region."""
    return files(__package__).joinpath("regional.yaml").read_text(encoding="utf-8")


def roles_template(
    *,
    projects: Iterable[str] = (),
    channels: Iterable[str] = (),
    regions: Iterable[str] = (),
    buckets: Mapping[str, str] | None = None,
) -> str:
    """Return the template of the roles, one stack for all regions.

    What is not given is a parameter of the template, for one project, one pattern of buckets'
    names and up to three channels; without *regions* roles reach parameters in all.

    Args:
        projects: Names of projects, or patterns of them with ``*``.
        channels: Those that get a role each.
        regions: AWS regions.
        buckets: The name of each region's bucket.

    Raises:
        InputError: One of them cannot be.
    """
    projects, channels = tuple(dict.fromkeys(projects)), tuple(dict.fromkeys(channels))
    request = PolicyRequest(
        operations=READ.operations,
        projects=projects or (ANY,),
        regions=tuple(dict.fromkeys(regions)),
        buckets=dict(buckets or {}),
    )
    check_request(request)
    _check_channels(channels)
    given = request.choices()
    choices = {
        name: given[name]
        for name, has in (("project", projects), ("region", regions), ("bucket", buckets))
        if has
    }
    return roles_text(choices, channels)


def _check_channels(channels: Iterable[str]) -> None:
    problems = Problems("template")
    for channel in channels:
        if not CHANNEL.fullmatch(channel):
            problems.add("channel", channel, "lower-case letters, digits and dashes")
    problems.raise_if_any()
