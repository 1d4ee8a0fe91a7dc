"""The page on architecture has the figures of the structure as it is."""

import re
import subprocess
import sys

from tests.support.runner_step import PROJECT


def test_figures() -> None:
    """Rooms, floors and arrows on the page are those that the script measures."""
    page = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "scripts.structure"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    measured = re.findall(r"\d+", done.stdout.splitlines()[-1])

    assert f"| with them | {' | '.join(measured)} |" in page


def test_drawing() -> None:
    """The drawing has each room of the package, and no other."""
    page = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawing = page.split("```text\n")[1].split("```")[0]
    names = {name.strip("/") for line in drawing.splitlines() for name in named_in(line)}
    source = PROJECT / "src" / "startifact"
    rooms = {path.stem for path in source.iterdir() if path.suffix == ".py" or path.is_dir()}

    assert names == rooms - {"__init__", "__pycache__", "py"}


def named_in(line: str) -> list[str]:
    """Return the names that *line* of the drawing begins with, before what they are."""
    return [] if line.startswith(" ") else re.split(r" {2,}(?=\S+ \S)", line, maxsplit=1)[0].split()
