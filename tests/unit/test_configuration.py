"""The organisation configuration: its shape and its limits."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startifact.errors import ConfigurationError, InputError
from startifact.model.bucket_options import BucketOptions
from startifact.model.configuration import (
    Configuration,
    bucket_options_in,
    is_parameter_name,
    is_reserved_parameter,
    parse_configuration,
    to_json,
)
from startifact.model.regional_options import NAMES

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
            st.sampled_from(["eu-west-1", "us-east-1", "ap-south-1"]), unique=True
        ).map(tuple),
    )
)
def test_round_trip(configuration: Configuration) -> None:
    """What is written is read back."""
    assert parse_configuration(to_json(configuration), source=SOURCE) == configuration


@given(st.recursive(st.one_of(st.none(), st.integers(), st.text()), st.lists, max_leaves=5))
def test_any_value(value: object) -> None:
    """Any value at any key is a configuration or refused: nothing else happens."""
    keys = ("bucket_name_param", "bucket_key_prefix", "parameter_name_prefix", "regions", *NAMES)
    for key in keys:
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


KEY = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
KEY_ARN = f"arn:aws:kms:eu-west-1:123456789012:key/{KEY}"
GOVERNMENT = ("us-gov-west-1", "us-gov-east-1")
HOST = "https://bucket.vpce-1a2b3c4d.s3.eu-west-1.vpce.amazonaws.com"


def test_options_of_a_bucket() -> None:
    """What is said of the buckets is read for each region, as text or by region."""
    configuration = parsed(
        regions=["eu-west-1", "us-east-1"],
        kms_key={"eu-west-1": KEY_ARN, "us-east-1": "alias/artifacts"},
        bucket_owner="123456789012",
        storage_class="INTELLIGENT_TIERING",
        object_tags={"team": "build", "cost centre": "R+D"} | {"empty": ""},
        object_lock_mode="GOVERNANCE",
        object_lock_days=365,
        endpoint={"eu-west-1": HOST},
    )
    there = bucket_options_in(configuration, "us-east-1")

    assert bucket_options_in(configuration, "eu-west-1") == BucketOptions(
        kms_key=KEY_ARN,
        bucket_owner="123456789012",
        storage_class="INTELLIGENT_TIERING",
        object_tags=(("team", "build"), ("cost centre", "R+D"), ("empty", "")),
        object_lock_mode="GOVERNANCE",
        object_lock_days=365,
    )
    assert there.kms_key == "alias/artifacts"
    assert configuration.endpoint == {"eu-west-1": HOST}
    assert parse_configuration(to_json(configuration), source=SOURCE) == configuration


@pytest.mark.parametrize("key", [KEY, f"mrk-{'a1' * 16}", "alias/a/b_c-D", KEY_ARN])
def test_kms_keys(key: str) -> None:
    """A key is named by its id, an alias or an ARN."""
    assert bucket_options_in(parsed(kms_key=key), "eu-west-1").kms_key == key


def test_options_in_other_partitions() -> None:
    """Regions of GovCloud and of China are regions, and their keys have ARNs of their own."""
    configuration = parsed(
        regions=["us-gov-west-1", "us-gov-east-1"],
        kms_key={r: f"arn:aws-us-gov:kms:{r}:123456789012:alias/x" for r in GOVERNMENT},
        use_fips=True,
        use_dualstack=False,
    )
    options = bucket_options_in(configuration, "us-gov-west-1")

    assert (options.use_fips, options.use_dualstack) == (True, False)
    assert options.kms_key == "arn:aws-us-gov:kms:us-gov-west-1:123456789012:alias/x"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"kms_key": "x"}, "kms_key: got 'x', expected the id, the ARN or an alias"),
        ({"kms_key": f"{KEY_ARN}\n"}, "kms_key: got"),
        ({"kms_key": 5}, "kms_key: got 5"),
        ({"kms_key": {"eu": KEY}}, "kms_key: got 'eu', expected an AWS region"),
        ({"kms_key": {"eu-west-1": "x"}}, r"kms_key\.eu-west-1: got 'x'"),
        (
            {"kms_key": KEY_ARN, "regions": ["us-east-1"]},
            "begins with arn:aws:kms:us-east-1:, as us-east-1 takes no key of another region",
        ),
        (
            {"kms_key": "arn:aws:kms:cn-north-1:123456789012:alias/x", "regions": ["cn-north-1"]},
            r"kms_key: got .*, expected an ARN that begins with arn:aws-cn:kms:cn-north-1:",
        ),
        (
            {"kms_key": {"eu-west-1": KEY}, "regions": ["eu-west-1", "us-east-1"]},
            "kms_key: it says nothing of us-east-1",
        ),
        ({"bucket_owner": 123456789012}, "bucket_owner: got 123456789012, expected .* in quotes"),
        ({"bucket_owner": "12345678901"}, "bucket_owner: got '12345678901'"),
        ({"bucket_owner": {"eu-west-1": None}}, r"bucket_owner\.eu-west-1: got None"),
        ({"storage_class": "standard"}, "storage_class: got 'standard', expected STANDARD, "),
        ({"storage_class": "DEEP_ARCHIVE"}, "storage_class: got 'DEEP_ARCHIVE', an archive"),
        ({"storage_class": "GLACIER"}, "nothing .* can be downloaded before it is restored"),
        ({"object_tags": ["a"]}, r"object_tags: got \['a'\], expected"),
        ({"object_tags": {str(i): "" for i in range(11)}}, "object_tags: got 11, .*at most 10"),
        ({"object_tags": {"aws:x": ""}}, "object_tags: got 'aws:x'"),
        ({"object_tags": {"": ""}}, "object_tags: got ''"),
        ({"object_tags": {"a\n": ""}}, r"object_tags: got 'a\\n'"),
        ({"object_tags": {"a": 5}}, r"object_tags\.a: got 5"),
        ({"object_tags": {"a": "x" * 257}}, r"object_tags\.a: got"),
        ({"object_tags": {"a": "b?"}}, r"object_tags\.a: got 'b\?'"),
        ({"object_lock_mode": "LEGAL"}, "object_lock_mode: got 'LEGAL', expected GOVERNANCE or "),
        ({"object_lock_mode": "GOVERNANCE"}, "object_lock_mode and object_lock_days: .* the other"),
        ({"object_lock_days": 5}, "object_lock_mode and object_lock_days: .* the other"),
        ({"object_lock_days": 0}, "object_lock_days: got 0, expected a number of days from 1 to"),
        ({"object_lock_days": True}, "object_lock_days: got True"),
        ({"object_lock_days": 36501}, "object_lock_days: got 36501"),
        ({"endpoint": HOST}, "endpoint: expected an object with an endpoint for a region"),
        ({"endpoint": {"eu-west-1": "http://a.b"}}, r"endpoint\.eu-west-1: got 'http://a\.b'"),
        ({"endpoint": {"eu-west-1": 5}}, r"endpoint\.eu-west-1: got 5, expected https"),
        ({"use_fips": "yes"}, "use_fips: got 'yes', expected true or false"),
        ({"use_dualstack": 1}, "use_dualstack: got 1, expected true or false"),
        (
            {"use_fips": True, "endpoint": {"eu-west-1": HOST}},
            "use_fips: an endpoint that is named has no other form",
        ),
        ({"regions": ["eu-west-1", "cn-north-1"]}, "regions: .* partitions aws and aws-cn"),
    ],
)
def test_illegal_options(value: dict[str, object], problem: str) -> None:
    """What buckets cannot have is refused with its path, what it is and what it should be."""
    with pytest.raises(ConfigurationError, match=problem) as caught:
        parsed(**value)

    assert caught.value.message.isprintable() or "\n  " in caught.value.message


def test_all_problems_of_options() -> None:
    """Problems of all options are reported at once, each with its path."""
    with pytest.raises(ConfigurationError) as caught:
        parsed(
            kms_key="x", bucket_owner="x", object_tags={"aws:a": "", "b": 5}, use_fips=2, endpoint=1
        )

    lines = [line.strip().partition(":")[0] for line in caught.value.message.splitlines()[1:]]
    assert lines == [
        "kms_key", "bucket_owner", "object_tags", "object_tags.b", "use_fips", "endpoint",
    ]  # fmt: skip


def test_password_in_an_endpoint() -> None:
    """What may be a password is not repeated."""
    with pytest.raises(ConfigurationError, match="user or password") as caught:
        parsed(endpoint={"eu-west-1": "https://me:hunter2@s3.example"})

    assert "hunter2" not in str(caught.value)


def test_option_that_a_region_lacks() -> None:
    """A region that is named by hand and of which the configuration says nothing is refused."""
    configuration = parsed(kms_key={"eu-west-1": KEY}, bucket_owner={"eu-west-1": "1" * 12})

    with pytest.raises(ConfigurationError, match="says nothing of us-east-1") as caught:
        bucket_options_in(configuration, "us-east-1")

    assert "kms_key" in caught.value.message
    assert "bucket_owner" in caught.value.message
