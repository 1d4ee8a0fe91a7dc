"""Moving channels and yanking versions from a shell: what is said, and to whom."""

from pathlib import Path

import pytest

from tests.ways_in.cli.conftest import Run, tree


@pytest.fixture(autouse=True)
def staged(run: Run, three: list[Path], tmp_path: Path) -> list[Path]:
    """Stage three versions, and return the regions' folders."""
    path = tmp_path / "dist.tar.gz"
    path.write_bytes(b"sugar")
    for version in ("1.0.0", "1.1.0", "2.0.0-rc.1"):
        assert run("stage", f"SugarWater@{version}", path).code == 0
    return three


def test_promote(run: Run) -> None:
    """Programs read the version, people what was moved from where."""
    first = run("promote", "SugarWater@1.0.0", "prod")
    second = run("promote", "SugarWater@^1", "prod")
    again = run("promote", "SugarWater@1.1.0", "prod")

    assert [done.code for done in (first, second, again)] == [0, 0, 0]
    assert (first.out, second.out) == ("SugarWater@1.0.0\n", "SugarWater@1.1.0\n")
    assert first.err.splitlines() == [
        "SugarWater/prod points at 1.0.0",
        "  it pointed at nothing before",
    ]
    assert second.err.splitlines() == [
        "SugarWater@^1 is 1.1.0",
        "SugarWater/prod points at 1.1.0",
        "  it pointed at 1.0.0 before",
    ]
    assert again.err == "SugarWater/prod points at 1.1.0 already\n"


def test_promote_as_json(run: Run) -> None:
    """A program gets what moved, from where, and which regions have it."""
    run("promote", "SugarWater@1.0.0", "prod")

    facts = run("promote", "SugarWater@1.1.0", "prod", "--json").json

    expected = {"channel": "prod", "version": "1.1.0", "previous": "1.0.0", "changed": True}
    assert expected.items() <= facts.items()
    assert len(facts["regions"]) >= 2


def test_expectation(run: Run) -> None:
    """What is not as expected moves nothing, and has an exit code of its own."""
    run("promote", "SugarWater@1.0.0", "prod")

    other = run("promote", "SugarWater@1.1.0", "prod", "--expect", "0.9.0")
    none = run("promote", "SugarWater@1.1.0", "prod", "--expect-none")
    done = run("promote", "SugarWater@1.1.0", "prod", "--expect", "1.0.0")

    assert other.code == none.code != 0
    assert (other.out, done.code) == ("", 0)
    assert "error: SugarWater/prod is not what was expected: it is 1.0.0" in other.err
    assert "startifact channels SugarWater" in other.err
    assert "nothing was changed" in none.err


def test_rollback(run: Run) -> None:
    """A channel goes back, to a named version too, and back to where it is means nothing to do."""
    for version in ("1.0.0", "1.1.0"):
        run("promote", f"SugarWater@{version}", "prod")

    back = run("rollback", "SugarWater", "prod")
    forth = run("rollback", "SugarWater", "prod", "--to", "1.1.0")
    again = run("rollback", "SugarWater", "prod", "--to", "1.1.0")

    assert (back.code, back.out) == (0, "SugarWater@1.0.0\n")
    assert back.err.splitlines()[0] == "SugarWater/prod points at 1.0.0"
    assert (forth.code, forth.out) == (0, "SugarWater@1.1.0\n")
    assert again.err == "SugarWater/prod points at 1.1.0 already\n"


def test_rollback_of_the_first(run: Run) -> None:
    """Where there is nothing to go back to, that is not found, and the hint can be followed."""
    run("promote", "SugarWater@1.0.0", "prod")

    done = run("rollback", "SugarWater", "prod")

    assert done.code == 3
    assert "has held nothing earlier" in done.err
    assert "hint: Promote the version that it shall point at" in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("promote", "SugarWater@9.9.9", "latest"), "latest is no channel that is set by hand"),
        (
            ("promote", "SugarWater@9.9.9", "prod", "--expect", "1.0.0", "--expect-none"),
            "contradict each other",
        ),
    ],
    ids=["latest", "both"],
)
def test_contradictions(run: Run, words: tuple[str, ...], message: str) -> None:
    """What cannot be meant is refused before anything is looked up."""
    done = run(*words)

    assert done.code == 2
    assert message in done.err


def test_dry_runs(run: Run, staged: list[Path]) -> None:
    """They say what would be, and write nothing."""
    run("promote", "SugarWater@1.0.0", "prod")
    run("promote", "SugarWater@1.1.0", "prod")
    before = [tree(folder) for folder in staged]
    commands = [
        (("promote", "SugarWater@1.0.0", "prod"), "SugarWater/prod would point at 1.0.0"),
        (("rollback", "SugarWater", "prod"), "SugarWater/prod would point at 1.0.0"),
        (("channels", "SugarWater", "--remove", "prod"), "SugarWater/prod would be removed"),
        (
            ("yank", "SugarWater@1.0.0", "--reason", "It loses orders"),
            "SugarWater@1.0.0 would be yanked: no range picks it",
        ),
    ]

    for words, said in commands:
        done = run(*words, "--dry-run")

        assert done.code == 0
        assert done.err.splitlines()[0] == f"dry run, nothing is written: {said}"

    assert [tree(folder) for folder in staged] == before
    assert run("info", "SugarWater@prod", "--json").json["version"] == "1.1.0"


def test_channels(run: Run) -> None:
    """Each channel is a line of aligned columns behind a head."""
    run("promote", "SugarWater@1.0.0", "prod")
    run("promote", "SugarWater@1.1.0", "prod")

    done = run("channels", "SugarWater")

    head, *lines = done.out.splitlines()
    assert (done.code, done.err) == (0, "")
    assert head.split() == ["CHANNEL", "VERSION", "PREVIOUS", "AGE", "SINCE", "BY"]
    assert [line.split()[:3] for line in lines] == [
        ["latest", "1.1.0", "1.0.0"],
        ["prod", "1.1.0", "1.0.0"],
    ]
    assert all(line.index("startifact/") == head.index("BY") for line in lines)


def test_history(run: Run) -> None:
    """With --history each channel is followed by its moves, newest first; JSON always has them."""
    for version in ("1.0.0", "1.1.0"):
        run("promote", f"SugarWater@{version}", "prod")
    run("rollback", "SugarWater", "prod")

    lines, facts = (
        run("channels", "SugarWater", "--history").out.splitlines(),
        run("channels", "SugarWater", "--json").json,
    )

    moves = lines[lines.index("prod") + 1 :]
    assert [line.split()[0] for line in moves] == ["1.0.0", "1.1.0", "1.0.0"]
    assert ["rollback" in line for line in moves] == [True, False, False]
    assert all(line.startswith("  ") for line in moves)
    (prod,) = [c for c in facts["channels"] if c["channel"] == "prod"]
    assert [move["version"] for move in prod["history"]] == ["1.0.0", "1.1.0", "1.0.0"]


def test_remove(run: Run) -> None:
    """A channel that was taken away is answered as none, stays in the overview, and comes back."""
    run("promote", "SugarWater@1.0.0", "prod")

    removed = run("channels", "SugarWater", "--remove", "prod")
    missing = run("info", "SugarWater@prod")
    listed = run("channels", "SugarWater")
    back = run("rollback", "SugarWater", "prod")

    assert (removed.code, removed.out) == (0, "")
    assert removed.err.splitlines() == [
        "SugarWater/prod was removed",
        "  it pointed at 1.0.0 before",
    ]
    assert missing.code != 0
    assert "SugarWater has no channel prod: it was removed at " in missing.err
    assert listed.out.splitlines()[-1].split()[:3] == ["prod", "-", "1.0.0"]
    assert (back.code, back.out) == (0, "SugarWater@1.0.0\n")


def test_yank(run: Run) -> None:
    """A yanked version is named with the channels that point at it, and why, until it is back."""
    run("promote", "SugarWater@1.1.0", "prod")

    done = run("yank", "SugarWater@1.1.0", "--reason", "It loses orders")
    again = run("yank", "SugarWater@1.1.0", "--reason", "It loses orders")
    info, long = run("info", "SugarWater@1.1.0"), run("versions", "SugarWater", "--long")
    picked = run("info", "SugarWater@^1", "--json").json
    refused = run("promote", "SugarWater@1.1.0", "staging")
    back = run("unyank", "SugarWater@1.1.0")

    assert (done.code, done.out) == (0, "SugarWater@1.1.0\n")
    assert done.err.splitlines() == [
        "SugarWater@1.1.0 is yanked: no range picks it",
        "  these channels point at it, and keep working: latest, prod",
    ]
    assert again.err.startswith("SugarWater@1.1.0 is already yanked: no range picks it\n")
    assert "It loses orders" in info.out + info.err
    assert "It loses orders" in long.out
    assert picked["version"] == "1.0.0"
    assert refused.code != 0
    assert "SugarWater@1.1.0 was yanked by 'startifact/" in refused.err
    assert "--allow-yanked" in refused.err
    assert back.err == "SugarWater@1.1.0 is in the choice of ranges\n"
    assert run("info", "SugarWater@^1", "--json").json["version"] == "1.1.0"


def test_reason_is_needed(run: Run) -> None:
    """Nobody yanks without a reason."""
    missing = run("yank", "SugarWater@1.1.0")
    blank = run("yank", "SugarWater@1.1.0", "--reason", "  ")

    assert (missing.code, blank.code) == (2, 2)
    assert "--reason" in missing.err
    assert "the reason '  ' is not a text of 1 to 500 characters" in blank.err


def test_region_that_is_behind(run: Run, staged: list[Path]) -> None:
    """A region that cannot be written to is named with why, and the channel has moved."""
    (staged[2] / "SugarWater").mkdir(exist_ok=True)
    blocked = staged[2] / "SugarWater" / "prod"
    blocked.mkdir(parents=True)

    done = run("promote", "SugarWater@1.0.0", "prod")

    assert (done.code, done.out) == (0, "SugarWater@1.0.0\n")
    assert "  these regions do not have it yet, and readers see it all the same" in done.err
    assert f"file://{staged[2]}  " in done.err
