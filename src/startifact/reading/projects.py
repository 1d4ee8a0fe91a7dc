"""Which projects there are."""

import logging
from collections.abc import Sequence
from functools import partial

from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import InputError, NotFoundError, no_answer
from startifact.limits import Limits
from startifact.model.keys import check_project
from startifact.model.quorum import refuse_shared_store, required_to_read
from startifact.reading.listing import ask_regions, failures_by_region
from startifact.regions.interface import Region
from startifact.text import with_regions

logger = logging.getLogger(__name__)


def list_projects(regions: Sequence[Region], *, limits: Limits) -> list[str]:
    """Return every project that any region has something of, by name.

    Raises:
        InputError: Two regions are one store.
        NotFoundError: Every region said that there is none.
        SeveralRegionsError: Fewer than half of the regions answered.
    """
    needed = required_to_read(len(regions))
    jobs = {r.name: partial(_projects_in, r) for r in regions}
    listed, failed = ask_regions(jobs, limits, needed)
    failures = failures_by_region(regions, failed)
    refuse_shared_store({r.name: r.store_identity() for r in regions if r.name in listed})
    found = set().union(*listed.values())
    if len(listed) < needed or (failures and not found):
        raise no_answer(
            f"cannot list the projects: {len(listed)} of {len(regions)} regions answered:",
            failures.items(),
        )
    for name, error in failures.items():
        logger.warning("%s", with_regions([name], f"projects were not listed: {error.message}"))
    if not found:
        raise NotFoundError(
            f"nothing is staged in {', '.join(r.name for r in regions)}",
            hint="Check the regions",
        )
    return sorted(found)


def _projects_in(region: Region, heartbeat: Heartbeat) -> set[str]:
    projects = set()
    for name in region.projects():
        heartbeat.beat()
        try:
            projects.add(check_project(name))
        except InputError:  # something else's
            continue
    return projects
