"""What was asked for and what it was resolved to, and why: for the log and for the job summary."""

from startifact.action.markdown import code
from startifact.commands.inputs import (
    CommandInputs,
    CopyInputs,
    DownloadInputs,
    InfoInputs,
    LinkInputs,
)
from startifact.commands.results import is_named_by
from startifact.model.ranges import Range
from startifact.model.selectors import parse_selector
from startifact.reading.artifact import Artifact


def selector_of(command: CommandInputs, artifact: Artifact) -> str | None:
    """Return what *artifact* was asked for as; ``None`` where that is its version."""
    if not isinstance(command, DownloadInputs | InfoInputs | LinkInputs | CopyInputs):
        return None
    return None if is_named_by(artifact, command.version) else command.version


def selection_log(command: CommandInputs, artifact: Artifact) -> list[str]:
    """Return why it is *artifact* that was found, and what was passed over."""
    selector = selector_of(command, artifact)
    if selector is None:
        return []
    passed = [f"{p.version} was passed over: {p.why}" for p in artifact.passed_over]
    return [f"{selector} is {artifact.version}: {_why(command, selector)}", *passed]


def selection_facts(command: CommandInputs, artifact: Artifact) -> list[tuple[str, str]]:
    """Return the same with labels."""
    selector = selector_of(command, artifact)
    if selector is None:
        return []
    asked = ("Asked for", f"{code(selector)}: {_why(command, selector)}")
    passed = [
        ("Passed over", f"{code(str(p.version))}: {code(p.why)}") for p in artifact.passed_over
    ]
    return [asked, *passed]


def _why(command: CommandInputs, selector: str) -> str:
    if isinstance(command, DownloadInputs) and command.lock_file is not None:
        return "so the lock file has it"
    if isinstance(parse_selector(selector), Range):
        return "the highest version in the range that may be picked"
    return "the channel points at it"
