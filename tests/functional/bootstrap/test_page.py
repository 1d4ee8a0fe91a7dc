"""The page about it is true: each command in it does what it says, one after the other."""

import re
import shlex

import pytest

from startifact.limits import DEFAULT_LIMITS, MAX_ROLES_NAME_CHARACTERS
from startifact.options import COMMANDS, OPTIONS
from startifact.organisation.bootstrap.request import (
    DEFAULT_BRANCHES,
    DEFAULT_CHANNELS,
    DEFAULT_TAGS,
)
from startifact.organisation.bootstrap.roles import role_suffixes
from startifact.organisation.given_options import KEPT, options_for
from tests.functional.bootstrap.conftest import EU, REGIONS, EmptyAccount
from tests.support.command import run_inside
from tests.support.runner_step import PROJECT

PAGE = (PROJECT / "docs" / "bootstrap.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```shell\n(.*?)```", PAGE, re.DOTALL)
COMMAND_LINES = [
    line for block in BLOCKS for line in block.replace("\\\n", " ").splitlines() if line
]


def name_in(line: str) -> str:
    """Return what names are to begin with, for those that are of one organisation."""
    found = re.search(r"--name (\S+)", line)
    return found[1] if found else ""


NAMES = list(dict.fromkeys(map(name_in, COMMAND_LINES)))


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name or "templates")
def test_commands(empty: EmptyAccount, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Those of one organisation succeed one after the other, in an account that is empty."""
    codes = []
    if name == "sugar":
        empty.make_bucket(EU, "sugar-artifacts-eu")
    for line in (one for one in COMMAND_LINES if name_in(one) == name):
        program, *words = shlex.split(line.partition(" > ")[0])
        codes.append(run_inside(capsys, words).code)
        assert program == "startifact"

    assert codes == ([8] if name == "sugar" else [0] * len(codes))  # what a bucket lacks


def test_how_many_projects(empty: EmptyAccount, capsys: pytest.CaptureFixture[str]) -> None:
    """As many as the page says fit into a template, and one more is refused."""
    words = ["bootstrap", "--regions", ",".join(REGIONS), "--name", "web", "--dry-run"]
    projects = [word for n in range(5) for word in ("--project", f"Web-{n}-*")]

    fits, done = (run_inside(capsys, [*words, *given]) for given in (projects[:8], projects))

    assert "four projects or patterns in three regions" in PAGE
    assert (fits.code, done.code) == (0, 2)
    assert "and CloudFormation takes at most 51,200" in done.err
    assert empty.writes() == []


def test_what_it_names() -> None:
    """Roles, defaults and options on the page are those of the code."""
    named = {*re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL))}
    options = {f"--{option.name}" for key in KEPT for option in options_for(key, "x")}

    assert {f"NAME-{suffix}" for suffix in role_suffixes(["CHANNEL"])} <= named
    assert {*DEFAULT_CHANNELS, *DEFAULT_BRANCHES, *DEFAULT_TAGS} <= named
    assert options <= named
    assert f"at most {MAX_ROLES_NAME_CHARACTERS} lower-case" in PAGE
    assert f"after {DEFAULT_LIMITS.stack_seconds:,.0f} s" in PAGE
    taken = {f"--{o.name_in_shell or o.name}" for o in OPTIONS.values()} | {"--github"}
    of_ours = {word for text in named for word in re.findall(r"--[a-z-]+", text)}
    assert of_ours - taken <= {"--jq", "--stack-name", "--region"}
    assert COMMANDS["bootstrap"].details
