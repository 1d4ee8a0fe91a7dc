"""What a channel holds, as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from semver import Version

from startifact.channels.record import ChannelRecord, parse_channel_record
from startifact.errors import IntegrityError

versions = st.builds(Version, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))


@given(
    st.builds(
        ChannelRecord,
        version=versions,
        generation=st.integers(1, 10**9),
        previous=st.one_of(st.none(), versions),
        moved_at=st.text(max_size=30),
        moved_by=st.text(st.characters(exclude_categories=["Cs"]), max_size=100),
    )
)
def test_round_trip(channel_record: ChannelRecord) -> None:
    """What is written is read back, and is one line of ASCII."""
    text = channel_record.to_json()

    assert parse_channel_record(text, where="here") == channel_record
    assert text.isascii()
    assert text.count("\n") == 1
    assert text.endswith("\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"version":"1.0.0"}',
        '{"version":"1.0.0","generation":"1"}',
        '{"version":"1.0.0","generation":true}',
        '{"version":"1.0.0","generation":0}',
        '{"version":"1.0","generation":1}',
        '{"version":"1.0.0","generation":9007199254740993}',
        f'{{"version":"1.0.0","generation":{"9" * 3990}}}',
        '{"version":null,"generation":1}',
        '{"version":"1.0.0","generation":1,"previous":"x"}',
        '{"version":"1.0.0","generation":1,"previous":5}',
        '{"version":"1.0.0","generation":1,"version":"2.0.0"}',
        '{"version":"1.0.0","generation":1',
        "one",
        "1.0",
    ],
)
def test_damaged(text: str) -> None:
    """A channel that is damaged is an integrity error that says which and where."""
    with pytest.raises(IntegrityError, match="the channel foo/latest in a is damaged"):
        parse_channel_record(text, where="foo/latest in a")


def test_keys_that_are_not_known() -> None:
    """Keys that are not known are passed over, and the least is a version and a generation."""
    text = '{"version":"1.0.0","generation":7,"colour":"red"}'

    assert parse_channel_record(text, where="here") == ChannelRecord(
        version=Version(1), generation=7, previous=None, moved_at="", moved_by=""
    )


@pytest.mark.parametrize("text", ["1.2.3", "v1.2.3"])
def test_bare_version(text: str) -> None:
    """A bare version, which the first Startifact kept, is a channel that has not moved yet."""
    assert parse_channel_record(text, where="here") == ChannelRecord(
        version=Version(1, 2, 3), generation=0, previous=None, moved_at="", moved_by=""
    )


def test_size() -> None:
    """A channel may have 16 KiB, and not one byte more."""
    text = '{"version":"1.0.0","generation":1,"by":"%s"}'
    longest = 16 * 1024 - len(text % "")

    assert len(parse_channel_record(text % ("x" * longest), where="here").moved_by) == longest
    with pytest.raises(IntegrityError, match="it is larger than 16,384 bytes"):
        parse_channel_record(text % ("x" * (longest + 1)), where="here")


@given(st.text())
def test_any_text(text: str) -> None:
    """Any text is a channel or damaged: nothing else happens."""
    try:
        channel_record = parse_channel_record(text, where="here")
    except IntegrityError:
        return
    assert channel_record.generation == 0
