"""Metadata as people write it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startifact.errors import InputError
from startifact.limits import MAX_METADATA_TEXT_BYTES
from startifact.model.metadata import parse_metadata, parse_metadata_lines

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@pytest.mark.parametrize("text", ["", "\n \n\t\n", "# nothing yet\n", "{}"])
def test_nothing(text: str) -> None:
    """A text in which nothing is written has no metadata."""
    assert parse_metadata(text) == {}


def test_lines() -> None:
    """Lines are taken without the white space around them; a value may have = in it."""
    text = "\n  lang=dotnet\r\n\thash=9876= \nempty=\nurl=http://x/?a=b c\n\n"

    assert parse_metadata(text) == {
        "lang": "dotnet",
        "hash": "9876=",
        "empty": "",
        "url": "http://x/?a=b c",
    }


def test_yaml_keeps_values_as_written() -> None:
    """What YAML would take for a number, a boolean, a date or nothing stays the text it is."""
    text = """
    version: 1.10
    released: no
    when: 2026-01-02
    octal: 0o17
    big: 1_000
    nothing: null
    tilde: ~
    empty:
    quoted: "no"
    block: |
      two
      lines
    1.10: key
    """

    assert parse_metadata(text) == {
        "version": "1.10",
        "released": "no",
        "when": "2026-01-02",
        "octal": "0o17",
        "big": "1_000",
        "nothing": "null",
        "tilde": "~",
        "empty": "",
        "quoted": "no",
        "block": "two\nlines\n",
        "1.10": "key",
    }


def test_one_line_of_yaml_with_an_equals_sign() -> None:
    """A line with a space before its = is not KEY=VALUE, so the text is YAML."""
    assert parse_metadata("hash: 9876=\nlang: dotnet") == {"hash": "9876=", "lang": "dotnet"}


def test_compact_json_is_not_a_line() -> None:
    """JSON without spaces is a mapping, although it would pass for KEY=VALUE."""
    assert parse_metadata('{"hash":"9876="}') == {"hash": "9876="}


@settings(deadline=None)
@given(st.dictionaries(_TEXT, _TEXT, max_size=5))
def test_json(metadata: dict[str, str]) -> None:
    """Whatever strings are written as a JSON object come back, other alphabets and emoji too."""
    assert parse_metadata(json.dumps(metadata)) == metadata


@pytest.mark.parametrize("text", ["lang=a\nlang=b", "lang: a\nlang: b", "lang: [a]\nlang: b"])
def test_keys_twice(text: str) -> None:
    """A key that is there twice is refused in both forms."""
    with pytest.raises(InputError, match="key 'lang' is there twice"):
        parse_metadata(text)


def test_all_problems_of_a_mapping() -> None:
    """Everything that is wrong with a mapping is reported at once, with its line."""
    text = "a: [1]\nb: {c: d}\na: e\n? [f]\n: g\nh: ok\n"

    with pytest.raises(InputError) as caught:
        parse_metadata(text)

    assert caught.value.message.splitlines() == [
        "metadata is not valid:",
        "  line 1: the value of 'a' is a list, expected text",
        "  line 2: the value of 'b' is a mapping, expected text",
        "  line 3: key 'a' is there twice",
        "  line 4: a key is a list, expected text",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a\n- b", "it is a YAML list"),
        ("ok: 1\nbad: 'open", "line 2: while scanning a quoted scalar"),
        ("a: b\n---\nc: d", "line 2: expected a single document"),
        ("a: *nowhere", "line 1: found undefined alias 'nowhere'"),
        ("a: b: c", "line 1: mapping values are not allowed here"),
        ("a: \x07", "a character in it that YAML does not allow"),
        ('a: "\\UFFFFFFFF"', "a character in it that YAML does not allow"),
        ("[" * 50_000, "nested too deep"),
        ("lang=dotnet\nhash", "got 'hash', expected KEY=VALUE"),
    ],
)
def test_neither_form(text: str, said: str) -> None:
    """What is neither is refused with the reason, and both forms are explained."""
    with pytest.raises(InputError) as caught:
        parse_metadata(text)

    assert said in caught.value.message
    assert "neither lines of KEY=VALUE nor a YAML mapping" in caught.value.message
    assert "KEY=VALUE on each line" in str(caught.value.hint)
    assert "YAML mapping" in str(caught.value.hint)


def test_just_words() -> None:
    """Words that say nothing are refused; of several lines none is good, so none is reported."""
    with pytest.raises(InputError) as caught:
        parse_metadata("lang dotnet")
    with pytest.raises(InputError) as several:
        parse_metadata("lang\ndotnet")

    neither = "it is neither lines of KEY=VALUE nor a YAML mapping"
    assert caught.value.message == f"metadata is not valid: got 'lang dotnet': {neither}"
    assert several.value.message == f"metadata is not valid: {neither}"


def test_yaml_tags_make_nothing() -> None:
    """A tag that asks for an object to be made is only text."""
    assert parse_metadata("a: !!python/object/apply:os.getcwd x") == {"a": "x"}


def test_aliases_are_their_values() -> None:
    """An alias stands for the text it refers to."""
    assert parse_metadata("a: &x b\nc: *x") == {"a": "b", "c": "b"}


def test_size() -> None:
    """A text over 64 KiB is refused before it is parsed."""
    text = "a=" + "é" * (MAX_METADATA_TEXT_BYTES // 2)

    with pytest.raises(InputError, match="larger than 65,536 bytes"):
        parse_metadata(text)


def test_metadata() -> None:
    """Pairs keep the white space of their values, which a shell has taken care of."""
    assert parse_metadata_lines(["a= b ", "c=d=e\nf"], source="metadata") == {
        "a": " b ",
        "c": "d=e\nf",
    }


def test_all_problems_of_metadata() -> None:
    """Everything that is wrong with metadata is reported at once."""
    with pytest.raises(InputError) as caught:
        parse_metadata_lines(["foo", "=b", "a b=c", "d=1", "d=2", "\x1b[31m"], source="metadata")

    assert caught.value.message.splitlines() == [
        "metadata is not valid:",
        "  got 'foo', expected KEY=VALUE",
        "  got '=b', expected KEY=VALUE",
        "  got 'a b=c', expected KEY=VALUE",
        "  key 'd' is there twice",
        "  got '\\x1b[31m', expected KEY=VALUE",
    ]
