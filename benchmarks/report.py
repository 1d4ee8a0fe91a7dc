"""What came of the runs, as text and as the tables of docs/performance.md."""

import re
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- begin: make bench -->", "<!-- end: make bench -->"
FIRST_OUTPUT = "time to the first line"
"""As `cases.Figure` names it, which cannot be imported where the plots are drawn."""

NAMED = ("Python", "boto3", "awscrt", "aws-cli", "s5cmd", "rclone", "curl")
"""What the page names the versions of."""

MOST_DRAWN = 100
"""Requests in one plot."""


def machine_text(machine: dict[str, str]) -> str:
    """Return what the machine is, and the versions of what is run."""
    return "\n".join(f"{name}: {value}" for name, value in machine.items())


def text(case: dict[str, Any]) -> str:
    """Return the medians of *case*, its ratios to other tools and its targets, with spreads."""
    lines = [case["name"]]
    for candidate in case["candidates"]:
        figures = "  ".join(f"{f} {_spread(s)} s" for f, s in candidate["spreads"].items())
        lines.append(
            f"  {candidate['name']:20} {figures}  {candidate['medians']['memory']:4.0f} MiB"
            + (f"  {_requests(candidate['requests'])}" if candidate["requests"] else "")
        )
    lines += [f"  {name:20} {why}" for name, why in case["left out"].items()]
    for other, ratios in case["ratios"].items():
        shares = ", ".join(f"{figure} {_spread(ratio)}" for figure, ratio in ratios.items())
        lines.append(f"  of {other}: {shares}")
    lines += [f"  {_target(target)}" for target in case["targets"]]
    return "\n".join(lines)


def _requests(counts: dict[str, float]) -> str:
    return (
        f"{counts['in all']:g} requests, {counts['one after another']:g} one after another, "
        f"{counts['at once']:g} at once, {counts['connections']:g} connections, "
        f"{counts['MiB sent']:.2f} MiB sent"
    )


def _spread(values: dict[str, float]) -> str:
    return _spread_to(values, 2)


def _spread_to(values: dict[str, float], digits: int) -> str:
    median, least, most = (f"{values[name]:.{digits}f}" for name in ("median", "least", "most"))
    return f"{median} ({least} to {most})"


def _target(target: dict[str, Any]) -> str:
    met = "met" if target["is met"] else "not met"
    return f"{target['figure']}: {_measured(target)}, {_limit(target)}: {met}"


def _measured(target: dict[str, Any]) -> str:
    if not target["unit"] and not target["against"]:
        return f"{target['median']:g} ({target['least']:g} to {target['most']:g})"
    unit = f"of {target['against']}" if target["against"] else target["unit"]
    return f"{_spread_to(target, _digits(target))} {unit}"


def _digits(target: dict[str, Any]) -> int:
    """Return how many digits show on which side of its limit a figure is."""
    is_exact = abs(target["limit"] - round(target["limit"], 2)) < 1e-9
    return 2 if is_exact or target["limit"] > 1 else 3


def _limit(target: dict[str, Any]) -> str:
    number = target["limit"]
    if target["unit"] or target["against"]:
        number = f"{number:.{_digits(target)}f}"
    return f"{'at least' if target['is least'] else 'at most'} {number}"


def page(facts: dict[str, Any], rounds: int) -> str:
    """Return the tables of *facts*, which were measured in *rounds*."""
    machine = facts["machine"]
    lines = [
        f"Medians of {rounds} runs on {machine['date']}, on {machine['processors']}, with "
        + ", ".join(f"{n} {machine[n]}" for n in NAMED)
        + ".",
        "",
        "| What | Measured | Target | Met |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        _target_row(case["name"], target) for case in facts["cases"] for target in case["targets"]
    ]
    if sizes := series(facts, "MiB"):
        lines += ["", "### By size", "", *_throughputs(sizes), ""]
        lines += [f"![Throughput: {what}](performance/throughput-{what}.svg)" for what in sizes]
        lines += ["![CPU per GiB](performance/cpu-per-gib.svg)"]
    if series(facts, "regions"):
        lines += ["", "### By the number of regions", ""]
        lines += ["![Time by the number of regions](performance/time-by-regions.svg)"]
    for case in in_full(facts):
        lines += ["", f"### {case['name']}", "", *_table(case)]
        if has_bars(case) or has_timeline(case):
            lines.append("")
        if has_bars(case):
            lines += [f"![{case['name']}](performance/{file_name(case)}.svg)"]
        if has_timeline(case):
            title = f"{case['name']}: requests of Startifact"
            lines.append(f"![{title}](performance/{file_name(case)}-requests.svg)")
    return "\n".join(lines)


def series(facts: dict[str, Any], along: str) -> dict[str, list[dict[str, Any]]]:
    """Return the cases that differ only in how many *along* there are, by what they do."""
    found: dict[str, list[dict[str, Any]]] = {}
    for case in facts["cases"]:
        if case["point"] and case["point"]["along"] == along:
            found.setdefault(case["point"]["what"], []).append(case)
    ordered = {w: sorted(c, key=lambda case: case["point"]["at"]) for w, c in found.items()}
    return {what: cases for what, cases in ordered.items() if len(cases) > 1}


def in_full(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the cases with a table and a plot of their own: not the smaller sizes of a series."""
    smaller = [case["name"] for cases in series(facts, "MiB").values() for case in cases[:-1]]
    return [case for case in facts["cases"] if case["name"] not in smaller]


def file_name(case: dict[str, Any]) -> str:
    """Return the name of the plot of *case*."""
    return re.sub(r"[^a-z0-9]+", "-", case["name"].lower()).strip("-")


def has_bars(case: dict[str, Any]) -> bool:
    """Say whether the commands of *case* are drawn: one alone says nothing."""
    return len(case["candidates"]) > 1


def has_timeline(case: dict[str, Any]) -> bool:
    """Say whether the requests of *case* are drawn: those of large files are too many."""
    return 0 < len(case["timeline"]["requests"]) <= MOST_DRAWN and "MiB" not in case["name"]


def throughput(case: dict[str, Any], name: str) -> float:
    """Return how many MiB per second the command *name* moved, its start included."""
    (found,) = [c for c in case["candidates"] if c["name"] == name]
    return float(case["point"]["at"] / found["medians"]["time"])


def _throughputs(sizes: dict[str, list[dict[str, Any]]]) -> list[str]:
    lines = []
    for what, cases in sizes.items():
        header = [f"{what} (MiB/s)", *(f"{case['point']['at']} MiB" for case in cases)]
        lines += ["", f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}"]
        for candidate in cases[0]["candidates"]:
            figures = [f"{throughput(case, candidate['name']):.0f}" for case in cases]
            lines.append(f"| {' | '.join([candidate['name'], *figures])} |")
    return lines[1:]


def _target_row(name: str, target: dict[str, Any]) -> str:
    met = "yes" if target["is met"] else "no"
    return f"| {name}: {target['figure']} | {_measured(target)} | {_limit(target)} | {met} |"


def _table(case: dict[str, Any]) -> list[str]:
    counted = any(candidate["requests"] for candidate in case["candidates"])
    header = ["Command", "CPU (s)", "Time (s)", "Memory (MiB)"]
    has_first_output = FIRST_OUTPUT in case["candidates"][0]["medians"]
    header += ["First line (s)"] if has_first_output else []
    sent = counted and "MiB" in case["name"]
    header += ["Requests", "One after another", "At once", "Connections"] if counted else []
    header += ["Sent (MiB)"] if sent else []
    lines = [f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}"]
    for candidate in case["candidates"]:
        medians, requests = candidate["medians"], candidate["requests"] or {}
        cells = [candidate["name"], f"{medians['CPU']:.2f}", f"{medians['time']:.2f}"]
        cells.append(f"{medians['memory']:.0f}")
        if has_first_output:
            cells.append(f"{medians[FIRST_OUTPUT]:.2f}")
        if counted:
            names = ("in all", "one after another", "at once", "connections")
            cells += [f"{requests[name]:g}" if requests else "" for name in names]
        if sent:
            cells.append(f"{requests['MiB sent']:.2f}" if requests else "")
        lines.append(f"| {' | '.join(cells)} |")
    for name, why in case["left out"].items():
        lines.append(f"| {' | '.join([name, why, *[''] * (len(header) - 2)])} |")
    return lines


def write(facts: dict[str, Any], rounds: int, path: Path) -> None:
    """Put the tables of *facts* between the marks in *path*."""
    old = path.read_text(encoding="utf-8")
    new = f"{BEGIN}\n\n{page(facts, rounds)}\n\n{END}"
    path.write_text(
        re.sub(f"{BEGIN}.*{END}", lambda _: new, old, flags=re.DOTALL), encoding="utf-8"
    )
