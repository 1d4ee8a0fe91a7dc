"""Processes of their own: the command line, as it is or over regions that are told to fail."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from startifact.cli import main
from startifact.concurrency import process, signals
from startifact.limits import Limits
from startifact.regions import selection
from startifact.regions.aws import endpoint
from startifact.regions.factory import open_regions
from startifact.regions.interface import Region
from tests.support.faulty_region import FaultyRegion

ROOT = Path(__file__).parents[2]
SECONDS = 60.0
_BEGAN = "the command began at "

Process = subprocess.Popen[str]


Faults = Sequence[Sequence[Any]]


def start(
    *words: str | Path,
    faults: Faults | None = None,
    limits: Mapping[str, float] | None = None,
    is_aws: bool = False,
    **options: Any,
) -> Process:
    """Start the command line with *words*.

    Each of *faults* is the number of a region, the name of a method of `FaultyRegion`, and its
    arguments: ``[0, "die", "create"]``, the last one a mapping of those that are named. With faults
    a region that moves no byte for a second has failed. *limits* are fields of `Limits`. With
    *is_aws* whatever store answers is taken for Amazon S3.
    """
    module = ["startifact"]
    if faults is not None or limits is not None or is_aws:
        module = ["tests.faults.processes", json.dumps([faults, limits or {}, is_aws])]
    return subprocess.Popen(
        [sys.executable, "-m", *module, *map(str, words)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def run(*words: str | Path, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run the command line to its end; see `start`."""
    with start(*words, **options) as process:
        try:
            stdout, stderr = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    return subprocess.CompletedProcess(words, process.returncode, stdout, stderr)


def began(done: "subprocess.CompletedProcess[str]") -> float:
    """Return when, on this machine's monotonic clock, Python had started and the command began."""
    line = next(line for line in done.stderr.splitlines() if line.startswith(_BEGAN))
    return float(line.removeprefix(_BEGAN))


def _main(
    faults: Faults | None, limits: Mapping[str, Any], words: Sequence[str], *, is_aws: bool
) -> int:
    """Run the command line with *limits*, over regions with *faults*."""
    if is_aws:
        vars(endpoint).update(AWS_HOST=re.compile(""))
    if faults is not None:
        vars(selection)["open_regions"] = partial(_open, faults)
        limits = {"idle_timeout_seconds": 1.0, **limits}
    sys.stderr.write(f"{_BEGAN}{time.monotonic()}\n")
    return main(words, limits=Limits(**limits))


def _open(faults: Faults, *args: Any, **options: Any) -> tuple[Region, ...]:
    regions = [FaultyRegion(region) for region in open_regions(*args, **options)]
    for number, name, *arguments in faults:
        named = arguments.pop() if arguments and isinstance(arguments[-1], Mapping) else {}
        getattr(regions[number], name)(*arguments, **named)
    return tuple(regions)


if __name__ == "__main__":
    chosen_faults, chosen_limits, as_aws = json.loads(sys.argv[1])
    # As the entry point does it.
    exit_code = _main(chosen_faults, chosen_limits, sys.argv[2:], is_aws=as_aws)
    signals.ignore()
    process.end(exit_code)
