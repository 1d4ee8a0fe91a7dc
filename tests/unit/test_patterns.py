"""What patterns match, compared with Python's own glob where both mean the same."""

import glob
import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from startifact.errors import InputError
from startifact.files.archiving.patterns import Pattern

NAMES = ["a", "b.txt", "B.TXT", "ab.txt", ".h", "ä.txt", "[x]", "a*b"]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with files of three depths."""
    root = tmp_path_factory.mktemp("tree")
    folders = ["", "a", "a/.h", "d.txt", "a/b/c"]
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for path in (root / folder / name for folder in folders for name in NAMES):
        if not path.is_dir():
            path.write_text(path.name)
    return root


def matches(pattern: str, root: Path) -> set[str]:
    """Return what of all paths in *root* is matched by itself, as glob counts."""
    parsed, found = Pattern.parse(pattern), set()
    for path in root.rglob("*"):
        states = parsed.start
        for part in path.relative_to(root).parts:
            states = parsed.step(states, part, include_hidden=False)
        if parsed.is_matched(states):
            found.add(path.relative_to(root).as_posix())
    return found


PARTS = ["*", "**", "a", "*.txt", "?", "[ab]*", "[!a]*", ".*", ".h", "[[]x]", "a[*]b", "*b*"]


def not_at_the_end(parts: Sequence[str]) -> bool:
    """Say whether a pattern of *parts* names what is in a folder by itself, as glob does."""
    return parts[-1] != "**"


def globbed(pattern: str, root: Path) -> set[str]:
    """Return what Python's glob finds."""
    found = glob.glob(pattern, root_dir=root, recursive=True)  # noqa: PTH207  # the reference
    return {Path(path).as_posix() for path in found} - {"."}


def test_like_glob(tree: Path) -> None:
    """A pattern matches what glob matches."""
    patterns = [
        "/".join(parts)
        for count in (1, 2, 3)
        for parts in itertools.product(PARTS, repeat=count)
        if any(c in "*?[" for c in parts[0]) and not_at_the_end(parts)
    ]

    for pattern in patterns[::3]:
        assert matches(pattern, tree) == globbed(pattern, tree), pattern


@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).filter(not_at_the_end))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_several_depths(tree: Path, parts: list[str]) -> None:
    """A ``**`` stands for any number of folders, also beside another one."""
    pattern = "/".join(["**", *parts])

    assert matches(pattern, tree) == globbed(pattern, tree)


@pytest.mark.parametrize(
    ("text", "fixed", "parts"),
    [
        ("dist/*.whl", "dist", ("*.whl",)),
        ("*.whl", ".", ("*.whl",)),
        ("/*", "/", ("*",)),
        ("/srv/x/**/y/", "/srv/x", ("**", "y")),
        ("../a/./*/./b", "../a/.", ("*", "b")),
        ("dist/**", "dist", ()),
        ("dist/*/**/**", "dist", ("*",)),
    ],
)
def test_fixed_part(text: str, fixed: str, parts: tuple[str, ...]) -> None:
    """A pattern begins in the folder before its first part that stands for others."""
    pattern = Pattern.parse(text)

    assert (pattern.fixed, pattern.parts) == (fixed, parts)
    assert pattern.only_directories == text.endswith(("/", "**"))


def test_back_again() -> None:
    """A pattern does not lead back from what it does not name."""
    with pytest.raises(InputError, match=r"'a/\*/\.\./b' has \.\. behind a part that stands for"):
        Pattern.parse("a/*/../b")


@pytest.mark.parametrize(
    ("pattern", "path", "covered"),
    [
        ("*.map", "a.map", True),
        ("*.map", "lib/a.map", False),
        ("**/*.map", "a.map", True),
        ("**/*.map", "lib/x/a.map", True),
        ("lib?", "lib1/x/a.map", True),
        ("lib?/", "lib1/x", True),
        ("lib?/", "lib1", False),
        ("*", ".hidden", True),
        ("*/**", "a.map", False),
        ("*/**", "lib/a.map", True),
        ("**", "a.map", True),
    ],
)
def test_what_is_taken_away(pattern: str, path: str, covered: bool) -> None:
    """What is taken away is everything that matches, with all that is in it, hidden or not."""
    assert Pattern.parse(pattern).covers(path.split("/"), is_directory=False) == covered
