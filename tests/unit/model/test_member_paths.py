"""Which names the members of an archive may have, on which system."""

import pytest

from startifact.model.member_paths import link_trouble, member_path, name_trouble


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a", "a"),
        ("./a//b/./c/", "a/b/c"),
        ("./", ""),
        (".", ""),
        ("", ""),
        ("a/..b/...", "a/..b/..."),
    ],
)
def test_paths(name: str, path: str) -> None:
    """What says nothing is left out of a path."""
    assert member_path(name) == path


@pytest.mark.parametrize(
    "name", ["a\\b", "CON", "nul.txt", "a:b", "a?", "a.", "a ", " a", "d/aux/x"]
)
def test_names_of_windows(name: str) -> None:
    """What Windows takes for something else is refused there, and only there."""
    assert name_trouble(name, is_directory=False, windows=True)
    if not name.startswith("a:"):  # as a drive may be written
        assert name_trouble(name, is_directory=False, windows=False) is None


@pytest.mark.parametrize("name", ["-x", ".x", "a/-x", "x" * 255, "\u00e9" * 127, "a-b_c+d@e~f,g=h"])
@pytest.mark.parametrize("windows", [True, False])
def test_names(name: str, windows: bool) -> None:
    """Ordinary names are fine everywhere."""
    assert name_trouble(name, is_directory=False, windows=windows) is None
    assert name_trouble(f"{name}/", is_directory=True, windows=windows) is None


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "a/..",
        "/a",
        "..\\b",
        "a\\..\\b",
        "\\b",
        "C:",
        "c:/a",
        "a\n",
        "\x7f",
        "\x9b",
        "\ud800",
        "x" * 256,
    ],
)
@pytest.mark.parametrize("windows", [True, False])
def test_refused(name: str, windows: bool) -> None:
    """What leads elsewhere, or cannot be written everywhere, is refused everywhere."""
    assert name_trouble(name, is_directory=False, windows=windows)
    assert name_trouble(name, is_directory=True, windows=windows)


@pytest.mark.parametrize("target", ["a", "../a", "./a", "..", "."])
def test_targets(target: str) -> None:
    """A link may lead up; whether that is too far is not known from the target alone."""
    assert link_trouble(target) is None


@pytest.mark.parametrize("target", ["", "/a", "//a", "C:/a", "a\\b", "a\0b", "\ud800", "x" * 4097])
def test_targets_that_are_refused(target: str) -> None:
    """No link may lead there, wherever it is."""
    assert link_trouble(target)
