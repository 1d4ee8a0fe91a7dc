"""The library as a guest in a program: what it imports, prints, exports and leaves behind."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import startifact
from startifact import Session
from tests.conftest import percent
from tests.faults.rules import Hole

MakeFile = Callable[..., Path]


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run *program* in a Python of its own."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_public_names() -> None:
    """The package exports what it documents, and nothing else."""
    assert sorted(startifact.__all__) == startifact.__all__
    for name in startifact.__all__:
        assert hasattr(startifact, name)
    for name in ("Artifact", "ConfigurationLoader", "Session", "Staging", "errors", "__version__"):
        assert name in startifact.__all__


def test_import_is_light() -> None:
    """Importing Startifact does not import boto3, which takes longer than a small staging."""
    done = run(
        "import sys, startifact\n"
        "print(sorted(m for m in ('boto3', 'botocore', 'urllib3', 'yaml') if m in sys.modules))"
    )

    assert done.stdout == "[]\n", done.stderr


def test_directories_need_no_boto3(make_file: MakeFile, tmp_path: Path) -> None:
    """Staging to directories and getting from them does not import boto3 either."""
    done = run(
        "import sys, startifact\n"
        "session = startifact.Session(regions=['file:' + sys.argv[1]])\n"
        "session.stage('SugarWater', '1.0.0', sys.argv[2])\n"
        "session.get('SugarWater').downloader.download(sys.argv[3])\n"
        "print('boto3' in sys.modules)\n",
        str(tmp_path / "region"),
        str(make_file()),
        str(tmp_path / "back"),
    )

    assert (done.stdout, done.stderr) == ("False\n", "")
    assert (tmp_path / "back").exists()


def test_nothing_is_printed(
    regions: list[str], make_file: MakeFile, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The library prints nothing, whatever it does."""
    session = Session(regions=regions)

    session.stage("SugarWater", "1.0.0", make_file(), metadata={"a": "b"})
    session.get("SugarWater").downloader.download(tmp_path / "back")
    session.versions("SugarWater")

    assert capfd.readouterr() == ("", "")


def test_one_logger(
    regions: list[str], make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """All that is logged at warning or above when all is well is: nothing."""
    with caplog.at_level(logging.WARNING):
        session = Session(regions=regions)
        session.stage("SugarWater", "1.0.0", make_file())
        session.get("SugarWater")

    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


def test_no_secret_is_logged(
    regions: list[str],
    make_file: MakeFile,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No credential is in what Startifact logs at any level."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-hunter2")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token-hunter2")

    with caplog.at_level(logging.DEBUG, "startifact"):
        session = Session(regions=regions)
        session.stage("SugarWater", "1.0.0", make_file())
        session.get("SugarWater").downloader.download(tmp_path / "back")

    ours = [r for r in caplog.records if r.name.startswith("startifact")]
    assert all("hunter2" not in r.getMessage() for r in ours)


def test_process_that_is_done_ends(tmp_path: Path, make_file: MakeFile) -> None:
    """A region that hangs does not keep a program from ending."""
    hole = Hole(accepts=True)
    done = run(
        "import sys, startifact\n"
        "a, b, path = sys.argv[1:]\n"
        "startifact.Session(regions=[a]).stage('SugarWater', '1.0.0', path)\n"
        "print(startifact.Session(regions=[a, b]).get('SugarWater', '1.0.0'))\n",
        f"file:{tmp_path}/a",
        f"s3://bucket?region=us-east-1&endpoint={percent(hole.endpoint)}",
        str(make_file()),
    )

    hole.close()
    assert (done.stdout, done.stderr) == ("SugarWater@1.0.0\n", "")


def test_work_that_is_killed_leaves_nothing_visible(tmp_path: Path, make_file: MakeFile) -> None:
    """A staging that is killed halfway has staged nothing, and may be run again."""
    path = make_file(os.urandom(20 * 1024 * 1024))
    program = (
        "import os, sys, startifact\n"
        "def kill(progress):\n"
        "    if progress.verb == 'stage' and progress.done > 9_000_000: os._exit(9)\n"
        "startifact.Session(regions=sys.argv[1], progress=kill)"
        ".stage('SugarWater', '1.0.0', sys.argv[2])\n"
    )
    region = f"file:{tmp_path}/region"

    killed = run(program, region, str(path))
    session = Session(regions=region)
    with pytest.raises(startifact.errors.NotFoundError):
        session.get("SugarWater", "1.0.0")
    staging = session.stage("SugarWater", "1.0.0", path)

    assert killed.returncode == 9
    assert staging.created
    assert session.versions("SugarWater") == [staging.artifact.version]
