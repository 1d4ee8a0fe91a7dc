"""Draw the plots of docs/performance.md from what was measured.

    python benchmarks/plots.py RESULTS FOLDER

Needs matplotlib, which `make bench` installs beside the other tools.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
# The same figures give the same file.
mpl.rcParams.update({"svg.hashsalt": "startifact", "svg.fonttype": "none"})

from matplotlib import pyplot as plt  # noqa: E402  # it takes the settings when it is imported

OURS, OTHERS = "#0b6e4f", "#9aa5b1"


def bars(case: dict[str, Any], figure: str, unit: str, path: Path) -> None:
    """Draw *figure* of every command of *case*, the least first."""
    rows = sorted(case["candidates"], key=lambda c: -c["medians"][figure])
    names = [row["name"] for row in rows]
    values = [row["medians"][figure] for row in rows]
    picture, axes = plt.subplots(figsize=(7, 0.5 + 0.36 * len(rows)), layout="constrained")
    colours = [OURS if name.startswith("Startifact") else OTHERS for name in names]
    drawn = axes.barh(names, values, color=colours)
    axes.bar_label(drawn, fmt="%.2f", padding=3)
    axes.set_xlabel(f"{figure} ({unit})")
    axes.set_title(case["name"], loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.12)
    _save(picture, path)


def timeline(case: dict[str, Any], path: Path) -> None:
    """Draw every request of Startifact's, one above the other, as long as it took."""
    exchanges = case["timeline"]
    first = min(exchange["begin"] for exchange in exchanges)
    rows = sorted(exchanges, key=lambda exchange: exchange["begin"])
    picture, axes = plt.subplots(figsize=(9, 0.8 + 0.24 * len(rows)), layout="constrained")
    for row, exchange in enumerate(rows):
        begin, end = (1000 * (exchange[name] - first) for name in ("begin", "end"))
        axes.barh(row, end - begin, left=begin, color=OURS)
        axes.text(end + 8, row, _what(exchange), va="center", fontsize=8)
    axes.set_yticks([])
    axes.invert_yaxis()
    axes.set_xlabel("milliseconds since the first request")
    axes.set_title(case["name"], loc="left")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.margins(x=0.3)
    _save(picture, path)


def _what(exchange: dict[str, Any]) -> str:
    path = re.sub(r"\?.*", "", exchange["path"])
    if path == "/":
        return f"connection {exchange['connection']}: parameter (SSM)"
    name = path.split("/")[-1] or path
    return f"connection {exchange['connection']}: {exchange['method']} {name}"


def _save(picture: Any, path: Path) -> None:
    picture.savefig(path, metadata={"Date": None})
    plt.close(picture)


def main(results: Path, folder: Path) -> None:
    """Draw all that *results* have."""
    folder.mkdir(parents=True, exist_ok=True)
    for case in json.loads(results.read_text(encoding="utf-8"))["cases"]:
        name = re.sub(r"[^a-z0-9]+", "-", case["name"].lower()).strip("-")
        figure = "CPU" if case["name"].startswith("CPU") else "time"
        bars(case, figure, "s", folder / f"{name}.svg")
        if case["timeline"] and "MiB" not in case["name"]:
            timeline(case, folder / f"{name}-requests.svg")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
