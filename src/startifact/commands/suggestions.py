"""What may have been meant by a project, a version or a channel that there is not."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice

from semver import Version

from startifact.channels.overview import names_in
from startifact.commands.inputs import (
    ChannelsInputs,
    CopyInputs,
    ProjectInputs,
    RollbackInputs,
    VersionsInputs,
)
from startifact.concurrency.fan_out import FanOut, Success
from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import InputError, NotFoundError, RemovedError, StartifactError
from startifact.hints import join
from startifact.limits import NEAREST_LISTED, Limits
from startifact.model.keys import LATEST, artifact_prefix, check_project
from startifact.model.ranges import Range
from startifact.model.selectors import Channel, parse_selector
from startifact.reading.listing import sorted_out
from startifact.regions.interface import Region
from startifact.session import Session
from startifact.text import nearest, perhaps


@contextlib.contextmanager
def suggesting(inputs: ProjectInputs | CopyInputs, session: Session) -> Iterator[None]:
    """Let the error that there is no such thing say what else there is, of nearly that name.

    That costs two listings at most, of a bounded number of names, in the first region; where they
    are refused, or take long, the error stays as it is.
    """
    try:
        yield
    except NotFoundError as e:
        if not isinstance(e, RemovedError):
            with contextlib.suppress(StartifactError):
                e.next_step = join([perhaps(_meant(inputs, session)), e.next_step])
        raise


def _meant(inputs: ProjectInputs | CopyInputs, session: Session) -> list[str]:
    """Return what may be meant by the project, version or channel of *inputs*."""
    project = getattr(inputs, "project", None)
    if not isinstance(project, str):
        return []
    first, limits = session._regions()[0], session._limits
    wanted = _wanted(inputs)
    if wanted is not None:
        list_names = names_in if isinstance(wanted, Channel) else _versions
        if names := _listed(first, partial(list_names, first, project), limits):
            return _near(str(wanted), names)
    return _near(project, _listed(first, partial(_projects, first), limits))


def _wanted(inputs: ProjectInputs | CopyInputs) -> Version | Channel | None:
    """Return the version or channel that has to be there for *inputs*, but for ``latest``."""
    match inputs:
        case RollbackInputs():
            text: str | None = inputs.channel
        case ChannelsInputs():
            text = inputs.remove
        case VersionsInputs():
            text = inputs.channel
        case _:
            text = getattr(inputs, "version", None)
    selector = parse_selector(text) if text else None
    is_latest = isinstance(selector, Channel) and selector.name == LATEST
    return None if isinstance(selector, Range) or is_latest else selector


def _listed(
    region: Region, list_names: Callable[[Heartbeat], Iterable[str]], limits: Limits
) -> list[str]:
    """Return the names that *region* lists; none where that fails or it does not go on listing."""

    def first(heartbeat: Heartbeat) -> list[str]:
        return list(islice(list_names(heartbeat), NEAREST_LISTED))

    # Nothing depends on it, so nothing is tried again.
    with FanOut({region.name: first}, limits=limits, enough=0) as asking:
        asking.shorten_idle_timeout(limits.quorum_wait_seconds)
        answer = asking.next()
    return answer.value if isinstance(answer, Success) else []


def _projects(region: Region, heartbeat: Heartbeat) -> Iterator[str]:
    for name in region.projects():
        heartbeat.beat()
        with contextlib.suppress(InputError):  # something else's
            yield check_project(name)


def _versions(region: Region, project: str, heartbeat: Heartbeat) -> list[str]:
    keys = islice(region.keys(artifact_prefix(project)), NEAREST_LISTED)
    versions, _ = sorted_out(region, project, keys, heartbeat)
    return [str(version) for version in versions]


def _near(given: str, names: list[str]) -> list[str]:
    """Return what of *names* is near to *given*; none where it is among them."""
    return [] if given in names else nearest(given, names)
