"""Which versions of a plan this Startifact may not judge, as a newer one has stored them somewhere.

A majority without it would outvote it where a version is only read. Here every region counts: what
is removed is gone.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from startifact.concurrency.heartbeat import Heartbeat
from startifact.concurrency.worker_pool import run_in_pool
from startifact.errors import (
    IntegrityError,
    NewerFormatError,
    RegionUnavailableError,
    StartifactError,
    no_answer,
)
from startifact.limits import Limits
from startifact.model.keys import Key, artifact_key
from startifact.model.record import refuse_newer
from startifact.reading.listing import ask_regions
from startifact.regions.interface import Region
from startifact.retention.plan import PlannedRemoval, PlanState


def find_unreadable(
    regions: Sequence[Region],
    project: str,
    plan: Sequence[PlannedRemoval],
    failures: Mapping[str, StartifactError],
    *,
    limits: Limits,
) -> dict[str, StartifactError]:
    """Return why versions of *plan*, by their texts, are to be left as they are.

    That is where a newer Startifact has stored what a region has; and what is due is left where
    that is not known of a region. Those with *failures* are not asked.
    """
    unknown, found = dict(failures), dict[str, StartifactError]()

    def inspect(planned: PlannedRemoval) -> None:
        key, text = artifact_key(project, planned.version), str(planned.version)
        living = [region for region in regions if region.name not in unknown]
        try:
            failed = _unanswered(living, key, limits)
        except NewerFormatError as e:
            found[text] = e
            return
        # Asked again, each would take seconds for each version.
        unknown.update((n, e) for n, e in failed.items() if isinstance(e, RegionUnavailableError))
        # With failures before, nothing that is due is removed in any case.
        if planned.state is PlanState.DUE and not failures and (missing := unknown | failed):
            found[text] = no_answer(
                f"{key} is not removed, as not all regions say what they have of it:",
                missing.items(),
            )

    jobs = (partial(inspect, planned) for planned in plan)
    run_in_pool(jobs, workers=limits.inventory_workers, limits=limits)
    return found


def _unanswered(regions: Sequence[Region], key: Key, limits: Limits) -> dict[str, StartifactError]:
    """Return why some of *regions* do not say what they have at *key*; all others can be read.

    Raises:
        NewerFormatError: What one has was stored by a newer Startifact.
    """
    _, failed = ask_regions({r.name: partial(_inspect, r, key) for r in regions}, limits, None)
    for failure in failed:
        if isinstance(failure.error, NewerFormatError):
            raise failure.error
    return {f.name: f.error for f in failed if not isinstance(f.error, IntegrityError)}


def _inspect(region: Region, key: Key, heartbeat: Heartbeat) -> None:
    heartbeat.beat()
    stored = region.describe(key)
    if stored is not None:
        refuse_newer(stored.encoded_record, where=f"{key} in {region.name}")
