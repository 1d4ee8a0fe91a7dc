"""Staging directories, patterns and pipes from a shell."""

import hashlib
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.functional.archives.conftest import build
from tests.support.command import Done
from tests.ways_in.cli.conftest import Run


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, which has a folder with three files in it."""
    monkeypatch.chdir(tmp_path)
    return build(
        tmp_path, {"dist/a.whl": "wheel", "dist/lib/b.whl": "wheels", "dist/c": "", "dist/.x": "h"}
    )


def piped(content: bytes, *words: str) -> Done:
    """Run a command that is given *content* as its standard input."""
    done = subprocess.run(
        [sys.executable, "-m", "startifact", *words],
        input=content,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def test_directory(run: Run, three: list[Path], dist: Path) -> None:
    """A directory is staged as an archive, whose digests info shows."""
    done = run("stage", "SugarWater@1.0.0", "dist", "--save-filename")
    info = run("info", "SugarWater")
    back = run("download", "SugarWater", "back/", "--load-filename")

    assert (done.code, done.out) == (0, "SugarWater@1.0.0\n")
    tree = run("info", "SugarWater", "--json").json["tree"]
    assert f"  tar.gz of 3 files, 11 bytes, tree {tree}\n" in done.err
    assert "dist/.x" not in done.err
    assert "archive    tar.gz" in " ".join(info.out.split("\n")) or "tar.gz" in info.out
    assert tree in info.out
    assert back.out == "back/dist.tar.gz\n"
    with tarfile.open("back/dist.tar.gz") as archive:
        assert archive.getnames() == ["a.whl", "c", "lib", "lib/b.whl"]


def test_what_a_shell_makes_of_a_pattern(run: Run, three: list[Path], dist: Path) -> None:
    """Several paths are what the shell has put in the place of a pattern, which may be quoted."""
    by_shell = run("stage", "S@1.0.0", "dist/a.whl", "dist/c", "dist/lib", "--json")
    quoted = run("stage", "S@2.0.0", "dist/*", "--json")
    hidden = run("stage", "S@3.0.0", "dist/*", "!dist/lib", "dist/.x", "--json", "--archive", "zip")

    assert by_shell.json["tree"] != ""
    assert (quoted.json["archive"], hidden.json["archive"]) == ("tar.gz", "zip")
    assert hidden.code == 0


def test_dry_run(run: Run, three: list[Path], dist: Path) -> None:
    """A dry run lists every member with its size, and the digests that would be stored."""
    (dist / "dist" / "a.whl").chmod(0o755)
    (dist / "dist" / "l").symlink_to("c")

    listed = run("stage", "SugarWater@1.0.0", "dist", "--dry-run", "--include-hidden")
    done = run("stage", "SugarWater@1.0.0", "dist", "--dry-run", "--include-hidden", "--json")
    real = run("stage", "SugarWater@1.0.0", "dist", "--include-hidden", "--json")

    for line in (
        "1 bytes             .x", "5 bytes, executable a.whl", "0 bytes             c",
        "directory           lib", "6 bytes             lib/b.whl", "link to c           l",
    ):  # fmt: skip
        assert " ".join(line.split()) in " ".join(listed.err.split())
    assert done.json["members"][:2] == [
        {"path": ".x", "type": "file", "mode": "0644", "size": 1, "target": None},
        {"path": "a.whl", "type": "file", "mode": "0755", "size": 5, "target": None},
    ]
    assert done.json["members"][3] == {
        "path": "l", "type": "link", "mode": "0755", "size": None, "target": "c",
    }  # fmt: skip
    assert f"tree {done.json['tree']}" in listed.err
    assert (done.json["sha256"], done.json["tree"]) == (real.json["sha256"], real.json["tree"])
    assert "members" not in real.json


@pytest.mark.parametrize(
    "words",
    [
        ("--archive", "zip", "SugarWater@1.0.0", "two", "!two/b.whl", "-m", "a=b"),
        ("SugarWater@1.0.0", "--archive=zip", "two", "!two/b.whl", "-m", "a=b"),
        ("SugarWater@1.0.0", "two", "--archive", "zip", "!two/b.whl", "-m", "a=b"),
        ("SugarWater@1.0.0", "two", "-m", "a=b", "--archive", "zip", "--", "!two/b.whl"),
    ],
)
def test_options_between_paths(
    words: tuple[str, ...], run: Run, three: list[Path], dist: Path
) -> None:
    """Options may stand anywhere, between paths too."""
    build(dist, {"two/a.whl": "a", "two/b.whl": "b"})

    done = run("stage", "--json", "--dry-run", *words)

    assert [member["path"] for member in done.json["members"]] == ["a.whl"]
    assert (done.json["archive"], done.json["metadata"]) == ("zip", {"a": "b"})


def test_hints_name_options_of_a_shell(run: Run, three: list[Path], dist: Path) -> None:
    """What to do next is in the words of a shell."""
    build(dist, {"only/.x": "h", "links/a": "", "links/l": "-> a"})

    hidden = run("stage", "SugarWater@1.0.0", "only")
    links = run("stage", "SugarWater@1.0.0", "links", "--archive", "zip")

    assert (hidden.code, links.code) == (2, 2)
    assert "To stage hidden files, set --include-hidden\n" in hidden.err
    assert "or set --archive tar.gz\n" in links.err


def test_all_that_is_refused(start: Run, three: list[Path], dist: Path) -> None:
    """Each of thousands that cannot be archived is named, to people and to programs."""
    names = [f"{n:04}" for n in range(3000)]
    build(dist, {"bad/a": "a", **{f"bad/{name}": f"-> /{name}" for name in names}})

    done = start("stage", "SugarWater@1.0.0", "bad")
    facts = start("stage", "SugarWater@1.0.0", "bad", "--json")

    whys = {f"{dist}/bad/{n}": f"is a link that leads out, to '/{n}'" for n in names}
    assert (done.code, facts.code) == (2, 2)
    assert done.err.splitlines() == [
        "error: 'bad' has 3,000 things that cannot be archived:",
        *(f"  '{path}' {why}" for path, why in whys.items()),
        "hint: Take them away with a path that begins with !",
    ]
    assert {m["path"]: m["reason"] for m in facts.json["refused-members"]} == whys
    assert facts.json["error"]["message"].count("\n") == 3000


def test_names_that_move_the_cursor(run: Run, three: list[Path], dist: Path) -> None:
    """The name of a member cannot write to a terminal what it likes."""
    build(dist, {"bad/\x1b[2Ja\nb": "1", "bad/c": "2"})
    (dist / "bad" / "l").symlink_to("\x1b[2J")

    done = run("stage", "SugarWater@1.0.0", "bad", "--dry-run")

    assert (done.code, "\x1b" in done.err) == (2, False)
    assert "bad/\\x1b[2Ja\\nb' has a control character in it" in done.err


# Standard input ----------------------------------------------------------------------------------


def test_pipe(three: list[Path], run: Run, dist: Path) -> None:
    """What is piped in is staged byte for byte, and no temporary file is left."""
    content = os.urandom(3_000_000)

    done = piped(content, "stage", "SugarWater@1.0.0", "-", "-m", "a=b", "--json")
    again = piped(content, "stage", "SugarWater@1.0.0", "-", "-m", "a=b")

    assert (done.code, again.code) == (0, 0)
    assert done.json["sha256"] == hashlib.sha256(content).hexdigest()
    assert (done.json["size"], done.json["archive"]) == (3_000_000, None)
    assert "is staged already" in again.err
    assert run("download", "SugarWater", "back").code == 0
    assert (dist / "back").read_bytes() == content


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-"], "standard input is empty"),
        (["-", "--save-filename"], "- is standard input, and --save-filename needs the name of a"),
        (["-", "--archive", "zip"], "- is standard input, and --archive needs files"),
        (["-", "dist"], "- is standard input, and other paths are named beside it"),
    ],
)
def test_pipes_that_are_refused(
    words: list[str], message: str, three: list[Path], dist: Path
) -> None:
    """What makes no sense with a pipe is refused, and so is an empty one."""
    done = piped(b"", "stage", "SugarWater@1.0.0", *words)

    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert not three[0].exists()


def test_terminal(three: list[Path], dist: Path) -> None:
    """A terminal is refused: nobody would know that it waits."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()

    done = subprocess.run(
        [sys.executable, "-m", "startifact", "stage", "SugarWater@1.0.0", "-"],
        stdin=theirs, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    os.close(ours)
    os.close(theirs)
    assert done.returncode == 2
    assert "standard input is a terminal" in done.stderr


def test_closed(three: list[Path], dist: Path) -> None:
    """Standard input that is closed is an error that says so."""
    done = subprocess.run(
        ["sh", "-c", f"exec '{sys.executable}' -m startifact stage SugarWater@1.0.0 - <&-"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert "standard input is closed" in done.stderr


def test_pipe_that_never_ends(three: list[Path], dist: Path) -> None:
    """A deadline ends it also where nothing comes."""
    reading, writing = os.pipe()

    done = subprocess.run(
        [sys.executable, "-m", "startifact", "stage", "S@1.0.0", "-", "--deadline", "0.3"],
        stdin=reading, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    os.close(writing)
    os.close(reading)
    assert done.returncode == 5


def test_file_of_that_name(run: Run, three: list[Path], dist: Path) -> None:
    """A file called - has a path with a folder before it."""
    build(dist, {"-": "dash"})

    assert run("stage", "SugarWater@1.0.0", "./-", "--json").json["size"] == 4
