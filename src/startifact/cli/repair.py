"""`startifact verify` and `startifact repair`: what differs, and mending it."""

from collections.abc import Mapping

from startifact.cli.arguments import Arguments
from startifact.cli.commands import Command, Result, session_of
from startifact.cli.targets import split_target
from startifact.concurrency.progress import ProgressCallback
from startifact.errors import DifferencesError, StartifactError, worst_exit_code
from startifact.repair.log import Repair
from startifact.repair.verify import Verification
from startifact.report import facts_of_error
from startifact.text import escape_nonprintable, with_regions


def verify(arguments: Arguments, progress: ProgressCallback | None) -> Result:
    """Compare all regions."""
    project, version = split_target(arguments.target)
    session = session_of(arguments, progress)
    found = session.verify(project, version, read_data=arguments.read_data)
    errors = _failures(found.failures)
    if found.differences:
        count = len(found.differences)
        errors += (
            DifferencesError(
                f"{count} {'thing is' if count == 1 else 'things are'} not as they should be",
                hint=f"startifact repair {arguments.target} mends what can be mended",
            ),
        )
    return Result(
        facts=_facts_of_verification(found, errors),
        output=tuple(_line(f"{d.kind}: {d.key}: {d.message}") for d in found.differences),
        info=(_summary(found, len(session.regions)),),
        errors=errors,
    )


def repair(arguments: Arguments, progress: ProgressCallback | None) -> Result:
    """Mend what can be mended."""
    project, version = split_target(arguments.target)
    done = session_of(arguments, progress).repair(
        project, version, keep=arguments.keep, read_data=arguments.read_data
    )
    errors = (*done.refusals, *_failures(done.failures))
    return Result(
        facts=_facts_of_repair(done, errors), info=tuple(_repair_lines(done)), errors=errors
    )


COMPARING: Mapping[str, Command] = {"verify": verify, "repair": repair}


def _failures(failures: Mapping[str, StartifactError]) -> tuple[StartifactError, ...]:
    """Return why regions failed, each with the region's name in front."""
    return tuple(_named(region, error) for region, error in failures.items())


def _named(region: str, error: StartifactError) -> StartifactError:
    named = StartifactError(with_regions([region], str(error)), hint=error.hint)
    named.exit_code = error.exit_code
    return named


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
        "refusals": [facts_of_error(error)["error"] for error in done.refusals],
        "failures": _facts_of_failures(done.failures),
        "exit-code": _exit_code(errors),
    }


def _facts_of_failures(failures: Mapping[str, StartifactError]) -> list[dict[str, object]]:
    return [
        {"region": region, "error": facts_of_error(error)["error"]}
        for region, error in failures.items()
    ]


def _exit_code(errors: tuple[StartifactError, ...]) -> int:
    return worst_exit_code(error.exit_code for error in errors) if errors else 0
