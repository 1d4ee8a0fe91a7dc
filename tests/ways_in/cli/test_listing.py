"""Listing projects and versions from a shell."""

import json
from pathlib import Path

import pytest

from tests.ways_in.cli.conftest import Run


@pytest.fixture
def staged(run: Run, three: list[Path], tmp_path: Path) -> list[Path]:
    """Stage three versions of one project, and one of another; return the regions' folders."""
    path = tmp_path / "dist.tar.gz"
    path.write_bytes(b"sugar")
    for target, language in (
        ("SugarWater@1.9.0", "go"),
        ("SugarWater@1.10.0", "dotnet"),
        ("SugarWater@2.0.0-rc.1", "go"),
        ("Salt@1.0.0", "go"),
    ):
        done = run("stage", target, path, "-m", f"lang={language}", "-m", f"of={target[:4]}")
        assert done.code == 0
    return three


def test_projects(run: Run, staged: list[Path]) -> None:
    """Projects are printed by name, and as JSON they are a list."""
    lines, facts = run("projects"), run("projects", "--json")

    assert (lines.code, lines.out, lines.err) == (0, "Salt\nSugarWater\n", "")
    assert facts.json == {"projects": ["Salt", "SugarWater"]}


def test_projects_of_nothing(run: Run, three: list[Path]) -> None:
    """Where nothing is staged, that is not found."""
    done = run("projects")

    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("error: nothing is staged in ")


@pytest.mark.parametrize(
    ("words", "versions"),
    [
        (["--range", "^1"], ["1.10.0", "1.9.0"]),
        (["--limit", "2"], ["2.0.0-rc.1", "1.10.0"]),
        (["--where", "lang=go"], ["2.0.0-rc.1", "1.9.0"]),
        (["--where", "lang=go", "--where", "of=Suga", "--limit=1"], ["2.0.0-rc.1"]),
        (["--since", "1h"], ["2.0.0-rc.1", "1.10.0", "1.9.0"]),
        (["--channel", "prod"], ["1.10.0", "1.9.0"]),
        (["--channel=prod", "--range=<1.10"], ["1.9.0"]),
    ],
)
def test_which_versions(
    run: Run, staged: list[Path], words: list[str], versions: list[str]
) -> None:
    """Each option leaves out what it does not ask for, in lines and as JSON."""
    for version in ("1.9.0", "1.10.0"):
        assert run("promote", f"SugarWater@{version}", "prod").code == 0

    lines, facts = (
        run("versions", "SugarWater", *words),
        run(*words, "versions", "SugarWater", "--json"),
    )

    assert (lines.code, lines.out.split(), lines.err) == (0, versions, "")
    assert facts.json == {"project": "SugarWater", "versions": versions}


def test_long(run: Run, staged: list[Path]) -> None:
    """With --long there is a line of aligned columns for each version, behind a head."""
    run("promote", "SugarWater@1.9.0", "prod")

    done = run("versions", "SugarWater", "--long")

    head, *lines = done.out.splitlines()
    assert head.split() == ["VERSION", "SIZE", "STAGED", "DIGEST", "CHANNELS", "TROUBLE"]
    assert [line.split()[0] for line in lines] == ["2.0.0-rc.1", "1.10.0", "1.9.0"]
    assert all(line.split()[1] == "5" for line in lines)
    assert all(line.index("sha256:") == head.index("DIGEST") for line in lines)
    assert [line.split()[4:] for line in lines] == [["-", "-"], ["latest", "-"], ["prod", "-"]]


def test_long_with_trouble(run: Run, staged: list[Path]) -> None:
    """What was yanked and what was removed stand below one head."""
    run("yank", "SugarWater@1.9.0", "--reason", "It loses orders")
    for _ in range(2):
        run("prune", "SugarWater", "--keep-prereleases", "0", "--grace", "0s", "--yes")

    done = run("versions", "SugarWater", "--long")

    removed, _, yanked = done.out.splitlines()[1:]
    assert "was removed" in removed
    assert yanked.endswith("  -             yanked: It loses orders")


def test_long_as_json(run: Run, staged: list[Path]) -> None:
    """The same is beside the versions as JSON."""
    facts = run("versions", "SugarWater", "--long", "--limit", "2", "--json").json

    assert facts["versions"] == ["2.0.0-rc.1", "1.10.0"]
    newest, second = facts["details"]
    assert (newest["channels"], second["channels"]) == ([], ["latest"])
    assert (newest["size"], newest["yanked"], newest["trouble"]) == (5, None, None)
    assert newest["digest"].startswith("sha256:")


def test_remote_text_is_escaped(run: Run, staged: list[Path]) -> None:
    """What was recorded elsewhere cannot move the cursor or begin a line of its own."""
    for folder in staged:
        path = folder / "SugarWater@1.9.0" / "metadata.json"
        stored = json.loads(path.read_text())
        path.write_text(json.dumps(stored | {"startifact:staged-at": "\x1b[2J\nx"}))

    done = run("versions", "SugarWater", "--long", "--range", "1.9.x")

    assert len(done.out.splitlines()) == 2
    assert "\x1b" not in done.out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--where", "lang"], 2, "where is not valid: got 'lang', expected KEY=VALUE"),
        (["--range", ""], 2, "range '' is not valid: it is empty"),
        (["--range", "1.10"], 2, "'1.10'"),
        (["--range", "^7"], 3, "; the nearest: 1.10.0, 2.0.0-rc.1"),
        (["--range", ">2 <1"], 3, "; the nearest: "),
        (["--where", "lang=c"], 3, "no version of SugarWater is as asked for: 'lang=c'"),
        (["--channel", "test"], 3, "SugarWater has no channel test"),
        (["--limit", "0"], 2, "expected a whole number from 1 on"),
        (["--limit", "many"], 2, "expected a whole number from 1 on"),
        (["--since", "soon"], 2, "since 'soon' is not a time"),
    ],
)
def test_bad_input(run: Run, staged: list[Path], words: list[str], code: int, message: str) -> None:
    """What is not valid, or asks for nothing that there is, says so and prints no version."""
    done = run("versions", "SugarWater", *words)

    assert (done.code, done.out) == (code, "")
    assert message in done.err


def test_pipe_that_ends(start: Run, staged: list[Path]) -> None:
    """A reader that takes one line and goes is no error."""
    done = start(
        "-c",
        "import subprocess, sys\n"
        "p = subprocess.Popen([sys.executable, '-m', 'startifact', 'versions', 'SugarWater', "
        "'--long'], stdout=subprocess.PIPE)\n"
        "p.stdout.readline(); p.stdout.close(); sys.exit(p.wait())",
        command=(),
    )

    assert (done.code, done.err) == (0, "")
