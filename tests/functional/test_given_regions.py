"""Sessions over regions that the program has opened itself, alone and beside spelled ones."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact import Session, errors
from startifact.regions.directory.region import DirectoryRegion
from startifact.regions.memory import MemoryRegion

MakeFile = Callable[..., Path]


def test_given_regions(make_file: MakeFile, tmp_path: Path) -> None:
    """Regions that are given are used as they are, in their order, beside those that are named."""
    given = MemoryRegion("mine")
    session = Session(regions=[f"file:{tmp_path}/a", given, DirectoryRegion("b", tmp_path / "b")])

    session.stage("SugarWater", "1.0.0", make_file(b"content"))
    path = session.get("SugarWater").downloader.download(tmp_path / "back")

    assert session.regions == (f"file:{tmp_path}/a", "mine", "b")
    assert path.read_bytes() == b"content"
    assert list(given.keys("SugarWater@")) == ["SugarWater@1.0.0"]
    assert (tmp_path / "b" / "SugarWater@1.0.0" / "artifact").read_bytes() == b"content"


def test_two_sessions_over_one_given_region(make_file: MakeFile) -> None:
    """A region that is given to two sessions is one store."""
    given = MemoryRegion("mine")
    Session(regions=[given]).stage("SugarWater", "1.0.0", make_file())

    versions = Session(regions=iter([given])).versions("SugarWater")

    assert list(map(str, versions)) == ["1.0.0"]


@pytest.mark.parametrize("regions", [MemoryRegion("mine"), Path("folder"), 7])
def test_one_region_without_a_list(regions: object) -> None:
    """One region by itself is refused, and the error says how to write a list of one."""
    with pytest.raises(errors.InputError, match="regions is of type") as caught:
        Session(regions=regions)  # type: ignore[arg-type]

    assert type(regions).__name__ in caught.value.message
    assert "regions=[" in str(caught.value.hint)


def test_two_given_regions_of_one_name() -> None:
    """Names tell regions apart, in results and messages, so two of one name are refused."""
    with pytest.raises(errors.InputError, match="region 'mine' is there twice"):
        Session(regions=[MemoryRegion("mine"), MemoryRegion("mine")])


def test_given_region_with_the_name_of_a_spelled_one(tmp_path: Path) -> None:
    """A region that is given may not have the spelling of another one as its name."""
    spelled = f"file:{tmp_path}/a"

    with pytest.raises(errors.InputError, match="is there twice"):
        Session(regions=[spelled, DirectoryRegion(spelled, tmp_path / "b")])


@pytest.mark.parametrize("name", ["", " ", "a\nb", 7])
def test_given_region_without_a_name_to_show(name: str) -> None:
    """A name that cannot stand in a message is refused."""
    with pytest.raises(errors.InputError, match="a region of type MemoryRegion has the name"):
        Session(regions=[MemoryRegion(name)])


def test_given_regions_that_are_one_place(tmp_path: Path, make_file: MakeFile) -> None:
    """Two regions that are given and are one directory are refused, as spelled ones are."""
    root = tmp_path / "a"
    session = Session(regions=[DirectoryRegion("a", root), DirectoryRegion("b", root)])

    with pytest.raises(errors.InputError, match="regions a and b are one store"):
        session.stage("SugarWater", "1.0.0", make_file())


def test_given_memory_beside_a_named_one(make_file: MakeFile) -> None:
    """Memory that is given is another place than the one that is named alike."""
    session = Session(regions=[MemoryRegion("beside"), "memory:beside"])

    staging = session.stage("SugarWater", "1.0.0", make_file())

    assert [str(outcome.state) for outcome in staging.outcomes] == ["created", "created"]


def test_required_regions_of_given_ones() -> None:
    """No more regions can be required than are given."""
    with pytest.raises(errors.InputError, match="from 1 to 1"):
        Session(regions=[MemoryRegion("mine")], required_regions=2)


def test_memory_is_shared_by_name(make_file: MakeFile, tmp_path: Path) -> None:
    """Sessions of one process that name the same memory see the same artifacts; others do not."""
    name = f"memory:{tmp_path.name}"
    Session(regions=name).stage("SugarWater", "1.0.0", make_file(b"content"))

    path = Session(regions=[name]).get("SugarWater").downloader.download(tmp_path / "back")

    assert path.read_bytes() == b"content"
    with pytest.raises(errors.NotFoundError):
        Session(regions=f"{name}-other").get("SugarWater")
    with pytest.raises(errors.NotFoundError):
        Session(regions=[MemoryRegion(name)]).get("SugarWater")


@pytest.mark.parametrize("spec", ["file:./a", "memory:a"])
def test_no_boto3_for_other_regions(spec: str, tmp_path: Path) -> None:
    """boto3 is not imported for regions that need none of it."""
    program = f"""
import sys
from startifact import Session, errors
try:
    Session(regions={spec!r}).versions("SugarWater")
except errors.NotFoundError:
    pass
print([name for name in sys.modules if name in {{"boto3", "botocore"}}])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"
