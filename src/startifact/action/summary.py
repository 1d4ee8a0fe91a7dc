"""The job summary: what a person wants to read on the page of the run.

Most of what it shows came from outside. Such text stands as code, where GitHub makes no links and
no mentions, and cannot end it: every character that could is replaced.
"""

import html
import logging
import string
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path

from startifact.action.commands import Result
from startifact.action.inputs import Command, Inputs
from startifact.action.paths import for_later_steps
from startifact.artifact import Artifact
from startifact.errors import StartifactError, ascii_controls, shown
from startifact.names import artifact_key
from startifact.outcomes import RegionOutcome, StagingFailedError, State
from startifact.report import locations_of_artifact
from startifact.settings import Runner

logger = logging.getLogger(__name__)

LIMIT = 1024 * 1024
"""How many bytes the summary of one step may have; of a larger one the runner shows nothing."""

_CUT = "*The rest is left out: the summary of a step may have 1 MiB.*\n"
_CELL = 400
_PLAIN = frozenset(string.ascii_letters + string.digits + " ")
_ENDS_CODE = frozenset("`|\\")

Lines = list[str]


def success(result: Result, runner: Runner) -> Lines:
    """Return the summary of a step that succeeded, in pieces that stand by themselves."""
    artifact, staging = result.artifact, result.staging
    facts = [
        ("Version", _code(str(artifact.version))),
        ("Size", f"{artifact.size:,} bytes"),
        ("SHA-256", _code(artifact.sha256) if artifact.sha256 else "not recorded"),
    ]
    if artifact.filename is not None:
        facts.append(("File name", _code(artifact.filename)))
    if result.path is not None:
        facts.append(("Path", _code(for_later_steps(result.path, runner))))
    if staging is not None:
        facts.append(("Latest", "yes" if staging.is_latest else "no"))
    else:
        facts += _origin(artifact)
    lines = [f"### {_code(str(artifact))} {_what(result)}\n\n", *_table(("", ""), facts)]
    lines += _outcomes(staging.outcomes) if staging else _locations(artifact)
    pairs = [(_code(key), _code(value)) for key, value in artifact.items()]
    return lines + (_table(("Metadata", ""), pairs) if pairs else [])


def failure(inputs: Inputs | None, error: StartifactError) -> Lines:
    """Return the summary of a step that failed, in pieces that stand by themselves."""
    subject = "Startifact"
    if inputs is not None:
        subject = f"{inputs.command} {_code(artifact_key(inputs.project, inputs.version))}"
    text = f"{error}\n\nHint: {error.hint}" if error.hint else str(error)
    lines = [
        f"### {subject} failed with exit code {error.exit_code}\n\n",
        f"<pre>{html.escape(_printable(text))}</pre>\n\n",
    ]
    if isinstance(error, StagingFailedError):
        lines += _outcomes(error.outcomes)
    return lines


def write(path: str, lines: Sequence[str]) -> None:
    """Add *lines* to the file at *path*, which is what ``GITHUB_STEP_SUMMARY`` says.

    Where they do not all fit, as many as do are written, and a note. Without a file nothing is
    written. A summary that cannot be written is a warning.
    """
    if not path:
        return
    file = Path(path)
    try:
        if file.exists() and not file.is_file():
            raise OSError(None, "it is not a file")
        taken = file.stat().st_size if file.exists() else 0
        before = "\n\n" if taken else ""
        if text := _fitting(lines, LIMIT - taken - len(before)):
            with file.open("ab") as writer:
                writer.write(f"{before}{text}".encode())
    except OSError as e:
        logger.warning("cannot write the job summary to %s: %s", shown(path), e.strerror)


def _fitting(lines: Sequence[str], room: int) -> str:
    if sum(len(line.encode()) for line in lines) <= room:
        return "".join(lines)
    room -= len(_CUT) + 1
    sizes = accumulate(len(line.encode()) for line in lines)
    kept = [line for line, size in zip(lines, sizes, strict=True) if size <= room]
    return "".join([*kept, "\n", _CUT]) if kept else ""


def _what(result: Result) -> str:
    staging = result.staging
    if staging is None:
        return "downloaded" if result.command is Command.DOWNLOAD else "found"
    if staging.dry_run:
        lacking = any(outcome.state is State.WOULD_CREATE for outcome in staging.outcomes)
        return f"{'would be staged' if lacking else 'is staged already'} (dry run)"
    return "staged" if staging.created else "was staged already"


def _origin(artifact: Artifact) -> list[tuple[str, str]]:
    origin = {
        "Staged at": artifact.staged_at,
        "Repository": artifact.repository,
        "Commit": artifact.commit,
        "Ref": artifact.ref,
        "Run": artifact.run,
        "Actor": artifact.actor,
    }
    return [(name, _code(value)) for name, value in origin.items() if value]


def _outcomes(outcomes: Iterable[RegionOutcome]) -> Lines:
    rows = [
        (
            _code(outcome.region),
            outcome.state.value,
            f"{outcome.seconds:.1f}",
            _code(outcome.location.uri) if outcome.location else "",
            _code(str(outcome.error)) if outcome.error else "",
        )
        for outcome in outcomes
    ]
    return _table(("Region", "Outcome", "Seconds", "Where", "Trouble"), rows)


def _locations(artifact: Artifact) -> Lines:
    rows = [
        (
            _code(str(location["region"])),
            str(location["outcome"]),
            _code(str(location["uri"])) if location["uri"] else "",
            _code(str(location["error"])) if location.get("error") else "",
        )
        for location in locations_of_artifact(artifact)
    ]
    return _table(("Region", "Outcome", "Where", "Trouble"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Lines:
    """Return a table without the columns that are empty in every row."""
    used = [i for i in range(len(head)) if any(row[i] for row in rows)]
    return [
        f"{_row([head[i] for i in used])}{_row(['---' for _ in used])}",
        *(_row([row[i] for i in used]) for row in rows),
        "\n",
    ]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _code(text: str) -> str:
    """Return *text* as it can stand anywhere in a line of Markdown, and is shown as it is."""
    cut = text if len(text) <= _CELL else f"{text[:_CELL]}... ({len(text):,} characters)"
    line = ascii_controls(cut)
    if line.strip() and not _ENDS_CODE & set(line):
        return f"`{line}`"
    safe = (c if c in _PLAIN or not c.isascii() else f"&#{ord(c)};" for c in line)
    return f"<code>{''.join(safe)}</code>"


def _printable(text: str) -> str:
    return "\n".join(ascii_controls(line) for line in text.split("\n"))
