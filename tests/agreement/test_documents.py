"""What is written twice says the same: README, action.yml, and the code."""

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import startifact
from startifact import errors, names, settings
from startifact.action.inputs import Inputs
from startifact.record import MAX_PAIRS_BYTES

PROJECT = Path(__file__).parents[2]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
ACTION = yaml.safe_load((PROJECT / "action.yml").read_text(encoding="utf-8"))


def column(heading: str, index: int = 0) -> list[str]:
    """Return one column of the first table below a heading, without its head."""
    section = README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [row.strip("|").split(" | ")[index].strip() for row in rows[2:]]


def test_inputs_of_action_yml_are_the_ones_that_are_read() -> None:
    """Every input in action.yml is a field of Inputs, and the reverse."""
    fields = {field.name.replace("_", "-") for field in dataclasses.fields(Inputs)}

    assert set(ACTION["inputs"]) == fields


def test_inputs_have_descriptions_and_quoted_defaults() -> None:
    """Every input says what it is, and its default is a string."""
    for name, value in ACTION["inputs"].items():
        assert re.fullmatch(r"[a-z][a-z0-9-]*", name)
        assert value["description"].strip()
        assert isinstance(value.get("default", ""), str), name


def test_tables_of_the_readme() -> None:
    """The README's tables of inputs and outputs are those of action.yml."""
    done = subprocess.run(
        [sys.executable, str(PROJECT / "scripts" / "readme_tables.py"), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_exit_codes_of_the_readme() -> None:
    """The README lists every exit code that an error has, and no other."""

    def codes(kind: type[errors.StartifactError]) -> set[int]:
        return {kind.exit_code}.union(*(codes(sub) for sub in kind.__subclasses__()))

    listed = {int(code) for code in column("Exit codes")}

    assert listed == codes(errors.StartifactError) | {0, 130, 143}


def test_environment_variables_of_the_readme() -> None:
    """Every STARTIFACT_ variable that people may set is in the README."""
    source = Path(settings.__file__).read_text(encoding="utf-8")
    read = set(re.findall(r'"(STARTIFACT_\w+)"', source)) - {"STARTIFACT_CONTAINER"}
    listed = set(re.findall(r"STARTIFACT_\w+", " ".join(column("Environment variables"))))

    assert listed == read


def test_storage_of_the_readme() -> None:
    """The README's keys are those that the code makes."""
    listed = " ".join(column("Storage"))
    prefix = "{bucket_key_prefix}"

    assert f"`{prefix}{names.artifact_key('{project}', '{version}')}`" in listed
    assert f"`{prefix}{names.channel_key('{project}', names.LATEST)}`" in listed
    assert f"`{prefix}{names.probe_key('{project}')}`" in listed
    parameter = names.channel_parameter("{parameter_name_prefix}", "{project}", names.LATEST)
    assert f"`{parameter}`" in listed
    assert f"Metadata has {MAX_PAIRS_BYTES:,} bytes" in README


def test_public_names() -> None:
    """The package exports exactly what is listed here, and the README imports nothing else."""
    assert sorted(startifact.__all__) == [
        "Artifact",
        "ConfigurationLoader",
        "Downloader",
        "IfExists",
        "Progress",
        "RegionOutcome",
        "Session",
        "Staging",
        "State",
        "__version__",
        "deadline",
        "errors",
    ]


def test_readme_python_runs(
    tmp_path: Path, directories: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The README's Python runs as it is written."""
    monkeypatch.setenv("STARTIFACT_REGIONS", ", ".join(directories))
    (tmp_path / "dist.tar.gz").write_bytes(b"sugar and water\n")
    script = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0]

    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == "1.0.9000 dotnet\n"
    assert (tmp_path / "download.tar.gz").read_bytes() == b"sugar and water\n"


def test_readme_workflows_use_declared_inputs() -> None:
    """Workflows in the README and the examples give the action only inputs it declares."""
    texts = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    steps = [step for text in texts for step in yaml.safe_load(text)]
    for path in sorted((PROJECT / "examples" / "workflows").glob("*.yml")):
        jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
        steps += [step for job in jobs.values() for step in job["steps"]]
    ours = [step for step in steps if step.get("uses", "").startswith("OWNER/startifact@v1")]

    assert len(ours) >= 5
    for step in ours:
        assert set(step["with"]) <= set(ACTION["inputs"])
        assert all(isinstance(value, str) for value in step["with"].values())
