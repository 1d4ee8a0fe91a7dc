"""JSON that came from outside."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startifact.model.strict_json import (
    JsonError,
    parse_object,
    parse_object_as_text,
    parse_string_object,
)


@given(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.none(), st.booleans())))
def test_objects(value: dict[str, object]) -> None:
    """An object comes back as it was."""
    assert parse_object(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("{'a': 1}", "not JSON"),
        ("{} {}", "not JSON"),
        ('{"a": 01}', "not JSON"),
        ('{"a": "\n"}', "not JSON"),
        ("[]", "not a JSON object"),
        ('"text"', "not a JSON object"),
        ("null", "not a JSON object"),
        ('{"a": 1, "a": 1}', "a key twice"),
        ('{"a": {"b": 1, "b": 2}}', "a key twice"),
        ('{"a": NaN}', "NaN in it, which is not JSON"),
        ('{"a": -Infinity}', "-Infinity in it, which is not JSON"),
        ('{"a":' + "[" * 100_000, "nested too deep"),
        ('{"a": ' + "9" * 5000 + "}", "a number that is too long"),
    ],
)
def test_refused(text: str, reason: str) -> None:
    """What is not one JSON object, every key once, is refused with the reason."""
    with pytest.raises(JsonError, match=reason):
        parse_object(text)


def test_reasons_quote_nothing() -> None:
    """A reason names the place and does not repeat what may be secret or unsafe."""
    with pytest.raises(JsonError) as caught:
        parse_object('{"password": hunter2}')

    assert "hunter2" not in str(caught.value)
    assert "at character 13" in str(caught.value)


@given(st.text())
def test_any_text(text: str) -> None:
    """Any text is an object or refused: nothing else happens."""
    try:
        value = parse_object(text)
    except JsonError:
        return
    assert isinstance(value, dict)


def test_string_pairs() -> None:
    """An object of strings is one; with any other value it is not."""
    assert parse_string_object('{"a": "b", "": ""}') == {"a": "b", "": ""}
    for text in ('{"a": 1}', '{"a": null}', '{"a": ["b"]}', '{"a": "b", "c": {}}'):
        with pytest.raises(JsonError, match="values that are not strings"):
            parse_string_object(text)


def test_object_as_text() -> None:
    """Strings are as they are; everything else is its own JSON."""
    text = '{"a": "1.0", "b": 10, "c": 1.5, "d": null, "e": {"f": [true]}}'

    assert parse_object_as_text(text) == {
        "a": "1.0",
        "b": "10",
        "c": "1.5",
        "d": "null",
        "e": '{"f": [true]}',
    }
    with pytest.raises(JsonError):
        parse_object_as_text("[]")
