"""A step that uses composite/action.yml, run as the runner runs composites."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import yaml

from tests.support.runner_rules import read_outputs
from tests.support.runner_step import PROJECT, Done, Step, dashed

COMPOSITE = yaml.safe_load((PROJECT / "composite" / "action.yml").read_text(encoding="utf-8"))
BASH = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail"]
INSTALL_SECONDS = 300

Outputs = Mapping[str, Mapping[str, str]]


class CompositeStep(Step):
    """The folders and files of a step, and its inner steps' own files."""

    def expression(self, text: str, inputs: Mapping[str, str], outputs: Outputs) -> str:
        """Return *text* with its expressions evaluated, of which two forms are known."""

        def value(match: re.Match[str]) -> str:
            parts = match[1].split(".")
            if parts[0] == "inputs":
                return inputs[parts[1]]
            assert (parts[0], parts[2]) == ("steps", "outputs"), text
            return outputs.get(parts[1], {}).get(parts[3], "")

        return re.sub(r"\$\{\{ ([a-z0-9.-]+) \}\}", value, text)

    def run(self, extra: Mapping[str, str] | None = None, /, **inputs: str) -> Done:
        """Run the inner steps until one fails; underscores in names of inputs stand for dashes."""
        declared = {name: str(i.get("default", "")) for name, i in COMPOSITE["inputs"].items()}
        values = {**declared, **dashed(inputs)}
        outputs: dict[str, dict[str, str]] = {}
        exit_code, stdout, stderr = 0, "", ""
        for inner in COMPOSITE["runs"]["steps"]:
            assert inner["shell"] == "bash"
            mine = {n: self.expression(v, values, outputs) for n, v in inner.get("env", {}).items()}
            output = self.files / f"set_output_{inner['id']}"
            output.touch()
            ended = subprocess.run(
                [*BASH, self._script(inner["id"], inner["run"])],
                cwd=self.workspace,
                env={**self._environment(output), **mine, **(extra or {})},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=INSTALL_SECONDS,
                check=False,
            )
            outputs[inner["id"]] = read_outputs(output)
            exit_code = ended.returncode
            stdout, stderr = stdout + ended.stdout.decode(), stderr + ended.stderr.decode()
            if exit_code:
                break
        mapped = {
            name: self.expression(declared["value"], values, outputs)
            for name, declared in COMPOSITE["outputs"].items()
        }
        return Done(exit_code, stdout, stderr, mapped, self.summary.read_text(encoding="utf-8"))

    def _script(self, name: str, text: str) -> str:
        # No expression is ever evaluated in here: the runner would, and a shell would read it.
        assert "${{" not in text
        script = self.temp / f"{name}.sh"
        script.write_text(text, encoding="utf-8")
        return str(script)

    def _environment(self, output: Path) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if name.startswith(("AWS_", "PIP_", "STARTIFACT_PARAMETER")) or "proxy" in name.lower()
        }
        return {
            **kept,
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            **self.variables(),
            "GITHUB_ACTION_PATH": str(PROJECT / "composite"),
            "GITHUB_OUTPUT": str(output),
        }
