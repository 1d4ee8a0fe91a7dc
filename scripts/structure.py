"""How the code hangs together: rooms, floors and arrows, measured from its imports.

A room is a folder or a module directly below ``startifact``; an arrow leads from a room to another
one that it imports; a floor is how many arrows the longest way down from a room has. Run it as
``python -m scripts.structure``, with ``PYTHONPATH=src`` of another checkout to measure that one.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

import grimp

import startifact

PAGE = Path(__file__).resolve().parent.parent / "docs" / "architecture.md"


def arrows() -> dict[str, set[str]]:
    """Return which rooms each room imports."""
    graph = grimp.build_graph("startifact", cache_dir=None, exclude_type_checking_imports=True)
    found: dict[str, set[str]] = {}
    for module in graph.modules:
        here = _room(module)
        found.setdefault(here, set())
        for imported in graph.find_modules_directly_imported_by(module):
            found[here] |= {_room(imported)} - {here}
    return found


def floors(below: Mapping[str, set[str]]) -> dict[str, int]:
    """Return the floor of each room, from 1."""
    known: dict[str, int] = {}

    def floor_of(room: str, path: tuple[str, ...]) -> int:
        if room in path:
            sys.exit(f"rooms import each other: {' -> '.join((*path, room))}")
        if room not in known:
            known[room] = 1 + max((floor_of(r, (*path, room)) for r in below[room]), default=0)
        return known[room]

    for room in below:
        floor_of(room, ())
    return known


def main() -> None:
    """Print every room with its floor and what it imports, and write the sums into the page.

    With ``--check``, fail where the page has others.
    """
    below = arrows()
    on = floors(below)
    sums = (len(below), max(on.values()), sum(map(len, below.values())))
    page = PAGE.read_text(encoding="utf-8")
    wanted = re.sub(r"(?<=\| with them \|).*", f" {sums[0]} | {sums[1]} | {sums[2]} |", page)
    if "--check" in sys.argv[1:]:
        if wanted != page:
            sys.exit(f"not up to date: {PAGE.name}: run make generate")
        return
    for room in sorted(below, key=lambda name: (-on[name], name)):
        print(f"{on[room]:>2}  {room}: {', '.join(sorted(below[room])) or '-'}")
    print(f"{sums[0]} rooms, {sums[1]} floors, {sums[2]} arrows")
    # Of another checkout they are only printed.
    if Path(startifact.__file__).is_relative_to(PAGE.parents[1]):
        PAGE.write_text(wanted, encoding="utf-8")


def _room(module: str) -> str:
    return ".".join(module.split(".")[:2])


if __name__ == "__main__":
    main()
