"""How a command fails: with the exit code of the kind, and shown to people and to programs."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact import Session
from startifact.model.keys import Key
from startifact.regions.directory.region import DirectoryRegion
from startifact.regions.interface import StoredArtifact
from tests.support.command import Done
from tests.ways_in.cli.conftest import Run

MakeFile = Callable[..., Path]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--quiet"], "error: the following arguments are required: COMMAND\n"),
        (["stge"], "error: argument COMMAND: invalid choice: 'stge'"),
        (["stage", "SugarWater@1.0.0"], "error: the following arguments are required: PATH\n"),
        (["versions", "SugarWater", "--jso"], "error: unrecognized arguments: --jso\n"),
        (["versions", "SugarWater", "--deadline", "soon"], "expected a number of seconds"),
        (["versions", "SugarWater", "--deadline", "-1"], "expected a number of seconds"),
        (["stage", "SugarWater@1.0.0", "x", "--if-exists", "maybe"], "invalid choice: 'maybe'"),
        (["stage", "SugarWater", "x"], "error: 'SugarWater' names no version\n"),
        (["stage", "SugarWater@", "x"], "error: version '' is not a semantic version\n"),
        (["stage", "SugarWater@1.0", "x"], "error: version '1.0' is not a semantic version\n"),
        (["stage", "SugarWater@1.0.0@2", "x"], "error: version '1.0.0@2' is not a semantic"),
        (["stage", "../x@1.0.0", "x"], "error: project '../x' is not a legal name\n"),
        (["stage", "SugarWater@1.0.0", "missing"], "error: there is no file 'missing'\n"),
        (["stage", "SugarWater@1.0.0", __file__, "-m", "a"], "got 'a', expected KEY=VALUE"),
        (["stage", "SugarWater@1.0.0", __file__, "--required-regions", "4"], "number from 1 to 3"),
        (["versions", "SugarWater@1.0.0"], "error: project 'SugarWater@1.0.0' is not a legal"),
        (["info", "SugarWater@"], "error: version '' is not a semantic version\n"),
        (["info", "SugarWater", "--regions", ""], "it names no region"),
        (["info", "SugarWater", "--regions", "nowhere"], "region 'nowhere' is not a region"),
        (["info", "SugarWater", "--configuration-parameter", ""], "configuration parameter ''"),
    ],
)
def test_bad_input(run: Run, three: list[Path], words: list[str], said: str) -> None:
    """Bad input is reported with what was got and a hint, writes nothing, and exits with 2."""
    done = run(*words)

    assert done.code == 2
    assert said in done.err
    assert done.out == ""
    assert not three[0].parent.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["download", "SugarWater", "-/"],
        ["stage", "SugarWater@1.0.0", "-/", "--dry-run"],
        ["stage", "SugarWater@1.0.0", "x", "-/"],
    ],
)
def test_path_that_begins_with_a_dash(run: Run, words: list[str]) -> None:
    """A path that is taken for an option is answered with how to write it."""
    done = run(*words)

    assert done.code == 2
    assert "\nhint: A path that begins with a dash is written ./-/. startifact " in done.err


def test_version_is_missing(run: Run, three: list[Path]) -> None:
    """Staging without a version shows how it is written."""
    done = run("stage", "SugarWater", "dist.tar.gz")

    assert done.err == (
        "error: 'SugarWater' names no version\n"
        "hint: Write PROJECT@VERSION, for example SugarWater@1.0.9000\n"
    )


def test_metadata_problems_at_once(run: Run, three: list[Path], make_file: MakeFile) -> None:
    """Everything that is wrong with -m is reported together."""
    done = run("stage", "SugarWater@1.0.0", make_file(), "-m", "a", "-m", "b=1", "-m", "b=2")

    assert done.code == 2
    assert done.err.splitlines()[:3] == [
        "error: metadata is not valid:",
        "  got 'a', expected KEY=VALUE",
        "  key 'b' is there twice",
    ]


def test_no_configuration(run: Run, account: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an organisation configuration the hint names the command that writes one."""
    monkeypatch.setenv("STARTIFACT_PARAMETER", "/nothing-here")

    done = run("info", "SugarWater")

    assert done.code == 2
    assert "hint: Run startifact setup" in done.err


def test_not_found(run: Run, three: list[Path]) -> None:
    """What no region has exits with 3."""
    codes = [
        run("info", "SugarWater").code,
        run("info", "SugarWater@1.0.0").code,
        run("download", "SugarWater@1.0.0", "back").code,
        run("versions", "SugarWater").code,
    ]

    assert codes == [3, 3, 3, 3]


def test_other_content(run: Run, three: list[Path], make_file: MakeFile) -> None:
    """Other content under a staged version exits with 4 and shows both digests."""
    run("stage", "SugarWater@1.0.0", make_file(b"one"))

    done = run("stage", "SugarWater@1.0.0", make_file(b"two"))

    assert done.code == 4
    assert done.out == ""
    assert done.err.count("sha256:") == 4
    assert done.err.endswith(
        "hint: A staged version never changes: stage under a new version, or set --if-exists keep "
        "to use what is there\n"
    )


def test_other_content_in_json(run: Run, three: list[Path], make_file: MakeFile) -> None:
    """With --json other content is reported by region, and regions without any as well."""
    one = ",".join(f"file://{folder}" for folder in three[:1])
    run("stage", "SugarWater@1.0.0", make_file(b"one"), "--regions", one)

    done = run("stage", "SugarWater@1.0.0", make_file(b"two"), "--json")

    assert done.code == 4
    assert [x["outcome"] for x in done.json["locations"]] == ["different", "absent", "absent"]
    assert done.json["locations"][0]["error"].endswith("3 bytes; differs in the bytes")
    assert f"\n  file://{three[1]}: absent\n" in done.err


def test_too_few_regions(run: Run, three: list[Path], make_file: MakeFile) -> None:
    """Too few regions exit with 5, tell every region's outcome, and that it is safe to go on."""
    three[0].parent.mkdir()
    for folder in three[1:]:
        folder.write_text("not a directory")

    done = run("stage", "SugarWater@1.0.0", make_file(), "--json")

    assert done.code == 5
    assert done.json["error"]["exit-code"] == 5
    assert [x["outcome"] for x in done.json["locations"]] == ["created", "failed", "failed"]
    assert "Running the same staging again is safe" in done.json["error"]["hint"]
    assert f"\n  file://{three[1]} failed to " in done.err


def test_deadline(run: Run, three: list[Path], make_file: MakeFile) -> None:
    """A deadline that has passed exits with 5."""
    done = run("stage", "SugarWater@1.0.0", make_file(), "--deadline", "0.000001")

    assert done.code == 5
    assert done.err.startswith("error: the deadline of 1e-06 s has passed\n")


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_deadline_while_a_region_is_slow(
    run: Run,
    three: list[Path],
    make_file: MakeFile,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
) -> None:
    """What is shown of regions that have not answered is within the deadline as well."""
    run("stage", "SugarWater@1.0.0", make_file())
    describe, woken = DirectoryRegion.describe, threading.Event()

    def slow(self: DirectoryRegion, key: Key) -> StoredArtifact | None:
        if self.name.endswith("c"):
            woken.wait(30)
        return describe(self, key)

    monkeypatch.setattr(DirectoryRegion, "describe", slow)

    done = run("info", "SugarWater@1.0.0", "--deadline", "0.5", *options)
    woken.set()

    assert done.code == 5
    assert done.err.startswith("error: the deadline of 0.5 s has passed\n")


def test_no_credentials(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without credentials the exit code is 6."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    done = run("versions", "SugarWater", "--regions", "s3://some-bucket?region=us-east-1")

    assert done.code == 6
    assert "hint: " in done.err


def test_damaged_bytes(run: Run, three: list[Path], make_file: MakeFile, tmp_path: Path) -> None:
    """Bytes that are not those recorded exit with 7, and leave no file."""
    run("stage", "SugarWater@1.0.0", make_file(b"right"))
    for folder in three:
        (folder / "SugarWater@1.0.0" / "artifact").write_bytes(b"wrong")

    done = run("download", "SugarWater", tmp_path / "back")

    assert done.code == 7
    assert done.err.count("warning: ") == 3
    assert not (tmp_path / "back").exists()


def test_file_that_cannot_be_written(run: Run, three: list[Path], make_file: MakeFile) -> None:
    """A destination that cannot be written exits with 9."""
    file = make_file()
    run("stage", "SugarWater@1.0.0", file)

    done = run("download", "SugarWater", file / "below-a-file")

    assert done.code == 9
    assert done.err.startswith("error: cannot write ")


def test_errors_in_json(run: Run, three: list[Path]) -> None:
    """With --json an error is one object on standard output, and is shown to people as well."""
    done = run("info", "SugarWater@1.0.0", "--json")

    assert list(done.json) == ["error"]
    assert list(done.json["error"]) == ["message", "hint", "exit-code"]
    assert done.json["error"]["exit-code"] == 3
    assert done.err.startswith(f"error: {done.json['error']['message']}\n")


def test_usage_errors_in_json(run: Run) -> None:
    """A command line that is not understood is reported as JSON too where that was asked for."""
    done = run("stage", "--json")

    assert done.code == done.json["error"]["exit-code"] == 2
    assert done.json["error"]["hint"] == "startifact stage --help shows what can be written"


def _break(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise TypeError("surprise\n\x1b[31m")

    monkeypatch.setattr(Session, "list_versions", broken)


def test_bug(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody expected is one line that says it is a bug, and exits with 1."""
    _break(monkeypatch)

    done = run("versions", "SugarWater", "--json")

    assert done.code == done.json["error"]["exit-code"] == 1
    assert done.err == (
        "error: this is a bug in Startifact: TypeError: 'surprise\\n\\x1b[31m'\n"
        "hint: Run it again with --traceback, and report what that shows\n"
    )


def test_traceback(run: Run, monkeypatch: pytest.MonkeyPatch, three: list[Path]) -> None:
    """With --traceback an error shows where it arose, escaped like everything else."""
    expected = run("info", "SugarWater", "--traceback")
    _break(monkeypatch)

    bug = run("versions", "SugarWater", "--traceback")

    assert expected.err.startswith("Traceback (most recent call last):\n")
    assert "\nerror: " in expected.err
    assert bug.err.startswith("Traceback (most recent call last):\n")
    assert "\x1b" not in bug.err


UNSAFE = "\x1b[2Jx\rerror: y\nwarning: z\u202e\u2028"
ESCAPED = r"\x1b[2Jx\rerror: y\nwarning: z\u202e\u2028"


def _only_harmless(done: Done) -> bool:
    return all(c.isprintable() or c == "\n" for c in done.out + done.err)


def test_unsafe_metadata(run: Run, three: list[Path], make_file: MakeFile) -> None:
    """Metadata that would move the cursor or feign a line is escaped wherever it is shown."""
    run("stage", "SugarWater@1.0.0", make_file(), "-m", f"key\x1b={UNSAFE}")

    info = run("info", "SugarWater")
    as_json = run("info", "SugarWater", "--json")
    conflict = run("stage", "SugarWater@1.0.0", make_file(), "-m", f"key\x1b={UNSAFE}2")

    assert f"  key\\x1b  {ESCAPED}" in info.out.splitlines()
    assert as_json.json["metadata"] == {"key\x1b": UNSAFE}
    assert as_json.out.isascii()
    assert conflict.code == 4
    assert all(map(_only_harmless, (info, as_json, conflict)))


def test_unsafe_file_name(run: Run, three: list[Path], make_file: MakeFile, tmp_path: Path) -> None:
    """A saved name that somebody planted in the store is shown escaped, and never used."""
    run("stage", "SugarWater@1.0.0", make_file(), "--save-filename")
    for folder in three:
        record = folder / "SugarWater@1.0.0" / "metadata.json"
        record.write_text(record.read_text().replace("dist.tar.gz", r"../\u001b[31m\n\u202ex"))

    info = run("info", "SugarWater")
    done = run("download", "SugarWater", tmp_path / "back", "--load-filename")

    assert r"  file name  ../\x1b[31m\n\u202ex" in info.out.splitlines()
    assert done.code == 7
    assert not (tmp_path / "back").exists()
    assert all(map(_only_harmless, (info, done)))


def test_unsafe_arguments(run: Run, three: list[Path]) -> None:
    """What a template put on the command line is escaped in what is said about it."""
    done = [
        run("stage", f"{UNSAFE}@1.0.0", "x"),
        run("versions", "SugarWater", f"--{UNSAFE}"),
        run("info", "SugarWater", "--regions", f"file:{UNSAFE}"),
        run("download", "SugarWater@1.0.0", f"/tmp/{UNSAFE}"),
    ]

    assert [x.code for x in done] == [2, 2, 2, 3]
    assert all(map(_only_harmless, done))


def test_unsafe_error_text(run: Run, three: list[Path], make_file: MakeFile) -> None:
    """Lines of an error that come from a store are indented: none can pass for one of ours."""
    run("stage", "SugarWater@1.0.0", make_file())
    for folder in three:
        (folder / "SugarWater" / "latest").write_text('{"version": "1\\nerror: x"}')

    done = run("info", "SugarWater")

    assert done.code == 7
    assert [line[:6] for line in done.err.splitlines()].count("error:") == 1
    assert _only_harmless(done)


def test_console_script(start: Run, three: list[Path]) -> None:
    """The installed command is the same as python -m startifact."""
    script = (
        "import importlib.metadata as m, sys; "
        "(main,) = m.entry_points(group='console_scripts', name='startifact'); "
        "sys.exit(main.load()())"
    )

    done = start("info", "SugarWater@1.0.0", command=("-c", script))

    assert done.code == 3
    assert done.err.startswith("error: SugarWater@1.0.0 is not staged in ")
