"""What a change is made with is locked: exact versions with hashes, from no particular index."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.runner_step import PROJECT

DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = DECLARED["optional-dependencies"]

LOCKS = {
    "image.txt": [*DECLARED["dependencies"], *EXTRAS["action"]],
    "dev.txt": [*DECLARED["dependencies"], *EXTRAS["action"], *EXTRAS["dev"]],
    "docs.txt": [*DECLARED["dependencies"], *EXTRAS["docs"]],
}


def lines(lock: str) -> list[str]:
    """Return the lines of a lock, those of one package together."""
    text = (PROJECT / "requirements" / lock).read_text(encoding="utf-8")
    return text.replace("\\\n", "").splitlines()


def versions(lock: str) -> dict[str, set[Version]]:
    """Return the versions of each package in a lock: more than one where systems need others."""
    found: dict[str, set[Version]] = {}
    for line in lines(lock):
        name, version = re.split(r"==|[ ;]", line)[:2]
        found.setdefault(canonicalize_name(name), set()).add(Version(version))
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_exact_versions_with_hashes(lock: str) -> None:
    """Each line is one version of one package, and hashes of its files."""
    for line in lines(lock):
        assert re.fullmatch(r"[a-z0-9.-]+==[^ ;]+( ; [^-]+?)?( +--hash=sha256:[0-9a-f]{64})+", line)


@pytest.mark.parametrize("lock", LOCKS)
def test_what_is_declared_is_locked(lock: str) -> None:
    """Each package that pyproject.toml asks for is there, in a version that it allows."""
    locked = versions(lock)

    for text in LOCKS[lock]:
        wanted = Requirement(text)
        found = locked.get(canonicalize_name(wanted.name), set())
        assert found, f"{wanted.name} is not in {lock}: run make lock"
        assert all(v in wanted.specifier for v in found), f"{lock} is not of {text}: run make lock"


def test_same_versions_as_the_image() -> None:
    """What the image installs is what the tests run with."""
    image, locked = versions("image.txt"), versions("dev.txt")

    assert {name: locked.get(name) for name in image} == image


def test_one_environment() -> None:
    """What writes the documents can be installed beside what the tests need."""
    tests, documents = versions("dev.txt"), versions("docs.txt")

    both = tests.keys() & documents.keys()
    assert {name: documents[name] for name in both} == {name: tests[name] for name in both}
