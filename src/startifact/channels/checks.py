"""What has to be true before a channel moves."""

import logging
from collections.abc import Callable, Sequence

from semver import Version

from startifact.errors import ExpectationError, RegionsFailedError, RemovedError, YankedError
from startifact.hints import Command, Hint, Option
from startifact.limits import Limits
from startifact.model.keys import artifact_key, channel_key
from startifact.model.versions import is_same
from startifact.reading.artifact import Artifact
from startifact.reading.outcomes import RegionOutcome, State
from startifact.regions.interface import Region
from startifact.registers.marks import known_mark, mark_register, yanked_message
from startifact.text import quoted

logger = logging.getLogger(__name__)

Expectation = Callable[[Version | None], str | None]
"""Returns what was expected of what a channel holds; ``None`` where that is so."""


def no_expectation(_: Version | None) -> str | None:
    """Expect nothing."""
    return None


def check_complete(artifact: Artifact, required: int) -> None:
    """Return when *required* regions hold *artifact* complete.

    Raises:
        RemovedError: One says that it was removed, whatever others hold.
        RegionsFailedError: Too few hold it.
    """
    outcomes = artifact.downloader.outcomes()
    while sum(map(_is_complete, outcomes)) < required and artifact.downloader.wait_for_one():
        outcomes = artifact.downloader.outcomes()
    removed = [o for o in outcomes if isinstance(o.error, RemovedError)]
    if removed:
        raise RemovedError(
            f"{artifact} was removed in {', '.join(o.region for o in removed)}, and no channel "
            "may point at it",
            hint=Hint.of("Promote another version"),
        )
    complete = sum(map(_is_complete, outcomes))
    if complete < required:
        absent = any(o.state is State.ABSENT for o in outcomes)
        raise RegionsFailedError(
            f"{artifact} is complete in {complete} of {len(outcomes)} regions, "
            f"{required} are needed before a channel may point at it:",
            said=((o.region, o.error or o.state) for o in outcomes),
            again="Bring it to the others by staging the same again, then promote it"
            if absent
            else "Promote it once they answer",
        )


def _is_complete(outcome: RegionOutcome) -> bool:
    return outcome.state in {State.PRESENT, State.ARCHIVED}


def check_mark(
    regions: Sequence[Region], project: str, version: Version, *, allow_yanked: bool, limits: Limits
) -> None:
    """Return when a channel may point at the version, as far as its mark says.

    Raises:
        RemovedError: It is being removed.
        YankedError: It was yanked, and that is not allowed.
        SeveralRegionsError: Too few regions answered.
    """
    reading = mark_register(regions, project, version, limits=limits).read()
    key = artifact_key(project, version)
    yanked = known_mark(reading, key, hint="Promote another version").yanked
    if yanked is not None and allow_yanked:
        logger.warning("%s", yanked_message(key, yanked))
    elif yanked is not None:
        raise YankedError(
            f"{key} was yanked by {quoted(yanked.yanked_by)}: {quoted(yanked.reason)}",
            hint=Hint.of(
                "Promote another version, or set ",
                Option("allow-yanked", "true"),
                " where it has to be this one",
            ),
        )


def check_expectation(
    project: str,
    channel: str,
    current: Version | None,
    expectation: Expectation,
    version: Version | None,
) -> None:
    """Return when *expectation* holds of the version *current*, before it becomes *version*.

    Raises:
        ExpectationError: It does not.
    """
    expected = expectation(current)
    if expected is not None:
        key = channel_key(project, channel)
        is_ = "there is no such channel" if current is None else f"it is {current}"
        if current is not None and is_same(current, version):
            is_ += " already, as this would make it"
        raise ExpectationError(
            f"{key} is not what was expected: {is_}, expected {expected}",
            hint=Hint.of("See who has moved it, and when, with ", Command("channels", project)),
        )
