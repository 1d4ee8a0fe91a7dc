"""Draw the plots of docs/performance.md from what was measured.

    python -m benchmarks.plots RESULTS FOLDER

Needs matplotlib, which `make bench` installs beside the other tools.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import matplotlib as mpl

mpl.use("svg")
# The same figures give the same file.
mpl.rcParams.update({"svg.hashsalt": "startifact", "svg.fonttype": "none"})

from matplotlib import pyplot as plt  # noqa: E402  # it takes the settings when it is imported

from benchmarks import report  # noqa: E402

OURS, OTHERS = "#0b6e4f", "#9aa5b1"
# Those who see few colours can tell them from each other, too.
LINES = {
    "Startifact": (OURS, "o"),
    "s5cmd": ("#d55e00", "s"),
    "s5cmd, sha256sum": ("#e69f00", "X"),
    "aws-cli": ("#0072b2", "^"),
    "rclone": ("#cc79a7", "D"),
    "boto3": ("#7f7f7f", "P"),
}
WAYS = {"stage": "#0b6e4f", "download": "#7fc4ab"}


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


def throughputs(what: str, cases: list[dict[str, Any]], path: Path) -> None:
    """Draw how many MiB per second every command moves, by the size of the file."""
    sizes = [case["point"]["at"] for case in cases]
    picture, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    for candidate in cases[0]["candidates"]:
        name = candidate["name"]
        colour, marker = LINES[name]
        values = [report.throughput(case, name) for case in cases]
        width, front = (3.0, 3) if colour == OURS else (1.5, 2)
        axes.plot(
            sizes, values, color=colour, marker=marker, linewidth=width, zorder=front, label=name
        )
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    ticks = [n * 10**power for power in range(5) for n in (1, 2, 5) if low <= n * 10**power <= high]
    axes.set_yticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("size of the file (MiB)")
    axes.set_ylabel("MiB per second, start included")
    axes.set_title(f"{what}: throughput by size", loc="left")
    axes.grid(visible=True, axis="y", color="#e3e6ea")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    picture.legend(loc="outside right upper", frameon=False)
    _save(picture, path)


def cpu_per_gib(sizes: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Draw how many seconds of CPU every command takes for each GiB of the largest file."""
    largest = {what: cases[-1] for what, cases in sizes.items()}
    names = list(dict.fromkeys(c["name"] for case in largest.values() for c in case["candidates"]))
    picture, axes = plt.subplots(figsize=(8, 0.9 + 0.5 * len(names)), layout="constrained")
    for number, (what, case) in enumerate(largest.items()):
        per_gib = 1024 / case["point"]["at"]
        taken = {c["name"]: c["medians"]["CPU"] * per_gib for c in case["candidates"]}
        rows = [row for row, name in enumerate(names) if name in taken]
        drawn = axes.barh(
            [row + 0.4 * number - 0.2 for row in rows],
            [taken[names[row]] for row in rows],
            height=0.38,
            color=WAYS[what],
            label=f"{what} {case['point']['at']:,} MiB",
        )
        axes.bar_label(drawn, fmt="%.2f", padding=3, fontsize=9)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel("seconds of CPU per GiB")
    axes.set_title("CPU per GiB", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.12)
    picture.legend(loc="outside right upper", frameon=False)
    _save(picture, path)


def time_by_regions(counts: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Draw how long Startifact takes, by how many regions there are."""
    picture, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    for number, (what, cases) in enumerate(counts.items()):
        at = [case["point"]["at"] for case in cases]
        values = [case["candidates"][0]["medians"]["time"] for case in cases]
        drawn = axes.bar(
            [count + 0.36 * number - 0.18 for count in at],
            values,
            width=0.34,
            color=WAYS[what],
            label=what,
        )
        axes.bar_label(drawn, fmt="%.2f", padding=2, fontsize=9)
        axes.set_xticks(at)
    axes.set_xlabel("regions of the organisation")
    axes.set_ylabel("time (s)")
    axes.set_title("Time by the number of regions, round trips of 80 ms", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(y=0.12)
    picture.legend(loc="outside right upper", frameon=False)
    _save(picture, path)


def timeline(case: dict[str, Any], path: Path) -> None:
    """Draw every request of Startifact's, one below the other, as long as it took."""
    rows = sorted(case["timeline"], key=lambda exchange: exchange["begin"])
    first = rows[0]["begin"]
    numbers: dict[int, int] = {}
    picture, axes = plt.subplots(figsize=(9, 0.8 + 0.24 * len(rows)), layout="constrained")
    for row, exchange in enumerate(rows):
        begin, end = (1000 * (exchange[name] - first) for name in ("begin", "end"))
        axes.barh(row, end - begin, left=begin, color=OURS)
        number = numbers.setdefault(exchange["connection"], len(numbers) + 1)
        axes.text(end + 8, row, f"{number}: {_what(exchange)}", va="center", fontsize=8)
    axes.set_yticks([])
    axes.invert_yaxis()
    axes.set_xlabel("milliseconds; a number is that of a connection, which its first request opens")
    axes.set_title(case["name"], loc="left")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.margins(x=0.3)
    _save(picture, path)


def _what(exchange: dict[str, Any]) -> str:
    path = re.sub(r"\?.*", "", exchange["path"])
    if path == "/":
        return "parameter (SSM)"
    bucket, _, key = path.strip("/").partition("/")
    # The project's name is the harness's own.
    name = re.sub(r"^p\d+", "P", unquote(key).rpartition("/")[2])
    return f"{exchange['method']} {name} in {bucket.removeprefix('artifacts-')}"


def _save(picture: Any, path: Path) -> None:
    picture.savefig(path, metadata={"Date": None})
    plt.close(picture)


def main(results: Path, folder: Path) -> None:
    """Draw all that *results* have."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    facts = json.loads(results.read_text(encoding="utf-8"))
    if sizes := report.series(facts, "MiB"):
        for what, cases in sizes.items():
            throughputs(what, cases, folder / f"throughput-{what}.svg")
        cpu_per_gib(sizes, folder / "cpu-per-gib.svg")
    if counts := report.series(facts, "regions"):
        time_by_regions(counts, folder / "time-by-regions.svg")
    for case in report.in_full(facts):
        name = report.file_name(case)
        figure = "CPU" if case["name"].startswith("CPU") else "time"
        if report.has_bars(case):
            bars(case, figure, "s", folder / f"{name}.svg")
        if report.has_timeline(case):
            timeline(case, folder / f"{name}-requests.svg")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
