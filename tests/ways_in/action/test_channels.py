"""Steps that move channels and yank versions: outputs, log and summary."""

import json
from pathlib import Path

import pytest

from startifact import Session
from tests.support.runner_step import Step
from tests.ways_in.action.conftest import Call

RUN = "https://github.example/octocat/SugarWater/actions/runs/42"


@pytest.fixture
def staged(directories: list[str], step: Step) -> str:
    """Stage two versions; return where."""
    path = step.workspace / step.file(b"sugar")
    for version in ("1.0.0", "1.1.0"):
        Session(regions=directories).stage("SugarWater", version, path)
    return " ".join(directories)


def test_promote(staged: str, call: Call) -> None:
    """What moved is in the outputs, and the summary says where from and who moved it."""
    about = {"command": "promote", "project": "SugarWater", "channel": "prod", "regions": staged}
    first = call(version="1.0.0", **about)
    second = call(version="^1", **about)
    again = call(version="1.1.0", **about)

    assert (first.exit_code, second.exit_code, again.exit_code) == (0, 0, 0), second.stdout
    assert second.has_only(
        "succeeded", project="SugarWater", channel="prod", version="1.1.0", previous="1.0.0"
    )
    assert first.outputs["previous"] == ""
    assert "SugarWater/prod: nothing -> 1.0.0" in first.stdout.splitlines()
    assert "SugarWater@1.0.0 is 1.0.0" not in first.stdout
    assert "SugarWater@^1 is 1.1.0" in second.stdout.splitlines()
    assert "SugarWater/prod: 1.0.0 -> 1.1.0" in second.stdout.splitlines()
    assert "### ✅ `SugarWater/prod` was moved to `1.1.0`\n" in second.summary
    assert "| Before | `1.0.0` |\n" in second.summary
    assert f"| By | [`run 42 of octocat/SugarWater`]({RUN}) |\n" in second.summary
    assert (
        f"| Known in | {', '.join(f'`{region}`' for region in staged.split())} |" in second.summary
    )
    assert "SugarWater/prod is 1.1.0 already" in again.stdout.splitlines()
    assert "### ✅ `SugarWater/prod` points at `1.1.0` already\n" in again.summary
    assert again.summary.count("| Before |") == second.summary.count("| Before |")


def test_dry_run(staged: str, call: Call) -> None:
    """The summary has no rows without a fact, and does not say that anybody has moved it."""
    about = {"command": "promote", "project": "SugarWater", "channel": "prod", "regions": staged}

    done = call(version="v1.0.0", dry_run="true", **about)

    assert done.exit_code == 0, done.stdout
    assert "SugarWater@v1.0.0 is 1.0.0" not in done.stdout
    assert done.summary == (
        "### ✅ `SugarWater/prod` would be moved to `1.0.0` (dry run)\n\n"
        "| Version | `1.0.0` |\n| :-- | :-- |\n| Before | nothing |\n\n"
    )


def test_not_as_expected(staged: str, call: Call) -> None:
    """A channel that is not as expected is not moved, and the step fails by its own outcome."""
    about = {"command": "promote", "project": "SugarWater", "channel": "prod", "regions": staged}
    call(version="1.0.0", **about)

    done = call(version="1.1.0", expect="0.9.0", **about)

    assert done.exit_code != 0
    assert "SugarWater/prod is not what was expected: it is 1.0.0" in done.stdout
    assert "nothing was changed" in done.stdout
    assert str(Session(regions=staged.split()).get("SugarWater", "prod").version) == "1.0.0"


def test_rollback(staged: str, call: Call) -> None:
    """A step brings a channel back to what it held before."""
    session = Session(regions=staged.split())
    for version in ("1.0.0", "1.1.0"):
        session.promote("SugarWater", version, "prod")

    done = call(command="rollback", project="SugarWater", channel="prod", regions=staged)

    assert done.exit_code == 0, done.stdout
    assert done.has_only(
        "succeeded", project="SugarWater", channel="prod", version="1.0.0", previous="1.1.0"
    )
    assert "SugarWater/prod: 1.1.0 -> 1.0.0" in done.stdout.splitlines()


def test_channels(staged: str, call: Call) -> None:
    """All channels are an output, in the log and in the summary; their moves where asked for."""
    session = Session(regions=staged.split())
    for version in ("1.0.0", "1.1.0"):
        session.promote("SugarWater", version, "prod")
    session.rollback("SugarWater", "prod")
    about = {"command": "channels", "project": "SugarWater", "regions": staged}

    plain, long = call(**about), call(history="true", **about)

    assert (plain.exit_code, long.exit_code) == (0, 0), plain.stdout
    assert plain.stdout.splitlines()[-2:] == ["latest: 1.1.0", "prod: 1.0.0"]
    channels = json.loads(plain.outputs["channels"])
    assert [channel["channel"] for channel in channels] == ["latest", "prod"]
    assert [m["version"] for m in channels[1]["history"]] == ["1.0.0", "1.1.0", "1.0.0"]
    assert "### ✅ `SugarWater` has 2 channels\n" in plain.summary
    assert "| Channel | Version | Before | Age | Since | By |\n" in plain.summary
    assert "| `prod` | `1.0.0` | `1.1.0` |" in plain.summary
    assert "newest first" not in plain.summary
    log = long.stdout.splitlines()
    moves = log[log.index("prod: 1.0.0") + 1 :]
    assert [line.rpartition("Z: ")[2] for line in moves] == ["1.0.0 (rollback)", "1.1.0", "1.0.0"]
    head = "| Channel | Version, newest first | How | Age | Since | By |\n"
    _, _, table = long.summary.removeprefix(plain.summary).partition(head)
    assert [line.split(" | ")[:2] for line in table.splitlines()[1:5]] == [
        ["| `latest`", "`1.1.0`"],
        ["| `prod`", "`1.0.0`"],
        ["| `prod`", "`1.1.0`"],
        ["| `prod`", "`1.0.0`"],
    ]
    assert table.count("| rollback |") == 1
    assert long.outputs["channels"] == plain.outputs["channels"]


def test_remove(staged: str, call: Call) -> None:
    """A channel is taken away, in a dry run only by word."""
    Session(regions=staged.split()).promote("SugarWater", "1.0.0", "prod")
    about = {"command": "channels", "project": "SugarWater", "regions": staged, "remove": "prod"}

    dry, done = call(**about, **{"dry-run": "true"}), call(**about)

    assert (dry.exit_code, done.exit_code) == (0, 0), dry.stdout
    assert "dry run, nothing is written: SugarWater/prod: 1.0.0 -> nothing" in dry.stdout
    assert "### ✅ `SugarWater/prod` would be removed (dry run)\n" in dry.summary
    assert "SugarWater/prod: 1.0.0 -> nothing" in done.stdout.splitlines()
    assert "### ✅ `SugarWater/prod` was removed\n" in done.summary


def test_yank(staged: str, call: Call) -> None:
    """Yanked and taken back; who gets the version meanwhile reads why."""
    Session(regions=staged.split()).promote("SugarWater", "1.1.0", "prod")
    about = {"project": "SugarWater", "version": "1.1.0", "regions": staged}

    dry = call(command="yank", reason="It loses orders", **about, **{"dry-run": "true"})
    done = call(command="yank", reason="It loses orders", **about)
    got = call(command="info", **about)
    again = call(command="yank", reason="It loses orders", **about)
    back = call(command="unyank", **about)
    still = call(command="unyank", **about, **{"dry-run": "true"})

    assert [d.exit_code for d in (dry, done, got, again, back, still)] == [0] * 6, done.stdout
    assert "SugarWater@1.1.0: already yanked" in again.stdout.splitlines()
    assert "### ✅ `SugarWater@1.1.0` is already yanked\n" in again.summary
    assert (
        "### ✅ `SugarWater@1.1.0` is already in the choice of ranges (dry run)\n" in still.summary
    )
    assert "### ✅ `SugarWater@1.1.0` would be yanked (dry run)\n" in dry.summary
    assert "SugarWater@1.1.0: yanked" in done.stdout.splitlines()
    assert "### ✅ `SugarWater@1.1.0` is yanked\n" in done.summary
    assert "| Reason | `It loses orders` |\n" in done.summary
    assert "| Channels that point at it | `latest`, `prod` |\n" in done.summary
    assert json.loads(done.outputs["channels"]) == ["latest", "prod"]
    (warning,) = [c.data for c in got.commands if c.name == "warning"]
    assert "It loses orders" in warning
    assert "SugarWater@1.1.0: in the choice of ranges" in back.stdout.splitlines()
    assert "### ✅ `SugarWater@1.1.0` is in the choice of ranges\n" in back.summary


def test_yank_that_is_not_known(staged: str, call: Call) -> None:
    """Then the output is empty, and an annotation and the summary say why."""
    about = {"project": "SugarWater", "version": "1.1.0", "regions": staged}
    known = call(command="info", **about)
    for name in staged.split()[:2]:
        folder = Path(name.removeprefix("file://"), "SugarWater", "_yanked")
        folder.mkdir()
        (folder / "1.1.0").write_text("not JSON")

    info = call(command="info", **about)
    download = call(command="download", path="back", **about)

    assert known.outputs["yanked"] == "false"
    said = "it is not known whether SugarWater@1.1.0 was yanked: 1 of 3 regions know it"
    for done in (info, download):
        assert (done.exit_code, done.outputs["yanked"]) == (0, "")
        (warning,) = [c.data for c in done.commands if c.name == "warning"]
        assert warning.startswith(said)
        assert f"| Yanked | `{said}" in done.summary


def test_region_that_is_behind(staged: str, call: Call) -> None:
    """A region that cannot be written to is in log and summary, and the channel has moved."""
    name = staged.split()[2]
    Path(name.removeprefix("file://"), "SugarWater", "prod").mkdir(parents=True)

    done = call(
        command="promote", project="SugarWater", version="1.0.0", channel="prod", regions=staged
    )

    assert done.exit_code == 0, done.stdout
    assert f"{name} does not have it yet: " in done.stdout
    assert "### ⚠️ `SugarWater/prod` was moved to `1.0.0`\n" in done.summary
    assert f"| `{name}` | does not have it yet: `" in done.summary
    assert "Readers see it all the same, as a majority of the regions has it." in done.summary


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"command": "promote", "version": "1.0.0"}, "channel is missing, the command promote"),
        ({"command": "promote", "version": "1.0.0", "channel": "Prod"}, "'Prod'"),
        ({"command": "promote", "version": "1.0.0", "channel": "latest"}, "latest is no channel"),
        ({"command": "rollback", "channel": "prod", "to": "^1"}, "'^1'"),
        ({"command": "yank", "version": "1.0.0"}, "reason is missing, the command yank needs one"),
        ({"command": "yank", "version": "^1", "reason": "x"}, "'^1'"),
        ({"command": "info", "history": "true"}, "history is set, but the command info does not"),
    ],
)
def test_bad_input(staged: str, call: Call, inputs: dict[str, str], message: str) -> None:
    """Inputs that are not valid are refused, and named."""
    done = call(project="SugarWater", regions=staged, **inputs)

    assert done.exit_code == 2
    assert message in done.stdout
