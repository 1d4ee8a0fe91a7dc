"""Every number that bounds something is in one place, and no test changes one behind its back."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "src" / "startifact"

NO_BOUNDS = {
    # What a number means, and not how much there may be.
    ("model/record.py", "FORMAT"),
    ("model/lock_file.py", "FORMAT"),
    ("cli/__init__.py", "INTERRUPTED"),
    ("cli/__init__.py", "TERMINATED"),
    ("files/crc32.py", "_POLYNOMIAL"),
    ("files/crc32.py", "_ONE"),
    ("files/archiving/tar_format.py", "BLOCK"),
    ("files/archiving/tar_format.py", "_LINK_MODE"),
    ("files/archiving/tar_format.py", "_NAME_BYTES"),
    ("files/archiving/tar_format.py", "_SIZE_DIGITS"),
    ("files/archiving/zip_format.py", "_PLAIN"),
    ("files/archiving/zip_format.py", "_LARGE"),
    ("files/archiving/zip_format.py", "_UNIX"),
    ("files/archiving/zip_format.py", "_SIZES_FOLLOW"),
    ("files/archiving/zip_format.py", "_UTF8"),
    ("files/archiving/zip_format.py", "_STORED"),
    ("files/archiving/zip_format.py", "_DEFLATED"),
    ("files/archiving/zip_format.py", "_MAX_32"),
    ("files/archiving/zip_format.py", "_MAX_16"),
    ("files/archiving/zip_format.py", "_ALMOST_32"),
    ("files/archiving/zip_format.py", "_FILE"),
    ("files/archiving/zip_format.py", "_FOLDER"),
    ("files/archiving/zip_format.py", "_IS_FOLDER"),
    ("model/tree.py", "FILE_MODE"),
    ("model/tree.py", "EXECUTABLE_MODE"),
}

PATCH = re.compile(
    r"""set(attr|item)\(.*(_SECONDS|_ATTEMPTS|_BYTES|MAX_)|vars\([^)]*\)\["[A-Z]|_SECONDS = {"""
)


def numbers(path: Path) -> list[str]:
    """Return the names that *path* gives to numbers."""
    found = []
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign):
            assignments = [pair for target in node.targets for pair in parts(target, node.value)]
            found += [name.id for name, value in assignments if is_number(value)]
    return found


def parts(target: ast.expr, value: ast.expr) -> list[tuple[ast.Name, ast.expr]]:
    """Return each name in *target* with what it is given."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        assignments = zip(target.elts, value.elts, strict=True)
        return [pair for one in assignments for pair in parts(*one)]
    return [(target, value)] if isinstance(target, ast.Name) else []


def is_number(value: ast.expr) -> bool:
    """Say whether *value* is a number, or made of nothing but numbers."""
    if isinstance(value, ast.Constant):
        return isinstance(value.value, int | float) and not isinstance(value.value, bool)
    if isinstance(value, ast.BinOp):
        return is_number(value.left) and is_number(value.right)
    return False


def test_numbers_are_in_one_place() -> None:
    """No module but `limits` gives a number a name."""
    found = {
        (str(path.relative_to(SOURCES)), name)
        for path in SOURCES.rglob("*.py")
        if path.name != "limits.py"
        for name in numbers(path)
    }

    assert found == NO_BOUNDS


@pytest.mark.parametrize("text", ['setattr(fan_out, "IDLE_SECONDS", 1)', 'vars(x)["MAX_A"] = 1'])
def test_patches_are_recognised(text: str) -> None:
    """What the next test looks for is found where it is."""
    assert PATCH.search(text)


def test_no_test_patches_a_limit() -> None:
    """Tests hand their own limits to a session, as anybody can."""
    patches = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in (ROOT / "tests").rglob("*.py")
        if path != Path(__file__)
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if PATCH.search(line)
    ]

    assert patches == []
