"""What works in each region of a list, and what does not, with what to do about it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.model.examination import ANSWER, Check, CheckState, ExaminationRequest, failed_by
from startifact.organisation.cross_checks import cross_checked
from startifact.regions.interface import Region


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionDiagnosis:
    """What was found in one region."""

    region: str
    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """What is not as it should be."""
        return tuple(check for check in self.checks if check.state is CheckState.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was found in all regions. It is true where everything is as it should be."""

    operation: str
    """What permissions were tried for."""

    project: str | None
    regions: tuple[RegionDiagnosis, ...]
    """In the configured order."""

    def __bool__(self) -> bool:
        return not any(found.failed for found in self.regions)


def diagnose(
    regions: Sequence[Region], request: ExaminationRequest, *, limits: Limits
) -> Diagnosis:
    """Examine all *regions* at once, and compare what is found.

    Raises:
        DeadlineError: The time that was allowed has passed.
    """
    found: dict[str, list[Check]] = {region.name: [] for region in regions}
    jobs: Mapping[str, Callable[[Heartbeat], None]] = {
        region.name: partial(_examine, region, request, found[region.name]) for region in regions
    }
    checks: dict[str, tuple[Check, ...]] = {}
    # A region that is in trouble is not tried for long: to say so is the result.
    with FanOut(jobs, limits=limits, enough=0) as examining:
        for answer in examining:
            checks[answer.name] = tuple(found[answer.name])
            if isinstance(answer, Failure):
                checks[answer.name] += (failed_by(ANSWER, answer.error),)
    ordered = cross_checked({region.name: checks[region.name] for region in regions})
    return Diagnosis(
        operation=request.operation,
        project=request.project,
        regions=tuple(RegionDiagnosis(region=name, checks=own) for name, own in ordered.items()),
    )


def _examine(
    region: Region, request: ExaminationRequest, found: list[Check], heartbeat: Heartbeat
) -> None:
    for check in region.examine(request):
        found.append(check)
        heartbeat.beat()
