"""The runs whose output is drawn, and what of it is another each time."""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from scripts.pictures.account import NO_LIFECYCLE, REGIONS, environment, wire_to_account
from scripts.pictures.terminal import screen_of
from tests.faults.refusals import denied
from tests.faults.rules import is_part, when
from tests.support.runner_step import Step
from tests.support.wire import Answer, Forward, Request

COLUMNS = {"progress": 124, "doctor": 100}
SIZE = 64_000_000
PART_SECONDS = 2.0
"""How long each part takes, so that regions keep pace with each other on any machine."""

SHARE = 20
"""Which percentage each region has at least when the progress of a staging is drawn."""

ATTEMPTS = 3

_VARYING = (
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
    (r"\[#*\.*\]", "BAR"),
    (r"[\w-]* +\d+ %", " SHARE"),
    (r" +[\d.]+ [kMG]?B/s", " RATE"),
    (r"after \d+\.\d s", "after SECONDS"),
    (r"startifact-doctor-[0-9a-f]+", "ID"),
)


def summary() -> str:
    """Return the job summary of a step that stages a file into three regions."""
    with tempfile.TemporaryDirectory() as name, wire_to_account() as wire:
        step = Step(Path(name))
        inputs = {
            "command": "stage",
            "project": "SugarWater",
            "version": "1.4.0",
            "path": step.file(b"sugar and water\n" * 4096),
            "metadata": "lang=dotnet\ntests=passed",
            "save-filename": "true",
            "regions": "\n".join(REGIONS),
        }
        own = {
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_RUN_ID": "19712345678",
            "GITHUB_SHA": "5d41402abc4b2a76b9719d911017c592ae41e4b8",
            "GITHUB_ACTION_REPOSITORY": "OWNER/startifact",
            "GITHUB_ACTION_REF": "v1",
        }
        subprocess.run(
            [sys.executable, "-m", "scripts.pictures.as_aws", "step"],
            cwd=step.workspace,
            env={**step.environment(inputs, environment(wire)), **own},
            check=True,
            capture_output=True,
        )
        return step.summary.read_text(encoding="utf-8")


def progress() -> str:
    """Return what a terminal shows while a large file is staged."""
    words = ["stage", "SugarWater@1.4.0", "dist.tar.gz"]
    for _ in range(ATTEMPTS):
        screen = _progress_of(words)
        if _is_under_way(screen):
            return f"$ startifact {' '.join(words)}\n{screen}"
    raise RuntimeError(f"no progress was seen of three regions, but: {screen}")


def _progress_of(words: Sequence[str]) -> str:
    with tempfile.TemporaryDirectory() as name, wire_to_account() as wire:
        folder = Path(name)
        with (folder / "dist.tar.gz").open("wb") as file:
            file.truncate(SIZE)
        wire.add(when(is_part, _slowly))
        return screen_of(
            words,
            columns=COLUMNS["progress"],
            environment=environment(wire),
            folder=folder,
            until=_is_under_way,
        )


def _slowly(_: Request, forward: Forward) -> Answer | None:
    # So that a picture can be taken while some parts have arrived and others have not.
    time.sleep(PART_SECONDS)
    return forward()


def _is_under_way(line: str) -> bool:
    """Say whether all regions are well on their way."""
    shares = re.findall(r"[ ,] \S+ +(\d+) %", line)
    return len(shares) == len(REGIONS) and all(SHARE <= int(share) < 100 for share in shares)


def doctor() -> str:
    """Return what doctor shows of two regions, of which one is not as it should be."""
    regions = f"{REGIONS[0]},{NO_LIFECYCLE}"
    words = ["doctor", "SugarWater", "--for", "stage", "--regions", regions]

    def is_tried(request: Request) -> bool:
        return (request.region, request.service) == (NO_LIFECYCLE, "s3") and request.method in {
            "PUT",
            "POST",
        }

    with tempfile.TemporaryDirectory() as name, wire_to_account() as wire:
        wire.add(when(is_tried, denied(None)))
        screen = screen_of(
            words, columns=COLUMNS["doctor"], environment=environment(wire), folder=Path(name)
        )
    return f"$ startifact {' '.join(words)}\n{screen}"


def without_what_varies(text: str) -> str:
    """Return *text* with one word for each time, rate and share, whatever it is."""
    for pattern, word in _VARYING:
        text = re.sub(pattern, word, text)
    return text
