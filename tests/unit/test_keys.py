"""Which names are allowed, and the keys that are made of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startifact.errors import InputError
from startifact.model.filenames import check_filename
from startifact.model.keys import (
    CHANNEL,
    artifact_key,
    artifact_prefix,
    channel_key,
    channel_parameter,
    check_project,
    version_text,
)


@pytest.mark.parametrize(
    "name", ["SugarWater", "a", "7", "foo.bar", "foo-bar_2", "aws-x", "x" * 128, "Foo..", "0-_."]
)
def test_legal_project(name: str) -> None:
    """Letters, digits, dots, dashes and underscores make a project, up to 128 of them."""
    assert check_project(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "foo\n", "\nfoo", "..", ".", ".foo", "-foo", "_foo", "foo bar", "foo/bar", "foo@1", "foo%",
        "x" * 129, "x" * 200, "größe", "foo\x00", "foo:bar", "²", "\uff11",
    ],
)  # fmt: skip
def test_illegal_project(name: str) -> None:
    """Everything else is refused, with the rule; control characters are escaped."""
    with pytest.raises(InputError, match="is not a legal name") as caught:
        check_project(name)

    assert caught.value.hint is not None
    assert "1 to 128 letters, digits" in caught.value.hint
    assert caught.value.message.isprintable()


def test_no_project() -> None:
    """An empty project has another message than an illegal one."""
    with pytest.raises(InputError, match=r"^project is empty\n"):
        check_project("")


@pytest.mark.parametrize("value", [None, 5, b"foo", ["foo"]])
def test_project_of_another_type(value: object) -> None:
    """What is not text is not a project."""
    with pytest.raises(InputError, match="is not a legal name"):
        check_project(value)


@given(st.text(max_size=140))
def test_projects_make_keys_of_one_part(name: str) -> None:
    """No legal project can leave its place among the keys, or run into another project's."""
    try:
        check_project(name)
    except InputError:
        return

    assert not set(name) & set("/@\\%\n\x00")
    assert name not in {".", ".."}
    assert artifact_key(name, "1.0.0").startswith(artifact_prefix(name))


@pytest.mark.parametrize(
    "name",
    [
        "dist.tar.gz", "a", ".env", "..x", "with space", "größe.whl", "日本語.zip", "con2", "a.con",
        "x" * 255, "ü" * 127, "🎉.bin", "a'b", "a%2Fb", "$(id)", "a;b",
    ],
)  # fmt: skip
def test_safe_file_name(name: str) -> None:
    """One path component that every system takes as such is a file name."""
    assert check_filename(name) == name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "names no file"),
        (".", "names no file"),
        ("..", "names no file"),
        ("/etc/passwd", "has one of"),
        ("../x", "has one of"),
        ("a/b", "has one of"),
        ("a\\b", "has one of"),
        ("C:x", "has one of"),
        ("a:stream", "has one of"),
        ("a*", "has one of"),
        ('a"', "has one of"),
        ("a\x00b", "cannot be shown"),
        ("a\nb", "cannot be shown"),
        ("a\x1b[31m", "cannot be shown"),
        ("a\x7f", "cannot be shown"),
        ("a\u202egpj.exe", "cannot be shown"),
        ("a\u2028b", "cannot be shown"),
        ("a\ud800", "cannot be shown"),
        ("-rf", "begins with a dash"),
        (" a", "begins with a dash or a space"),
        ("a ", "ends with a dot or a space"),
        ("a.", "ends with a dot or a space"),
        ("CON", "device"),
        ("con.txt", "device"),
        ("Lpt1.tar.gz", "device"),
        ("nul .txt", "device"),
        ("com¹", "device"),
        ("CONIN$", "device"),
        ("x" * 256, "longer than 255 bytes"),
        ("ü" * 128, "longer than 255 bytes"),
    ],
)
def test_unsafe_file_name(name: str, reason: str) -> None:
    """What could be another file on some system, or nothing one can see, is refused with why."""
    with pytest.raises(InputError, match=reason) as caught:
        check_filename(name)

    assert caught.value.message.isprintable()
    assert caught.value.hint == "Rename the file"


@pytest.mark.parametrize(
    ("key", "version"),
    [
        ("foo@1.0.0", "1.0.0"),
        ("foo@1.0.0-rc+b", "1.0.0-rc+b"),
        ("foo@", ""),
        ("foo@1@2", "1@2"),
        ("foo@1.0.0/metadata", None),
        ("foo2@1.0.0", None),
        ("foo/latest", None),
        ("xfoo@1.0.0", None),
    ],
)
def test_version_in_a_key(key: str, version: str | None) -> None:
    """The version is read from a project's own keys, and from no other key."""
    assert version_text("foo", key) == version


def test_channel_names() -> None:
    """A channel begins with a small letter, and is never taken for a version."""
    legal = ["latest", "prod", "a", "pre-prod-2", "a" * 63]
    illegal = ["", "Prod", "1.x", "2", "-a", "a.b", "a_b", "a" * 64, "prod\n", "_quarantine"]

    assert [name for name in legal + illegal if CHANNEL.fullmatch(name)] == legal


def test_keys() -> None:
    """Artifacts, channels and the copies of channels have the names that are documented."""
    assert artifact_key("SugarWater", "1.0.9000") == "SugarWater@1.0.9000"
    assert channel_key("SugarWater", "latest") == "SugarWater/latest"
    assert channel_parameter("", "SugarWater", "latest") == "/SugarWater/latest"
    assert channel_parameter("/team", "SugarWater", "latest") == "/team/SugarWater/latest"
