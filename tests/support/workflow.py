"""
Workflows of the documents, run: their lines in bash, their uses of the action as a step.

Of expressions those are known that look one thing up, compare it with nothing, negate it, or join
such with and.
"""

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

from tests.support.composite_step import BASH
from tests.support.runner_rules import read_outputs
from tests.support.runner_step import Done, Step

ACTION = re.compile(r"OWNER/startifact(/composite)?@v1|\./\.startifact")

Context = dict[str, Any]
Action = Callable[[dict[str, str]], Mapping[str, str]]
"""What stands for somebody else's action: it gets the inputs, and returns the outputs."""


class Job:
    """The steps of one job, one after the other in one workspace, until one fails."""

    def __init__(
        self,
        step: Step,
        context: Mapping[str, Any] | None = None,
        *,
        actions: Mapping[str, Action] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.step = step
        self.context: Context = {"steps": {}, **(context or {})}
        self.actions = actions or {}
        self.environment = environment or {}
        """What every step has besides what the runner sets."""

        self.done: list[Done] = []
        """How the steps have ended that use the action."""

    def run(self, steps: list[dict[str, Any]]) -> None:
        """Run *steps*. The test fails where one of them does."""
        for number, step in enumerate(steps):
            if "if" in step and self.evaluated(step["if"]) == "false":
                continue
            for file in (self.step.output, self.step.summary):
                file.write_bytes(b"")
            outputs = self._outputs(step, number)
            self.context["steps"][step.get("id", f"step-{number}")] = {"outputs": outputs}

    def _outputs(self, step: dict[str, Any], number: int) -> Mapping[str, str]:
        if "run" in step:
            return self._script(step, number)
        inputs = {name: self.value(text) for name, text in step.get("with", {}).items()}
        if not ACTION.fullmatch(step["uses"]):
            return self.actions[step["uses"].split("@")[0]](inputs)
        done = self.step.run(self.environment, **inputs)
        self.done.append(done)
        assert done.exit_code == 0, done.stdout + done.stderr
        return done.outputs

    def _script(self, step: dict[str, Any], number: int) -> dict[str, str]:
        # The runner would put the value into the script, where the shell would read it.
        assert "${{" not in step["run"]
        script = self.step.temp / f"{number}.sh"
        script.write_text(step["run"], encoding="utf-8")
        own = {name: self.value(text) for name, text in step.get("env", {}).items()}
        done = subprocess.run(
            [*BASH, str(script)],
            cwd=self.step.workspace / self.value(step.get("working-directory", ".")),
            env={**os.environ, **self.step.variables(), **self.environment, **own},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return read_outputs(self.step.output)

    def value(self, text: object) -> str:
        """Return *text* with its expressions evaluated."""
        return re.sub(r"\$\{\{ (.+?) \}\}", lambda match: self.evaluated(match[1]), _text(text))

    def evaluated(self, expression: str) -> str:
        """Return what *expression* stands for, as it would be put into a text."""
        if " && " in expression:
            return _text(all(self.evaluated(e) == "true" for e in expression.split(" && ")))
        if expression.startswith("!"):
            return _text(self.evaluated(expression[1:]) == "false")
        name, is_comparison, _ = expression.partition(" == ''")
        found: Any = self.context
        for part in name.split("."):
            found = found[part]
        if is_comparison:
            found = found == ""
        return _text(found)


def _text(value: object) -> str:
    """Return *value* as it is put into a text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
