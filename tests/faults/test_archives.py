"""Archives: stagers with different compressors that are killed or race, and signals meanwhile."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from startifact.cli import main
from startifact.model.keys import Key
from tests.faults import processes
from tests.support.backends import Directory

KEY = Key("SugarWater@1.0.0")
MIB = 1024 * 1024

# Another level of compression stands for another zlib.
PROGRAM = """
import sys
from startifact.files.archiving import archive
archive.COMPRESSION_LEVEL = int(sys.argv[1])
from startifact.cli import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with files, whose temporary folder is the test's own."""
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / "a").write_bytes(b"sugar and water\n" * 50_000)
    (folder / "b").write_bytes(bytes(range(256)) * 3000)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    return folder


@pytest.fixture
def backends(directories: list[str]) -> list[Directory]:
    return [Directory(spec, Path(spec.removeprefix("file://"))) for spec in directories]


def stager(level: int, dist: Path, regions: list[str]) -> "subprocess.Popen[str]":
    """Start a staging of *dist* by a compressor of its own."""
    words = ["stage", KEY, str(dist), "--regions", " ".join(regions)]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(level), *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def code_of(process: "subprocess.Popen[str]") -> int:
    try:
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    sys.stderr.write(err)
    return process.returncode


@pytest.mark.parametrize("region", [0, 1, 2])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.represented_by("False-0", "True-1", "False-2")
def test_killed_and_built_again(
    region: int, after: bool, dist: Path, tmp_path: Path, directories: list[str],
    backends: list[Directory],
) -> None:  # fmt: skip
    """Killed while regions are written, and run again by another compressor: one content."""
    fault = [region, "die", "create", {"after": after}]
    words = ("stage", KEY, dist, "--regions", " ".join(directories))
    killed = processes.run(*words, faults=[fault])
    left = [b.content(KEY) for b in backends if KEY in b.keys()]  # noqa: SIM118
    assert killed.returncode == -signal.SIGKILL
    assert len(list((tmp_path / "tmp").iterdir())) == 1

    again = code_of(stager(1, dist, directories))

    contents = {backend.content(KEY) for backend in backends}
    assert again == 0
    assert len(contents) == 1
    assert not left or contents == set(left)
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("round_", range(3))
@pytest.mark.represented_by("0")
def test_race_of_compressors(
    round_: int, dist: Path, directories: list[str], backends: list[Directory]
) -> None:
    """Of several at once all succeed, where two regions have the bytes of one of them."""
    running = [stager(level, dist, directories) for level in (1, 6)]

    codes = [code_of(process) for process in running]

    contents = [backend.content(KEY) for backend in backends]
    assert codes == [0, 0]
    assert max(map(contents.count, contents)) >= 2
    for level in (1, 6, 9):
        assert code_of(stager(level, dist, directories)) == 0
    assert [backend.content(KEY) for backend in backends] == contents


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_while_it_is_made(
    number: int, dist: Path, tmp_path: Path, directories: list[str]
) -> None:
    """A signal ends it in seconds, and leaves neither the archive nor anything in a region."""
    (dist / "large").write_bytes(os.urandom(64 * MIB))

    with processes.start("stage", KEY, dist, "--regions", " ".join(directories)) as process:
        give_up = time.monotonic() + 60
        while not list((tmp_path / "tmp").glob("*/artifact")):
            assert process.poll() is None
            assert time.monotonic() < give_up
            time.sleep(0.01)
        process.send_signal(number)
        started = time.monotonic()
        process.communicate(timeout=30)

    assert time.monotonic() - started < 10
    assert process.returncode == 128 + number
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not list(tmp_path.rglob(KEY))


def test_full_disk(dist: Path, tmp_path: Path, directories: list[str]) -> None:
    """Where the disk is full after all, the error says where room is needed, and for what."""
    (dist / "large").write_bytes(os.urandom(3 * MIB))
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000000, 1000000));"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "import sys; from startifact.cli import main; sys.exit(main(sys.argv[1:]))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script, "stage", KEY, dist, "--regions", directories[0]],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 9
    assert "/artifact': File too large" in done.stderr
    assert list((tmp_path / "tmp").iterdir()) == []


def test_on_aws(account: object, dist: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same on AWS: a rebuild writes nothing there, and everything brings it back."""
    from startifact.files.archiving import archive

    regions = "us-east-1 eu-west-1 ap-southeast-2"
    assert main(["stage", KEY, str(dist), "--regions", "eu-west-1"]) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive, "COMPRESSION_LEVEL", 1)
        assert main(["stage", KEY, str(dist), "--regions", regions]) == 0

    assert main(["verify", "SugarWater", "--regions", regions, "--read-data"]) == 0
    assert "nothing differs" in capsys.readouterr().err
