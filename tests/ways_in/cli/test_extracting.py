"""``download --extract``: what a shell writes, and what people and programs read."""

import hashlib
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.archives import tar_file, tar_of, zip_of
from tests.ways_in.cli.conftest import Run, tree

MakeFile = Callable[..., Path]

KEY = "SugarWater@1.0.0"
FOLDERS = [tar_file(name, b"", type=tarfile.DIRTYPE) for name in ("./", "./bin/")]
FILES = [tar_file("./bin/tool", b"run", mode=0o755), tar_file("./a.txt")]
ARCHIVE = tar_of(*FILES, *FOLDERS, mode="w:gz")
DIGEST = hashlib.sha256(ARCHIVE).hexdigest()


@pytest.fixture
def staged(
    run: Run,
    three: list[Path],
    make_file: MakeFile,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Stage an archive, and work in an empty folder."""
    assert run("stage", KEY, make_file(ARCHIVE), "--save-filename").code == 0
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def test_extract(run: Run, staged: Path) -> None:
    """Programs read the directory; people read what is there."""
    done = run("download", "SugarWater", "out/new/", "--extract")

    assert (done.code, done.out) == (0, "out/new\n")
    assert f"{KEY} is extracted into 'out/new': {len(ARCHIVE)} bytes, sha256:" in done.err
    assert "3 members, of which 2 files with 8 bytes" in done.err
    assert tree(staged) == ["out", "out/new", "out/new/a.txt", "out/new/bin", "out/new/bin/tool"]


def test_json(run: Run, staged: Path) -> None:
    """JSON has how much it was."""
    done = run("download", "SugarWater", "out", "--extract", "--json")

    assert done.json["path"] == "out"
    assert done.json["extracted"] == {"members": 3, "files": 2, "size": 8}
    assert done.json["size"] == len(ARCHIVE)


@pytest.mark.parametrize("option", ["--extract", "--load-filename"])
def test_empty_path(option: str, run: Run, staged: Path) -> None:
    """A path of a variable that was not set is not the working directory."""
    refused = run("download", "SugarWater", "", option)

    assert (refused.code, refused.out, tree(staged)) == (2, "", [])
    assert "error: a path is empty\nhint: Name a file or a directory, such as .\n" in refused.err


def test_overwrite(run: Run, staged: Path) -> None:
    """What is there already is named, with the option that replaces it."""
    (staged / "a.txt").write_text("old")

    refused = run("download", "SugarWater", ".", "--extract")
    assert (refused.code, refused.out) == (2, "")
    assert "'a.txt' is there already" in refused.err
    assert "or set --overwrite to replace files" in refused.err
    assert tree(staged) == ["a.txt"]

    done = run("download", "SugarWater", ".", "--extract", "--overwrite")
    assert (done.code, done.out) == (0, ".\n")
    assert (staged / "a.txt").read_text() == "sugar"


def test_all_that_is_refused(
    start: Run, run: Run, three: list[Path], make_file: MakeFile, tmp_path: Path
) -> None:
    """Each of thousands that are not extracted is named, to people and to programs."""
    names = [f"../{n:04}" for n in range(3000)]
    archive = tar_of(*(tar_file(name) for name in names))
    assert run("stage", "Bad@1.0.0", make_file(archive)).code == 0

    done = start("download", "Bad", "out", "--extract")
    facts = start("download", "Bad", "out", "--extract", "--json")

    assert (done.code, facts.code) == (7, 7)
    assert [line.split("'")[1] for line in done.err.splitlines() if line[0] == " "] == names
    assert [member["path"] for member in facts.json["refused-members"]] == names
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("--max-members", "2"), "--max-members"),
        (("--max-extracted-size", "7B"), "--max-extracted-size"),
    ],
)
def test_bounds(words: tuple[str, str], option: str, run: Run, staged: Path) -> None:
    """A bound that is exceeded is named as a shell writes it."""
    done = run("download", "SugarWater", "out", "--extract", *words)

    assert done.code == 2
    assert f"hint: Where you trust it, allow more with {option}" in done.err
    assert tree(staged) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--overwrite",), "--overwrite is given, but --extract is not"),
        (("--max-ratio", "5"), "--max-ratio is given, but --extract is not"),
        (("--extract", "--load-filename"), "no use for the saved file name"),
        (("--extract", "--max-members", "0"), "expected a whole number from 1 on"),
        (("--extract", "--max-extracted-size", "much"), "'much' is not a size"),
    ],
)
def test_bad_options(words: tuple[str, ...], said: str, run: Run, staged: Path) -> None:
    """What means nothing, or contradicts itself, is refused."""
    done = run("download", "SugarWater", "out", *words)

    assert done.code == 2
    assert said in done.err
    assert tree(staged) == []


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (tar_of(tar_file("../x")), 7, "'../x' has .. in it"),
        (zip_of(("/x", b"")), 7, "'/x' is absolute"),
        (tar_of(tar_file("x"))[:600], 7, "is a damaged tar: it ends too early"),
        (b"sugar", 2, "it is neither a tar nor a zip"),
    ],
)
def test_refused(
    content: bytes, code: int, said: str, run: Run, staged: Path, make_file: MakeFile
) -> None:
    """What is not safe is integrity, what is no archive bad input; nothing is written."""
    assert run("stage", "SugarWater@1.1.0", make_file(content)).code == 0

    done = run("download", "SugarWater", "out", "--extract")

    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert tree(staged) == []


@pytest.fixture
def locked(run: Run, staged: Path) -> Path:
    """Lock the archive, and return the lock file."""
    lock = staged.parent / "startifact.lock"
    assert run("lock", "SugarWater@^1", "--lock-file", lock).code == 0
    return lock


def test_lock_file(run: Run, locked: Path, staged: Path, make_file: MakeFile) -> None:
    """What is extracted is what is locked, whatever was staged since."""
    run("stage", "SugarWater@1.1.0", make_file(tar_of(tar_file("newer"))))

    done = run("download", "SugarWater@^1", "out", "--extract", "--lock-file", locked)

    assert (done.code, done.out) == (0, "out\n")
    assert tree(staged / "out") == ["a.txt", "bin", "bin/tool"]


def test_digest(run: Run, staged: Path) -> None:
    """With the digest of the archive it is extracted."""
    done = run("download", "SugarWater", "out", "--extract", "--sha256", DIGEST)

    assert (done.code, done.out) == (0, "out\n")
    assert tree(staged / "out") == ["a.txt", "bin", "bin/tool"]


@pytest.mark.parametrize("out", ["out", "new/er"])
def test_other_digest(run: Run, locked: Path, staged: Path, out: str) -> None:
    """Where another one is given or locked it is exit code 7, and nothing is written."""
    other = "0" * 64
    locked.write_text(locked.read_text().replace(DIGEST, other))
    (staged / "out").mkdir()
    before = tree(staged)

    given = run("download", "SugarWater", out, "--extract", "--sha256", other)
    by_file = run("download", "SugarWater@^1", out, "--extract", "--lock-file", locked)

    assert [(done.code, done.out) for done in (given, by_file)] == [(7, "")] * 2
    assert f"{KEY}: got sha256:{DIGEST}, expected sha256:{other}" in given.err
    assert "as SugarWater@^1 is locked in" in by_file.err
    assert tree(staged) == before


def test_no_entry(run: Run, locked: Path, staged: Path) -> None:
    """What the lock file has no entry for is not extracted."""
    done = run("download", "SugarWater@^2", "out", "--extract", "--lock-file", locked)

    assert done.code == 2
    assert "has no entry for 'SugarWater@^2'" in done.err
    assert tree(staged) == []
