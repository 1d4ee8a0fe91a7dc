"""`startifact verify` and `startifact repair` from a shell."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact.errors import DeadlineError
from startifact.repair.latest import Forwarder
from tests.conftest import percent
from tests.faults.rules import Hole
from tests.functional.repair.shop import OTHER, Shop, sha256
from tests.support.command import Done, run_inside
from tests.support.wire import Answer, Forward, Request, error

Run = Callable[..., Done]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command inside this process."""

    def run(shop: Shop, command: str, *words: object, version: str = "") -> Done:
        regions = f"--regions={','.join(shop.regions)}"
        return run_inside(capsys, (command, shop.project + version, regions, *words))

    return run


def test_nothing_differs(run: Run, shop: Shop) -> None:
    """Where nothing differs, verify says so to people, prints nothing and succeeds."""
    shop.stage()
    shop.stage("2.0.0", OTHER)

    done = run(shop, "verify", "--read-data")

    assert (done.code, done.out) == (0, "")
    assert done.err == f"{shop.project}: 2 versions in 3 of 3 regions compared, nothing differs\n"


def test_differences(run: Run, shop: Shop) -> None:
    """Every difference is a line on standard output, and the exit code is 8."""
    shop.stage()
    shop.b.remove(shop.key)
    shop.forge(shop.c, shop.key)

    done = run(shop, "verify", version="@1.0.0")

    first, second, third = done.out.splitlines()
    assert done.code == 8
    assert first.startswith(f"different: {shop.key}: {shop.a.spelling}: it has 16 bytes with ")
    assert second == f"missing: {shop.key}: {shop.b.spelling}: it is not there"
    assert third.startswith(f"different: {shop.key}: {shop.c.spelling}: ")
    assert "1 version in 3 of 3 regions compared, they differ\n" in done.err
    assert "error: 3 things are not as they should be\n" in done.err
    assert f"hint: startifact repair {shop.key} mends what can be mended\n" in done.err


def test_one_line_for_each_difference(run: Run, corner_shop: Shop) -> None:
    """A difference that takes several lines to explain is one line all the same."""
    shop = corner_shop
    shop.stage()
    shop.rewrite(shop.b, shop.key, sha256="\n::error::x", size="many")

    done = run(shop, "verify", version="@1.0.0")

    [line] = done.out.splitlines()
    assert done.code == 8
    assert "startifact:sha256: got '\\n::error::x', expected 64 hexadecimal digits" in line
    assert "startifact:size: got 'many'" in line


def test_read_data(run: Run, corner_shop: Shop) -> None:
    """Bytes are compared when that is asked for."""
    shop = corner_shop
    shop.stage()
    shop.rewrite(shop.b, shop.key, OTHER)

    unread = run(shop, "verify")
    read = run(shop, "verify", "--read-data")

    assert unread.code == 0
    assert read.code == 8
    assert read.out.startswith(f"damaged: {shop.key}: {shop.b.spelling}: ")


def test_json_of_verify(run: Run, corner_shop: Shop) -> None:
    """With --json there is one object, with everything that differs and that failed."""
    shop = corner_shop
    shop.stage()
    shop.b.remove(shop.key)
    shop.c.take_down()

    done = run(shop, "verify", "--json")

    assert list(done.json) == ["project", "versions", "differences", "failures", "exit-code"]
    assert done.code == done.json["exit-code"] == 8
    assert done.json["versions"] == ["1.0.0"]
    assert done.json["differences"][0] == {
        "kind": "missing",
        "region": shop.b.spelling,
        "key": shop.key,
        "message": f"{shop.b.spelling}: it is not there",
    }
    [failure] = done.json["failures"]
    assert failure["region"] == shop.c.spelling
    assert failure["error"]["exit-code"] == 5


def test_region_that_does_not_answer(run: Run, shop: Shop) -> None:
    """A region that does not answer is an error on standard error, with the exit code of why."""
    shop.stage()
    shop.c.take_down()

    done = run(shop, "verify")
    repaired = run(shop, "repair")
    shop.c.bring_back()

    assert (done.code, done.out) == (5, "")
    assert f"error: {shop.c.spelling}: " in done.err
    assert "1 version in 2 of 3 regions compared, nothing differs" in done.err
    assert repaired.code == 5
    assert f"error: {shop.c.spelling}: " in repaired.err


def test_several_failures(run: Run, bucket_shop: Shop) -> None:
    """Of several failures the most telling one decides, and differences come before all."""
    shop = bucket_shop
    shop.stage()
    wire = shop.b.wire  # type: ignore[attr-defined]
    assert wire is not None

    def rule(request: Request, forward: Forward) -> Answer | None:
        match request.region, request.service:
            case "eu-west-1", "s3":
                return error(403, "AccessDenied")
            case "ap-southeast-2", "s3":
                return error(400, "KeyTooLongError")
        return forward()

    wire.add(rule)

    failed = run(shop, "verify")
    shop.a.erase(shop.latest)
    differing = run(shop, "verify")

    assert failed.code == 6
    assert "error: " in failed.err
    assert differing.code == 8
    assert "latest-missing: " in differing.out


def test_nothing_anywhere(run: Run, corner_shop: Shop) -> None:
    """A project that no region knows is not found, by either command."""
    verified = run(corner_shop, "verify", "--json")
    repaired = run(corner_shop, "repair", "--json")

    assert verified.code == verified.json["error"]["exit-code"] == 3
    assert repaired.code == repaired.json["error"]["exit-code"] == 3


def test_repair(run: Run, shop: Shop) -> None:
    """What repair did is told region by region; after it nothing differs."""
    shop.stage()
    shop.b.remove(shop.key)
    shop.lose_latest(shop.c)

    done = run(shop, "repair")
    verified = run(shop, "verify", "--read-data")
    again = run(shop, "repair")

    assert (done.code, done.out) == (0, "")
    assert done.err == (
        "done:\n"
        f"{shop.b.spelling}: copy {shop.key} here, verified\n"
        f"{shop.c.spelling}: move {shop.latest} to 1.0.0\n"
    )
    assert verified.code == 0
    assert (again.code, again.err) == (0, "there is nothing to do\n")


def test_dry_run(run: Run, shop: Shop) -> None:
    """A dry run tells the same steps, and changes nothing."""
    shop.stage()
    shop.b.remove(shop.key)
    before = shop.snapshot()

    foretold = run(shop, "repair", "--dry-run")
    after = shop.snapshot()
    done = run(shop, "repair")

    assert foretold.code == done.code == 0
    assert after == before
    assert foretold.err.splitlines()[0] == f"dry run, nothing is written: {shop.project}"
    assert foretold.err.splitlines()[1:] == done.err.splitlines()[1:]


def test_refusal(run: Run, shop: Shop) -> None:
    """Where regions disagree, nothing is changed, and the command that decides it is told."""
    shop.stage()
    shop.forge(shop.b, shop.key)
    before = shop.snapshot()

    done = run(shop, "repair")
    unchanged = shop.snapshot() == before
    command = f"startifact repair {shop.key} --keep sha256:{sha256()}"
    decided = run(shop, "repair", "--keep", f"sha256:{sha256()}", version="@1.0.0")

    assert done.code == 4
    assert unchanged
    assert done.err.startswith("nothing was done\nerror: regions disagree about ")
    assert command in done.err
    assert decided.code == 0
    assert shop.verify()


def test_refusal_and_failure(run: Run, corner_shop: Shop) -> None:
    """Where one thing is refused and one region fails, both are told, and the first decides."""
    shop = corner_shop
    shop.stage()
    shop.forge(shop.b, shop.key)
    shop.c.take_down()

    done = run(shop, "repair", "--json")

    assert list(done.json) == [
        "project", "dry-run", "steps", "refusals", "failures", "exit-code",
    ]  # fmt: skip
    assert done.code == done.json["exit-code"] == 4
    assert [refusal["exit-code"] for refusal in done.json["refusals"]] == [4]
    assert "--keep" in done.json["refusals"][0]["hint"]
    assert [failure["region"] for failure in done.json["failures"]] == [shop.c.spelling]
    assert done.err.count("error: ") == 2


def test_json_of_repair(run: Run, corner_shop: Shop) -> None:
    """With --json there is one object, with every step."""
    shop = corner_shop
    shop.stage()
    shop.b.remove(shop.key)

    done = run(shop, "repair", "--json", "--dry-run", version="@1.0.0")

    assert done.code == 0
    assert done.json == {
        "project": shop.project,
        "dry-run": True,
        "steps": [
            {
                "action": "fill",
                "region": shop.b.spelling,
                "key": shop.key,
                "message": f"copy {shop.key} here, verified",
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
def test_bad_input(run: Run, corner_shop: Shop, words: list[str], version: str) -> None:
    """What cannot be meant is refused with exit code 2."""
    done = run(corner_shop, "repair", *words, version=version)

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")


def test_keep_of_what_nobody_has(run: Run, corner_shop: Shop) -> None:
    """A digest that no region has is not found."""
    shop = corner_shop
    shop.stage()

    done = run(shop, "repair", "--keep", f"sha256:{sha256(OTHER)}", version="@1.0.0")

    assert done.code == 3


def test_steps_are_told_as_they_are_done(run: Run, corner_shop: Shop) -> None:
    """With -v every step is told when it is done, for whom the end is never told."""
    shop = corner_shop
    shop.stage()
    shop.b.remove(shop.key)

    done = run(shop, "repair", "-v")

    line = f"{shop.b.spelling}: copy {shop.key} here, verified\n"
    assert done.err == f"{line}done:\n{line}"


@pytest.mark.parametrize(
    ("stop", "code", "said"),
    [
        (DeadlineError("it took too long"), 5, "it took too long"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (ZeroDivisionError("x"), 1, "this is a bug in Startifact: ZeroDivisionError: x"),
    ],
)
def test_what_ends_a_repair(
    run: Run,
    corner_shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    stop: BaseException,
    code: int,
    said: str,
) -> None:
    """A repair that is ended before its end says in its error what it had done, also in JSON."""
    shop = corner_shop
    shop.stage()
    shop.b.remove(shop.key)

    def end(_: Forwarder) -> None:
        raise stop

    monkeypatch.setattr(Forwarder, "mend", end)

    done = run(shop, "repair", "--json")

    step = f"{shop.b.spelling}: copy {shop.key} here, verified"
    assert done.code == done.json["error"]["exit-code"] == code
    assert done.err.startswith(f"error: {said}\n  until then this was done:\n  {step}\n")
    assert done.json["error"]["message"] == f"{said}\nuntil then this was done:\n  {step}"


def test_full_disk(
    run: Run, corner_shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where there is no room for one version, its error is told beside what was done."""
    shop = corner_shop
    shop.stage()
    shop.b.remove(shop.key)
    shop.lose_latest(shop.c)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not" / "there"))

    done = run(shop, "repair", "--json")

    assert done.code == done.json["exit-code"] == 9
    assert [step["action"] for step in done.json["steps"]] == ["move-latest"]
    assert done.err.startswith(f"done:\n{shop.c.spelling}: move {shop.latest} to 1.0.0\nerror: ")
    assert f"error: {shop.key} cannot be brought here: cannot make a temporary folder" in done.err


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
