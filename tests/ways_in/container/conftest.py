"""The image, built once, and a way to start it as GitHub's runner does."""

import contextlib
import functools
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest

from tests.support.runner_step import IS_ROOT, PROJECT, Done, Step, dashed

PYTHON = "/opt/startifact/bin/python"
BUILD_SECONDS = 900
RUN_SECONDS = 100

REQUIRED = os.environ.get("STARTIFACT_TEST_CONTAINER") == "required"

# The fixtures below are those of other folders, too, which then share the image.
TEST_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid4().hex


def docker(*arguments: str, seconds: float = 60) -> "subprocess.CompletedProcess[str]":
    """Run the Docker command, and return how it ended."""
    return subprocess.run(
        ["docker", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@functools.cache
def why_no_engine() -> str | None:
    """Return why no container can be started, or ``None`` when one can."""
    if shutil.which("docker") is None:
        return "there is no docker command"
    try:
        asked = docker("version", "--format", "{{.Server.Version}} {{.Server.Os}}", seconds=30)
    except subprocess.TimeoutExpired:
        return "the Docker engine does not answer"
    if asked.returncode:
        return f"no Docker engine answers: {asked.stderr.strip()}"
    return None if asked.stdout.strip().endswith("linux") else "the engine runs no Linux containers"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is below this folder; building the image takes its time."""
    here = f"{Path(__file__).parent}{os.sep}"
    for item in items:
        if str(item.path).startswith(here):  # ten times as quick as asking for each path's parents
            item.add_marker(pytest.mark.container)
            item.add_marker(pytest.mark.timeout(BUILD_SECONDS + RUN_SECONDS))


@pytest.fixture(scope="session")
def engine() -> None:
    """Skip where no Docker engine answers, and fail where one is required."""
    reason = why_no_engine()
    if reason and REQUIRED:
        pytest.fail(f"container tests are required, but {reason}")
    if reason:
        pytest.skip(f"{reason}; container tests need a Docker engine")


@pytest.fixture(scope="session")
def image(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Build the image from the Dockerfile's own folder, as the runner does, and return its tag.

    Processes that share a test run share the image: the first one builds it, for the others it
    comes from the cache, and the last one removes it.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_TESTRUNUID" in os.environ else base
    users = shared / "users-of-the-image"
    tag = f"startifact-test:{TEST_RUN}"
    with _exclusive(users) as count:
        built = docker("build", "--network=host", "--tag", tag, str(PROJECT), seconds=BUILD_SECONDS)
        if built.returncode:
            pytest.fail(
                f"the image cannot be built:\n{built.stdout[-4000:]}\n{built.stderr[-4000:]}"
            )
        users.write_text(str(count + 1))
    yield tag
    with _exclusive(users) as count:
        users.write_text(str(count - 1))
        if count == 1:
            docker("image", "rm", "--force", "--no-prune", tag)


@contextlib.contextmanager
def _exclusive(users: Path) -> Iterator[int]:
    """Keep other processes of this test run out, and say how many use the image."""
    import fcntl  # only here: this module is loaded where there is no such lock, too

    with users.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield int(users.read_text()) if users.exists() else 0


class NoFollowDirectory(Protocol):
    def __call__(self, *command: str) -> str: ...


@pytest.fixture
def inside(image: str) -> NoFollowDirectory:
    """Return a function that runs a command in the image, and returns what it printed."""

    def run(*command: str) -> str:
        program, *arguments = command
        # To set up a network of its own takes an engine as long as all the rest.
        ran = docker(
            *("run", "--rm", "--network=host", "--read-only", "--entrypoint", program, image),
            *arguments,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return run


class RunnerStep(Step):
    """A step whose program is the image, with the mounts and variables that the runner gives."""

    def __init__(self, root: Path, image: str) -> None:
        super().__init__(root)
        self.image = image
        self.unset: set[str] = set()
        """Variables of the runner that are not there."""

        self.options: list[str] = []
        """More for the Docker command."""

        self.program: list[str] = []
        """What follows the image."""

        self.mounts = {
            self.temp: "/github/runner_temp",
            self.home: "/github/home",
            self.workflow: "/github/workflow",
            self.files: "/github/file_commands",
            self.workspace: "/github/workspace",
        }

    def arguments(self, name: str, environment: Mapping[str, str]) -> list[str]:
        """Return the Docker command, which is given only the names of the variables."""
        mounts = [f"{host}:{inside}" for host, inside in self.mounts.items()]
        return [
            *("docker", "run", "--name", name, "--workdir", "/github/workspace", "--rm"),
            *(part for variable in environment for part in ("-e", variable)),
            "--network=host",
            *(part for mount in mounts for part in ("-v", mount)),
            *self.options,
            self.image,
            *self.program,
        ]

    def translated(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return *environment* with the values that begin with a mounted folder translated."""
        longest = sorted(self.mounts, key=lambda folder: -len(str(folder)))
        return {name: self._translated(value, longest) for name, value in environment.items()}

    def _translated(self, value: str, folders: list[Path]) -> str:
        for folder in folders:
            if value == str(folder) or value.startswith(f"{folder}/"):
                return self.mounts[folder] + value.removeprefix(str(folder))
        return value

    def launch(
        self, inputs: Mapping[str, str], extra: Mapping[str, str], name: str
    ) -> "subprocess.Popen[bytes]":
        """Start the container with two pipes and standard input closed."""
        job = {
            variable: value
            for variable, value in os.environ.items()
            if variable.startswith(("AWS_", "STARTIFACT_PARAMETER"))
        }
        environment = self.translated(
            {**job, "HOME": str(self.home), **self.inputs(inputs), **self.variables(), **extra}
        )
        for variable in self.unset:
            del environment[variable]
        engine = {n: v for n, v in os.environ.items() if n.startswith("DOCKER_")}
        # As with the runner, the command has the step's environment and takes the values from it.
        return subprocess.Popen(
            self.arguments(name, environment),
            env={**environment, "DOCKER_CONFIG": str(self.home), **engine},
            executable=shutil.which("docker"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def drive(self, code: str, extra: Mapping[str, str] | None = None) -> Done:
        """Run a little program of the test's in the container, with the action's interpreter."""
        self.options = ["--entrypoint", PYTHON]
        self.program = ["-I", "-u", "-X", "utf8", "-c", code]
        return self.run(extra)

    def run(self, extra: Mapping[str, str] | None = None, /, **inputs: str) -> Done:
        """Run the container until it ends, and return what it left behind."""
        name = f"startifact-test-{uuid4().hex}"
        try:
            with self.launch(dashed(inputs), extra or {}, name) as process:
                try:
                    stdout, stderr = process.communicate(timeout=RUN_SECONDS)
                finally:
                    process.kill()
        finally:
            docker("rm", "--force", name)
        return self.done(process.returncode, stdout.decode(), stderr.decode())


@pytest.fixture
def step(tmp_path: Path, image: str) -> RunnerStep:
    """Return a step that has not begun, in a workspace that belongs to the runner's user."""
    step = RunnerStep(tmp_path, image)
    if IS_ROOT:
        for path in (tmp_path, *tmp_path.rglob("*")):
            os.chown(path, 1001, 121)
    return step
