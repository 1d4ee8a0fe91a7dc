"""
One step of a workflow, started as GitHub's runner starts it, and what it left behind.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from tests.support.runner_rules import Command, parse_commands, read_outputs, read_summary

PROJECT = Path(__file__).parents[2]
ACTION = yaml.safe_load((PROJECT / "action.yml").read_text(encoding="utf-8"))
ENTRY_POINT = ("-I", "-u", "-X", "utf8", "-m", "startifact.action")
TIMEOUT = 60

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@dataclass(frozen=True)
class Done:
    """
    A step that has ended, judged by the runner's rules.
    """

    exit_code: int
    stdout: str
    stderr: str
    outputs: dict[str, str]
    summary: str

    @cached_property
    def commands(self) -> list[Command]:
        """Everything in either stream that the runner takes for a command."""
        return parse_commands(self.stdout) + parse_commands(self.stderr)

    @property
    def errors(self) -> list[str]:
        """The messages of the error annotations."""
        return [command.data for command in self.commands if command.name == "error"]

    def has_only(self, outcome: str, **outputs: str) -> bool:
        """Say whether the outputs say that it ended so, and beside that only *outputs*."""
        error = bool(self.outputs.get("error"))
        known = {"outcome": outcome, "exit-code": str(self.exit_code), **dashed(outputs)}
        known.setdefault("error", self.outputs.get("error", ""))
        empty = dict.fromkeys(ACTION["outputs"], "")
        return error == (outcome != "succeeded") and self.outputs == {**empty, **known}

    @property
    def warnings(self) -> list[str]:
        """The messages of the warning annotations."""
        return [command.data for command in self.commands if command.name == "warning"]


class Step:
    """
    The folders and files that the runner makes for a step, and the environment it gives to it.
    """

    def __init__(self, root: Path) -> None:
        self.temp = root / "work" / "_temp"
        self.workspace = root / "work" / "SugarWater" / "SugarWater"
        self.home = self.temp / "_github_home"
        self.workflow = self.temp / "_github_workflow"
        self.files = self.temp / "_runner_file_commands"
        for folder in (self.workspace, self.home, self.workflow, self.files):
            folder.mkdir(parents=True, exist_ok=True)
        for file in ("set_output", "set_env", "add_path", "save_state", "step_summary"):
            (self.files / f"{file}_1").touch()
        (self.workflow / "event.json").write_text("{}", encoding="utf-8")
        self.output = self.files / "set_output_1"
        self.summary = self.files / "step_summary_1"

    def file(self, content: bytes = b"sugar and water\n", name: str = "dist.tar.gz") -> str:
        """
        Write a file into the workspace, and return its name.
        """
        (self.workspace / name).write_bytes(content)
        return name

    def folder(self, name: str = "dist") -> str:
        """
        Make a folder in the workspace with a program, a link to it and a hidden file, and return
        its name.
        """
        folder = self.workspace / name
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "tool").write_bytes(b"#!/bin/sh\necho sugar\n")
        (folder / "bin" / "tool").chmod(0o755)
        (folder / "tool").symlink_to("bin/tool")
        (folder / "read me.txt").write_bytes(b"water\n")
        (folder / ".env").write_bytes(b"hidden\n")
        return name

    def inputs(self, inputs: Mapping[str, str]) -> dict[str, str]:
        """
        Return the variables of every declared input: the given one, else its default.
        """
        values = {name: str(i.get("default", "")) for name, i in ACTION["inputs"].items()}
        return {
            f"INPUT_{name.replace(' ', '_').upper()}": value
            for name, value in {**values, **inputs}.items()
        }

    def variables(self) -> dict[str, str]:
        """
        Return the variables that the runner sets in every step.
        """
        return {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION": "__self",
            "GITHUB_ACTOR": "octocat",
            "GITHUB_ENV": str(self.files / "set_env_1"),
            "GITHUB_EVENT_PATH": str(self.workflow / "event.json"),
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_PATH": str(self.files / "add_path_1"),
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_REPOSITORY": "octocat/SugarWater",
            "GITHUB_RUN_ID": "42",
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_SHA": "0123456789abcdef0123456789abcdef01234567",
            "GITHUB_STATE": str(self.files / "save_state_1"),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_OS": "Linux",
            "RUNNER_TEMP": str(self.temp),
            "RUNNER_WORKSPACE": str(self.workspace.parent),
        }

    def environment(
        self, inputs: Mapping[str, str], extra: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """
        Return the whole environment of a step with *inputs*, *extra* variables winning.
        """
        kept = {
            name: value
            for name, value in os.environ.items()
            if name.startswith(("AWS_", "STARTIFACT_", "COVERAGE_", "COV_")) or name == "PATH"
        }
        own = {"HOME": str(self.home), **self.variables()}
        return {**kept, **self.inputs(inputs), **own, **(extra or {})}

    def start(
        self,
        inputs: Mapping[str, str],
        extra: Mapping[str, str] | None = None,
        arguments: Sequence[str] = ENTRY_POINT,
    ) -> "subprocess.Popen[bytes]":
        """
        Start the entry point in a process of its own, with two pipes and standard input closed.
        """
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self.workspace,
            env=self.environment(inputs, extra),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, extra: Mapping[str, str] | None = None, /, **inputs: str) -> Done:
        """
        Run the entry point in a process of its own until it ends; underscores in names of inputs
        stand for dashes.
        """
        return self.finish(self.start(dashed(inputs), extra))

    def finish(self, started: "subprocess.Popen[bytes]") -> Done:
        """
        Wait until the process that was started has ended, and return what it left behind.
        """
        with started as process:
            try:
                stdout, stderr = process.communicate(timeout=TIMEOUT)
            finally:
                process.kill()
        return self.done(process.returncode, stdout.decode(), stderr.decode())

    def done(self, exit_code: int, stdout: str, stderr: str) -> Done:
        """
        Return what the step left behind.
        """
        outputs, summary = read_outputs(self.output), read_summary(self.summary)
        return Done(exit_code, stdout, stderr, outputs, summary or "")


def dashed(inputs: Mapping[str, str]) -> dict[str, str]:
    """
    Return *inputs* under the names that they have in action.yml.
    """
    return {name.replace("_", "-"): value for name, value in inputs.items()}
