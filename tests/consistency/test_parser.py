"""
GitHub's own parser has nothing to say about the action, in both forms, and about workflows.

It lets an input pass that has no description or an unknown key; other tests here and the schemas
hold those.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.consistency.documents import PAGES, workflows
from tests.support.runner_step import PROJECT

PREFIX = Path(sys.prefix) / "node"
PACKAGE = PREFIX / "node_modules" / "@actions" / "workflow-parser"
ACTIONS = [PROJECT / "action.yml", PROJECT / "composite" / "action.yml"]
WORKFLOWS = [
    *sorted((PROJECT / ".github" / "workflows").glob("*.yml")),
    *sorted((PROJECT / "examples" / "workflows").glob("*.yml")),
]

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="there is no node"),
    pytest.mark.skipif(
        not PACKAGE.is_dir(), reason="there is no parser: see CONTRIBUTING.md for how to get it"
    ),
]


def parsed(*paths: Path) -> dict[str, list[str]]:
    """Return what the parser says about each of the files, without what it calls them."""
    script = Path(__file__).with_name("parse_workflows.mjs")
    done = subprocess.run(
        ["node", str(script), str(PREFIX), *map(str, paths)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, list[str]] = json.loads(done.stdout)
    return {name: [re.sub(r"^\S*\(Line.*?\): ", "", m) for m in said[name]] for name in said}


def test_actions_and_workflows() -> None:
    """Both forms of the action, the project's workflows and the examples are right."""
    paths = [*ACTIONS, *WORKFLOWS]

    said = parsed(*paths)

    assert len(paths) > 12
    assert said == {str(path): [] for path in paths}


def test_workflows_of_the_documents(tmp_path: Path) -> None:
    """So is every whole workflow in the documents."""
    texts = [text for page in PAGES for text in workflows(page)]
    paths = [tmp_path / f"{number}.yml" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(
            text if re.search(r"^on:", text, re.MULTILINE) else f"on: push\n{text}",
            encoding="utf-8",
        )

    said = parsed(*paths)

    assert len(texts) > 20
    assert said == {str(path): [] for path in paths}


ACTION_MISTAKES = {
    "secrets in a default": (
        'default: "majority"',
        "default: ${{ secrets.X }}",
        "Unrecognized named-value: 'secrets'",
    ),
    "a list for a default": ('default: "majority"', "default: [a]", "A sequence was not expected"),
    "no description": ("description: Stage", "descripton: Stage", "Unexpected value 'descripton'"),
    "no such colour": ("color: blue", "color: pinkish", "Unexpected value 'pinkish'"),
    "another kind": ("using: docker", "using: dockers", "Unexpected value 'dockers'"),
    "arguments from elsewhere": (
        "image: Dockerfile",
        'image: Dockerfile\n  args: ["${{ github.token }}"]',
        "Unrecognized named-value: 'github'",
    ),
}

WORKFLOW_MISTAKES = {
    "secrets in a condition": (
        "    name: Check\n",
        "    name: Check\n    if: secrets.X != ''\n",
        "Unrecognized named-value: 'secrets'",
    ),
    "a job's unknown key": ("    runs-on:", "    run-on:", "Unexpected value 'run-on'"),
    "an unknown permission": ("contents: read", "content: read", "Unexpected value 'content'"),
    "half an expression": (
        "github.ref }}",
        "github.ref && }}",
        "Unexpected end of expression",
    ),
    "an unknown job": (
        "    name: Check\n",
        "    name: Check\n    needs: nobody\n",
        "depends on unknown job 'nobody'",
    ),
}


@pytest.mark.parametrize(("old", "new", "message"), ACTION_MISTAKES.values(), ids=ACTION_MISTAKES)
@pytest.mark.represented_by("secrets in a default", "another kind", "arguments from elsewhere")
def test_mistakes_in_an_action(old: str, new: str, message: str, tmp_path: Path) -> None:
    """What is wrong in action.yml does not get past the parser."""
    check_that_it_is_seen(PROJECT / "action.yml", old, new, message, tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"), WORKFLOW_MISTAKES.values(), ids=WORKFLOW_MISTAKES
)
@pytest.mark.represented_by("an unknown permission", "half an expression", "an unknown job")
def test_mistakes_in_a_workflow(old: str, new: str, message: str, tmp_path: Path) -> None:
    """Nor does what is wrong in a workflow."""
    path = PROJECT / ".github" / "workflows" / "ci.yml"
    check_that_it_is_seen(path, old, new, message, tmp_path)


def check_that_it_is_seen(path: Path, old: str, new: str, message: str, folder: Path) -> None:
    """Check that the parser has something to say of the file once *old* is *new* in it."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    broken = folder / path.name
    broken.write_text(text.replace(old, new, 1), encoding="utf-8")

    said = parsed(broken)[str(broken)]

    assert any(message in one for one in said), said
