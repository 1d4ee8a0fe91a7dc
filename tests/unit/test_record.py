"""The record that travels with an artifact."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startifact.errors import (
    InputError,
    IntegrityError,
    NewerFormatError,
    NotFoundError,
    RemovedError,
)
from startifact.limits import MAX_METADATA_BYTES, MAX_RECORD_BYTES, MAX_SIZE_BYTES
from startifact.model.record import (
    Origin,
    Record,
    check_metadata,
    decode,
    encode,
)

SHA256 = "0123456789abcdef" * 4

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_keys = _text.filter(lambda k: k != "" and not k.startswith("startifact:"))
_metadata = st.dictionaries(_keys, _text, max_size=5)
_origins = st.builds(
    Origin,
    **{
        name: st.one_of(st.none(), _text)
        for name in ("repository", "commit", "ref", "run", "actor")
    },
)
_records = st.builds(
    Record,
    sha256=st.binary(min_size=32, max_size=32).map(bytes.hex),
    size=st.integers(0, MAX_SIZE_BYTES),
    staged_at=st.just("2026-02-03T04:05:06.000007Z"),
    metadata=_metadata,
    filename=st.one_of(st.none(), _text),
    origin=_origins,
)


def record(
    metadata: Mapping[str, str] | None = None,
    *,
    filename: str | None = None,
    origin: Origin | None = None,
    sha256: str = SHA256,
    size: int = 5,
) -> Record:
    """Return a record with what matters to the test."""
    return Record(
        sha256=sha256,
        size=size,
        staged_at="2026-02-03T04:05:06.000007Z",
        metadata=metadata or {},
        filename=filename,
        origin=origin or Origin(),
    )


# Reading back what was written ---------------------------------------------------------------


@given(_records)
def test_round_trip(original: Record) -> None:
    """What is encoded is decoded as it was, whatever text the user and the workflow gave."""
    try:
        text, dropped = encode(original)
    except InputError:
        return
    back = decode(text, where="here")

    assert text.isascii()
    assert len(text) <= MAX_RECORD_BYTES
    assert back.same_content(original)
    assert original.same_content(back)
    assert back.staged_at == original.staged_at
    if not dropped:
        assert back == original


@given(_records, _records)
def test_same_content(one: Record, other: Record) -> None:
    """Two records are the same content exactly when they cannot be distinguished."""
    assert one.same_content(other) == (one.differences(other) == [])


def test_same_content_is_not_about_facts() -> None:
    """Who staged it, and when, is not content."""
    assert record({"a": "b"}).same_content(
        record(MappingProxyType({"a": "b"}), origin=Origin(actor="somebody", ref="main"))
    )


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (record({"a": "b"}, filename="x", sha256="f" * 64), "the bytes"),
        (record({"a": "b"}, filename="x", size=6), "the bytes"),
        (record({"a": "b"}, filename="y\n"), r"the file name ('y\\n' instead of 'x')"),
        (record({"a": "b"}), "the file name (none instead of 'x')"),
        (record({"a": "c"}, filename="x"), "the metadata ('a')"),
        (record({"a": "b", "n": ""}, filename="x"), "the metadata ('n')"),
        (record({}, filename="x"), "the metadata ('a')"),
    ],
)
def test_differences(other: Record, difference: str) -> None:
    """What differs is reported in words, with names that can be shown."""
    assert record({"a": "b"}, filename="x").differences(other) == [difference.replace("\\\\", "\\")]


def test_many_differences_are_cut() -> None:
    """No more than ten names of metadata are reported."""
    (reported,) = record({f"k{n:02}": "" for n in range(50)}).differences(record())

    assert "'k09'" in reported
    assert "'k10'" not in reported


# Limits --------------------------------------------------------------------------------------


def test_metadata_is_sorted() -> None:
    """Metadata is in the order of its keys, so that the same metadata is the same text."""
    assert list(check_metadata({"b": "2", "a": "1"})) == ["a", "b"]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (["a"], "expected a mapping of strings to strings"),
        ("a=b", "expected a mapping of strings to strings"),
        (None, "expected a mapping of strings to strings"),
        ({"a": 1}, "value of 'a': got 1, expected a string"),
        ({"a": ["x"]}, r"value of 'a': got \['x'\], expected a string"),
        ({"a": None}, "value of 'a': got None, expected a string"),
        ({1: "a"}, "key: got 1, expected a string that is not empty"),
        ({"": "a"}, "key: got '', expected a string that is not empty"),
        ({"startifact:sha256": "x"}, "key: got 'startifact:sha256', expected another name"),
        ({"startifact:": "x"}, "key: got 'startifact:', expected another name"),
        ({"\ud800": "x"}, r"key: got '\\ud800', expected valid Unicode"),
        ({"a": "\udfff"}, "value of 'a': got '.*', expected valid Unicode"),
    ],
)
def test_illegal_metadata(value: object, problem: str) -> None:
    """Metadata that cannot be stored is refused with what is wrong about which pair."""
    with pytest.raises(InputError, match=problem) as caught:
        check_metadata(value)

    assert caught.value.message.startswith("metadata is not valid: ")
    assert caught.value.message.isprintable()


def test_reserved_keys_have_a_hint() -> None:
    """The error of a reserved key states the rule."""
    with pytest.raises(InputError) as caught:
        check_metadata({"startifact:note": "x"})

    assert caught.value.hint == "Keys that begin with startifact: are reserved"


def test_all_illegal_metadata_is_reported() -> None:
    """Every problem is reported at once."""
    with pytest.raises(InputError) as caught:
        check_metadata({"startifact:x": 1, "a": [], "": "b"})

    assert caught.value.message.count("\n  ") == 4


def test_largest_metadata() -> None:
    """1,024 bytes of ASCII JSON are allowed, and not one more."""
    overhead = len('{"k":""}')

    largest = check_metadata({"k": "x" * (MAX_METADATA_BYTES - overhead)})
    with pytest.raises(InputError) as caught:
        check_metadata({"k": "x" * (MAX_METADATA_BYTES - overhead + 1)})

    assert len(largest["k"]) == 1016
    assert "it takes 1,025 bytes as ASCII JSON, 1,024 are allowed" in caught.value.message
    assert caught.value.hint == "Keep large data in a file of its own and stage that"


def test_bytes_are_counted_as_they_are_stored() -> None:
    """A character that is escaped counts as the six or twelve bytes that it takes."""
    assert check_metadata({"k": "ü" * 169}) == {"k": "ü" * 169}
    for value in ("ü" * 170, "🎉" * 85, '"' * 509):
        with pytest.raises(InputError, match="are allowed"):
            check_metadata({"k": value})


@given(_metadata)
def test_metadata_that_is_accepted_fits(metadata: dict[str, str]) -> None:
    """Whatever metadata is accepted can be stored with digest, size and time."""
    try:
        checked = check_metadata(metadata)
    except InputError:
        return
    text, dropped = encode(record(checked))

    assert dropped == []
    assert decode(text, where="here").metadata == checked


def test_largest_metadata_and_the_facts() -> None:
    """The largest metadata and the usual facts of a workflow fit together."""
    origin = Origin(
        repository="an-organisation/a-repository",
        commit="a" * 40,
        ref="refs/tags/v1.0.9000",
        run="https://github.com/an-organisation/a-repository/actions/runs/12345678901",
        actor="somebody",
    )

    _, dropped = encode(record({"k": "x" * 1016}, filename="dist.tar.gz", origin=origin))

    assert dropped == []


def test_facts_are_left_out_in_order() -> None:
    """Where there is no room, ref goes first, then actor, then run; and no more than needed."""
    long = Origin(repository="r", commit="c", ref="x" * 200, actor="y" * 200, run="z" * 700)
    sizes = [10, 500, 600, 1016]

    dropped = []
    for size in sizes:
        text, names = encode(record({"k": "x" * size}, filename="f" * 250, origin=long))
        dropped.append(names)
        origin = decode(text, where="here").origin
        for name in ("repository", "commit", "ref", "actor", "run"):
            assert (getattr(origin, name) is None) == (name in names)

    assert dropped == [[], ["ref"], ["ref", "actor"], ["ref", "actor", "run"]]


def test_a_file_name_that_leaves_no_room() -> None:
    """Where even the facts that have to stay do not fit, the file name is said to be too long."""
    with pytest.raises(InputError, match="2,027 are allowed") as caught:
        encode(record({"k": "x" * 1016}, filename="🎉" * 80))

    assert caught.value.hint == "Shorten the file name, or do not save it"


def test_facts_that_leave_no_room() -> None:
    """Where no file name is saved, none is blamed."""
    with pytest.raises(InputError, match="2,027 are allowed") as caught:
        encode(record(origin=Origin(repository="x" * 2000)))

    assert caught.value.hint is None


# What cannot be read -------------------------------------------------------------------------


def stored(**facts: str | None) -> str:
    """Return a record as text, with *facts* changed or, with ``None``, left out."""
    value = {"format": "1", "sha256": SHA256, "size": "5", "staged_at": "t"} | facts
    return json.dumps(
        {f"startifact:{k.replace('_', '-')}": v for k, v in value.items() if v is not None}
    )


def test_stored_record() -> None:
    """A record that says no more than it has to is read."""
    assert decode(stored(staged_at=None), where="here") == Record(
        sha256=SHA256, size=5, staged_at=""
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it is not JSON"),
        ("{}", "startifact:format is None, expected 1"),
        ("[]", "it is not a JSON object"),
        ('{"startifact:format": 1}', "it has values that are not strings"),
        (stored(format="0"), "startifact:format is '0'"),
        (stored(format="one"), "startifact:format is 'one'"),
        (stored(format="-1"), "startifact:format is '-1'"),
        (stored(format="²"), "startifact:format is '²'"),
        (stored(format="9" * 20), "startifact:format is"),
        (stored(sha256=None), "startifact:sha256: got None, expected 64 hexadecimal digits"),
        (stored(sha256="a" * 63), "startifact:sha256"),
        (stored(sha256="A" * 64), "startifact:sha256"),
        (stored(sha256="\u0660" * 64), "startifact:sha256"),
        (stored(size=None), "startifact:size: got None, expected a number of bytes"),
        (stored(size="-5"), "startifact:size"),
        (stored(size="5 "), "startifact:size"),
        (stored(size="\u0665"), "startifact:size"),
        (stored(size="9" * 5000), "startifact:size"),
        (stored(size=str(MAX_SIZE_BYTES + 1)), "startifact:size"),
        (stored()[:-1] + ',"startifact:size":"6"}', "it has a key twice"),
    ],
)
def test_damaged(text: str, problem: str) -> None:
    """A record that is damaged is an integrity error that says where, and what is wrong."""
    with pytest.raises(IntegrityError, match=problem) as caught:
        decode(text, where="SugarWater@1.0.0 in eu-west-1")

    assert "SugarWater@1.0.0 in eu-west-1" in caught.value.message
    assert len(caught.value.message) < 400


def test_all_damage_is_reported() -> None:
    """Digest and size are reported together."""
    with pytest.raises(IntegrityError, match=r"sha256(.|\n)*size"):
        decode(stored(sha256="x", size="y"), where="here")


@pytest.mark.parametrize("number", ["2", "10", "999999999"])
def test_newer_format(number: str) -> None:
    """A format that is not known yet asks for a newer Startifact."""
    with pytest.raises(NewerFormatError, match=f"has format {number}: a newer Startifact is") as e:
        decode(stored(format=number, sha256=None), where="here")

    assert e.value.exit_code == 2


def test_tombstone() -> None:
    """A record of a removal without a digest says that the version was removed."""
    text = stored(sha256=None, size=None, removed_at="2026-02-03T04:05:06Z")

    with pytest.raises(RemovedError, match="here was removed at '2026-02-03T04:05:06Z'") as caught:
        decode(text, where="here")

    assert isinstance(caught.value, NotFoundError)
    assert caught.value.hint is not None
    assert "stays used" in caught.value.hint


def test_facts_of_later_minor_versions() -> None:
    """A fact that is not known is passed over, and is no metadata of the user's."""
    text = stored()[:-1] + ',"startifact:colour":"red","mine":"x"}'

    assert decode(text, where="here").metadata == {"mine": "x"}


@given(st.text())
def test_any_text(text: str) -> None:
    """Any text is a record or refused: nothing else happens."""
    with pytest.raises(IntegrityError):
        decode(text, where="here")


def test_name_of_a_content() -> None:
    """The name of a content is a digest over canonical JSON, which anybody can compute."""
    record = Record(
        sha256="a" * 64,
        size=5,
        staged_at="now",
        metadata={"b": "1", "a": "\u00e9"},
        filename="x.zip",
    )
    canonical = (
        '{"filename":"x.zip","metadata":{"a":"\\u00e9","b":"1"},"sha256":"'
        + "a" * 64
        + '","size":5}'
    )

    assert record.content_name == f"content:{hashlib.sha256(canonical.encode()).hexdigest()}"
    assert Record(sha256="", size=5, staged_at="").content_name == ""


def test_name_of_a_content_in_two_spellings() -> None:
    """A file name in NFD and the same in NFC are one content, and have one name."""
    composed = Record(sha256="a" * 64, size=5, staged_at="", filename="\u00e9.zip")

    assert composed.content_name == replace(composed, filename="e\u0301.zip").content_name
