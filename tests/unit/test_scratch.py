"""Scratch folders that are left when the process ends."""

import os
import threading
import time
from pathlib import Path

import pytest

from startifact.regions.directory import scratch


def test_the_end_waits_for_every_remover(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that began at the same moment have started one each: none ends the wait early."""
    monkeypatch.setattr(scratch, "_ending", threading.Event())
    monkeypatch.setattr(scratch, "_ended", threading.Event())
    monkeypatch.setattr(scratch, "_live", {tmp_path / "scratch": os.getpid()})
    begun: list[Path] = []
    removed: list[Path] = []

    def remove(path: Path) -> None:
        begun.append(path)
        if len(begun) == 1:  # for the other one it has another name by then
            time.sleep(0.1)
            removed.append(path)

    monkeypatch.setattr(scratch, "_remove", remove)
    for _ in range(2):
        scratch._start_remover.__wrapped__(os.getpid())

    scratch._remove_what_is_left()

    assert removed == [tmp_path / "scratch"]
