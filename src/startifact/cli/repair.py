"""`startifact verify` and `startifact repair`: what differs, and mending it."""

from collections.abc import Mapping

from startifact.cli.arguments import Arguments
from startifact.cli.commands import Command, Result, session_of
from startifact.cli.targets import split_target
from startifact.concurrency.progress import ProgressCallback
from startifact.errors import DifferencesError, StartifactError, failures_by_reason, worst_exit_code
from startifact.hints import in_shell
from startifact.limits import Limits
from startifact.repair.log import Repair
from startifact.repair.verify import Verification
from startifact.report import facts_of_error
from startifact.text import escape_nonprintable


def verify(arguments: Arguments, progress: ProgressCallback | None, limits: Limits) -> Result:
    """Compare all regions."""
    project, version = split_target(arguments.target)
    session = session_of(arguments, progress, limits)
    found = session.verify(project, version, read_data=arguments.read_data)
    errors = tuple(failures_by_reason(found.failures))
    if found.differences:
        errors += (DifferencesError(len(found.differences), target=arguments.target),)
    return Result(
        facts=_facts_of_verification(found, errors),
        output=tuple(_line(f"{d.kind}: {d.key}: {d.message}") for d in found.differences),
        info=(_summary(found, len(session.regions)),),
        errors=errors,
    )


def repair(arguments: Arguments, progress: ProgressCallback | None, limits: Limits) -> Result:
    """Mend what can be mended."""
    project, version = split_target(arguments.target)
    done = session_of(arguments, progress, limits).repair(
        project, version, keep=arguments.keep, read_data=arguments.read_data
    )
    errors = (*done.refusals, *failures_by_reason(done.failures))
    return Result(
        facts=_facts_of_repair(done, errors), info=tuple(_repair_lines(done)), errors=errors
    )


COMPARING: Mapping[str, Command] = {"verify": verify, "repair": repair}


def _line(text: str) -> str:
    """Return *text* in one line, escaped."""
    return escape_nonprintable(" ".join(part.strip() for part in text.split("\n")))


def _summary(found: Verification, regions: int) -> str:
    count, answered = len(found.versions), regions - len(found.failures)
    versions = "1 version" if count == 1 else f"{count} versions"
    result = "they differ" if found.differences else "nothing differs"
    return f"{found.project}: {versions} in {answered} of {regions} regions compared, {result}"


def _repair_lines(done: Repair) -> list[str]:
    lines = [f"{step.region}: {step.message}" for step in done.steps]
    if not lines:
        return ["there is nothing to do" if done else "nothing was done"]
    return [f"dry run, nothing is written: {done.project}" if done.dry_run else "done:", *lines]


def _facts_of_verification(
    found: Verification, errors: tuple[StartifactError, ...]
) -> dict[str, object]:
    return {
        "project": found.project,
        "versions": [str(version) for version in found.versions],
        "differences": [
            {"kind": d.kind.value, "region": d.region, "key": d.key, "message": d.message}
            for d in found.differences
        ],
        "failures": _facts_of_failures(found.failures),
        "exit-code": _exit_code(errors),
    }


def _facts_of_repair(done: Repair, errors: tuple[StartifactError, ...]) -> dict[str, object]:
    return {
        "project": done.project,
        "dry-run": done.dry_run,
        "steps": [
            {"action": s.action, "region": s.region, "key": s.key, "message": s.message}
            for s in done.steps
        ],
        "refusals": [facts_of_error(error, in_shell)["error"] for error in done.refusals],
        "failures": _facts_of_failures(done.failures),
        "exit-code": _exit_code(errors),
    }


def _facts_of_failures(failures: Mapping[str, StartifactError]) -> list[dict[str, object]]:
    return [
        {"region": region, "error": facts_of_error(error, in_shell)["error"]}
        for region, error in failures.items()
    ]


def _exit_code(errors: tuple[StartifactError, ...]) -> int:
    return worst_exit_code(error.exit_code for error in errors) if errors else 0
