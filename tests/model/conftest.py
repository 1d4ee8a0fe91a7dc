"""Every test here runs the code in the model's own processes, without a word in the log."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.model import engine


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder for the files to stage; processes of the model can run as long as it is."""
    engine.install(monkeypatch)
    logging.disable(logging.CRITICAL)
    yield tmp_path
    logging.disable(logging.NOTSET)
