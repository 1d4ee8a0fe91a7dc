"""Errors name what they refuse, and nothing that it holds gets through."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from startifact import Session
from startifact.channels.record import parse_channel_record
from startifact.errors import StartifactError
from startifact.model.configuration import parse_configuration
from startifact.model.digest import parse_keep
from startifact.model.filenames import check_filename
from startifact.model.keys import check_project
from startifact.model.metadata import parse_metadata, parse_metadata_lines
from startifact.model.quorum import required_to_stage
from startifact.model.record import check_metadata, decode
from startifact.model.selectors import parse_selector
from startifact.model.versions import parse_version
from startifact.regions.factory import parse_spec, parse_specs
from startifact.regions.legacy import LegacyArtifact, legacy_record
from startifact.regions.spec import split_list
from startifact.text import escape_nonprintable, quoted, redact
from tests.security.texts import CORPUS, MAX_ERROR_CHARACTERS, is_harmless, unsafe_text

# These repeat themselves many times; measuring coverage would double their time.
pytestmark = pytest.mark.no_cover


def record(**facts: str) -> str:
    base = {"startifact:format": "1", "startifact:sha256": "0" * 64, "startifact:size": "1"}
    return json.dumps(base | {f"startifact:{n}".replace("_", "-"): v for n, v in facts.items()})


def legacy(text: str) -> object:
    stored = LegacyArtifact(size=1, encoded_record=None, token="x", metadata=text)
    return legacy_record(stored, where="P@1.0.0 in r")


def configuration(**values: Any) -> str:
    return json.dumps({"bucket_name_param": "/b", **values})


CHECKS: dict[str, Callable[[str], object]] = {
    "project": check_project,
    "version": parse_version,
    "selector": parse_selector,
    "file name": check_filename,
    "metadata": lambda text: check_metadata({text: text, f"startifact:{text}": text}),
    "metadata value": lambda text: check_metadata({"key": text * 100}),
    "metadata lines": lambda text: parse_metadata_lines(
        [text, f"={text}", f"a={text}", f"a={text}"], source="x"
    ),
    "metadata text": parse_metadata,
    "metadata yaml": lambda text: parse_metadata(f"{text}: [{text}]\n"),
    "region": parse_spec,
    "bucket": lambda text: parse_spec(f"s3://{text}"),
    "bucket option": lambda text: parse_spec(f"s3://bucket?{text}={text}&region={text}"),
    "endpoint": lambda text: parse_spec(f"s3://bucket?endpoint={text}"),
    "directory": lambda text: parse_spec(f"file:{text}"),
    "host": lambda text: parse_spec(f"file://{text}/x"),
    "regions": lambda text: parse_specs(split_list(text), source="regions"),
    "required regions": lambda text: required_to_stage(text, 3),
    "if exists": lambda text: Session(regions="file:x").stage("P", "1.0.0", "x", if_exists=text),
    "keep": parse_keep,
    "record": lambda text: decode(text, where="P@1.0.0 in r"),
    "format": lambda text: decode(record(format=text), where="P@1.0.0 in r"),
    "digest": lambda text: decode(record(sha256=text), where="P@1.0.0 in r"),
    "size": lambda text: decode(record(size=text), where="P@1.0.0 in r"),
    "tombstone": lambda text: decode(
        json.dumps({"startifact:format": "1", "startifact:removed-at": text}), where="P@1.0.0 in r"
    ),
    "legacy": legacy,
    "legacy pairs": lambda text: legacy(json.dumps({text: 1})),
    "channel": lambda text: parse_channel_record(text, where="P/latest in r"),
    "channel version": lambda text: parse_channel_record(
        json.dumps({"version": text, "generation": 1}), where="P/latest in r"
    ),
    "channel generation": lambda text: parse_channel_record(
        json.dumps({"version": "1.0.0", "generation": text}), where="P/latest in r"
    ),
    "channel previous": lambda text: parse_channel_record(
        json.dumps({"version": "1.0.0", "generation": 1, "previous": text}), where="P/latest in r"
    ),
    "configuration": lambda text: parse_configuration(text, source="/startifact in r"),
    "configured bucket": lambda text: parse_configuration(
        configuration(bucket_name_param=text), source="/startifact in r"
    ),
    "configured prefixes": lambda text: parse_configuration(
        configuration(bucket_key_prefix=text, parameter_name_prefix=text), source="/startifact in r"
    ),
    "configured regions": lambda text: parse_configuration(
        configuration(regions=[text, text]), source="/startifact in r"
    ),
    "configured region": lambda text: parse_configuration(
        configuration(regions=text), source="/startifact in r"
    ),
}


def check(what: str, text: str) -> None:
    """Fail when an error about *text* is anything but a few lines of harmless text."""
    try:
        CHECKS[what](text)
    except StartifactError as e:
        said = f"{e}\n{e.hint or ''}"
        assert is_harmless(said), (what, text, said)
        assert len(said) < MAX_ERROR_CHARACTERS, (what, len(said))


@pytest.mark.parametrize("what", CHECKS)
def test_corpus(what: str) -> None:
    """What is refused is named harmlessly, whatever stands in it."""
    for text in CORPUS:
        check(what, text)


@pytest.mark.parametrize("what", CHECKS)
@settings(max_examples=40, deadline=None)
@given(text=unsafe_text)
def test_any_text(what: str, text: str) -> None:
    """The same is true of any text at all."""
    check(what, text)


@given(text=unsafe_text)
def test_shown(text: str) -> None:
    """Text that is quoted in a message is harmless, in one line, and not long."""
    for said in (quoted(text), quoted([text]), quoted({text: text}), escape_nonprintable(text)):
        assert is_harmless(said)
        assert "\n" not in said
    assert len(quoted(text, 50)) < 700


SECRETS = [
    "AKIAIOSFODNN7EXAMPLE",
    "ASIAIOSFODNN7EXAMPLE",
    "IQoJb3JpZ2luX2VjEHwaCXVzLWVhc3QtMSJHMEUCIQDx" + "Ab3/+9" * 40 + "==",
    "IQoJb3JpZ2luX2VjEHwaCXVzLWVhc3QtMSJHMEUCIQDx" + "Ab3%2F%2b9" * 40 + "%3D%3D",
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyZXBvOm8vciJ9.c2lnbmF0dXJl-_",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("around", ["{}", "the id {} is unknown", "'{}'", "x={};y", "(\n{}\n)"])
def test_redact(secret: str, around: str) -> None:
    """What looks like credentials is taken out of what others say, and the rest stays."""
    text = redact(around.format(secret))

    assert text == around.format("***")


@pytest.mark.parametrize(
    "text",
    [
        "eyJaaaaaaaa-", "-eyJaaaaaaaa", "eyJaaaaaaaa.", "eyJaaaaaaaa.-eyJ.", "A", "a.", "AKIA",
        "ASIA0", "://a", "credential ", "credential=", 'signature"', "session-token: ", " ", "=",
        "%2F", "%2", "bearer ", "secret_access_key=", "@",
    ],
)  # fmt: skip
def test_however_long(text: str) -> None:
    """No text makes it take long: a process that is busy with one sees no signal meanwhile."""
    began = time.process_time()

    redact(text * (1_000_000 // len(text)))

    assert time.process_time() - began < 10  # it is well under one; it was hours


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("https://joe:hunter2@proxy:3128 refused", "https***proxy:3128 refused"),
        ("Credential=minioadmin/20260101/us-east-1/s3/aws4_request, x", "***, x"),
        ('{"Signature": "0123456789abcdef"}', '{"***"}'),
        ("X-Amz-Security-Token=FwoGZXIvYXdz&X=1", "X-Amz-***&X=1"),
        ("x-amz-security-token: FwoGZXIvYXdz", "x-amz-***"),
        ("https://joe:hun@ter2@proxy:3128 refused", "https***proxy:3128 refused"),
        ("Authorization: Bearer ghs_0123456789abcdef", "Authorization: ***"),
        ("aws_secret_access_key = abc/def+0123 x", "aws_*** x"),
        ("SecretAccessKey: abc/def+0123", "***"),
        ("password=hunter2!", "***"),
        ("<SecretAccessKey>wJalrXUtn/K7</SecretAccessKey>", "<***</SecretAccessKey>"),
        ("AWS_SESSION_TOKEN: FwoGZXIv", "AWS_***"),
        ("the token ghs_0123456789abcdefghij", "the token ***"),
    ],
)
def test_secrets_by_name(said: str, left: str) -> None:
    """What is called a credential is taken out, whatever it looks like."""
    assert redact(said) == left


@pytest.mark.parametrize(
    "said",
    [
        "Unable to locate credentials",
        "arn:aws:s3:::bucket/some/prefix/SugarWater@1.0.0",
        "User: arn:aws:sts::123456789012:assumed-role/stage/me is not authorized",
        f"sha256:{'0123456789abcdef' * 4}",
        "the signature does not match",
        "the bearer of this token",
        "s3://bucket/app%2Fone@1.0.0",
        "s3://bucket,SugarWater@1.0.0",
    ],
)
def test_what_is_no_secret_stays(said: str) -> None:
    """What people need to read is left as it is."""
    assert redact(said) == said
