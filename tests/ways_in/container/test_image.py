"""The image itself: what it holds, and what it lacks."""

import gzip
import json
import re
import tarfile
from pathlib import Path

import pytest

from tests.support.runner_step import PROJECT
from tests.ways_in.container.conftest import NoFollowDirectory, docker

PYTHON = "/opt/startifact/bin/python"


@pytest.fixture
def config(image: str) -> dict[str, object]:
    ran = docker("image", "inspect", "--format", "{{json .Config}}", image)
    return dict(json.loads(ran.stdout))


def test_entry_point(config: dict[str, object]) -> None:
    """The entry point is in exec form, absolute, and isolated from the job's environment."""
    assert config["Entrypoint"] == [
        *(PYTHON, "-I", "-u", "-X", "utf8", "-m", "startifact.action"),
    ]


def test_user_and_working_directory(config: dict[str, object]) -> None:
    """The image is root's and has no working directory: both are for the runner to say."""
    assert config.get("User") in ("", None)
    assert config.get("WorkingDir") in ("", "/", None)


def test_it_knows_that_it_is_a_container(config: dict[str, object]) -> None:
    """The image says that it is one, so that what would vanish is refused."""
    environment = config["Env"]

    assert isinstance(environment, list)
    assert "STARTIFACT_CONTAINER=1" in environment


@pytest.mark.parametrize("program", ["cc", "gcc", "g++", "clang", "ld", "make", "git"])
def test_no_compiler(program: str, inside: NoFollowDirectory) -> None:
    """There is nothing to build with in the image."""
    found = inside("/bin/sh", "-c", f"command -v {program} || echo none")

    assert found == "none\n"


def test_no_installer(inside: NoFollowDirectory) -> None:
    """Nothing can be installed into the environment that the action runs in."""
    found = inside(
        PYTHON, "-I", "-c", "import importlib.util as u; print([n for n in "
        "('pip', 'setuptools', 'wheel', 'github', 'requests') if u.find_spec(n)])",
    )  # fmt: skip

    assert found == "[]\n"


def test_services(inside: NoFollowDirectory) -> None:
    """Of the SDK's data only what is called is there, and those clients can be made."""
    listed = inside(
        PYTHON, "-I", "-c", "import botocore, pathlib; print(*sorted(p.name for p in "
        "(pathlib.Path(botocore.__file__).parent / 'data').iterdir()))",
    )  # fmt: skip
    made = inside(
        PYTHON, "-I", "-c", "import boto3; print(*[boto3.client(s, region_name='eu-west-1')"
        ".meta.service_model.service_name for s in ('s3', 'ssm', 'sts', 'sso', 'sso-oidc')])",
    )  # fmt: skip

    assert set(listed.split()) == {
        *("s3", "ssm", "sso", "sso-oidc", "sts"),
        *("endpoints.json", "partitions.json", "sdk-default-configuration.json", "_retry.json"),
    }
    assert made == "s3 ssm sts sso sso-oidc\n"


def test_everything_is_compiled(inside: NoFollowDirectory) -> None:
    """No step has to compile what it imports: its container is always new."""
    found = inside(
        PYTHON, "-I", "-c", "import pathlib, sys; root = pathlib.Path('/opt/startifact/lib'); "
        "tag = sys.implementation.cache_tag; print([str(p) for p in root.rglob('*.py') if not "
        "(p.parent / '__pycache__' / f'{p.stem}.{tag}.pyc').exists()])",
    )  # fmt: skip

    assert found == "[]\n"


def test_only_the_package_is_in_the_image(inside: NoFollowDirectory) -> None:
    """Of the repository only the package is there."""
    found = inside("/bin/sh", "-c", "ls /opt/startifact; ls -d /build || true")

    assert found.split() == ["LICENSE", "bin", "include", "lib", "lib64", "pyvenv.cfg"]


def test_without_network_and_writable_files(image: str) -> None:
    """The program starts with neither, and says what is missing."""
    ran = docker("run", "--rm", "--network=none", "--read-only", image)

    assert ran.returncode == 2
    assert ran.stdout.startswith("::error title=Startifact::")
    assert "command is missing" in ran.stdout
    assert ran.stderr == ""


def test_size(image: str, tmp_path: Path) -> None:
    """What the image adds to its base is less than 25 MB to fetch."""
    dockerfile = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    base = re.findall(r"^ARG BASE=(\S+)$", dockerfile, re.MULTILINE)[0]
    saved = tmp_path / "image.tar"
    ran = docker("save", "--output", str(saved), image)
    assert ran.returncode == 0, ran.stderr

    with tarfile.open(saved) as archive:
        layers = json.loads(_content(archive, "manifest.json"))[0]["Layers"]
        added = [_content(archive, name) for name in layers[len(layers_of(base)) :]]
    sizes = [len(layer if layer[:2] == b"\x1f\x8b" else gzip.compress(layer, 6)) for layer in added]

    assert layers_of(image)[: len(layers_of(base))] == layers_of(base)
    assert len(layers) == len(layers_of(image)) > len(layers_of(base))
    assert 1_000_000 < sum(sizes) < 25_000_000, sizes


def layers_of(image: str) -> list[str]:
    ran = docker("image", "inspect", "--format", "{{json .RootFS.Layers}}", image)
    return list(json.loads(ran.stdout))


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None
    return file.read()
