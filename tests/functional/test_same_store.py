"""One place is one region, however it is spelled and wherever the process is by then."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact import errors
from tests.conftest import AwsAccount, percent
from tests.support.backends import Directory
from tests.support.limits import Session

MakeFile = Callable[..., Path]


@pytest.mark.parametrize("way", ["HTTP://127.0.0.1:{port}", "http://localhost:{port}"])
def test_endpoint_in_other_words(account: AwsAccount, way: str) -> None:
    """A bucket is refused twice, also when its endpoint is written in another way."""
    bucket, port = account.buckets["us-east-1"], account.endpoint.rpartition(":")[2]
    spec = f"s3://{bucket}?region=us-east-1&endpoint={percent(account.endpoint)}"
    other = f"s3://{bucket}?region=eu-west-1&endpoint={percent(way.format(port=port))}"

    with pytest.raises(errors.InputError, match=r"are one|endpoint"):
        Session(regions=[spec, other])


def test_bucket_of_an_organisation_in_other_words(account: AwsAccount, make_file: MakeFile) -> None:
    """A bucket that is configured and named as well is one store."""
    bucket, port = account.buckets["us-east-1"], account.endpoint.rpartition(":")[2]
    named = f"s3://{bucket}?region=us-east-1&endpoint={percent(f'http://localhost:{port}')}"

    with pytest.raises(errors.InputError, match="are one store"):
        Session(regions=["us-east-1", named]).stage("SugarWater", "1.0.0", make_file())

    assert account.keys("us-east-1") == []


def test_relative_directory(
    make_file: MakeFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative directory starts where the process was when the session was made."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    monkeypatch.chdir(tmp_path / "one")
    session = Session(regions=["file:./artifacts"])
    monkeypatch.chdir(tmp_path / "two")

    session.stage("SugarWater", "1.0.0", make_file())

    assert [p.name for p in (tmp_path / "one").iterdir()] == ["artifacts"]
    assert list((tmp_path / "two").iterdir()) == []


@pytest.mark.parametrize(
    "command",
    [
        lambda session: session.get("SugarWater", "1.0.0"),
        lambda session: session.versions("SugarWater"),
        lambda session: session.verify("SugarWater"),
        lambda session: session.repair("SugarWater"),
    ],
    ids=["get", "versions", "verify", "repair"],
)
def test_readers_refuse_shared_store(
    account: AwsAccount, make_file: MakeFile, command: Callable[[Session], object]
) -> None:
    """Reading and repairing report two regions that are one store, as staging does."""
    bucket = account.buckets["us-east-1"]
    Session(regions=["us-east-1"]).stage("SugarWater", "1.0.0", make_file())

    with pytest.raises(errors.InputError, match="are one store"):
        command(Session(regions=["us-east-1", f"s3://{bucket}/team"]))


@pytest.mark.parametrize("region", [Path("artifacts"), 1, None])
def test_region_that_is_no_text(region: object) -> None:
    """A region that is not text is refused as every other bad input is."""
    with pytest.raises(errors.InputError, match="is not text"):
        Session(regions=[region])  # type: ignore[list-item]


def test_name_that_no_file_system_takes(make_file: MakeFile, tmp_path: Path) -> None:
    """A project and a version that are too long together are bad input, not an outage."""
    session = Session(regions=[f"file:{tmp_path}/region"])

    with pytest.raises(errors.InputError, match="too long"):
        session.stage("p" * 128, f"1.0.0-{'x' * 122}", make_file())


def test_directory_with_a_line_break(make_file: MakeFile, tmp_path: Path) -> None:
    """What separates regions in a list is percent-encoded inside one."""
    specs = f"file:{tmp_path}/a%0Ab, file:{tmp_path}/c%2Cd"

    Session(regions=specs).stage("SugarWater", "1.0.0", make_file())

    assert (tmp_path / "a\nb" / "SugarWater@1.0.0" / "artifact").exists()
    assert (tmp_path / "c,d" / "SugarWater@1.0.0" / "artifact").exists()


def test_private_file_stays_private(make_file: MakeFile, tmp_path: Path) -> None:
    """A file that is replaced keeps its mode."""
    backend = Directory(f"file:{tmp_path}/region", tmp_path / "region")
    session = Session(regions=[backend.spec])
    session.stage("SugarWater", "1.0.0", make_file())
    path = tmp_path / "private"
    path.write_bytes(b"secret")
    path.chmod(0o600)

    session.get("SugarWater").downloader.download(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == make_file().read_bytes()
