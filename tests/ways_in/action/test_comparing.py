"""Steps that list, compare and repair what is staged."""

import contextlib
import hashlib
import html
import json
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml

from startifact import Session
from startifact.concurrency.signals import Stopped
from startifact.errors import DeadlineError
from startifact.limits import MAX_LIST_OUTPUT_BYTES
from startifact.regions.directory.region import DirectoryRegion
from startifact.repair.latest import LatestRepairer
from tests.conftest import AwsAccount
from tests.support.runner_rules import read_summary
from tests.support.runner_step import Done, Step
from tests.ways_in.action.conftest import Call
from tests.ways_in.action.identity import Identities

PROJECT = {"project": "SugarWater"}
SAME = b"sugar and water\n"
OTHER = b"sugar and WATER\n"


@pytest.fixture
def listed(directories: list[str], step: Step) -> str:
    """Stage two versions, and return where."""
    for version in ("1.0.0", "1.1.0"):
        Session(regions=directories).stage("SugarWater", version, step.workspace / step.file(SAME))
    return " ".join(directories)


def folder(directory: str, version: str) -> Path:
    return Path(directory.removeprefix("file://")) / f"SugarWater@{version}"


def remove(directory: str, version: str) -> None:
    for file in folder(directory, version).iterdir():
        file.unlink()
    folder(directory, version).rmdir()


def only(done: Done, **outputs: str) -> bool:
    """Say whether *done* has these outputs, and all others are empty."""
    return done.has_only("succeeded", **outputs)


def test_versions(listed: str, call: Call) -> None:
    """All versions are in the log and the summary, and the newest is the output."""
    done = call(**PROJECT, command="versions", regions=listed)

    assert done.exit_code == 0, done.stdout
    assert only(done, project="SugarWater", version="1.1.0", versions='["1.1.0","1.0.0"]')
    assert done.stdout.splitlines()[-2:] == ["1.1.0", "1.0.0"]
    assert "### ✅ `SugarWater` has 2 versions\n" in done.summary
    assert "| `1.1.0` |\n| `1.0.0` |\n" in done.summary
    assert done.commands == []


def test_versions_of_nothing(directories: list[str], call: Call) -> None:
    """A project that nobody has staged is not found."""
    done = call(**PROJECT, command="versions", regions=" ".join(directories))

    assert done.exit_code == 3
    assert done.has_only("not-found", project="SugarWater")


@pytest.mark.parametrize("version", ["", "1.0.0"])
def test_verified(version: str, listed: str, call: Call) -> None:
    """Where nothing differs the step succeeds, and says what was compared."""
    done = call(**PROJECT, command="verify", version=version, regions=listed, read_data="true")

    assert done.exit_code == 0, done.stdout
    versions = '["1.0.0"]' if version else '["1.1.0","1.0.0"]'
    assert only(done, project="SugarWater", version=version, versions=versions, differences="[]")
    assert "verified: nothing differs\n" in done.summary
    assert ("`1.1.0`, `1.0.0`\n" in done.summary) == (not version)
    assert "`1.0.0`\n\n</details>" in done.summary
    regions = ", ".join(f"`{region}`" for region in listed.split())
    assert f"Regions that were compared: {regions}\n" in done.summary
    count = "1 version" if version else "2 versions"
    assert f"{count} of SugarWater compared: nothing differs" in done.stdout.splitlines()
    assert done.commands == []


def test_many_differences(directories: list[str], call: Call) -> None:
    """Of very many differences the first are in the output, and a warning says so."""
    for patch in range(1, 1500):
        path = folder(directories[0], f"1.0.{patch}")
        path.mkdir(parents=True)
        (path / "artifact").touch()

    done = call(**PROJECT, command="verify", regions=" ".join(directories[:2]))

    output = done.outputs["differences"]
    assert done.exit_code == 8
    assert MAX_LIST_OUTPUT_BYTES - 400 < len(output) <= MAX_LIST_OUTPUT_BYTES
    assert f"the output differences has the first {len(json.loads(output)):,} of " in done.stdout


def test_differences(listed: str, directories: list[str], call: Call) -> None:
    """Where regions differ the step ends with 8, one error, and a row for each difference."""
    remove(directories[0], "1.0.0")
    (folder(directories[1], "1.1.0") / "artifact").write_bytes(OTHER)

    quick = call(**PROJECT, command="verify", regions=listed)
    thorough = call(**PROJECT, command="verify", regions=listed, read_data="true")

    assert (quick.exit_code, thorough.exit_code) == (8, 8)
    found = json.loads(thorough.outputs["differences"])
    assert [(d["kind"], d["key"]) for d in found] == [
        ("damaged", "SugarWater@1.1.0"),
        ("missing", "SugarWater@1.0.0"),
        ("latest-dangling", "SugarWater/latest"),
    ]
    for done, count in ((quick, 1), (thorough, 3)):
        assert len(json.loads(done.outputs["differences"])) == count
        assert done.has_only(
            "differences",
            project="SugarWater",
            versions='["1.1.0","1.0.0"]',
            differences=done.outputs["differences"],
        )
    assert [c.name for c in thorough.commands] == ["error"]
    assert "3 things are not as they should be" in thorough.errors[0]
    assert "Hint: The command repair fixes" in thorough.errors[0]
    for kind, directory, what in (
        ("missing", directories[0], "SugarWater@1.0.0"),
        ("damaged", directories[1], "SugarWater@1.1.0"),
        ("latest-dangling", directories[1], "SugarWater/latest"),
    ):
        assert f"| {kind} | `{directory}` | `{what}` |" in thorough.summary
    assert "failed with exit code 8" in thorough.summary


def test_region_that_does_not_answer(
    listed: str, directories: list[str], step: Step, call: Call
) -> None:
    """What could not be compared is not verified: the step ends with 5."""
    step.file(b"", "blocked")

    done = call(**PROJECT, command="verify", regions=f"{directories[0]} file:blocked/b")

    assert done.exit_code != 0
    assert len(done.errors) == 1
    assert "file:blocked/b failed to " in done.errors[0]
    assert "as far as regions answered" in done.summary


def test_damaged_copy_is_not_shown_as_present(
    listed: str, directories: list[str], call: Call
) -> None:
    """A copy that a download found damaged is nobody's to use: another region is named."""
    for directory in directories[:2]:
        (folder(directory, "1.0.0") / "artifact").write_bytes(OTHER)

    for attempt in range(50):  # until it is not the good copy that is tried first
        where = {"path": f"got-{attempt}", "regions": listed}
        done = call(**PROJECT, command="download", version="1.0.0", **where)
        if done.warnings:
            break

    locations = json.loads(done.outputs["locations"])
    assert done.exit_code == 0, done.stdout
    damaged = [backend for backend in locations if backend["outcome"] == "failed"]
    assert damaged
    assert [backend["region"] for backend in locations] == directories
    for backend in damaged:
        assert "is damaged" in backend["error"]
        assert backend["region"] in " ".join(done.warnings)
        assert backend["bucket"] is None
        assert f"| `{backend['region']}` | failed after " in done.summary
    good = next(backend for backend in locations if backend["outcome"] == "present")
    for name in ("region", "bucket", "key", "uri"):
        assert done.outputs[name] == good[name]


def test_repair(listed: str, directories: list[str], step: Step, call: Call) -> None:
    """Repair fills what is missing, says so, and then there is nothing to do."""
    remove(directories[0], "1.0.0")
    where = {**PROJECT, "regions": listed}

    planned = call(**where, command="repair", dry_run="true")
    still = folder(directories[0], "1.0.0").exists()
    step.summary.write_bytes(b"")
    done = call(**where, command="repair")
    verified = call(**where, command="verify", read_data="true")
    again = call(**where, command="repair")

    assert [d.exit_code for d in (planned, done, verified, again)] == [0, 0, 0, 0], done.stdout
    assert not still
    assert "would be repaired (dry run)" in planned.summary
    assert "### ✅ `SugarWater` repaired\n" in done.summary
    assert f"| fill | `{directories[0]}` | `SugarWater@1.0.0` |" in done.summary
    assert only(done, project="SugarWater")
    assert "there is nothing to repair" in again.stdout
    assert (folder(directories[0], "1.0.0") / "artifact").read_bytes() == SAME


@pytest.mark.parametrize(
    ("stop", "said"),
    [
        (DeadlineError("it took too long"), "it took too long"),
        (Stopped(signal.SIGTERM), "stopped by SIGTERM"),
        (ZeroDivisionError("x"), "this is a bug in Startifact: ZeroDivisionError: 'x'"),
    ],
    ids=["deadline", "signal", "bug"],
)
def test_what_ends_a_repair(
    listed: str,
    directories: list[str],
    step: Step,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
    stop: BaseException,
    said: str,
) -> None:
    """A repair that is ended says in its error and in the summary what it had done."""
    remove(directories[0], "1.0.0")

    def end(_: LatestRepairer) -> None:
        raise stop

    monkeypatch.setattr(LatestRepairer, "repair", end)

    with contextlib.suppress(Stopped):
        call(**PROJECT, command="repair", regions=listed)

    summary = html.unescape(re.sub("</?code>|<br>", "", read_summary(step.summary) or ""))
    done = f"{directories[0]}: copy SugarWater@1.0.0 here, verified"
    assert f"{said}\nuntil then this was done:\n  {done}" in summary


def test_disagreement(directories: list[str], step: Step, call: Call) -> None:
    """Where regions disagree nothing is changed until a person says what to keep."""
    for directory, content in zip(directories, (SAME, SAME, OTHER), strict=True):
        file = step.workspace / step.file(content, "one")
        Session(regions=[directory]).stage("SugarWater", "1.0.0", file)
    where = {**PROJECT, "regions": " ".join(directories), "version": "1.0.0"}

    refused = call(**where, command="repair")
    digest = next(w for w in refused.errors[0].split() if w.startswith("sha256:"))
    untouched = (folder(directories[2], "1.0.0") / "artifact").read_bytes()
    done = call(**where, command="repair", keep=digest.rstrip(",."))

    assert refused.exit_code == 4
    assert len(refused.errors) == 1
    assert "command: repair, version: 1.0.0 and keep: sha256:" in refused.errors[0]
    assert "startifact repair" not in refused.errors[0] + refused.summary
    assert untouched == OTHER
    assert done.exit_code == 0, done.stdout
    assert len({(folder(d, "1.0.0") / "artifact").read_bytes() for d in directories}) == 1
    assert only(done, project="SugarWater", version="1.0.0")


def said(done: Done, text: str) -> tuple[int, int]:
    """Return how often *text* is in the log, as the runner shows it, and in the summary."""
    log = unquote(done.stdout)
    return log.count(text), html.unescape(done.summary).count(text)


def test_each_thing_is_said_once(
    listed: str, directories: list[str], step: Step, call: Call
) -> None:
    """Steps, differences, refusals and failures are once in the log and once in the summary."""
    remove(directories[0], "1.0.0")
    (folder(directories[1], "1.1.0") / "artifact").write_bytes(b"cut")
    step.file(b"", "blocked")
    where = {**PROJECT, "regions": f"{listed} file:blocked/d"}
    done = {}
    for name, more in (
        ("verify", {}), ("planned", {"dry_run": "true"}), ("repair", {}), ("again", {}),
    ):  # fmt: skip
        step.summary.write_bytes(b"")
        command = "verify" if name == "verify" else "repair"
        done[name] = call(**where, command=command, **more)

    filled = f"{directories[0]}: copy SugarWater@1.0.0 here, verified"
    assert said(done["repair"], filled)[0] == said(done["planned"], f"{filled} (dry run)")[0] == 1
    assert said(done["planned"], filled)[0] == 1
    assert said(done["again"], filled) == (0, 0)
    for name in ("planned", "repair"):
        assert said(done[name], "copy SugarWater@1.0.0 here, verified") == (1, 1)
    for one in done.values():
        assert said(one, "has 3 bytes, 16 were recorded") == (1, 1)
        assert said(one, "failed to list") == (1, 1)
        assert said(one, "failed with exit code") == (0, 1)
    assert said(done["verify"], "The command repair fixes what can be fixed") == (1, 1)
    assert said(done["repair"], "Find out which is right") == (1, 1)
    assert "### ❌ `SugarWater` repaired, not completely\n" in done["repair"].summary
    assert "### ❌ `SugarWater` was not repaired\n" in done["again"].summary


def test_hint_of_a_region_that_fails(listed: str, directories: list[str], call: Call) -> None:
    """What can be done about a region that fails is beside why it does."""
    aside = folder(directories[1], "1.0.0")
    remove(directories[1], "1.0.0")
    aside.mkdir()
    (aside / "readme.txt").write_text("whatever")

    digest = hashlib.sha256(SAME).hexdigest()
    where = {**PROJECT, "regions": listed, "version": "1.0.0", "keep": f"sha256:{digest}"}
    done = call(**where, command="repair")

    assert done.exit_code == 7
    assert said(done, "Startifact leaves no such folder behind") == (1, 1)


def test_hint_of_a_region_that_fails_is_for_workflows(
    listed: str, directories: list[str], call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can be done is reported in the words of a workflow, not of the command line."""
    (folder(directories[1], "1.0.0") / "artifact").write_bytes(OTHER)
    monkeypatch.setattr(DirectoryRegion, "delete", lambda *_: False)
    keep = f"sha256:{hashlib.sha256(SAME).hexdigest()}"

    done = call(**PROJECT, command="repair", regions=listed, version="1.0.0", keep=keep)

    assert said(done, "Compare again with the command verify") == (1, 1)
    assert said(done, "startifact verify") == (0, 0)


def test_provenance(directories: list[str], step: Step, call: Call) -> None:
    """Who staged it, from what and when is recorded and shown, or none of it."""
    where = {**PROJECT, "regions": directories[0]}
    stage = {**where, "command": "stage", "path": step.file(SAME)}

    call(**stage, version="1.0.0")
    call(**stage, version="2.0.0", provenance="false")
    displayed = []
    for version in ("1.0.0", "2.0.0"):
        step.summary.write_bytes(b"")
        done = call(**where, command="info", version=version)
        displayed.append(done.stdout + (read_summary(step.summary) or ""))

    record = json.loads((folder(directories[0], "2.0.0") / "metadata.json").read_text())
    latest = (folder(directories[0], "2.0.0").parent / "SugarWater" / "latest").read_text()
    recorded = (
        "octocat/SugarWater",
        "0123456789abcdef0123456789abcdef01234567",
        "refs/heads/main",
        "https://github.example/octocat/SugarWater/actions/runs/42",
        "| Actor | `octocat` |",
        "actor: octocat\n",
    )
    for text in recorded:
        assert text in displayed[0]
        assert text not in displayed[1]
    assert "staged at: " in displayed[1]
    assert {k for k in record if k.startswith("startifact:")} == {
        *("startifact:format", "startifact:sha256", "startifact:size", "startifact:staged-at"),
    }
    assert "octocat" not in latest


def test_how_to_download(directories: list[str], step: Step, call: Call) -> None:
    """The summary has a step and a command that download what was staged, ready to be copied."""
    stage = {
        **PROJECT,
        "command": "stage",
        "version": "1.0.0",
        "path": step.file(SAME),
        "regions": " ".join(directories),
    }
    ours = {"GITHUB_ACTION_REPOSITORY": "octo/startifact", "GITHUB_ACTION_REF": "v1"}

    plain = call(ours, **stage)
    step.summary.write_bytes(b"")
    saved = call(ours, **stage | {"version": "1.0.1", "save_filename": "true"})
    step.summary.write_bytes(b"")
    planned = call(ours, **stage | {"version": "1.0.2", "dry_run": "true"})

    regions = ",".join(directories)
    assert "- uses: octo/startifact@v1\n  with:\n    command: download\n" in plain.summary
    assert (
        "    version: &quot;1.0.0&quot;\n    path: &quot;SugarWater-1.0.0&quot;\n" in plain.summary
    )
    assert (
        f"startifact download SugarWater@1.0.0 SugarWater-1.0.0 --regions {regions}<"
        in plain.summary
    )
    assert f"download SugarWater@1.0.1 . --load-filename --regions {regions}<" in saved.summary
    assert "download it" not in planned.summary


@pytest.mark.parametrize(
    ("reported", "uses"),
    [
        ("octo/startifact@0123456789abcdef", "octo/startifact@0123456789abcdef"),
        ("octo/startifact@v1\n- run: evil", "OWNER/startifact@v1"),
    ],
)
def test_how_to_download_in_a_reusable_workflow(
    reported: str, uses: str, directories: list[str], step: Step, call: Call
) -> None:
    """It names the commit that the reusable workflow has fetched, and nothing that is no name."""
    stage = {**PROJECT, "command": "stage", "version": "1.0.0", "regions": directories[0]}

    done = call({"STARTIFACT_ACTION": reported}, **stage, path=step.file(SAME))

    assert snippets(done.summary)[0]["uses"] == uses


def test_tombstone_cannot_be_kept(directories: list[str], step: Step, call: Call) -> None:
    """Nothing offers to keep what was removed."""
    tombstone = {"startifact:format": "1", "startifact:removed-at": "2026-01-01T00:00:00Z"}
    for directory in directories:
        folder(directory, "1.0.0").mkdir(parents=True)
        (folder(directory, "1.0.0") / "artifact").touch()
        (folder(directory, "1.0.0") / "metadata.json").write_text(json.dumps(tombstone))

    done = call(
        **PROJECT,
        command="stage",
        version="1.0.0",
        path=step.file(SAME),
        regions=" ".join(directories),
    )

    assert done.exit_code == 4
    assert "was removed" in done.errors[0]
    assert "if-exists" not in done.errors[0]


def snippets(summary: str) -> tuple[dict[str, Any], list[str]]:
    """Return the step and the command that a summary shows."""
    _, _, rest = summary.partition("To download it")
    step, command = (
        html.unescape(text) for text in re.findall(r"<pre>(.*?)</pre>", rest, re.DOTALL)
    )
    return yaml.safe_load(step)[0], shlex.split(command)


@pytest.mark.parametrize("saved", ["true", "false"])
def test_how_to_download_works(saved: str, step: Step, call: Call) -> None:
    """What the summary says is copied into a workflow and a shell, and brings the bytes back."""
    host = {"RUNNER_WORKSPACE": "/home/runner/work/SugarWater", "STARTIFACT_CONTAINER": "1"}
    regions = f"file:one, file:{step.workspace}/two"
    stage = {**PROJECT, "command": "stage", "version": "1.0.0", "regions": regions}
    done = call(host, **stage, path=step.file(SAME), save_filename=saved)
    copied, command = snippets(done.summary)
    (step.workspace / "dist.tar.gz").unlink()
    name = "dist.tar.gz" if saved == "true" else "SugarWater-1.0.0"

    got = call(host, **copied["with"])
    by_step = (step.workspace / got.outputs["path"]).read_bytes()
    (step.workspace / name).unlink()
    words = [
        word.replace(",file:///home/runner/work/SugarWater/SugarWater/two", "") for word in command
    ]
    ran = subprocess.run([sys.executable, "-m", *words], cwd=step.workspace, check=False)

    assert copied["uses"] == "OWNER/startifact@v1"
    assert str(step.workspace) not in copied["with"]["regions"]
    assert by_step == SAME
    assert ran.returncode == 0
    assert (step.workspace / name).read_bytes() == SAME


@pytest.mark.parametrize(
    ("path", "uses"),
    [
        ("/home/runner/work/_actions/octo/startifact/v1/composite", "octo/startifact/composite@v1"),
        ("D:\\a\\_actions\\octo\\startifact\\a\\b\\composite", "octo/startifact/composite@a/b"),
        ("/home/runner/work/SugarWater/SugarWater/composite", "OWNER/startifact/composite@v1"),
    ],
)
def test_how_to_download_in_the_composite_form(
    path: str, uses: str, directories: list[str], step: Step, call: Call
) -> None:
    """It names the same form of the action: the other one may not run there."""
    stage = {**PROJECT, "command": "stage", "version": "1.0.0", "regions": directories[0]}

    done = call({"GITHUB_ACTION_PATH": path}, **stage, path=step.file(SAME))

    assert snippets(done.summary)[0]["uses"] == uses


def test_how_to_download_with_more(step: Step, call: Call, account: AwsAccount) -> None:
    """What the step's inputs said about AWS is repeated, and a role is to be filled in."""
    identities = Identities()
    try:
        done = call(
            {**identities.environment, "STARTIFACT_PARAMETER": ""},
            **PROJECT,
            command="stage",
            version="1.0.0",
            path=step.file(SAME),
            regions="us-east-1",
            configuration_parameter=account.parameter,
            aws_region="us-east-1",
            audience="https://a/",
            role_to_assume="arn:aws:iam::123456789012:role/stage",
        )
    finally:
        identities.stop()

    copied, command = snippets(done.summary)
    assert copied["with"]["configuration-parameter"] == account.parameter
    assert copied["with"]["aws-region"] == "us-east-1"
    assert copied["with"]["audience"] == "https://a/"
    assert copied["with"]["role-to-assume"] == "arn:aws:iam::ACCOUNT:role/NAME"
    assert "# one that may download" in done.summary
    assert command[-2:] == ["--configuration-parameter", account.parameter]
