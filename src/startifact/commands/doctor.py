"""What the command doctor results in, and what that means for programs."""

from typing import TYPE_CHECKING

from startifact.errors import DifferencesError, StartifactError
from startifact.hints import Words, join
from startifact.lazy_dataclasses import dataclass
from startifact.report import facts_of_diagnosis

if TYPE_CHECKING:
    from startifact.organisation.doctor import Diagnosis


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorResult:
    """What works in each region, and what does not."""

    diagnosis: "Diagnosis"

    def errors(self, *, in_full: bool = False) -> tuple[StartifactError, ...]:
        """Return what keeps it from success; *in_full* the error says what that is."""
        failed = [(r.region, check) for r in self.diagnosis.regions for check in r.failed]
        if not failed:
            return ()
        lines = [f"{region}: {check.name}: {check.found}" for region, check in failed if in_full]
        steps = join(check.next_step for _, check in failed) if in_full else None
        hint = steps or "What to do is said with each of them"
        return (DifferencesError(len(failed), target="", lines=lines, hint=hint),)

    def lines(self) -> list[str]:
        """Return what was found, for people, in short."""
        regions = len(self.diagnosis.regions)
        count = sum(len(found.checks) for found in self.diagnosis.regions)
        where = "1 region" if regions == 1 else f"{regions} regions"
        what = f"{count} checks in {where} for {self.diagnosis.operation}"
        return [f"{what}: nothing is wrong"] if self.diagnosis else [what]

    def facts(self, words: Words) -> dict[str, object]:
        """Return what this reports to programs, hints in their *words*."""
        code = max((error.exit_code for error in self.errors()), default=0)
        return {**facts_of_diagnosis(self.diagnosis, words), "exit-code": code}
