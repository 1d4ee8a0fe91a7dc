"""
Staging and getting through the public interface, in every kind of region.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from semver import Version

from startifact import Session, errors

MakeFile = Callable[..., Path]

pytestmark = pytest.mark.parametrize("regions", ["aws", "s3", "file"], indirect=True)


def test_round_trip(regions: list[str], make_file: MakeFile, tmp_path: Path) -> None:
    """What is staged comes back byte for byte, with its metadata, as latest and by version."""
    content = os.urandom(1000)
    session = Session(regions=regions)

    staging = session.stage(
        "SugarWater",
        Version(1, 0, 9000),
        path=make_file(content),
        metadata={"lang": "dotnet", "hash": "9876="},
        save_filename=True,
    )
    latest = session.get("SugarWater")
    exact = session.get("SugarWater", "1.0.9000")
    downloaded = latest.downloader.download(tmp_path / "new" / "download.tar.gz")
    restored = exact.downloader.download(tmp_path / "restored", load_filename=True)

    assert staging.created
    assert staging.is_latest
    assert latest == exact == staging.artifact
    assert dict(latest) == {"hash": "9876=", "lang": "dotnet"}
    assert latest.version == Version(1, 0, 9000)
    assert downloaded.read_bytes() == content
    assert restored == tmp_path / "restored" / "dist.tar.gz"
    assert restored.read_bytes() == content


@pytest.mark.sweep
@pytest.mark.parametrize("size", [8 * 1024 * 1024 - 1, 8 * 1024 * 1024, 12_000_000])
def test_multipart(regions: list[str], make_file: MakeFile, tmp_path: Path, size: int) -> None:
    """Artifacts that go in one request and in parts come back alike."""
    content = os.urandom(size)
    session = Session(regions=regions)

    session.stage("SugarWater", "1.0.0", make_file(content))
    path = session.get("SugarWater").downloader.download(tmp_path / "back")

    assert path.read_bytes() == content


def test_other_content_is_refused(regions: list[str], make_file: MakeFile) -> None:
    """Other bytes under a staged version are refused, and nothing changes."""
    session = Session(regions=regions)
    first = session.stage("SugarWater", "1.0.0", make_file(b"one")).artifact

    with pytest.raises(errors.AlreadyStagedError) as caught:
        session.stage("SugarWater", "1.0.0", make_file(b"two"))

    assert caught.value.exit_code == 4
    assert session.get("SugarWater", "1.0.0").sha256 == first.sha256
