"""Removing old versions from a shell: what is shown, done and left."""

from pathlib import Path

import pytest

from tests.ways_in.cli.conftest import Run, tree


@pytest.fixture(autouse=True)
def staged(run: Run, three: list[Path], tmp_path: Path) -> list[Path]:
    """Stage four versions, with a channel at the first one, and return the regions' folders."""
    path = tmp_path / "dist.tar.gz"
    path.write_bytes(b"sugar")
    for version in ("1.0.0", "1.1.0", "1.2.0", "1.3.0"):
        assert run("stage", f"SugarWater@{version}", path).code == 0
    assert run("promote", "SugarWater@1.0.0", "prod").code == 0
    return three


def test_plan(run: Run, staged: list[Path]) -> None:
    """Without --yes the plan is shown, and nothing is done."""
    before = [tree(folder) for folder in staged]

    done = run("prune", "SugarWater", "--keep-versions", "1")

    assert done.code == 0
    lines = done.out.splitlines()
    assert [line.rpartition(": not before ")[0] for line in lines] == [
        "marked: SugarWater@1.2.0",
        "marked: SugarWater@1.1.0",
    ]
    assert done.err.splitlines() == [
        "dry run, nothing is written: SugarWater: 2 would be marked",
        "  give --yes to do it",
        "kept",
        "  1.0.0  prod points at it",
    ]
    assert [tree(folder) for folder in staged] == before


def test_two_runs(run: Run) -> None:
    """What the first run marks, the second removes; whoever asks for it afterwards reads that."""
    words = ("prune", "SugarWater", "--keep-versions=1", "--grace=0s", "--yes")
    first, second = run(*words), run(*words)
    third = run(*words)

    assert [done.code for done in (first, second, third)] == [0, 0, 0]
    assert first.err.splitlines()[0] == "SugarWater: 2 marked"
    assert second.out == "removed: SugarWater@1.2.0\nremoved: SugarWater@1.1.0\n"
    assert second.err.splitlines()[0] == "SugarWater: 2 removed"
    assert (third.out, third.err.splitlines()[0]) == ("", "SugarWater: nothing is to be removed")
    gone = run("info", "SugarWater@1.1.0")
    assert gone.code == 3
    assert "SugarWater@1.1.0 in " in gone.err
    assert " was removed at " in gone.err
    refused = run("promote", "SugarWater@1.1.0", "prod")
    assert refused.code == 3


def test_json(run: Run) -> None:
    """A program reads what becomes of each version, and why others stay."""
    facts = run("prune", "SugarWater", "--keep-versions", "1", "--json").json

    assert (facts["dry-run"], facts["exit-code"], facts["failures"]) == (True, 0, [])
    assert facts["kept"] == [{"version": "1.0.0", "why": "prod points at it"}]
    newest, _ = facts["pruned"]
    assert (newest["version"], newest["outcome"], newest["size"]) == ("1.2.0", "marked", 5)
    assert newest["error"] is None
    assert newest["not-before"] > newest["staged-at"]


def test_region_that_is_down(run: Run, staged: list[Path]) -> None:
    """What is not complete is said, with exit code 5."""
    words = ("prune", "SugarWater", "--keep-versions=1", "--grace=0s", "--yes")
    run(*words)
    aside = staged[1].with_name("aside")
    staged[1].rename(aside)
    staged[1].write_text("in the way")

    done = run(*words)

    assert done.code == 5
    assert done.out == "incomplete: SugarWater@1.2.0\nincomplete: SugarWater@1.1.0\n"
    assert "2 versions of SugarWater could not be pruned completely" in done.err
    assert "not all regions answered" in done.err
    staged[1].unlink()
    aside.rename(staged[1])
    assert run(*words).code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "nothing says which versions are to be removed"),
        (("--keep-versions", "0"), "keep-versions is '0', expected a whole number from 1 on"),
        (("--keep-prereleases", "-1"), "expected a whole number from 0 on"),
        (("--older-than", "0s"), "nothing of it would stay"),
        (("--older-than", "old"), "'old' is not a length of time"),
        (("--keep-versions", "1", "--grace", "soon"), "'soon' is not a length of time"),
        (("--range", "prod"), "range 'prod' is a channel"),
    ],
    ids=str,
)
def test_bad_input(run: Run, words: tuple[str, ...], message: str) -> None:
    """What cannot be meant has exit code 2."""
    done = run("prune", "SugarWater", *words)

    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert "--channel" not in done.err
