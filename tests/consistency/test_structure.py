"""The page on architecture has the figures of the structure as it is."""

import re
import subprocess
import sys

from tests.support.runner_step import PROJECT


def test_figures() -> None:
    """Rooms, floors and arrows on the page are those that the script measures."""
    page = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "scripts/structure.py"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    measured = re.findall(r"\d+", done.stdout.splitlines()[-1])

    assert f"| with them | {' | '.join(measured)} |" in page
