"""What a shell shows of a diagnosis: a table, JSON, and how it ends."""

from pathlib import Path

import pytest

from tests.ways_in.cli.conftest import Run
from tests.ways_in.cli.screen import on_a_terminal


@pytest.fixture
def broken(three: list[Path]) -> Path:
    """Put a file where the second of three directories should be."""
    three[1].parent.mkdir(parents=True)
    three[1].write_text("in the way")
    return three[1]


def test_all_is_well(run: Run, three: list[Path]) -> None:
    """Programs read a line for each check, people that nothing is wrong."""
    done = run("doctor", "SugarWater", "--for", "stage")

    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == f"file://{three[0]}"
    assert lines[1].split()[:2] == ["ok", "directory"]
    assert done.err.splitlines() == ["12 checks in 3 regions for stage: nothing is wrong"]


def test_what_fails(run: Run, broken: Path) -> None:
    """The line says so, what to do stands below it, and the command ends with 8."""
    done = run("doctor", "--for", "stage")

    assert done.code == 8
    lines = done.out.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("  failed"))
    assert lines[at - 1] == f"file://{broken}"
    assert f"'{broken}' is no directory" in lines[at]
    assert lines[at + 1].strip().startswith("> Name another directory")
    assert "error: 1 thing is not as it should be" in done.err


def test_as_json(run: Run, broken: Path) -> None:
    """Programs get every check with its state, and the exit code."""
    done = run("doctor", "SugarWater", "--for", "stage", "--json")

    assert done.code == done.json["exit-code"] == 8
    assert (done.json["project"], done.json["for"]) == ("SugarWater", "stage")
    (failed,) = (check for check in done.json["checks"] if check["state"] == "failed")
    assert failed["region"] == f"file://{broken}"
    assert failed["check"] == "directory"
    assert failed["hint"].startswith("Name another directory")
    assert {check["state"] for check in done.json["checks"]} == {"ok", "failed", "not-tried"}


@pytest.mark.parametrize("columns", [80, 40])
def test_narrow_terminals(columns: int) -> None:
    """What was found wraps below itself, or has lines of its own, and only long words are cut."""
    code, drawn = on_a_terminal(
        ("doctor", "--for", "stage", "--regions", "file:./a,file:./b"),
        columns=columns,
        stream="stdout",
    )

    assert code == 0
    lines = drawn.splitlines()
    assert max(len(line) for line in lines if "/" not in line) <= columns
    assert "the same as that of file:./b: they fail together" in " ".join(drawn.split())
    assert any(line.startswith("  ok: ") for line in lines) == (columns == 40)


def test_total_on_a_narrow_terminal() -> None:
    """So does the total, and what a policy leaves to do."""
    doctor = on_a_terminal(("doctor", "--for", "stage", "--regions", "file:./a"), columns=30)
    policy = on_a_terminal(("policy", "info", "--project", "A"), columns=40)

    assert (doctor[0], policy[0]) == (0, 0)
    for columns, (_, drawn) in ((30, doctor), (40, policy)):
        assert all(len(line) <= columns for line in drawn.splitlines())
    assert "checks in 1 region for stage: nothing is wrong" in " ".join(doctor[1].split())
    assert "ACCOUNT_ID is a placeholder: give --account, or replace it" in (
        " ".join(policy[1].split())
    )


def test_read_only_options(run: Run, three: list[Path]) -> None:
    """It is about no version, and needs no project."""
    assert run("doctor").code == 0
    assert run("doctor", "SugarWater", "Other").code == 2
    assert run("doctor", "--for", "stagee").code == 2
