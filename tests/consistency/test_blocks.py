"""Every block of every document is run, parsed or compared: none is only read by people."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from startifact.action.inputs import StepInputs
from startifact.definitions import ValueKind, WayIn
from startifact.options import COMMANDS, OPTIONS, commands_of, options_of
from tests.consistency.before_pages import BEFORE
from tests.consistency.documents import (
    NOT_RUN,
    PAGES,
    USES_ACTION,
    USES_WORKFLOW,
    Block,
    blocks_of,
    is_make,
    is_run,
    output_of,
    prose_of,
    steps_in,
    workflows,
)
from tests.consistency.test_ci import made
from tests.consistency.test_documents import ACTION, called, check_call
from tests.support.runner_step import PROJECT, Step

HELD_ELSEWHERE = {
    ("docs/organisation.md", "json"): "tests/consistency/test_organisation_page.py",
    ("docs/storage.md", "json"): "tests/consistency/test_storage_page.py",
    ("docs/storage.md", "jsonl"): "tests/consistency/test_storage_page.py",
    ("docs/organisation-templates.md", "bash"): "tests/consistency/test_templates.py",
    ("docs/organisation-templates.md", "hcl"): "tests/consistency/test_templates.py",
    ("docs/architecture.md", "text"): "tests/consistency/test_structure.py",
    ("docs/organisation-by-hand.md", "shell"): "tests/consistency/test_setting_up.py",
    ("docs/reference/commands.md", "shell"): "tests/ways_in/cli/test_examples.py",
}
"""Blocks that a test of their own reads."""

PAGES_HELD_ELSEWHERE = {
    "docs/recipes.md": "tests/consistency/test_recipes.py",
    "docs/from-aws-s3-cp.md": "tests/consistency/test_recipes.py",
    "docs/links.md": "tests/consistency/test_recipes.py",
    "docs/bootstrap.md": "tests/functional/bootstrap/test_page.py",
}
"""Pages whose blocks all have a test of their own, which fails where one is left out."""

DIAGRAMS = ("flowchart", "sequenceDiagram", "stateDiagram-v2")

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
        command = USES_WORKFLOW.fullmatch(job["uses"])[1]  # type: ignore[index]  # `calls` match
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


def test_commands_in_sentences() -> None:
    """A command line in a sentence or a table has a command and options that there are."""
    wrong, count = [], 0
    for page in PAGES:
        if page == "docs/from-the-first-startifact.md":  # that of another program, too
            continue
        text = re.sub(r"(?<!\|)\n", " ", prose_of(page))
        for line in re.findall(r"`startifact ([a-z][^`\n]*)`", text):
            command, *words = line.split()
            known = {name for o in options_of(WayIn.SHELL, command) for name in o.spellings}
            given = {word.rstrip(",.") for word in words if re.match(r"--?[a-z]", word)}
            is_one = command in commands_of(WayIn.SHELL) and given <= known | {"--help"}
            wrong += [] if is_one else [f"{page}: startifact {line}"]
            count += 1

    assert wrong == []
    assert count > 50
