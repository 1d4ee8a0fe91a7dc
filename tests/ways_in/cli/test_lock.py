"""Lock files from a shell: what is written, said and returned."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ways_in.cli.conftest import Run, tree

MakeFile = Callable[..., Path]

OLD, NEW = (hashlib.sha256(content).hexdigest() for content in (b"old", b"new"))


@pytest.fixture(autouse=True)
def staged(
    run: Run,
    three: list[Path],
    make_file: MakeFile,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Stage CLI@1.0.0 and SugarWater@1.0.0, which is prod, and go where files are written."""
    monkeypatch.chdir(tmp_path)
    assert three
    for project in ("CLI", "SugarWater"):
        assert run("stage", f"{project}@1.0.0", make_file(b"old")).code == 0
    assert run("promote", "SugarWater@1.0.0", "prod").code == 0


def test_round_trip(start: Run, make_file: MakeFile, tmp_path: Path) -> None:
    """Entries are added, bring the same bytes whatever is staged later, and are moved on."""
    locked = start("lock", "CLI@^1", "SugarWater@prod")
    start("stage", "CLI@1.1.0", make_file(b"new"))
    downloaded = start("download", "CLI@^1", "old.bin", "--lock-file", "startifact.lock")
    updated = start("lock", "--update", "CLI")
    again = start("lock", "--update")
    newest = start("download", "CLI@^1", "new.bin", "--lock-file", "startifact.lock")

    assert (locked.code, locked.out) == (0, "CLI@1.0.0\nSugarWater@1.0.0\n")
    assert locked.err == (
        "'startifact.lock':\n"
        f"  CLI@^1: 1.0.0, sha256:{OLD}, 3 bytes\n"
        f"  SugarWater@prod: 1.0.0, sha256:{OLD}, 3 bytes\n"
    )
    assert (downloaded.code, newest.code) == (0, 0)
    assert (tmp_path / "old.bin").read_bytes() == b"old"
    assert (tmp_path / "new.bin").read_bytes() == b"new"
    assert (updated.code, updated.out) == (0, "CLI@1.1.0\n")
    assert f"  CLI@^1: 1.0.0 -> 1.1.0, sha256:{NEW}, 3 bytes\n" in updated.err
    assert again.err == "'startifact.lock' is up to date: 2 entries\n"


def test_json(run: Run, make_file: MakeFile) -> None:
    """Programs get every entry, with what it was before."""
    run("lock", "CLI@^1", "--lock-file", "my.lock")
    run("stage", "CLI@1.1.0", make_file(b"new"))

    done = run("lock", "--update", "--lock-file", "my.lock", "--dry-run", "--json")

    assert done.json == {
        "lock-file": "my.lock",
        "dry-run": True,
        "entries": [
            {
                "project": "CLI",
                "selector": "^1",
                "version": "1.1.0",
                "sha256": NEW,
                "size": 3,
                "previous": "1.0.0",
                "changed": True,
            }
        ],
    }


def test_dry_run(run: Run, tmp_path: Path) -> None:
    """A dry run says what would be written, and writes nothing."""
    before = tree(tmp_path)

    done = run("lock", "CLI@^1", "--dry-run")

    assert done.code == 0
    assert done.err.startswith("dry run, nothing is written: 'startifact.lock'\n  CLI@^1: 1.0.0")
    assert tree(tmp_path) == before


def test_check(run: Run, three: list[Path]) -> None:
    """What cannot be had any more is exit code 8, and is named line by line."""
    run("lock", "CLI@^1", "SugarWater@prod")

    good = run("lock", "--check")
    for folder in three:
        (folder / "CLI@1.0.0").rename(folder / "moved away")
    bad, data = run("lock", "--check"), run("lock", "--check", "--json")
    other = run("lock", "--check", "SugarWater")

    assert (good.code, good.out) == (0, "")
    assert good.err == "'startifact.lock': 2 entries checked, all can be had\n"
    assert (bad.code, data.code, other.code) == (8, 8, 0)
    assert bad.out.startswith("CLI@^1: CLI@1.0.0 is not staged in ")
    assert bad.out.count("\n") == 1
    assert "error: 1 thing is not as it should be\nhint: A staged version never" in bad.err
    assert [(d["selector"], d["error"]["exit-code"]) for d in data.json["differences"]] == [
        ("^1", 3)
    ]
    assert data.json["failures"] == []


def test_regions_that_do_not_answer(run: Run, three: list[Path]) -> None:
    """What is not known is exit code 5, and no difference."""
    run("lock", "CLI@^1")
    for folder in three:
        folder.rename(folder.with_suffix(".away"))
        folder.write_text("no folder")

    done = run("lock", "--check")

    assert (done.code, done.out) == (5, "")
    assert done.err.startswith(
        "'startifact.lock': 1 entry checked, 1 is not known\nerror: CLI@^1: "
    )


def test_other_bytes(run: Run, tmp_path: Path) -> None:
    """A download of other bytes than a digest or a lock file says is exit code 7, and none."""
    run("lock", "CLI@^1")
    lock = tmp_path / "startifact.lock"
    lock.write_text(lock.read_text().replace(OLD, NEW))
    before = tree(tmp_path)

    by_lock = run("download", "CLI@^1", "x", "--lock-file", "startifact.lock")
    by_digest = run("download", "CLI", "folder/x", "--sha256", f"sha256:{NEW}")
    to_output = run("download", "CLI", "-", "--sha256", NEW)
    right = run("download", "CLI", "-", "--sha256", OLD.upper())

    assert (by_lock.code, by_digest.code, to_output.code, right.code) == (7, 7, 7, 0)
    assert f"CLI@1.0.0: got sha256:{OLD}, expected sha256:{NEW}" in by_digest.err
    assert "as CLI@^1 is locked in 'startifact.lock'" in by_lock.err
    assert (to_output.out, right.out) == ("", "old")
    assert tree(tmp_path) == before


def test_no_entry(run: Run, tmp_path: Path) -> None:
    """What is not locked is exit code 2 with the command that locks it, ready for a shell."""
    run("lock", "CLI@^1")

    done = run("download", "SugarWater@>=1 <2", "x", "--lock-file", "startifact.lock")

    assert done.code == 2
    assert "no entry for 'SugarWater@>=1 <2': it has 'CLI'" in done.err
    assert "hint: startifact lock 'SugarWater@>=1 <2' adds it" in done.err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ([], "nothing is named to lock"),
        (["--update", "--check"], "only one can be done"),
        (["--update", "CLI@^1"], "'CLI@^1' has a selector, and update takes the names"),
        (["--check", "CLI@^1"], "'CLI@^1' has a selector, and check takes the names"),
        (["--check", "--min-age", "7d"], "for which no version is chosen"),
        (["CLI", "--min-age", "7d"], "which leaves no choice"),
        (["CLI@"], "version is empty|selector|version ''"),
        (["CLI@^1", "../x@1.0.0"], "project '../x' is not a legal name"),
        (["--update", "Tea"], "no entry of 'Tea': it has 'CLI'"),
    ],
)
def test_refused(run: Run, tmp_path: Path, words: list[str], what: str) -> None:
    """What makes no sense is refused with what to write, before anything is asked."""
    run("lock", "CLI@^1")
    before = (tmp_path / "startifact.lock").read_bytes()

    done = run("lock", *words)

    assert done.code == 2
    assert any(text in done.err for text in what.split("|"))
    assert "\nhint: " in done.err
    assert (tmp_path / "startifact.lock").read_bytes() == before


def test_minimum_age(run: Run, tmp_path: Path) -> None:
    """What a range picks has to be as old as that; nothing is written where none is."""
    young, old_enough = (run("lock", "CLI@^1", "--min-age", age) for age in ("1h", "0s"))

    assert (young.code, old_enough.code) == (3, 0)
    assert "'startifact.lock' was not changed" in young.err
    assert old_enough.out == "CLI@1.0.0\n"


def test_help(run: Run) -> None:
    """The usage has any number of targets."""
    done = run("lock", "--help")

    assert done.out.startswith("usage: startifact lock [OPTIONS] [PROJECT[@SELECTOR]]...\n")
    assert "--update" in done.out
    assert "--required-regions" not in done.out


def test_edited_size(run: Run, tmp_path: Path) -> None:
    """A size that somebody has edited is not called a version that was replaced, by a check too."""
    run("lock", "CLI@^1", "SugarWater@prod")
    lock = tmp_path / "startifact.lock"
    lock.write_text(lock.read_text().replace("size = 3", "size = 4"))

    edited = run("lock", "--check")
    lock.write_text(lock.read_text().replace(OLD, NEW).replace("size = 4", "size = 3"))
    replaced = run("lock", "--check")

    assert (edited.code, replaced.code) == (8, 8)
    assert "so somebody has edited it: take the file back from version control" in edited.err
    assert "find out who has replaced" not in edited.err
    assert "find out who has replaced" in replaced.err
    assert "version control" not in replaced.err


def test_yanked(run: Run) -> None:
    """What was yanked can be had: a check warns of it, and succeeds."""
    run("yank", "CLI@1.0.0", "--reason", "It loses orders")

    locked = run("lock", "CLI@1.0.0", "SugarWater@prod")
    checked = run("lock", "--check")

    assert (locked.code, checked.code) == (0, 0)
    for done in (locked, checked):
        assert done.err.count("warning: CLI@1.0.0 was yanked: 'It loses orders'\n") == 1
    assert "all can be had" in checked.err
