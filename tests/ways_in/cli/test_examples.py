"""The examples that the help of each command ends with."""

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact.cli.arguments import parse
from startifact.definitions import WayIn
from startifact.options import COMMANDS, commands_of
from tests.support.archives import tar_file, tar_of
from tests.ways_in.cli.conftest import Run

MakeFile = Callable[..., Path]

EXAMPLES = [(name, line) for name, command in COMMANDS.items() for line in command.examples]
# What has to have happened before an example can be run, and how it ends where that is no success.
BEFORE = {
    "stage": [],
    "unyank": ["yank SugarWater@1.0.9000 --reason broken"],
    "lock --update": ["lock SugarWater"],
    "lock --check": ["lock SugarWater"],
}
# Those of link are in test_link.py: only buckets have links.
ELSEWHERE = (
    "s3:",
    "startifact bootstrap",
    "startifact setup",
    "startifact completion",
    "startifact link",
)


def words_of(example: str) -> list[str]:
    """Return the words of the command in *example*, which a shell may be about to use."""
    inner = example.removeprefix('eval "$(').removesuffix(')"').partition(" > ")[0]
    program, *words = shlex.split(inner)
    assert program == "startifact"
    return words


@pytest.mark.parametrize("command", commands_of(WayIn.SHELL))
def test_in_the_help(run: Run, command: str) -> None:
    """The help of each command ends with two or three examples of it."""
    examples = COMMANDS[command].examples

    done = run(command, "--help")

    assert 2 <= len(examples) <= 3
    assert done.out.endswith("".join(["\nexamples:\n", *(f"  {line}\n" for line in examples)]))
    assert all(parse(words_of(line)).command == command for line in examples)


@pytest.mark.parametrize(
    "example",
    [line for _, line in EXAMPLES if not any(text in line for text in ELSEWHERE)],
)
def test_example(
    run: Run,
    three: list[Path],
    make_file: MakeFile,
    example: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An example does what it says, where there is what it is about."""
    monkeypatch.chdir(tmp_path)
    make_file(tar_of(tar_file("x")))
    words = words_of(example)
    before = BEFORE.get(" ".join(words), BEFORE.get(words[0]))
    versions = ["1.0.7000", "1.0.8000"] if words[0] == "stage" else ["1.0.8000", "1.0.9000"]
    for version in versions:
        staged = f"stage SugarWater@{version} dist.tar.gz -m lang=dotnet --save-filename"
        for line in (staged, f"promote SugarWater@{version} prod"):
            assert run(*shlex.split(line)).code == 0
    assert run("promote", f"SugarWater@{versions[1]}", "staging").code == 0
    if "--expect" in words:
        assert run("rollback", "SugarWater", "prod").code == 0
    for line in before or []:
        assert run(*shlex.split(line)).code == 0

    done = run(*words)

    assert (done.code, "warning" in done.err) == (0, False)
