"""A write whose answer may be lost: what is there afterwards decides."""

from pathlib import Path

import pytest

from startifact.errors import ExistsError, LocalFileError, RegionUnavailableError
from startifact.model.keys import Key
from startifact.regions.directory.region import DirectoryRegion
from startifact.staging.region_steps import write_and_read_back

REGION, KEY = DirectoryRegion("a", Path("not used")), Key("P@1.0.0")


def outcome(error: Exception | None, found: str | None) -> str:
    """Return what comes of a write that ends with *error*, where *found* is there afterwards."""

    def write() -> None:
        if error is not None:
            raise error

    return write_and_read_back(REGION, KEY, write, lambda: found)


@pytest.mark.parametrize(
    "error", [None, ExistsError(KEY), RegionUnavailableError("no answer")], ids=repr
)
def test_something_is_there(error: Exception | None) -> None:
    """Whatever the answer was, what is there is what counts."""
    assert outcome(error, "an artifact") == "an artifact"


def test_nothing_is_there_after_an_error() -> None:
    """A region that did not do it, and did not answer, has failed for that reason."""
    with pytest.raises(RegionUnavailableError, match=r"^no answer$"):
        outcome(RegionUnavailableError("no answer"), None)


@pytest.mark.parametrize(
    ("error", "said"), [(None, "that it is stored"), (ExistsError(KEY), "that it exists")]
)
def test_nothing_is_there_after_an_answer(error: Exception | None, said: str) -> None:
    """A region that says first that it is there, and then that it is not, has failed."""
    with pytest.raises(RegionUnavailableError, match=f"^a said of {KEY} {said}, and then"):
        outcome(error, None)


def test_trouble_that_is_not_the_regions() -> None:
    """What is wrong with the file is reported at once."""
    with pytest.raises(LocalFileError):
        outcome(LocalFileError("it changed"), "an artifact")
