"""`startifact verify` and `startifact repair` from a shell."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact.errors import DeadlineError
from startifact.repair.latest import LatestRepairer
from tests.conftest import percent
from tests.faults.rules import Hole
from tests.functional.repair.project_fixture import OTHER, ProjectFixture, sha256
from tests.support.command import Done, run_inside
from tests.support.wire import Answer, Forward, Request, error

Run = Callable[..., Done]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command inside this process."""

    def run(fixture: ProjectFixture, command: str, *words: object, version: str = "") -> Done:
        regions = f"--regions={','.join(fixture.regions)}"
        return run_inside(capsys, (command, fixture.project + version, regions, *words))

    return run


def test_nothing_differs(run: Run, fixture: ProjectFixture) -> None:
    """Where nothing differs, verify says so to people, prints nothing and succeeds."""
    fixture.stage()
    fixture.stage("2.0.0", OTHER)

    done = run(fixture, "verify", "--read-data")

    assert (done.code, done.out) == (0, "")
    assert (
        done.err == f"{fixture.project}: 2 versions in 3 of 3 regions compared, nothing differs\n"
    )


def test_differences(run: Run, fixture: ProjectFixture) -> None:
    """Every difference is a line on standard output, and the exit code is 8."""
    fixture.stage()
    fixture.b.remove(fixture.key)
    fixture.forge(fixture.c, fixture.key)

    done = run(fixture, "verify", version="@1.0.0")

    first, second, third = done.out.splitlines()
    assert done.code == 8
    assert first.startswith(f"different: {fixture.key}: {fixture.a.spec}: it has 16 bytes with ")
    assert second == f"missing: {fixture.key}: {fixture.b.spec}: it is not there"
    assert third.startswith(f"different: {fixture.key}: {fixture.c.spec}: ")
    assert "1 version in 3 of 3 regions compared, they differ\n" in done.err
    assert "error: 3 things are not as they should be\n" in done.err
    assert f"hint: startifact repair {fixture.key} fixes what can be fixed\n" in done.err


def test_one_line_for_each_difference(run: Run, file_project: ProjectFixture) -> None:
    """A difference that takes several lines to explain is one line all the same."""
    fixture = file_project
    fixture.stage()
    fixture.rewrite(fixture.b, fixture.key, sha256="\n::error::x", size="many")

    done = run(fixture, "verify", version="@1.0.0")

    [line] = done.out.splitlines()
    assert done.code == 8
    assert "startifact:sha256: got '\\n::error::x', expected 64 hexadecimal digits" in line
    assert "startifact:size: got 'many'" in line
    assert line.startswith(f"damaged: {fixture.key}: {fixture.b.spec}: ")


def test_read_data(run: Run, file_project: ProjectFixture) -> None:
    """Bytes are compared when that is asked for."""
    fixture = file_project
    fixture.stage()
    fixture.rewrite(fixture.b, fixture.key, OTHER)

    unread = run(fixture, "verify")
    read = run(fixture, "verify", "--read-data")

    assert unread.code == 0
    assert read.code == 8
    assert read.out.startswith(
        f"damaged: {fixture.key}: {fixture.b.spec}: {fixture.key} in {fixture.b.spec} has "
    )


def test_json_of_verify(run: Run, file_project: ProjectFixture) -> None:
    """With --json there is one object, with everything that differs and that failed."""
    fixture = file_project
    fixture.stage()
    fixture.b.remove(fixture.key)
    fixture.c.fail_region()

    done = run(fixture, "verify", "--json")

    assert list(done.json) == ["project", "versions", "differences", "failures", "exit-code"]
    assert done.code == done.json["exit-code"] == 8
    assert done.json["versions"] == ["1.0.0"]
    assert done.json["differences"][0] == {
        "kind": "missing",
        "region": fixture.b.spec,
        "key": fixture.key,
        "message": f"{fixture.b.spec}: it is not there",
    }
    [failure] = done.json["failures"]
    assert failure["region"] == fixture.c.spec
    assert failure["error"]["exit-code"] == 5


def test_region_that_does_not_answer(run: Run, fixture: ProjectFixture) -> None:
    """A region that does not answer is an error on standard error, with the exit code of why."""
    fixture.stage()
    fixture.c.fail_region()

    done = run(fixture, "verify")
    repaired = run(fixture, "repair")
    fixture.c.restore_region()

    assert (done.code, done.out) == (5, "")
    assert f"error: {fixture.c.spec} " in done.err
    assert "1 version in 2 of 3 regions compared, nothing differs" in done.err
    assert repaired.code == 5
    assert f"error: {fixture.c.spec} " in repaired.err


def test_several_failures(run: Run, bucket_project: ProjectFixture) -> None:
    """Of several failures the most telling one decides, and differences come before all."""
    fixture = bucket_project
    fixture.stage()
    wire = fixture.b.wire  # type: ignore[attr-defined]
    assert wire is not None

    def rule(request: Request, forward: Forward) -> Answer | None:
        match request.region, request.service:
            case "eu-west-1", "s3":
                return error(403, "AccessDenied")
            case "ap-southeast-2", "s3":
                return error(400, "KeyTooLongError")
        return forward()

    wire.add(rule)

    failed = run(fixture, "verify")
    fixture.a.erase(fixture.latest)
    differing = run(fixture, "verify")

    assert failed.code == 6
    assert "error: " in failed.err
    assert differing.code == 8
    assert "latest-missing: " in differing.out


def test_nothing_anywhere(run: Run, file_project: ProjectFixture) -> None:
    """A project that no region knows is not found, by either command."""
    verified = run(file_project, "verify", "--json")
    repaired = run(file_project, "repair", "--json")

    assert verified.code == verified.json["error"]["exit-code"] == 3
    assert repaired.code == repaired.json["error"]["exit-code"] == 3


def test_repair(run: Run, fixture: ProjectFixture) -> None:
    """What repair did is reported region by region; after it nothing differs."""
    fixture.stage()
    fixture.b.remove(fixture.key)
    fixture.lose_latest(fixture.c)

    done = run(fixture, "repair")
    verified = run(fixture, "verify", "--read-data")
    again = run(fixture, "repair")

    assert (done.code, done.out) == (0, "")
    assert done.err == (
        "done:\n"
        f"{fixture.b.spec}: copy {fixture.key} here, verified\n"
        f"{fixture.c.spec}: move {fixture.latest} to 1.0.0\n"
    )
    assert verified.code == 0
    assert (again.code, again.err) == (0, "there is nothing to do\n")


def test_dry_run(run: Run, fixture: ProjectFixture) -> None:
    """A dry run reports the same steps, and changes nothing."""
    fixture.stage()
    fixture.b.remove(fixture.key)
    before = fixture.snapshot()

    foretold = run(fixture, "repair", "--dry-run")
    after = fixture.snapshot()
    done = run(fixture, "repair")

    assert foretold.code == done.code == 0
    assert after == before
    # A store other than AWS is tried before anything is written, and a dry run says that it is not.
    lines = [line for line in foretold.err.splitlines() if "a dry run does not try it" not in line]
    assert lines[0] == f"dry run, nothing is written: {fixture.project}"
    assert lines[1:] == done.err.splitlines()[1:]


def test_refusal(run: Run, fixture: ProjectFixture) -> None:
    """Where regions disagree, nothing is changed, and the command that decides it is reported."""
    fixture.stage()
    fixture.forge(fixture.b, fixture.key)
    before = fixture.snapshot()

    done = run(fixture, "repair")
    unchanged = fixture.snapshot() == before
    command = f"startifact repair {fixture.key} --keep sha256:{sha256()}"
    decided = run(fixture, "repair", "--keep", f"sha256:{sha256()}", version="@1.0.0")

    assert done.code == 4
    assert unchanged
    assert done.err.startswith("nothing was done\nerror: regions disagree about ")
    assert command in done.err
    assert decided.code == 0
    assert fixture.verify()


def test_refusal_and_failure(run: Run, file_project: ProjectFixture) -> None:
    """Where one thing is refused and one region fails, both are reported, and the first decides."""
    fixture = file_project
    fixture.stage()
    fixture.forge(fixture.b, fixture.key)
    fixture.c.fail_region()

    done = run(fixture, "repair", "--json")

    assert list(done.json) == [
        "project", "dry-run", "steps", "refusals", "failures", "exit-code",
    ]  # fmt: skip
    assert done.code == done.json["exit-code"] == 4
    assert [refusal["exit-code"] for refusal in done.json["refusals"]] == [4]
    assert "--keep" in done.json["refusals"][0]["hint"]
    assert [failure["region"] for failure in done.json["failures"]] == [fixture.c.spec]
    assert done.err.count("error: ") == 2


def test_json_of_repair(run: Run, file_project: ProjectFixture) -> None:
    """With --json there is one object, with every step."""
    fixture = file_project
    fixture.stage()
    fixture.b.remove(fixture.key)

    done = run(fixture, "repair", "--json", "--dry-run", version="@1.0.0")

    assert done.code == 0
    assert done.json == {
        "project": fixture.project,
        "dry-run": True,
        "steps": [
            {
                "action": "fill",
                "region": fixture.b.spec,
                "key": fixture.key,
                "message": f"copy {fixture.key} here, verified",
            }
        ],
        "refusals": [],
        "failures": [],
        "exit-code": 0,
    }


@pytest.mark.parametrize(
    ("words", "version"),
    [
        (["--keep", "sha256:12"], "@1.0.0"),
        (["--keep", f"sha256:{sha256()}"], ""),
        ([], "@latest"),
        ([], "@1.0"),
        ([], "@"),
        (["--required-regions", "4"], ""),
    ],
)
def test_bad_input(run: Run, file_project: ProjectFixture, words: list[str], version: str) -> None:
    """What cannot be meant is refused with exit code 2."""
    done = run(file_project, "repair", *words, version=version)

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")


def test_keep_of_what_nobody_has(run: Run, file_project: ProjectFixture) -> None:
    """A digest that no region has is not found."""
    fixture = file_project
    fixture.stage()

    done = run(fixture, "repair", "--keep", f"sha256:{sha256(OTHER)}", version="@1.0.0")

    assert done.code == 3


def test_steps_are_reported_as_they_are_done(run: Run, file_project: ProjectFixture) -> None:
    """With -v every step is reported when it is done, even where the repair then does not end."""
    fixture = file_project
    fixture.stage()
    fixture.b.remove(fixture.key)

    done = run(fixture, "repair", "-v")

    line = f"{fixture.b.spec}: copy {fixture.key} here, verified\n"
    assert done.err.endswith(f"\n{line}done:\n{line}")


@pytest.mark.parametrize(
    ("stop", "code", "said"),
    [
        (DeadlineError("it took too long"), 5, "it took too long"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (ZeroDivisionError("x"), 1, "this is a bug in Startifact: ZeroDivisionError: 'x'"),
    ],
)
def test_what_ends_a_repair(
    run: Run,
    file_project: ProjectFixture,
    monkeypatch: pytest.MonkeyPatch,
    stop: BaseException,
    code: int,
    said: str,
) -> None:
    """A repair that is ended before its end says in its error what it had done, also in JSON."""
    fixture = file_project
    fixture.stage()
    fixture.b.remove(fixture.key)

    def end(_: LatestRepairer) -> None:
        raise stop

    monkeypatch.setattr(LatestRepairer, "repair", end)

    done = run(fixture, "repair", "--json")

    step = f"{fixture.b.spec}: copy {fixture.key} here, verified"
    assert done.code == done.json["error"]["exit-code"] == code
    assert done.err.startswith(f"error: {said}\n  until then this was done:\n  {step}\n")
    assert done.json["error"]["message"] == f"{said}\nuntil then this was done:\n  {step}"


def test_full_disk(
    run: Run, file_project: ProjectFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where there is no room for one version, its error is reported beside what was done."""
    fixture = file_project
    fixture.stage()
    fixture.b.remove(fixture.key)
    fixture.lose_latest(fixture.c)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not" / "there"))

    done = run(fixture, "repair", "--json")

    assert done.code == done.json["exit-code"] == 9
    assert [step["action"] for step in done.json["steps"]] == ["move-latest"]
    assert done.err.startswith(f"done:\n{fixture.c.spec}: move {fixture.latest} to 1.0.0\nerror: ")
    assert (
        f"error: {fixture.key} cannot be brought here: cannot make a temporary folder" in done.err
    )


@pytest.mark.parametrize("command", ["versions", "verify", "repair"])
def test_deadline(command: str) -> None:
    """A store that never answers does not keep a command beyond its deadline."""
    hole = Hole(accepts=True)
    region = f"s3://bucket?region=us-east-1&endpoint={percent(hole.endpoint)}"
    words = [command, "P", f"--regions={region}", "--deadline", "1.5"]

    done = subprocess.run(
        [sys.executable, "-m", "startifact", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    hole.close()
    assert done.returncode == 5
    assert "the deadline of 1.5 s has passed" in done.stderr
