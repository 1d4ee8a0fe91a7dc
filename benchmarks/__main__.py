"""Measure Startifact beside other tools, in one run, and write what came of it.

    make bench OPTIONS="--only 80 --rounds 3 --mib 256"

Every case runs its commands in turn, so that a machine whose speed changes does so for all of them.
What is compared are ratios of runs of the same round. The results are printed, with the machine and
the versions, and plots are drawn below build/bench; with --write they become the figures and tables
of docs/performance.md. With --check nothing is compared with other
tools, which need not be there, and requests, bytes and memory are held to limits.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import check, container, large, report, results, small, tools
from benchmarks.cases import Case, Result, measure
from benchmarks.servers import has_versitygw

RESULTS = tools.PROJECT / "build" / "bench" / "results.json"


def parse() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--only", default="", metavar="TEXT", help="cases that have it in the name")
    parser.add_argument("--rounds", type=int, default=5, metavar="COUNT", help="after a warm-up")
    parser.add_argument("--mib", type=int, default=1024, metavar="SIZE", help="of a large file")
    parser.add_argument("--check", action="store_true", help="fail where a limit is exceeded")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    parser.add_argument("--memory", type=Path, default=Path("/dev/shm"), metavar="FOLDER",
                        help="a file system in memory, for the store and the files")  # fmt: skip
    return parser.parse_args()


def cases(folder: Path, mib: int) -> Iterator[Case]:
    """Yield every case; servers of one run until another is asked for."""
    yield from small.cases(folder)
    yield from container.cases(folder)
    if has_versitygw():
        yield from large.cases(folder, mib)
    else:
        print("versitygw is not installed: nothing large is measured", file=sys.stderr)


def main() -> int:
    """Measure what is asked for."""
    arguments = parse()
    if arguments.check:
        return check.main(arguments.only)
    if missing := tools.missing():
        print(f"not installed: {', '.join(missing)}; see make bench", file=sys.stderr)
        return 1
    print(report.machine_text(results.machine()), flush=True)
    measured: list[Result] = []
    memory = arguments.memory if arguments.memory.is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        for case in cases(Path(folder), arguments.mib):
            if arguments.only in case.name:
                measured.append(measure(case, arguments.rounds, Path(folder)))
                print(report.text(results.case_facts(measured[-1])), flush=True)
    results.save(measured, RESULTS)
    draw(RESULTS.parent / "plots")
    if arguments.write:
        facts = json.loads(RESULTS.read_text(encoding="utf-8"))
        report.write(facts, arguments.rounds, tools.PROJECT / "docs" / "performance.md")
        draw(tools.PROJECT / "docs" / "performance")
    return 0


def draw(folder: Path) -> None:
    """Draw the plots of what was measured into *folder*, and say so."""
    command = [str(tools.PEERS / "python"), "-m", "benchmarks.plots", str(RESULTS), str(folder)]
    subprocess.run(command, cwd=tools.PROJECT, check=True)
    print(f"plots are in {folder}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
