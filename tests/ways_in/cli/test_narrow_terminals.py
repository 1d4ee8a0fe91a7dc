"""Lists on a terminal: a table where it fits, and else a line for each fact."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ways_in.cli.conftest import Run
from tests.ways_in.cli.screen import on_a_terminal, visible

MakeFile = Callable[..., Path]

RUN = "https://github.example/octocat/SugarWater/actions/runs/42"


@pytest.fixture
def staged(
    run: Run, three: list[Path], make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stage two versions, move a channel and yank one of them, in a run of a workflow."""
    workflow = {"SERVER_URL": "https://github.example", "REPOSITORY": "octocat/SugarWater"}
    for name, value in {**workflow, "RUN_ID": "42", "ACTIONS": "true"}.items():
        monkeypatch.setenv(f"GITHUB_{name}", value)
    for version in ("1.0.0", "1.1.0"):
        run("stage", f"SugarWater@{version}", make_file(b"sugar"))
        run("promote", f"SugarWater@{version}", "prod")
    run("yank", "SugarWater@1.1.0", "--reason", "It loses orders")


def lines_of(columns: int, *words: str) -> list[str]:
    """Return the lines that a command shows on a terminal with so many *columns*."""
    code, drawn = on_a_terminal(words, columns=columns, stream="stdout")
    assert code == 0
    return drawn.splitlines()


@pytest.mark.usefixtures("staged")
def test_versions() -> None:
    """Where the columns do not fit, each fact of a version has a line, and all fit 80 columns."""
    narrow = lines_of(80, "versions", "SugarWater", "--long")
    wide = lines_of(200, "versions", "SugarWater", "--long")

    assert [line.split()[0] for line in wide] == ["VERSION", "1.1.0", "1.0.0"]
    assert [line for line in narrow if not line.startswith("  ")] == ["1.1.0", "1.0.0"]
    newer = narrow[: narrow.index("1.0.0")]
    assert [line[2:13].strip() for line in newer[1:]] == [
        *("size", "sha256", "staged at", "channels", "trouble")
    ]
    assert newer[1] == "  size       5 bytes"
    assert newer[-2:] == ["  channels   latest, prod", "  trouble    yanked: It loses orders"]
    assert max(map(len, narrow)) <= 80


@pytest.mark.usefixtures("staged")
def test_channels() -> None:
    """So do the facts of a channel and of its moves; the address of a run is in one line."""
    narrow = lines_of(80, "channels", "SugarWater")
    history = lines_of(80, "channels", "SugarWater", "--history")
    wide = lines_of(200, "channels", "SugarWater")

    assert [line.split()[0] for line in wide] == ["CHANNEL", "latest", "prod"]
    prod = narrow[narrow.index("prod") :]
    assert prod[:3] == ["prod", "  version   1.1.0", "  previous  1.0.0"]
    assert prod[-1] == f"  by        {RUN}"
    moves = history[history.index("prod") + 1 :]
    assert [line.split()[0] for line in moves] == ["1.1.0", RUN, "1.0.0", RUN]
    assert max(map(len, [*narrow, *history])) <= 80


@pytest.mark.usefixtures("staged")
def test_info() -> None:
    """What is too long for its line is in the next one, and only what is longer itself is cut."""
    narrow = lines_of(40, "info", "SugarWater@1.0.0")
    wide = lines_of(200, "info", "SugarWater@1.0.0")

    assert narrow[1:5] == ["  size", "    5 bytes", "  sha256", f"    {wide[2][14:]}"]
    names = [line for line in narrow[1:] if line.startswith("  ") and line[2] != " "]
    assert [name for name in names if len(name) > 40 and "file://" not in name] == []
    assert "  size        5 bytes" in wide


def test_staging(three: list[Path], make_file: MakeFile) -> None:
    """So are the addresses that a staging shows to people."""
    words = ("stage", "SugarWater@1.0.0", str(make_file(b"sugar")))

    code, drawn = on_a_terminal(words, columns=40)

    lines = visible(drawn)
    assert code == 0
    for region in three:
        (index,) = (i for i, line in enumerate(lines) if line.startswith(f"  file://{region}  "))
        assert lines[index].endswith(" s")
        assert lines[index + 1] == f"    file://{region}/SugarWater%401.0.0/artifact"


def test_error(three: list[Path], make_file: MakeFile) -> None:
    """An error is broken between words; its hint is in one piece, as a command may be in it."""
    file = str(make_file(b"sugar"))
    on_a_terminal(("stage", "SugarWater@1.0.0", file), columns=200)
    Path(file).write_bytes(b"water!")

    code, drawn = on_a_terminal(("stage", "SugarWater@1.0.0", file), columns=60)

    lines = visible(drawn)
    assert code == 4
    assert lines[:3] == [
        "error: SugarWater@1.0.0 is already staged with other",
        "  content:",
        "  this attempt:",
    ]
    assert all(len(line) <= 60 or " " not in line.strip() for line in lines[:-1])
    assert lines[-1].startswith("hint: A staged version never changes: ")
    assert len(lines[-1]) > 60
