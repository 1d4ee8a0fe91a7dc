"""The job summary: what it says, and that nothing in it is more than text."""

import html
import json
import re
from pathlib import Path

import pytest

from startifact import Session
from startifact.action.markdown import long_table, write
from tests.support.runner_rules import SUMMARY_LIMIT, read_summary
from tests.support.runner_step import Step
from tests.ways_in.action.conftest import Call, to_stage

UNSAFE = "a|b`c` <img src=x> &amp; \\| @octocat **x** [l](http://evil.example)\n### h\u202e\x1b[1m"


@pytest.fixture
def listed(directories: list[str]) -> str:
    return ",".join(directories)


def cells(summary: str) -> list[list[str]]:
    """Return the tables of a summary, row by row, split where Markdown splits them."""
    rows = [line for line in summary.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def test_staging(step: Step, call: Call, listed: str) -> None:
    """The summary of a staging says what was staged, with a row for each region."""
    done = call(
        **to_stage(
            step, version="1.0.9000", metadata="lang=dotnet", save_filename="true", regions=listed
        )
    )

    rows = cells(done.summary)
    assert done.summary.startswith("### ✅ `SugarWater@1.0.9000` staged\n")
    assert rows[0] == ["Version", "`1.0.9000`"]
    assert {len(row) for row in rows} == {2}
    assert ["Size", "16 bytes"] in rows
    assert ["SHA-256", f"`{done.outputs['sha256']}`"] in rows
    assert ["File name", "`dist.tar.gz`"] in rows
    assert ["Latest", "yes"] in rows
    for location in json.loads(done.outputs["locations"]):
        said = dict(rows)[f"`{location['region']}`"]
        assert re.fullmatch(rf"created after \d+\.\d s, `{re.escape(location['uri'])}`", said)
    assert ["Metadata `lang`", "`dotnet`"] in rows


def test_metadata_that_looks_like_a_secret(step: Step, call: Call, listed: str) -> None:
    """Where it is one, the summary would show it to whoever can see the run."""
    staging = call(**to_stage(step, metadata="api_token=s3cr3t\nlang=c", regions=listed))
    info = call(command="info", project="SugarWater", version="1.0.0", regions=listed)

    for done in (staging, info):
        rows = cells(done.summary)
        assert ["Metadata `lang`", "`c`"] in rows
        assert ["Metadata `api_token`", "not shown: it looks like a secret"] in rows
        assert "s3cr3t" not in done.summary + done.stdout + done.stderr


def test_download(step: Step, call: Call, listed: str) -> None:
    """The summary of a download says where the file is, and where the artifact comes from."""
    call(**to_stage(step, regions=listed))
    step.summary.write_bytes(b"")

    done = call(command="download", project="SugarWater", path="back", regions=listed)

    rows = cells(done.summary)
    assert done.summary.startswith("### ✅ `SugarWater@1.0.0` downloaded for `latest`\n")
    assert ["Asked for", "`latest`: the channel points at it"] in rows
    assert "latest is 1.0.0: the channel points at it" in done.stdout.splitlines()
    assert ["Path", "`back`"] in rows
    home = "https://github.example/octocat/SugarWater"
    commit, run = "0123456789abcdef0123456789abcdef01234567", f"{home}/actions/runs/42"
    assert ["Repository", f"[`octocat/SugarWater`]({home})"] in rows
    assert ["Commit", f"[`{commit}`]({home}/commit/{commit})"] in rows
    assert ["Run", f"[`42`]({run})"] in rows
    for directory in listed.split(","):
        assert dict(rows)[f"`{directory}`"].startswith("present after ")
    assert not any(row[0].startswith("Metadata") for row in rows)


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("repository", "octocat/Sugar)Water"),
        ("repository", "../../evil"),
        ("commit", "main?x=1"),
        ("run", "https://evil.example/octocat/SugarWater/actions/runs/42"),
        ("run", "https://github.example/other/Water/actions/runs/42"),
        ("run", "https://github.example/octocat/SugarWater/actions/runs/42)x"),
    ],
)
def test_no_link_to_elsewhere(
    fact: str, value: str, step: Step, call: Call, directories: list[str]
) -> None:
    """What a record says of a run is a link only where it leads to that run, on this server."""
    call(**to_stage(step, regions=directories[0]))
    record = Path(directories[0].removeprefix("file://")) / "SugarWater@1.0.0" / "metadata.json"
    stored = json.loads(record.read_text())
    record.write_text(json.dumps(stored | {f"startifact:{fact}": value}))
    step.summary.write_bytes(b"")

    done = call(command="info", project="SugarWater", regions=directories[0])

    assert [fact.capitalize(), f"`{value}`"] in cells(done.summary)
    assert f"]({value}" not in done.summary


def test_long_lists_are_folded(step: Step, call: Call, directories: list[str]) -> None:
    """Of a list that is longer than a screen the rest opens with a click."""
    session = Session(regions=directories[:1])
    for patch in range(22):
        session.stage("SugarWater", f"1.0.{patch}", step.workspace / step.file())
    listing = {"command": "versions", "project": "SugarWater", "regions": directories[0]}

    folded, short = call(**listing), call(**listing, limit="20")

    before, _, rest = folded.summary.partition("<details>")
    assert "`1.0.2`" in before
    assert rest.startswith("<summary>2 more versions</summary>\n\n| Version")
    assert folded.summary.endswith("|\n\n</details>\n\n")
    assert "<details>" not in short.summary.removeprefix(folded.summary)


def test_fold_that_is_cut(tmp_path: Path) -> None:
    """Where a folded list does not fit, the note about that is not folded with it."""
    path = tmp_path / "summary"
    lines = ["### title\n\n", *long_table(("a",), [("x" * 40_000,)] * 40, "rows")]

    write(str(path), lines)

    assert "\n</details>\n\n*The rest is left out" in path.read_text()


def test_paths_of_the_host_in_the_log(step: Step, call: Call) -> None:
    """The log of a container names a file as other steps know it."""
    call(**to_stage(step, regions="file:./regions"))
    host = {"RUNNER_WORKSPACE": "/home/runner/work/SugarWater", "STARTIFACT_CONTAINER": "1"}

    done = call(host, command="download", project="SugarWater", path="back", regions="file:regions")

    assert "\ndownloaded to back\n" in done.stdout
    assert str(step.workspace) not in done.stdout


HOST = {"RUNNER_WORKSPACE": "/home/runner/work/SugarWater", "STARTIFACT_CONTAINER": "1"}


def test_paths_of_the_host_in_warnings_and_errors(step: Step, call: Call) -> None:
    """No text of a container's step has the container's own name of a folder, however it ends."""
    step.folder("dist")
    step.file(b"", "blocked")
    workspace = "/home/runner/work/SugarWater/SugarWater"

    archived = call(HOST, **to_stage(step, path="dist", regions="file:regions"))
    failed = call(HOST, **to_stage(step, version="1.1.0", regions="file:blocked/a`b"))
    refused = call(HOST, **to_stage(step, path="dist", archive="zip", regions="file:regions"))

    assert f"hidden files are left out: '{workspace}/dist/.env'" in archived.stdout
    assert (failed.exit_code, refused.exit_code) == (5, 2)
    for done in (failed, refused):
        assert workspace in done.errors[0]
        assert workspace in done.outputs["error"]
        assert workspace in html.unescape(done.summary)
    for done in (archived, failed, refused):
        texts = [done.stdout, html.unescape(done.summary), *done.outputs.values()]
        assert not any(str(step.workspace) in text for text in texts)


def test_metadata_is_shown_as_it_is(step: Step, call: Call) -> None:
    """What somebody has stored is not changed, even where it is like a path of the container."""
    stored = f"made-in={step.workspace}/dist"

    done = call(HOST, **to_stage(step, metadata=stored, regions="file:regions"))
    info = call(HOST, command="info", project="SugarWater", regions="file:regions")

    assert ["Metadata `made-in`", f"`{step.workspace}/dist`"] in cells(done.summary)
    assert f"metadata made-in: {step.workspace}/dist" in info.stdout.splitlines()


def test_why_a_version_was_picked(step: Step, call: Call, directories: list[str]) -> None:
    """A range is said with what it picked and why, and what was passed over."""
    session = Session(regions=directories[:1])
    for version in ("1.0.0", "1.1.0"):
        session.stage("SugarWater", version, step.workspace / step.file())
    session.yank("SugarWater", "1.1.0", reason="It loses orders")

    done = call(command="info", project="SugarWater", version="^1", regions=directories[0])

    rows = cells(done.summary)
    why = "the highest version in the range that may be picked"
    assert done.summary.startswith("### ✅ `SugarWater@1.0.0` found for `^1`\n")
    assert rows[2:4] == [
        ["Asked for", f"`^1`: {why}"],
        ["Passed over", "`1.1.0`: `it was yanked: 'It loses orders'`"],
    ]
    assert f"^1 is 1.0.0: {why}" in done.stdout.splitlines()


def test_version_that_a_minority_holds(step: Step, call: Call, directories: list[str]) -> None:
    """A step that is served what only a minority holds is warned, and its summary says so."""
    Session(regions=directories[:1]).stage("SugarWater", "1.0.0", step.workspace / step.file())

    done = call(
        command="download",
        project="SugarWater",
        version="1.0.0",
        path="back",
        regions=",".join(directories),
    )

    assert done.exit_code == 0
    assert "SugarWater@1.0.0 is held by 1 of 3 regions" in done.warnings[0]
    assert "No majority of the regions holds this version" in done.summary
    assert "`command: repair`" in done.summary


def test_region_in_trouble(step: Step, call: Call, directories: list[str]) -> None:
    """A region that failed has its reason in the summary, also of a step that succeeded."""
    Session(regions=directories[:2]).stage("SugarWater", "1.0.0", step.workspace / step.file())
    step.file(b"", "blocked")
    listed = f"{directories[0]} {directories[1]} file:./blocked/region"

    done = call(command="info", project="SugarWater", regions=listed)

    rows = cells(done.summary)
    assert done.exit_code == 0
    assert done.summary.startswith("### ⚠️ `SugarWater@1.0.0` found")
    failed = [row for row in rows if row[1].startswith("failed after ")]
    assert len(failed) == 1
    assert "blocked/region" in failed[0][0]
    _, _, why = failed[0][1].partition(" s: ")
    assert "blocked/region" in why
    assert "Not a directory" in why
    assert not why.startswith("`file:./blocked/region")


def test_failure(step: Step, call: Call, listed: str) -> None:
    """The summary of a step that failed says why, and what to do next."""
    done = call(command="download", project="SugarWater", path="x", regions=listed)

    assert "### ❌ download `SugarWater@latest` failed with exit code 3\n" in done.summary
    assert "<blockquote>\n<code>SugarWater has no latest" in done.summary
    assert "<br>\n<br>\n<code>Hint: " in done.summary
    assert "SugarWater has no latest" in done.summary


def test_failure_of_inputs(call: Call) -> None:
    """Inputs that are not valid are reported in the summary too, all of them."""
    done = call(command="upload", project="..")

    assert "### ❌ Startifact failed with exit code 2\n" in done.summary
    assert "command: got &#x27;upload&#x27;" in done.summary
    assert "project &#x27;..&#x27;" in done.summary


@pytest.mark.parametrize("project", ["SugarWater", ".."])
def test_no_summary(project: str, step: Step, call: Call, listed: str) -> None:
    """Where no summary is wanted there is none, whether the step succeeds or fails."""
    done = call(
        command="stage",
        project=project,
        version="1.0.0",
        path=step.file(),
        regions=listed,
        summary="false",
    )

    assert done.exit_code == (0 if project == "SugarWater" else 2)
    assert done.summary == ""


def test_no_summary_file(step: Step, call: Call, listed: str) -> None:
    """Without the variable the step succeeds all the same, and says nothing about it."""
    done = call({"GITHUB_STEP_SUMMARY": ""}, **to_stage(step, regions=listed))

    assert done.exit_code == 0
    assert done.commands == []


@pytest.mark.parametrize("kind", ["directory", "missing folder"])
def test_summary_that_cannot_be_written(kind: str, step: Step, call: Call, listed: str) -> None:
    """A summary that cannot be written is a warning, not a failure."""
    path = step.temp if kind == "directory" else step.temp / "gone" / "summary"

    done = call({"GITHUB_STEP_SUMMARY": str(path)}, **to_stage(step, regions=listed))

    assert done.exit_code == 0
    assert len(done.warnings) == 1
    assert "cannot write the job summary" in done.warnings[0]


def test_unsafe_text(step: Step, call: Call, directories: list[str]) -> None:
    """Text from outside cannot leave its cell, and is neither markup nor a mention."""
    call(**to_stage(step, metadata="key=value", regions=directories[0]))
    record = Path(directories[0].removeprefix("file://")) / "SugarWater@1.0.0" / "metadata.json"
    stored = json.loads(record.read_text())
    stored.update(
        {
            UNSAFE: UNSAFE,
            "lines": "a\nb\u2028c\u202ed",
            "empty": "",
            "long": "x" * 5000,
            "startifact:ref": UNSAFE,
        }
    )
    record.write_text(json.dumps(stored))
    step.summary.write_bytes(b"")

    done = call(command="info", project="SugarWater", regions=directories[0])

    rows = cells(done.summary)
    outside_code = re.sub(r"`[^`\n]*`|<(code|pre)>[^<]*</\1>", "", done.summary)
    outside_code = re.sub(r"\[\]\(https://github\.example/octocat/[\w/]+\)", "", outside_code)
    assert done.exit_code == 0
    assert {len(row) for row in rows} == {2}
    ours = r"</?(details|summary)>"
    assert not re.search(r"[<>@`\[\]\\*]", re.sub(ours, "", outside_code))
    assert all(c.isprintable() or c == "\n" for c in done.summary)
    assert "octocat" in done.summary
    assert ["Metadata `key`", "`value`"] in rows
    assert ["Metadata `empty`", "<code></code>"] in rows
    assert "(5,000 characters)`" in done.summary
    assert len(done.summary.split("\n### ")) == 1


def test_unsafe_error(step: Step, call: Call) -> None:
    """The text of an error stays inside its block."""
    done = call(command="info", project="</pre>\n# <b>x</b>", regions="file:./a")

    tags = re.findall("<[^>]*>", done.summary)
    assert {*tags} == {"<blockquote>", "<code>", "</code>", "<br>", "</blockquote>"}
    assert "\n\n" not in done.summary.partition("<blockquote>")[2].partition("</blockquote>")[0]


def test_after_earlier_content(step: Step, call: Call, listed: str) -> None:
    """What is in the file already is kept, and is separated from ours."""
    step.summary.write_bytes(b"before")

    call(**to_stage(step, regions=listed))

    assert step.summary.read_text().startswith("before\n\n### ")


@pytest.mark.parametrize("room", [0, 3, 50, 100, 150, 1000, 100_000])
def test_limit(room: int, tmp_path: Path) -> None:
    """Together with what is there the summary never has more than 1 MiB, and says what is cut."""
    path = tmp_path / "summary"
    before = "b" * (SUMMARY_LIMIT - room)
    path.write_text(before)
    lines = [f"| {'é' * 20} |\n" for _ in range(500)]

    write(str(path), lines)

    text = read_summary(path)
    assert text is not None
    assert text.startswith(before)
    ours = text.removeprefix(before)
    if room == 100_000:
        assert ours == "\n\n" + "".join(lines)
    else:
        assert "1 MiB" in ours or room <= 100
        assert ours.strip().startswith(lines[0].strip()) or room <= 100
        assert len(ours.encode()) <= room


@pytest.mark.parametrize(("size", "cut"), [(998, False), (999, True)])
def test_exact_limit(size: int, cut: bool, tmp_path: Path) -> None:
    """The last byte that there is room for is used, the two that tell it apart included."""
    path = tmp_path / "summary"
    path.write_text("b" * (SUMMARY_LIMIT - 1000))

    write(str(path), ["a" * 500, "c" * (size - 500)])

    text = read_summary(path)
    assert text is not None
    assert ("c" in text) != cut
    assert ("1 MiB" in text) == cut


def test_new_file(tmp_path: Path) -> None:
    """A file that somebody has removed is made again."""
    path = tmp_path / "summary"

    write(str(path), ["text\n"])

    assert path.read_text() == "text\n"


def test_no_room(step: Step, call: Call, listed: str) -> None:
    """A summary for which there is no room is left out, and the log says so."""
    step.summary.write_text("b" * (SUMMARY_LIMIT - 10))

    done = call(
        command="stage", project="SugarWater", version="1.0.0", path=step.file(), regions=listed
    )

    assert done.exit_code == 0
    assert "the job summary is left out" in done.stdout


@pytest.mark.parametrize("staged", [True, False])
def test_dry_run_says_what_would_be(staged: bool, step: Step, call: Call, listed: str) -> None:
    """A dry run claims neither that latest has moved nor a time of staging that there was not."""
    inputs = {
        "command": "stage",
        "project": "SugarWater",
        "version": "1.0.0",
        "path": step.file(),
        "regions": listed,
    }
    if staged:
        call(**inputs)
        step.summary.write_bytes(b"")

    done = call(**inputs, dry_run="true")

    assert "| Latest | would be |" in done.summary
    assert ("Staged at" in done.summary) == staged
    assert "Repository" in done.summary


def test_conflict_in_the_words_of_a_workflow(step: Step, call: Call, listed: str) -> None:
    """What to do about other content is said with the action's own inputs."""
    inputs = {"command": "stage", "project": "SugarWater", "version": "1.0.0", "regions": listed}
    call(**inputs, path=step.file())

    done = call(**inputs, path=step.file(b"other\n"))

    assert done.exit_code == 4
    assert "or set if-exists: keep" in done.errors[0]


def test_conflict_has_a_row_for_each_region(step: Step, call: Call, directories: list[str]) -> None:
    """The summary of a conflict says of each region what it holds, or why that is not known."""
    Session(regions=directories[:1]).stage("SugarWater", "1.0.0", step.workspace / step.file())
    path = step.file(b"other\n")
    Session(regions=directories[1:2]).stage("SugarWater", "1.0.0", step.workspace / path)
    step.file(b"", "blocked")

    done = call(
        command="stage",
        project="SugarWater",
        version="1.0.0",
        path=path,
        regions=" ".join([*directories, "file:./blocked/region"]),
    )

    rows = cells(done.summary)
    assert done.exit_code == 4
    found = [row[1] for row in rows if "SugarWater" not in row[0] and row[0].startswith("`file:")]
    assert found == ["different", "present", "absent", "failed"]
    before, _, table = done.summary.partition("| Region |")
    assert before.count("differs in the bytes") == 1
    assert "differs in the bytes" not in table
    assert (before + table).count("Not a directory") == 1
