"""The organisation configuration: its shape and its limits."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startifact.errors import ConfigurationError, InputError
from startifact.model.configuration import (
    Configuration,
    is_parameter_name,
    is_reserved_parameter,
    parse_configuration,
    to_json,
)

SOURCE = "/startifact in eu-west-1"


def parsed(**value: object) -> Configuration:
    """Return the configuration with *value*, and a bucket parameter if there is none in it."""
    return parse_configuration(json.dumps({"bucket_name_param": "/bucket"} | value), source=SOURCE)


def test_least() -> None:
    """The parameter with the bucket's name is all that has to be there."""
    assert parsed() == Configuration(bucket_name_param="/bucket")


def test_everything() -> None:
    """All keys that are known are read."""
    assert parsed(
        bucket_key_prefix="team/", parameter_name_prefix="/team", regions=["eu-west-1", "us-east-1"]
    ) == Configuration(
        bucket_name_param="/bucket",
        bucket_key_prefix="team/",
        parameter_name_prefix="/team",
        regions=("eu-west-1", "us-east-1"),
    )


@pytest.mark.parametrize(
    ("text", "regions"),
    [
        ("eu-west-1,us-east-1", ("eu-west-1", "us-east-1")),
        (" eu-west-1 , us-east-1 ", ("eu-west-1", "us-east-1")),
        ("eu-west-1", ("eu-west-1",)),
        ("", ()),
        ("  ", ()),
    ],
)
def test_regions_as_text(text: str, regions: tuple[str, ...]) -> None:
    """The regions may be one string that commas separate, as the first Startifact wrote them."""
    assert parsed(regions=text).regions == regions


def test_keys_that_are_not_known() -> None:
    """Keys that are not known are named, and the first Startifact's are passed over."""
    configuration = parsed(save_ok="yes", zeta=1, alpha=None)

    assert configuration.unknown_keys == ("alpha", "zeta")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"bucket_name_param": None}, "bucket_name_param: got None, expected the name of an SSM"),
        ({"bucket_name_param": ""}, "bucket_name_param: got ''"),
        ({"bucket_name_param": "a b"}, "bucket_name_param: got 'a b'"),
        ({"bucket_name_param": "/a\n"}, r"bucket_name_param: got '/a\\n'"),
        ({"bucket_name_param": "/a" * 16}, "bucket_name_param"),
        ({"bucket_name_param": "x" * 1012}, "bucket_name_param"),
        ({"bucket_key_prefix": 5}, "bucket_key_prefix: got 5"),
        ({"bucket_key_prefix": "a/../b"}, "bucket_key_prefix: got 'a/../b'"),
        ({"bucket_key_prefix": "./a"}, "bucket_key_prefix"),
        ({"bucket_key_prefix": "ü"}, "bucket_key_prefix"),
        ({"bucket_key_prefix": "x" * 257}, "bucket_key_prefix"),
        ({"parameter_name_prefix": "team"}, "parameter_name_prefix: got 'team'"),
        ({"parameter_name_prefix": "/team/"}, "parameter_name_prefix: got '/team/'"),
        ({"parameter_name_prefix": "/aws/x"}, "parameter_name_prefix: got '/aws/x'"),
        ({"parameter_name_prefix": "/SSMx"}, "parameter_name_prefix: got '/SSMx'"),
        ({"parameter_name_prefix": None}, "parameter_name_prefix: got None"),
        ({"parameter_name_prefix": "/" + "x" * 256}, "parameter_name_prefix"),
        ({"mirrored_channels": "prod"}, r"mirrored_channels: got 'prod', expected a list of chan"),
        ({"mirrored_channels": {"prod": 1}}, "mirrored_channels: got"),
        ({"mirrored_channels": [5]}, r"mirrored_channels: got \[5\]"),
        ({"mirrored_channels": ["prod", ""]}, "mirrored_channels: got"),
        ({"mirrored_channels": ["a/b"]}, "mirrored_channels: got"),
        ({"mirrored_channels": ["prod\n"]}, "mirrored_channels: got"),
        ({"regions": 5}, "regions: got 5, expected a list, or a string separated by commas"),
        ({"regions": {"a": 1}}, "regions: got"),
        ({"regions": None}, "regions: got None"),
        ({"regions": ["eu-wst"]}, r"regions\[0\]: got 'eu-wst', expected an AWS region"),
        ({"regions": ["eu-west-1", 5]}, r"regions\[1\]: got 5"),
        ({"regions": ["eu-west-1\n"]}, r"regions\[0\]: got 'eu-west-1\\n'"),
        ({"regions": ["eu-west-1", ""]}, r"regions\[1\]: got ''"),
        ({"regions": "eu-west-1 us-east-1"}, r"regions\[0\]: got 'eu-west-1 us-east-1'"),
        ({"regions": ["eu-west-1", "eu-west-1"]}, r"regions\[1\]: .* expected each region once"),
        ({"regions": ["file:./a"]}, r"regions\[0\]: got 'file:./a'"),
        ({"regions": ["eu-west-1"] * 33}, "regions: got 33, expected at most 32"),
    ],
)
def test_illegal(value: dict[str, object], problem: str) -> None:
    """A value of the wrong shape is refused with its path, what it is and what it should be."""
    with pytest.raises(ConfigurationError, match=problem) as caught:
        parsed(**value)

    assert SOURCE in caught.value.message
    assert caught.value.exit_code == 2
    assert caught.value.message.isprintable() or "\n  " in caught.value.message


def test_all_problems() -> None:
    """All problems are reported at once, each with its path."""
    with pytest.raises(ConfigurationError) as caught:
        parsed(
            bucket_name_param=[],
            bucket_key_prefix={},
            parameter_name_prefix="x",
            regions=["a", "eu-west-1", "b"],
        )

    lines = [line.partition(":")[0] for line in caught.value.message.splitlines()[1:]]
    assert lines == [
        "  bucket_name_param",
        "  bucket_key_prefix",
        "  parameter_name_prefix",
        "  regions[0]",
        "  regions[2]",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it is not JSON"),
        ("bucket: x", "it is not JSON"),
        ("[]", "it is not a JSON object"),
        ('{"regions": [], "regions": []}', "it has a key twice"),
    ],
)
def test_no_json(text: str, problem: str) -> None:
    """What is not a JSON object is refused, with how to write a valid one."""
    with pytest.raises(ConfigurationError, match=problem) as caught:
        parse_configuration(text, source=SOURCE)

    assert caught.value.hint is not None
    assert "startifact setup" in caught.value.hint


def test_too_large() -> None:
    """A parameter holds no more than 8 KiB, and neither does the configuration."""
    with pytest.raises(ConfigurationError, match="it is larger than 8,192 bytes"):
        parsed(note="x" * 8192)


def test_error_of_the_caller() -> None:
    """Writing a bad configuration is bad input, not a bad configuration."""
    with pytest.raises(InputError, match="bucket_name_param"):
        parse_configuration("{}", source="the flags", error=InputError)


@given(
    st.builds(
        Configuration,
        bucket_name_param=st.from_regex(
            r"/?[A-Za-z0-9_.-]{1,20}(/[a-z]{1,5}){0,3}", fullmatch=True
        ),
        bucket_key_prefix=st.from_regex(r"([a-z]{1,5}/){0,3}", fullmatch=True),
        parameter_name_prefix=st.from_regex(r"(/[b-r]{1,5}){0,3}", fullmatch=True),
        regions=st.lists(
            st.sampled_from(["eu-west-1", "us-east-1", "us-gov-west-1"]), unique=True
        ).map(tuple),
    )
)
def test_round_trip(configuration: Configuration) -> None:
    """What is written is read back."""
    assert parse_configuration(to_json(configuration), source=SOURCE) == configuration


@given(st.recursive(st.one_of(st.none(), st.integers(), st.text()), st.lists, max_leaves=5))
def test_any_value(value: object) -> None:
    """Any value at any key is a configuration or refused: nothing else happens."""
    for key in ("bucket_name_param", "bucket_key_prefix", "parameter_name_prefix", "regions"):
        try:
            parsed(**{key: value})
        except ConfigurationError as e:
            message = str(e)
        else:
            message = ""
        assert all(line.isprintable() for line in message.splitlines())


@pytest.mark.parametrize(
    ("name", "legal"),
    [
        ("/startifact", True),
        ("startifact", True),
        ("/a/b/c", True),
        ("/a//b", False),
        ("/", False),
        ("", False),
        ("a b", False),
        ("/a:1", False),
        ("/" + "/".join("a" * 15), True),
        ("/" + "/".join("a" * 16), False),
    ],
)
def test_parameter_names(name: str, legal: bool) -> None:
    """The name of a parameter has up to 15 parts of letters, digits, dots, dashes and so on."""
    assert is_parameter_name(name) is legal


@pytest.mark.parametrize(
    ("name", "reserved"),
    [
        ("aws-x", True), ("AWS", True), ("/aws/x", True), ("ssm", True), ("SsmThing", True),
        ("xaws", False), ("my-ssm", False), ("/team/aws", False),
    ],
)  # fmt: skip
def test_reserved_names(name: str, reserved: bool) -> None:
    """SSM keeps names that begin with aws or ssm, in any case."""
    assert is_reserved_parameter(name) is reserved


@pytest.mark.parametrize(
    ("text", "regions", "warnings"),
    [
        ("", (), ()),
        ("eu-west-1, us-east-1", ("eu-west-1", "us-east-1"), ()),
        ("eu-west-1,,", ("eu-west-1",), ("regions has a comma with no region beside it",)),
        ("eu-west-1,eu-west-1", ("eu-west-1",), ("regions has 'eu-west-1' 2 times",)),
    ],
)
def test_regions_of_the_first(text: str, regions: tuple[str], warnings: tuple[str]) -> None:
    """The text that the first Startifact wrote was not checked: what is odd is passed over."""
    configuration = parsed(regions=text)

    assert (configuration.regions, configuration.warnings) == (regions, warnings)
