"""What came of the runs, as text and as the tables of docs/performance.md."""

import re
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- begin: make bench -->", "<!-- end: make bench -->"


def text(case: dict[str, Any]) -> str:
    """Return the medians of *case*, its ratios and its targets."""
    lines = [case["name"]]
    for candidate in case["candidates"]:
        medians = candidate["medians"]
        figures = f"CPU {medians['CPU']:7.3f} s  time {medians['time']:7.3f} s"
        lines.append(
            f"  {candidate['name']:20} {figures}  {medians['memory']:4.0f} MiB"
            + (f"  {_requests(candidate['requests'])}" if candidate["requests"] else "")
        )
    lines += [f"  {_target(target)}" for target in case["targets"]]
    return "\n".join(lines)


def _requests(counts: dict[str, int]) -> str:
    return (
        f"{counts['in all']} requests, {counts['one after another']} one after another, "
        f"{counts['connections']} connections, {counts['bytes sent']:,} bytes sent"
    )


def _target(target: dict[str, Any]) -> str:
    unit = f"of {target['against']}" if target["against"] else target["unit"]
    met = "met" if target["median"] <= target["at most"] else "not met"
    spread = f"{target['median']:.2f} ({target['least']:.2f} to {target['most']:.2f})"
    return f"{target['figure']}: {spread} {unit}, at most {target['at most']:.2f}: {met}"


def page(facts: dict[str, Any], rounds: int) -> str:
    """Return the tables of *facts*, which were measured in *rounds*."""
    machine = facts["machine"]
    lines = [
        f"Medians of {rounds} runs after one to warm up, on {machine['processors']}, with "
        + ", ".join(f"{n} {machine[n]}" for n in ("Python", "boto3", "aws-cli", "s5cmd", "rclone"))
        + ".",
        "",
        "| What | Measured | Target | Met |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        _target_row(case["name"], target) for case in facts["cases"] for target in case["targets"]
    ]
    for case in facts["cases"]:
        lines += ["", f"### {case['name']}", "", *_table(case), ""]
        lines += [f"![{title}](performance/{name}.svg)" for title, name in plots_of(case)]
    return "\n".join(lines)


def plots_of(case: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the title and the name of each plot of *case*; see `plots.py`."""
    name = re.sub(r"[^a-z0-9]+", "-", case["name"].lower()).strip("-")
    plots = [(case["name"], name)]
    if case["timeline"] and "MiB" not in case["name"]:
        plots.append((f"{case['name']}: requests of Startifact", f"{name}-requests"))
    return plots


def _target_row(name: str, target: dict[str, Any]) -> str:
    unit = f"of {target['against']}" if target["against"] else target["unit"]
    met = "yes" if target["median"] <= target["at most"] else "no"
    measured = f"{target['median']:.2f} ({target['least']:.2f} to {target['most']:.2f})"
    return (
        f"| {name}: {target['figure']} | {measured} {unit} | "
        f"at most {target['at most']:.2f} | {met} |"
    )


def _table(case: dict[str, Any]) -> list[str]:
    counted = any(candidate["requests"] for candidate in case["candidates"])
    header = ["Command", "CPU (s)", "Time (s)", "Memory (MiB)"]
    header += ["Requests", "One after another", "Connections"] if counted else []
    lines = [f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}"]
    for candidate in case["candidates"]:
        medians, requests = candidate["medians"], candidate["requests"] or {}
        cells = [candidate["name"], f"{medians['CPU']:.2f}", f"{medians['time']:.2f}"]
        cells.append(f"{medians['memory']:.0f}")
        if counted:
            names = ("in all", "one after another", "connections")
            cells += [str(requests.get(name, "")) for name in names]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def write(facts: dict[str, Any], rounds: int, path: Path) -> None:
    """Put the tables of *facts* between the marks in *path*."""
    old = path.read_text(encoding="utf-8")
    new = f"{BEGIN}\n\n{page(facts, rounds)}\n\n{END}"
    path.write_text(
        re.sub(f"{BEGIN}.*{END}", lambda _: new, old, flags=re.DOTALL), encoding="utf-8"
    )
