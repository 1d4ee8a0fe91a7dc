"""Draw the plots of docs/performance.md from what was measured.

    python -m benchmarks.plots RESULTS FOLDER

Needs matplotlib, which `make bench` installs beside the other tools.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import matplotlib as mpl

mpl.use("svg")
# The same figures give the same file.
mpl.rcParams.update({"svg.hashsalt": "startifact", "svg.fonttype": "none"})

from matplotlib import pyplot as plt  # noqa: E402  # it takes the settings when it is imported
from matplotlib.patches import Patch  # noqa: E402

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
    "boto3, crt": ("#000000", "v"),
    "curl": ("#56b4e9", "*"),
}
CRITICAL, BESIDE = "#d55e00", "#7fc4ab"
BEHIND_WORDS = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
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
    """Draw every request of Startifact's, from the start of its process to its end.

    Those that made it take as long as it did have another colour than those beside them.
    """
    rows = sorted(case["timeline"]["requests"], key=lambda exchange: exchange["begin"])
    numbers: dict[int, int] = {}
    picture, axes = plt.subplots(figsize=(10, 1.3 + 0.24 * len(rows)), layout="constrained")
    for row, exchange in enumerate(rows):
        begin, end = exchange["begin"], exchange["end"]
        colour = CRITICAL if exchange["is on the critical path"] else BESIDE
        axes.barh(row, end - begin, left=begin, color=colour)
        number = numbers.setdefault(exchange["connection"], len(numbers) + 1)
        words = f"{number}: {_what(exchange)}"
        axes.text(end + 8, row, words, va="center", fontsize=8, bbox=BEHIND_WORDS)
    ended = case["timeline"]["ended"]
    axes.axvline(ended, color=OTHERS, linewidth=1, linestyle="--", zorder=0)
    axes.set_yticks([])
    axes.invert_yaxis()
    # What is written beside the last bars has room.
    axes.set_xlim(0, 1.5 * ended)
    axes.set_xlabel(
        "milliseconds since the process was started; the dashed line is its end\n"
        "a number is that of a connection, which its first request opens"
    )
    axes.set_title(case["name"], loc="left")
    axes.spines[["top", "right", "left"]].set_visible(False)
    handles = [Patch(color=CRITICAL), Patch(color=BESIDE)]
    labels = ["on the critical path: the next begins when it has ended", "beside it"]
    picture.legend(handles, labels, loc="outside upper right", ncols=2, frameon=False, fontsize=8)
    _save(picture, path)


def _what(exchange: dict[str, Any]) -> str:
    how = "read" if _reads(exchange) else "write"
    return f"{how} {_named(exchange)}, {exchange['region']}"


def _reads(exchange: dict[str, Any]) -> bool:
    operation = str(exchange["operation"] or exchange["method"])
    return operation.startswith(("Get", "GET", "HEAD"))


def _named(exchange: dict[str, Any]) -> str:
    parameter = exchange["parameter"]
    if parameter == "/bucket":
        return "bucket name (SSM)"
    if parameter.startswith("/organisation"):
        return "organisation configuration (SSM)"
    if parameter:
        return f"mirror of {parameter.rpartition('/')[2]} (SSM)"
    path, _, query = exchange["path"].partition("?")
    _, _, key = path.strip("/").partition("/")
    if not key:
        prefixes = parse_qs(query).get("prefix", [""])
        return f"list of {prefixes[0]}"
    # The project's name is the harness's own.
    name = re.sub(r"^(team/)?p\d+", "P", unquote(key))
    if "/_yanked/" in name:
        return f"yank of P@{name.rpartition('/')[2]}"
    if name.startswith("P/"):
        return name.removeprefix("P/")
    return f"{name}, its description" if exchange["method"] == "HEAD" else name


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
