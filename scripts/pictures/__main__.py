"""Draw what real runs print, for the documents; with --check, say whether they still print it.

python -m scripts.pictures [--check | --all]

A job summary is drawn by a browser, which has to be installed; what a terminal shows is written as
SVG. Only what is not up to date is drawn, and with --all everything. Beside each picture is the
text that it was drawn from. The check runs everything again and compares the texts, but for times,
rates and shares; it needs no browser.
"""

import hashlib
import sys
import tempfile
from pathlib import Path

from scripts.pictures.png import comment_of, with_comment
from scripts.pictures.runs import COLUMNS, doctor, progress, summary, without_what_varies
from scripts.pictures.terminal import drawn
from tests.support.github_page import BROWSERS, Page, find_browser

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / "docs" / "pictures"
# The last is ended amid its work, of which nothing is to meet the next.
RUNS = {"summary": summary, "doctor": doctor, "progress": progress}
TITLES = {
    "progress": "The progress bar while a file is staged",
    "doctor": "What startifact doctor shows of two regions",
}
WIDTH, SCALE = 800, 1.5
"""How wide the page is, and how many pixels of the image there are to one of the page."""


def main(arguments: list[str]) -> int:
    """Write the pictures and the texts, or with ``--check`` name those that are not up to date."""
    if "--check" in arguments:
        outdated = [name for name, run in RUNS.items() if not is_up_to_date(name, run())]
        if outdated:
            print(f"not up to date, run make pictures: {', '.join(outdated)}", file=sys.stderr)
        return 1 if outdated else 0
    browser = find_browser()
    if browser is None:
        print(f"no browser is installed, of {', '.join(BROWSERS)}", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    for name, run in RUNS.items():
        text = run()
        if "--all" not in arguments and is_up_to_date(name, text):
            continue
        _text(name).write_text(text, encoding="utf-8")
        if name in TITLES:
            _svg(name).write_text(_as_svg(name, text), encoding="utf-8")
        else:
            draw_summary(browser, text)
        print(f"wrote {name}")
    return 0


def is_up_to_date(name: str, text: str) -> bool:
    """Say whether the picture *name* was drawn from what is like *text* but for times."""
    if not _text(name).exists():
        return False
    stored = _text(name).read_text(encoding="utf-8")
    if without_what_varies(stored) != without_what_varies(text):
        return False
    if name in TITLES:
        svg = _as_svg(name, stored)
        return _svg(name).exists() and _svg(name).read_text(encoding="utf-8") == svg
    return _png(name).exists() and comment_of(_png(name).read_bytes()) == _digest(stored)


def draw_summary(browser: str, text: str) -> None:
    """Write the image of the summary *text*, which says what it was drawn from."""
    with tempfile.TemporaryDirectory() as folder:
        Page(browser, text, Path(folder), width=WIDTH).draw(_png("summary"), scale=SCALE)
    image = _png("summary").read_bytes()
    _png("summary").write_bytes(with_comment(image, _digest(text)))


def _as_svg(name: str, text: str) -> str:
    return drawn(text, title=TITLES[name], columns=COLUMNS[name])


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _text(name: str) -> Path:
    return FOLDER / f"{name}.txt"


def _svg(name: str) -> Path:
    return FOLDER / f"{name}.svg"


def _png(name: str) -> Path:
    return FOLDER / f"{name}.png"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
