"""What was packed comes out as it was, with Python's modules and with the tools of the system."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from startifact import Staging
from startifact.model.member_names import folded
from startifact.model.member_paths import name_trouble
from tests.functional.archives.conftest import Stage, build

Back = Callable[[Staging], Path]
Tree = dict[str, object]


def is_refused(name: str) -> bool:
    return name == "." or bool(name_trouble(name, is_directory=False, windows=False))


NAME = st.text(
    st.characters(exclude_characters="/", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30
).filter(lambda name: len(name.encode()) < 120 and not is_refused(name))
CONTENT = st.one_of(
    st.just(b""), st.binary(max_size=300), st.binary(max_size=300).map(lambda some: some * 400)
)
LEAF = st.one_of(CONTENT, st.tuples(CONTENT, st.just("x")), st.none())
LINK = st.text(st.characters(categories=["L"]), min_size=1, max_size=20)


def unlike(names: dict[str, object]) -> bool:
    return len({folded(name) for name in names}) == len(names)


def folder(children: st.SearchStrategy[object]) -> st.SearchStrategy[Tree]:
    return st.dictionaries(NAME, children, max_size=4).filter(unlike)


TREES = st.recursive(LEAF, folder, max_leaves=12).filter(lambda tree: isinstance(tree, dict))


def write(tree: Tree, root: Path) -> None:
    root.mkdir()
    for name, what in tree.items():
        path = root / name
        if isinstance(what, dict):
            write(what, path)
        elif what is None:
            path.mkdir()
        elif isinstance(what, tuple):
            path.write_bytes(what[0])
            path.chmod(0o755)
        elif isinstance(what, bytes):
            path.write_bytes(what)


def read(root: Path) -> dict[str, object]:
    """Return everything below *root*: bytes and whether they can be executed, links, folders."""
    found: dict[str, object] = {}
    for folder_, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder_, name)
            key = str(path.relative_to(root))
            if path.is_symlink():
                found[key] = str(path.readlink())
            elif path.is_dir():
                found[key] = None
            else:
                found[key] = (path.read_bytes(), bool(path.stat().st_mode & 0o100))
    return found


def python_tar(archive: Path, target: Path) -> None:
    with tarfile.open(archive, "r:gz") as opened:
        opened.extractall(target, filter="data")


def gnu_tar(archive: Path, target: Path) -> None:
    target.mkdir()
    subprocess.run(["tar", "-xzf", archive, "-C", target], check=True)


def bsd_tar(archive: Path, target: Path) -> None:
    target.mkdir()
    subprocess.run(["bsdtar", "-xf", archive, "-C", target], check=True)


def python_zip(archive: Path, target: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(target)
        for member in opened.infolist():
            (target / member.filename).chmod(member.external_attr >> 16 & 0o777)


def info_zip(archive: Path, target: Path) -> None:
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    subprocess.run(["unzip", "-q", archive, "-d", target], check=True, env=environment)


TAR_READERS: list[Callable[[Path, Path], None]] = [
    python_tar,
    *([gnu_tar] if shutil.which("tar") else []),
    *([bsd_tar] if shutil.which("bsdtar") else []),
]
ZIP_READERS = [python_zip, *([info_zip] if shutil.which("unzip") else [])]

ONCE = settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, *HealthCheck]
)


@pytest.mark.skipif(sys.platform != "linux", reason="names of every kind are of Linux")
@ONCE
@given(tree=TREES, link=st.one_of(st.none(), LINK))
def test_tar(tree: Tree, link: str | None, tmp_path: Path, stage: Stage, back: Back) -> None:
    """A tree of any names is exact again, with empty folders, links and the executable bit."""
    check(tree, link, TAR_READERS[:2], "tar.gz", tmp_path, stage, back)


@pytest.mark.skipif(sys.platform != "linux", reason="names of every kind are of Linux")
@ONCE
@given(tree=TREES)
def test_zip(tree: Tree, tmp_path: Path, stage: Stage, back: Back) -> None:
    """The same of a zip, but for links."""
    check(tree, None, [python_zip], "zip", tmp_path, stage, back)


def check(
    tree: Tree, link: str | None, readers: list[Callable[[Path, Path], None]], kind: str,
    tmp_path: Path, stage: Stage, back: Back,
) -> None:  # fmt: skip
    root = tmp_path / "tree"
    shutil.rmtree(root, ignore_errors=True)
    write({**tree, "always": b"here"}, root)
    names = {folded(path.name) for path in root.iterdir()}
    if link and folded(link) not in names:
        (root / link).symlink_to("always")
    if len(names) < len(tree) + ("always" not in tree):
        return

    staging = stage(root, archive=kind, include_hidden=True)
    archive, target = back(staging), tmp_path / "target"

    def own(_: Path, target: Path) -> None:
        staging.artifact.downloader.extract(target)

    for reader in (*readers, own):
        shutil.rmtree(target, ignore_errors=True)
        reader(archive, target)
        assert read(target) == read(root), reader.__name__


FILES: dict[str, str | bytes | None] = {
    "bin/tool": "#!/bin/sh\n",
    "zażółć/gęślą": "ü",
    "n" * 200: "long",
    f"{'d' * 90}/{'e' * 90}/{'f' * 90}": "long",
    "zero": "",
    "empty": None,
    "a b": "blank",
    "large": bytes(range(256)) * 20_000,
}


@pytest.mark.parametrize("reader", TAR_READERS, ids=lambda reader: reader.__name__)
def test_readers_of_tar(
    reader: Callable[[Path, Path], None], here: Path, tmp_path: Path, stage: Stage, back: Back
) -> None:
    """What is there to read tar files reads it, with long names and others than ASCII."""
    long_target = f"{'d' * 90}/{'e' * 90}/{'f' * 90}"
    build(here / "d", {**FILES, "link": "-> zażółć/gęślą", "long link": f"-> {long_target}"})
    (here / "d" / "bin" / "tool").chmod(0o755)

    reader(back(stage("d")), tmp_path / "target")

    assert read(tmp_path / "target") == read(here / "d")


@pytest.mark.parametrize("reader", ZIP_READERS, ids=lambda reader: reader.__name__)
def test_readers_of_zip(
    reader: Callable[[Path, Path], None], here: Path, tmp_path: Path, stage: Stage, back: Back
) -> None:
    """What is there to read zip files reads it."""
    build(here / "d", FILES)
    (here / "d" / "bin" / "tool").chmod(0o755)

    reader(back(stage("d", archive="zip")), tmp_path / "target")

    assert read(tmp_path / "target") == read(here / "d")
