"""The documents, and the blocks of code in them, as tests read them."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.support.runner_step import PROJECT

USES_ACTION = re.compile(r"(OWNER/startifact|\.)(/composite|/\.startifact)?(@v1|/)?$")
USES_WORKFLOW = re.compile(r"OWNER/startifact/\.github/workflows/(stage|download|promote)\.yml@v1")

PAGES: dict[str, str] = {
    path.relative_to(PROJECT).as_posix(): path.read_text(encoding="utf-8")
    for path in [
        *(PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
        PROJECT / "tests" / "README.md",
        *sorted((PROJECT / "docs").rglob("*.md")),
    ]
}
"""The text of each document, by its path in the project. The changelog has no blocks."""

README = PAGES["README.md"]
FENCE = re.compile(r"^( *)(```+|~~~+) *(\S*)[^\n]*\n(.*?)^\1\2 *$", re.MULTILINE | re.DOTALL)

NOT_RUN = {
    "pip install": "it installs from a repository whose owner is not known here",
}
"""Shell blocks that begin so are not run, for a reason."""


class Block(NamedTuple):
    """A fenced block of a page."""

    page: str
    line: int
    """Of the fence, from 1 on."""

    language: str
    text: str

    @property
    def name(self) -> str:
        """Where it is."""
        return f"{self.page}:{self.line}"


def blocks_of(page: str, language: str = "", *, below: str = "") -> list[Block]:
    """Return the blocks of *page*; where these are given, of one *language* *below* a heading."""
    found = [block for block in _blocks(page) if language in {"", block.language}]
    if not below:
        return found
    first, last = _lines_of(page, below)
    return [block for block in found if first < block.line < last]


def _blocks(page: str) -> Iterator[Block]:
    text = PAGES[page]
    for match in FENCE.finditer(text):
        yield Block(page, text.count("\n", 0, match.start()) + 1, match[3], match[4])


def prose_of(page: str) -> str:
    """Return the text of *page* without its blocks, whose lines are empty."""
    return FENCE.sub(lambda match: "\n" * match[0].count("\n"), PAGES[page])


def headings(page: str) -> list[tuple[int, int, str]]:
    """Return the line, the level and the text of each heading of *page*."""
    found = enumerate(prose_of(page).splitlines(), 1)
    matches = [(n, re.fullmatch(r"(#+) (.*)", line)) for n, line in found]
    return [(n, len(match[1]), match[2]) for n, match in matches if match]


def _lines_of(page: str, heading: str) -> tuple[int, int]:
    """Return the line of *heading*, and that of the next one which is not below it."""
    all_ = headings(page)
    ((line, level, _),) = [h for h in all_ if h[2] == heading]
    return line, min((n for n, other, _ in all_ if n > line and other <= level), default=10**9)


def column(page: str, below: str = "", index: int = 0) -> list[str]:
    """Return one column of the tables of *page*, or of those *below* a heading, without heads."""
    first, last = _lines_of(page, below) if below else (0, 10**9)
    lines = [(n, x) for n, x in enumerate(prose_of(page).splitlines(), 1) if first <= n < last]
    cells: list[str] = []
    for number, (_, line) in enumerate(lines):
        behind = [text for _, text in lines[number + 1 : number + 2]]
        is_head = bool(behind) and behind[0].startswith("| ---")
        if line.startswith("|") and not line.startswith("| ---") and not is_head:
            cells.append(line.strip("|").split(" | ")[index].strip())
    return cells


def workflows(page: str) -> list[str]:
    """Return the workflows of *page* that have jobs."""
    texts = [block.text for block in blocks_of(page, "yaml")]
    return [text for text in texts if re.search(r"^jobs:", text, re.MULTILINE)]


def steps_in(encoded_record: Any) -> list[dict[str, Any]]:
    """Return the steps in a list of steps, or in a workflow."""
    if isinstance(encoded_record, list):
        return encoded_record
    jobs = encoded_record["jobs"].values()
    return [step for job in jobs for step in job.get("steps", [])]


def is_make(block: Block) -> bool:
    """Say whether all that *block* does is to make targets of the Makefile."""
    lines = block.text.replace("\\\n", " ").splitlines()
    words = [[w for w in x.split() if not re.match(r"[A-Z_]+_\w+=", w)] for x in lines]
    return all(line[:1] == ["make"] for line in words)


def is_run(block: Block) -> bool:
    """Say whether *block* is a part of what a reader runs on its page."""
    return not is_make(block) and not block.text.startswith(tuple(NOT_RUN))


def output_of(block: Block) -> Block | None:
    """Return the block of text that stands directly behind *block*, and is its output."""
    lines = PAGES[block.page].splitlines()
    last = block.line + block.text.count("\n") + 1
    found = [b for b in blocks_of(block.page, "text") if not any(lines[last : b.line - 1])]
    return next((b for b in found if b.line > last), None)
