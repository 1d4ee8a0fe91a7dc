"""Every block of every document is run, parsed or compared: none is only read by people.

A page's shell blocks are run one after the other, and its Python after them, where `BEFORE` has
made what the page takes for granted. A block of text behind them is what they write.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from startifact import Session
from startifact.action.inputs import StepInputs
from startifact.definitions import ValueKind
from startifact.options import COMMANDS, OPTIONS
from tests.consistency.documents import (
    PAGES,
    USES_ACTION,
    USES_WORKFLOW,
    Block,
    blocks_of,
    steps_in,
    workflows,
)
from tests.consistency.reader import programs, reader_account, run
from tests.consistency.test_ci import made
from tests.consistency.test_documents import ACTION, called, check_call
from tests.support.runner_step import PROJECT, Step

__all__ = ["programs", "reader_account"]

CONTENT = b"sugar and water\n"
ONE_TWO_THREE = "file:./one, file:./two, file:./three"

NOT_RUN = {
    "pip install": "it installs from a repository whose owner is not known here",
}
"""Shell blocks that begin so are not run, for a reason."""

HELD_ELSEWHERE = {
    ("docs/organisation.md", "json"): "tests/consistency/test_organisation_page.py",
    ("docs/storage.md", "json"): "tests/consistency/test_storage_page.py",
    ("docs/storage.md", "jsonl"): "tests/consistency/test_storage_page.py",
    ("docs/architecture.md", "text"): "tests/consistency/test_structure.py",
    ("docs/reference/commands.md", "shell"): "tests/ways_in/cli/test_examples.py",
}
"""Blocks that a test of their own reads."""

PAGES_HELD_ELSEWHERE = {
    "docs/recipes.md": "tests/consistency/test_recipes.py",
    "docs/from-aws-s3-cp.md": "tests/consistency/test_recipes.py",
    "docs/links.md": "tests/consistency/test_recipes.py",
}
"""Pages whose blocks all have a test of their own, which fails where one is left out."""

DIAGRAMS = ("flowchart", "sequenceDiagram", "stateDiagram-v2")


def stage(version: str, project: str = "SugarWater", **more: Any) -> None:
    """Stage a file in the three directories."""
    with Session(regions=["file:./one", "file:./two", "file:./three"]) as session:
        session.stage(project, version, Path("dist.txt"), **more)


def age(*versions: str) -> None:
    """Let *versions* be a year old."""
    for version in versions:
        for path in Path().glob(f"*/*@{version}/metadata.json"):
            text = re.sub(r'(staged-at": ?")20\d\d', r"\g<1>2025", path.read_text("utf-8"))
            path.write_text(text, encoding="utf-8")


def one_version() -> None:
    stage("1.0.9000", metadata={"lang": "dotnet"}, save_filename=True)


def versions() -> None:
    for version in ("1.1.0", "1.2.0", "1.2.1"):
        stage(version, metadata={"lang": "dotnet", "os": "linux"}, save_filename=True)
    age("1.2.0")
    with Session(regions=["file:./one", "file:./two", "file:./three"]) as session:
        session.promote("SugarWater", "1.1.0", "prod")


def no_regions() -> None:
    """Leave the regions to the commands."""
    del os.environ["STARTIFACT_REGIONS"]


def old_versions() -> None:
    """Stage 22 versions, all of which but the newest are old."""
    numbers = [f"1.0.{number}" for number in range(22)]
    for number in numbers:
        stage(number)
    age(*numbers[:-1])


def command_line_tools() -> None:
    """Make the directories and the program that the page of archives is about."""
    for name in ("dist/a.whl", "dist/a.dev1.whl", "function/handler.py"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(CONTENT)
    program = Path("make-report")
    program.write_text("#!/bin/sh\necho report\n", encoding="utf-8")
    program.chmod(0o755)


def two_projects() -> None:
    """Stage what the page of lock files locks, in a repository of git."""
    subprocess.run(["git", "init", "--quiet"], check=True)
    stage("1.4.0", project="CLI")
    stage("1.1.0")
    age("1.4.0", "1.1.0")
    with Session(regions=["file:./one", "file:./two", "file:./three"]) as session:
        session.promote("SugarWater", "1.1.0", "prod")


def another_organisation() -> None:
    """Make a partner's bucket, two regions with a configuration, and a profile to reach both."""
    stage("1.4.2")
    with Session(regions=["file:./one", "file:./two", "file:./three"]) as session:
        session.promote("SugarWater", "1.4.2", "prod")
    configuration = json.dumps({"bucket_name_param": "/artifacts/bucket"})
    for region in ("eu-west-1", "us-east-1"):
        more: Any = {} if region == "us-east-1" else {"LocationConstraint": region}
        s3: Any = boto3.client("s3", region_name=region)
        for bucket in ("their-artifacts", f"my-artifacts-{region}")[region == "us-east-1" :]:
            s3.create_bucket(Bucket=bucket, **({"CreateBucketConfiguration": more} if more else {}))
        ssm = boto3.client("ssm", region_name=region)
        for name, value in (
            ("/artifacts/bucket", f"my-artifacts-{region}"),
            ("/startifact", configuration),
        ):
            ssm.put_parameter(Name=name, Value=value, Type="String")
    Path("config").write_text("[profile partner]\nregion = eu-west-1\n", encoding="utf-8")
    Path("credentials").write_text(
        "[partner]\naws_access_key_id = AKIAPARTNERPARTNERPA\naws_secret_access_key = partner\n",
        encoding="utf-8",
    )


REPAIRING = """
rm -r one/SugarWater@1.0.9000
printf 'something else\\n' > other.txt
STARTIFACT_REGIONS=file:./one startifact stage SugarWater@1.0.9000 other.txt
"""

BEFORE: dict[str, Callable[[], None]] = {
    "README.md": lambda: None,
    "docs/start.md": lambda: None,
    "docs/organisation-by-hand.md": lambda: None,
    "docs/permissions.md": no_regions,
    "docs/command-line.md": lambda: None,
    "docs/python.md": lambda: None,
    "docs/archives.md": command_line_tools,
    "docs/doctor.md": one_version,
    "docs/versions.md": versions,
    "docs/channels.md": versions,
    "docs/prune.md": old_versions,
    "docs/repair.md": one_version,
    "docs/lock-file.md": two_projects,
    "docs/copy.md": another_organisation,
}
"""What there is before the first block of a page is run."""

BETWEEN = {("docs/repair.md", 1): REPAIRING}
"""What happens before another block of a page, by the number of the block."""

ON_AWS = ("docs/start.md", "docs/organisation-by-hand.md", "docs/copy.md")


def is_make(block: Block) -> bool:
    """Say whether all that *block* does is to make targets of the Makefile."""
    lines = block.text.replace("\\\n", " ").splitlines()
    words = [[w for w in x.split() if not re.match(r"[A-Z_]+_\w+=", w)] for x in lines]
    return all(line[:1] == ["make"] for line in words)


def is_run(block: Block) -> bool:
    """Say whether *block* is a part of what a reader runs on its page."""
    return not is_make(block) and not block.text.startswith(tuple(NOT_RUN))


def expected(text: str) -> str:
    """Return the pattern for an output that is shown: ``...`` is any text, alone any lines."""
    lines = seconds(text).splitlines()
    known = [re.escape(line).replace(r"\.\.\.", ".*") + r"\n" for line in lines]
    return "".join(r"(?:.*\n)*?" if x == r".*\n" else x for x in known)


def seconds(text: str) -> str:
    """Return *text* with all times it took set to nothing."""
    return re.sub(r"\d+\.\d s", "0.0 s", text)


@pytest.mark.parametrize("page", BEFORE)
def test_shell_and_python(
    page: str,
    programs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """What a page has its reader run works as written, and writes what stands there."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("STARTIFACT_REGIONS", ONE_TWO_THREE)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    for name in ("dist.txt", "dist.tar.gz"):
        Path(name).write_bytes(CONTENT)
    if page in ON_AWS:
        request.getfixturevalue("reader_account")
    BEFORE[page]()
    shell = [block for block in blocks_of(page, "shell") if is_run(block)]
    scripts = [BETWEEN.get((page, n), "") + block.text for n, block in enumerate(shell)]

    ran = run(programs, folder, *scripts)
    for block, output in zip(shell, ran.outputs, strict=True):
        quoted = output_of(block)
        is_so = quoted is None or re.fullmatch(expected(quoted.text), seconds(output)) is not None
        assert is_so, f"{block.name} writes:\n{output}"
    run_python(page, folder, ran.regions)
    for block in blocks_of(page, "toml"):
        assert (folder / "startifact.lock").read_text(encoding="utf-8") == block.text


def run_python(page: str, folder: Path, regions: str) -> None:
    """Run the Python of *page*, one block after the other in one process."""
    texts = [block.text for block in blocks_of(page, "python")]
    if not texts:
        return
    shutil.copy(folder / "dist.txt", folder / "dist.tar.gz")
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(texts)],
        cwd=folder,
        env={**os.environ, "STARTIFACT_REGIONS": regions},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def output_of(block: Block) -> Block | None:
    """Return the block of text that stands directly behind *block*, and is its output."""
    lines = PAGES[block.page].splitlines()
    last = block.line + block.text.count("\n") + 1
    found = [b for b in blocks_of(block.page, "text") if not any(lines[last : b.line - 1])]
    return next((b for b in found if b.line > last), None)


def test_python_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first lines of Python print what they should."""
    monkeypatch.setenv("STARTIFACT_REGIONS", f"file://{tmp_path}/one")
    (tmp_path / "dist.tar.gz").write_bytes(CONTENT)
    first = blocks_of("docs/python.md", "python")[0].text

    done = subprocess.run(
        [sys.executable, "-c", first],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "1.0.9000 dotnet\n"), done.stderr
    assert (tmp_path / "download.tar.gz").read_bytes() == CONTENT


MAKES = [b for page in PAGES for b in blocks_of(page, "shell") if is_make(b)]


@pytest.mark.parametrize("block", MAKES, ids=[block.name for block in MAKES])
def test_targets(block: Block) -> None:
    """What a page has its reader make can be made."""
    for line in block.text.replace("\\\n", " ").splitlines():
        words = [w for w in shlex.split(line) if not re.match(r"[A-Z_]+_[A-Z_0-9]+=", w)]
        assert made(words[1:])


YAML = [b for page in PAGES if page not in PAGES_HELD_ELSEWHERE for b in blocks_of(page, "yaml")]
EXPRESSIONS = {"version": "v1.2.3", "sha256": "0" * 64, "project": "SugarWater"}
"""What stands for the value of an expression, by the input that has it, where that matters."""


@pytest.mark.parametrize("block", YAML, ids=[block.name for block in YAML])
def test_workflows(block: Block, tmp_path: Path) -> None:
    """A workflow is YAML whose steps the action takes, and reads only outputs that there are."""
    encoded_record = yaml.safe_load(block.text)
    jobs = encoded_record["jobs"].values() if isinstance(encoded_record, dict) else []
    steps = [s for s in steps_in(encoded_record) if USES_ACTION.match(s.get("uses", ""))]
    calls = [job for job in jobs if called(job)]

    assert steps or calls
    for step in steps:
        check_inputs(step["with"], tmp_path)
    for job in calls:
        check_call(job)
        command = USES_WORKFLOW.fullmatch(job["uses"])[1]  # type: ignore[index]
        own = {"artifact", "filename", "environment"}
        given = {n: v for n, v in job["with"].items() if n not in own and not isinstance(v, bool)}
        check_inputs({"command": command, "path": "dist", **given}, tmp_path)
    ours = {step.get("id") for step in steps}
    for step_id, output in re.findall(r"steps\.([a-z-]+)\.outputs\.([a-z0-9-]+)", block.text):
        assert step_id not in ours or output in ACTION["outputs"]


def check_inputs(given: dict[str, Any], folder: Path) -> None:
    """Check that the action takes the inputs of a step, each of which has to be a text."""
    assert all(isinstance(value, str) for value in given.values()), given
    assert set(given) <= set(ACTION["inputs"])
    known = {
        name: re.sub(r"\$\{\{.*?\}\}", value_of(name), value).replace("s3://NAME", "s3://name")
        for name, value in given.items()
        if not (given["command"] == "promote" and name == "path")
    }
    StepInputs.from_environment(Step(folder).inputs(known))


def value_of(name: str) -> str:
    """Return what stands for the value of an expression in the input *name*."""
    is_flag = OPTIONS[name].kind is ValueKind.FLAG
    return "true" if is_flag else EXPRESSIONS.get(name, "dist")


def test_examples_of_commands() -> None:
    """The page of commands has the examples of the help of each command, which are run."""
    quoted = [block.text.splitlines() for block in blocks_of("docs/reference/commands.md", "shell")]

    assert quoted == [list(command.examples) for command in COMMANDS.values()]


def category(block: Block) -> str:
    """Return how *block* is held, or nothing where it is not."""
    where = (block.page, block.language)
    match block.language:
        case _ if where in HELD_ELSEWHERE or block.page in PAGES_HELD_ELSEWHERE:
            return "elsewhere"
        case "shell" if not is_run(block):
            return "make" if is_make(block) else "not run"
        case "shell" | "python" | "toml" if block.page in BEFORE:
            return "run"
        case "text" if any(output_of(b) == block for b in blocks_of(block.page, "shell")):
            return "output"
        case "yaml":
            return "workflow"
        case "mermaid" if block.text.startswith(DIAGRAMS):
            return "diagram"
    return ""


def test_every_block() -> None:
    """No block is in none of the categories, and few are not run."""
    all_blocks = [block for page in PAGES for block in blocks_of(page)]
    categories = {block.name: category(block) for block in all_blocks}

    assert [name for name, how in categories.items() if not how] == []
    assert list(categories.values()).count("not run") == len(NOT_RUN)
    elsewhere = {page: test for (page, _), test in HELD_ELSEWHERE.items()} | PAGES_HELD_ELSEWHERE
    for page, test in elsewhere.items():
        assert page.rpartition("/")[2].partition(".")[0] in (PROJECT / test).read_text("utf-8")


def test_no_other_fences() -> None:
    """Each fence that begins a block is found, and each has a language."""
    for page, text in PAGES.items():
        fences = len(re.findall(r"^ *(```|~~~)", text, re.MULTILINE))
        assert fences == 2 * len(blocks_of(page)), page
        assert all(block.language for block in blocks_of(page)), page


def test_more_than_a_few() -> None:
    """The blocks are found at all."""
    assert len(YAML) > 30
    assert len(MAKES) >= 3
    assert sum(len(workflows(page)) for page in PAGES) > 20
    assert tomllib.loads(blocks_of("docs/lock-file.md", "toml")[0].text)["format"] == 1
