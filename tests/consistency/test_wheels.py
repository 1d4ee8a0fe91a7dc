"""What is locked can be installed, without a compiler, on every machine that the action runs on."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.runner_step import PROJECT

LOCK = PROJECT / "requirements" / "image.txt"

# The image's Python, and with it the two kinds of machine that runners are; then the composite's.
MACHINES = [
    ("manylinux2014_x86_64", "3.13"),
    pytest.param("manylinux2014_aarch64", "3.13", marks=pytest.mark.exhaustive),
    pytest.param("macosx_11_0_arm64", "3.11", marks=pytest.mark.exhaustive),
    pytest.param("win_amd64", "3.14", marks=pytest.mark.exhaustive),
]


def chosen(lock: Path, platform: str, python: str, report: Path) -> list[str]:
    """Return the wheels that pip would install of what is in *lock*; none if it cannot."""
    options = "install --dry-run --quiet --no-deps --require-hashes --only-binary :all: --no-input"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", *options.split(), "--disable-pip-version-check"),
            *("--platform", platform, "--python-version", python, "--implementation", "cp"),
            *("--target", str(report.parent), "--report", str(report), "--requirement", str(lock)),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    if done.returncode:
        return []
    installed = json.loads(report.read_text(encoding="utf-8"))["install"]
    return [item["download_info"]["url"].rpartition("/")[2] for item in installed]


def packages() -> list[str]:
    """Return the lines of the lock, those of one package together."""
    return LOCK.read_text(encoding="utf-8").replace("\\\n", "").splitlines()


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip where the package index cannot be reached: a package for every machine is not there."""
    folder = tmp_path_factory.mktemp("index")
    lock = folder / "one.txt"
    lock.write_text(next(line for line in packages() if line.startswith("semver==")))
    if not chosen(lock, "any", "3.13", folder / "one.json"):
        pytest.skip("the package index cannot be reached")


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize(("platform", "python"), MACHINES)
def test_wheels(platform: str, python: str, tmp_path: Path) -> None:
    """Every locked package has a wheel for the machine, pure or built for it, that is locked."""
    wheels = chosen(LOCK, platform, python, tmp_path / "report.json")

    assert len(wheels) == len(packages())


@pytest.mark.usefixtures("index")
def test_machine_without_wheels(tmp_path: Path) -> None:
    """On a machine for which nobody builds wheels there is none of what is compiled."""
    assert chosen(LOCK, "manylinux2014_sparc64", "3.13", tmp_path / "report.json") == []
