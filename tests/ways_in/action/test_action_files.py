"""What GitHub reads of the action: action.yml, the Dockerfile and what the image is built from."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from startifact.action.outputs import OUTPUTS
from tests.support.runner_step import ACTION, ENTRY_POINT, PROJECT

DOCKERFILE = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
LOCK = (PROJECT / "requirements" / "image.txt").read_text(encoding="utf-8")


def instructions(name: str) -> list[str]:
    """Return what follows *name* at the beginning of each instruction of the Dockerfile."""
    lines = DOCKERFILE.replace("\\\n", " ").splitlines()
    return [line.removeprefix(f"{name} ") for line in lines if line.startswith(f"{name} ")]


def test_action_is_valid() -> None:
    """The file is what GitHub's own schema wants."""
    ran = subprocess.run(
        [
            str(Path(sys.executable).with_name("check-jsonschema")),
            *("--builtin-schema", "vendor.github-actions", str(PROJECT / "action.yml")),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout


def test_outputs() -> None:
    """The outputs that are written are the ones that are declared, and each says what it is."""
    assert tuple(ACTION["outputs"]) == tuple(OUTPUTS)
    for name, output in ACTION["outputs"].items():
        assert set(output) == {"description"}, name
        assert output["description"].strip()


def test_defaults_are_quoted() -> None:
    """Every input has a default that YAML cannot take for anything but text."""
    encoded_record = yaml.compose((PROJECT / "action.yml").read_text(encoding="utf-8"))
    assert encoded_record is not None
    inputs = next(value for key, value in encoded_record.value if key.value == "inputs")
    for name, declaration in inputs.value:
        defaults = [value for key, value in declaration.value if key.value == "default"]
        assert len(defaults) == 1, name.value
        assert defaults[0].style == '"', name.value


def test_names_of_inputs() -> None:
    """Names are in kebab-case: the runner hands them over as they are, in upper case."""
    for name in ACTION["inputs"]:
        assert re.fullmatch(r"[a-z]+[0-9]*(-[a-z]+)*", name)


def test_action_takes_nothing_but_inputs() -> None:
    """The action is a container without arguments, so that nothing is split at spaces."""
    assert ACTION["runs"] == {"using": "docker", "image": "Dockerfile"}


def test_entry_point() -> None:
    """The entry point is absolute, in exec form, and isolated from the job's environment."""
    (entry_point,) = instructions("ENTRYPOINT")

    interpreter, *arguments = json.loads(entry_point)

    assert interpreter.startswith("/")
    assert tuple(arguments) == ENTRY_POINT


@pytest.mark.parametrize("name", ["USER", "WORKDIR", "VOLUME", "CMD", "ADD"])
def test_what_a_dockerfile_of_an_action_lacks(name: str) -> None:
    """Nothing changes the user or the working directory, which are the runner's to choose."""
    assert instructions(name) == []


def test_base_image() -> None:
    """Both stages start from the same base image, which can be replaced."""
    assert instructions("ARG") == ["BASE=python:3.13-slim"]
    assert [line.split()[0] for line in instructions("FROM")] == ["${BASE}", "${BASE}"]


def test_everything_in_the_image_is_locked() -> None:
    """Every package has its exact version and its digests, and there is no address."""
    packages = re.split(r"\n(?=\S)", LOCK.strip())

    assert "://" not in LOCK
    assert not re.search(r"^\s*-(?!-hash)", LOCK, re.MULTILINE)
    for package in packages:
        assert re.match(r"[a-z0-9-]+==[0-9][0-9a-z.]* \\\n", package), package
        assert "--hash=sha256:" in package


def test_lock_has_what_the_project_needs() -> None:
    """Each dependency of the project and of the action is in the lock."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["action"]]
    locked = set(re.findall(r"^([a-z0-9-]+)==", LOCK, re.MULTILINE))

    assert {re.split(r"[<>=!~\[ ]", text)[0].lower() for text in needed} <= locked


def test_build_context() -> None:
    """What is sent to the engine is exactly what the Dockerfile copies."""
    ignored = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = {line.split()[0] for line in instructions("COPY") if not line.startswith("--from")}

    assert "*" in ignored
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == copied


def test_locked_packages_are_raised() -> None:
    """A tool raises what is locked, all of it in one go."""
    text = (PROJECT / ".github" / "dependabot.yml").read_text(encoding="utf-8")
    entries = {e["package-ecosystem"]: e for e in yaml.safe_load(text)["updates"]}

    assert (PROJECT / entries["pip"]["directory"].strip("/") / "image.txt").is_file()
    assert entries["pip"]["groups"] == {"locked": {"patterns": ["*"]}}
