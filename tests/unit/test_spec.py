"""The ways to spell a region."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startifact.errors import InputError
from startifact.model.bucket_options import BucketOptions
from startifact.model.endpoints import is_loopback
from startifact.regions.aws.spec import AwsSpec, BucketSpec
from startifact.regions.directory.spec import DirectorySpec
from startifact.regions.factory import FORMS, KINDS, parse_spec, parse_specs
from startifact.regions.memory import MemorySpec
from startifact.regions.spec import split_list


def bucket(text: str) -> BucketSpec:
    """Return the bucket that *text* spells."""
    spec = parse_spec(text)
    assert isinstance(spec, BucketSpec)
    return spec


@pytest.mark.parametrize(
    "name",
    ["eu-west-1", "us-east-1", "us-gov-west-1", "ap-southeast-2", "cn-north-1", "us-iso-east-1",
     "eusc-de-east-1", "ap-southeast-11"],
)  # fmt: skip
def test_aws_region(name: str) -> None:
    """The name of an AWS region is one."""
    assert parse_spec(name) == AwsSpec(text=name)


@pytest.mark.parametrize(
    "text",
    [
        "", "eu-west", "euwest1", "EU-WEST-1", " us-east-1", "eu-west-1a", "../x",
        "evil.example", "eu-wst-\u0661", "https://bucket", "bucket", "S3://bucket", "s3:bucket",
        "/srv/artifacts", "./artifacts", "FILE:./x", "eu-west-1#", "eu-west-1@x",
    ],
)  # fmt: skip
def test_no_region(text: str) -> None:
    """What is none of the three spellings is refused, with all of them in the hint."""
    with pytest.raises(InputError, match="is not a region") as caught:
        parse_spec(text)

    assert caught.value.hint is not None
    assert "eu-west-1" in caught.value.hint
    assert "s3://bucket/prefix" in caught.value.hint
    assert "file:./directory" in caught.value.hint
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("my-artifacts", "s3://my-artifacts"),
        ("my-artifacts/team/x?region=eu-west-1", "s3://my-artifacts/team/x?region=eu-west-1"),
        ("s3:/my-artifacts", "s3://my-artifacts"),
        ("S3://my-artifacts/x", "s3://my-artifacts/x"),
        ("arn:aws:s3:::my-artifacts/*", "s3://my-artifacts"),
        ("arn:aws-cn:s3:::my-artifacts", "s3://my-artifacts"),
        (
            "https://my-artifacts.s3.eu-west-1.amazonaws.com/x",
            "s3://my-artifacts/x?region=eu-west-1",
        ),
        (
            "https://s3.eu-west-1.amazonaws.com/my-artifacts/x/",
            "s3://my-artifacts/x?region=eu-west-1",
        ),
        ("https://s3.amazonaws.com/my-artifacts", "s3://my-artifacts"),
        (
            "https://my-artifacts.s3.cn-north-1.amazonaws.com.cn/x",
            "s3://my-artifacts/x?region=cn-north-1",
        ),
        ("./artifacts", "file:./artifacts"),
        ("/srv/artifacts", "file:/srv/artifacts"),
        ("EU-WEST-1", "eu-west-1"),
        ("euwest1", "eu-west-1"),
        ("us-gov-east1", "us-gov-east-1"),
        ("eu-west-1a", "eu-west-1"),
    ],
)
def test_near_a_region(text: str, meant: str) -> None:
    """What is nearly a bucket, a directory or an AWS region gets a suggestion that works."""
    with pytest.raises(InputError) as caught:
        parse_spec(text)

    assert caught.value.message == f"region {text!r} is not a region, did you mean {meant!r}?"
    assert parse_spec(meant).text == meant


@pytest.mark.parametrize("text", ["x", "my_bucket", "bucket@host", "user:secret@bucket", "~/x"])
def test_near_no_region(text: str) -> None:
    """Where nothing is near, nothing is proposed, and a password is not repeated."""
    with pytest.raises(InputError) as caught:
        parse_spec(text)

    assert "did you mean" not in caught.value.message
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# all\nus-east-1\n# off: eu-west-1\n", ["us-east-1"]),
        ("us-east-1 # the first\neu-west-1,# the second", ["us-east-1", "eu-west-1"]),
        ("  # a, b c\r\nus-east-1 #\r\neu-west-1", ["us-east-1", "eu-west-1"]),
        ("file:./a#b s3://bucket/x#y", ["file:./a#b", "s3://bucket/x#y"]),
        ("#", []),
    ],
)
def test_comments_in_a_list(text: str, expected: list[str]) -> None:
    """A # at the beginning of a line, or after what separates, begins a comment; no other does."""
    assert split_list(text) == expected


@pytest.mark.parametrize("rest", ["eu-west-1", "b s3://bucket", "x,file:./a", "eu-west-1 # more"])
def test_comment_that_may_hide_a_region(rest: str) -> None:
    """What YAML has made one line of several is not cut off: a region would be left out."""
    with pytest.raises(InputError, match="has a region in it") as caught:
        split_list(f"us-east-1 # the first {rest}")

    assert "line of its own" in str(caught.value.hint)


def test_line_ends() -> None:
    """A newline is never passed over."""
    for text in ("us-east-1\n", "\nus-east-1", "s3://bucket\n", "file:./a\r"):
        with pytest.raises(InputError, match="has a character in it that cannot be shown"):
            parse_spec(text)


def test_bucket_alone() -> None:
    """A bucket needs nothing else."""
    assert parse_spec("s3://my-bucket") == BucketSpec(
        text="s3://my-bucket",
        bucket="my-bucket",
        prefix="",
        region=None,
        endpoint=None,
        profile=None,
    )


def test_bucket_with_everything() -> None:
    """Prefix, region, endpoint and profile are read, percent-encoded or not."""
    text = (
        "s3://b.cket/a/b%20c?region=eu-west-1&profile=me%40corp"
        "&endpoint=https%3A%2F%2Fminio.example%3A9000%2F"
    ).replace("%20", "_")

    assert bucket(text) == BucketSpec(
        text=text,
        bucket="b.cket",
        prefix="a/b_c/",
        region="eu-west-1",
        endpoint="https://minio.example:9000",
        profile="me@corp",
    )


def test_bucket_with_options() -> None:
    """The options of an organisation's buckets can be said in a spelling, with the same names."""
    text = (
        "s3://bucket?region=eu-west-1&kms-key=alias%2Fartifacts&bucket-owner=123456789012"
        "&storage-class=STANDARD_IA&object-tags=team%3Dbuild%26cost%20centre%3DR%252BD"
        "&object-lock-mode=COMPLIANCE&object-lock-days=30&use-dualstack=true&use-fips=false"
    )

    assert bucket(text).options == BucketOptions(
        kms_key="alias/artifacts",
        bucket_owner="123456789012",
        storage_class="STANDARD_IA",
        object_tags=(("team", "build"), ("cost centre", "R+D")),
        object_lock_mode="COMPLIANCE",
        object_lock_days=30,
        use_dualstack=True,
        use_fips=False,
    )


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("kms_key=alias/x", "option: got 'kms_key', expected .*kms-key"),
        ("kms-key=x", "kms-key: got 'x', expected the id"),
        ("region=us-east-1&kms-key=arn:aws:kms:eu-west-1:123456789012:alias/x", "begins with arn"),
        ("bucket-owner=me", "bucket-owner: got 'me'"),
        ("storage-class=GLACIER", "storage-class: got 'GLACIER', an archive"),
        ("object-tags=team", "object-tags: got 'team', expected tags such as team%3Dbuild"),
        ("object-tags=a%3D1%26a%3D2", "object-tags: got 'a=1&a=2'"),
        ("object-tags=aws%253Ax%3D1", "object-tags: got 'aws:x'"),
        ("object-lock-days=30", "object-lock-mode and object-lock-days"),
        ("object-lock-mode=GOVERNANCE&object-lock-days=x", "object-lock-days: got 'x', expected a"),
        ("use-fips=1", "use-fips: got '1', expected true or false"),
        ("use-fips=true&endpoint=https://s3.example", "use-fips: an endpoint .* has no other form"),
    ],
)
def test_illegal_options(query: str, problem: str) -> None:
    """They are checked like those of an organisation."""
    with pytest.raises(InputError, match=problem):
        parse_spec(f"s3://bucket?{query}")


def test_all_problems_of_options() -> None:
    """All that is wrong with the options of one spelling is reported at once."""
    with pytest.raises(InputError) as caught:
        parse_spec("s3://b?kms-key=x&bucket-owner=x&object-lock-days=0&use-dualstack=&profile=")

    assert len(caught.value.message.splitlines()) == 8


def test_one_name_in_two_partitions() -> None:
    """A bucket in China may have the name of one elsewhere: they are two."""
    names = ["s3://bucket?region=cn-north-1", "s3://bucket?region=us-east-1"]

    assert len(parse_specs(names, source="regions")) == 2


@pytest.mark.parametrize("text", ["s3://bucket/p", "s3://bucket/p/", "s3://bucket/p//"])
def test_prefix(text: str) -> None:
    """A prefix means the same with and without a slash at its end."""
    assert bucket(text).prefix == "p/"


@pytest.mark.parametrize("text", ["s3://bucket", "s3://bucket/", "s3://bucket/?region=auto"])
def test_no_prefix(text: str) -> None:
    """Just a slash is no prefix."""
    assert bucket(text).prefix == ""


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://s3.example", "https://10.0.0.1:9000", "https://[2001:db8::1]:9000",
        "http://localhost:9000", "http://127.0.0.1:9000", "http://[::1]:9000", "http://127.9.9.9",
        "https://s3.example/",
    ],
)  # fmt: skip
def test_endpoints(endpoint: str) -> None:
    """An endpoint is https, or http on this machine."""
    assert bucket(f"s3://bucket?endpoint={endpoint}").endpoint == endpoint.rstrip("/")


@pytest.mark.parametrize(
    "endpoint",
    [
        "", "s3.example", "http://s3.example", "http://169.254.169.254", "http://0.0.0.0",
        "http://localhost.example", "ftp://s3.example", "https://", "https:///path", "https://a b",
        "https://s3.example/path", "https://s3.example:port", "https://s3.example:99999",
        "https://[::1", "https://s3.example%3Fx=1", "https://s3.example%23x", "file:///etc/passwd",
        "http://127.0.0.1.example", "https://a%00b", "https://ex%0Aample",
    ],
)  # fmt: skip
def test_illegal_endpoints(endpoint: str) -> None:
    """Any other endpoint is refused: it would get requests that carry session tokens."""
    with pytest.raises(InputError, match=r"endpoint: got .*, expected https://host, or http://"):
        parse_spec(f"s3://bucket?endpoint={endpoint}")


@pytest.mark.parametrize(
    "text",
    [
        "s3://bucket?endpoint=https://me:hunter2@s3.example",
        "s3://bucket?endpoint=https%3A%2F%2Fme%3Ahunter2%40s3.example",
        "s3://bucket?endpoint=https://hunter2@s3.example",
        "s3://bucket?endpoint=https://:hunter2@s3.example",
        "s3://bucket?endpoint=https://me:hunter2@",
        "s3://bucket?endpoint=https://me:hunter2%2540s3.example",
        "s3://bucket?endpoint=https://me:hun/hunter2@s3.example",
        "s3://bucket?endpoint=https://me:hunter2=@s3.example&region=X",
        "s3://bucket?endpoint=https://me:hun?hunter2@s3.example",
        "s3://bucket?endpoint=https://me:hun%23hunter2@s3.example",
        "s3://bucket?endpoint=https://me:[hunter2@s3.example",
        "s3://me:hunter2@bucket/p",
        "s3://me:hunter2@bucket/p?region=X",
        "https://me:hunter2@s3.example/bucket",
        "file://me:hunter2@server/share",
    ],
)
def test_password(text: str) -> None:
    """A user and a password are refused wherever they are, and never shown."""
    with pytest.raises(InputError) as caught:
        parse_specs([text, "eu-west-1"], source="regions")

    assert "hun" not in caught.value.message
    assert "hun" not in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("s3://", "bucket: got ''"),
        ("s3:///p", "bucket: got ''"),
        ("s3://ab", "bucket: got 'ab'"),
        ("s3://Bucket", "bucket: got 'Bucket'"),
        ("s3://bucket:80", "bucket: got 'bucket:80'"),
        ("s3://-bucket", "bucket"),
        (f"s3://{'b' * 64}", "bucket"),
        ("s3://bucket/a/../b", "prefix: got 'a/../b'"),
        ("s3://bucket/.", "prefix: got '.'"),
        ("s3://bucket/%2e%2e", "prefix: got '..'"),
        ("s3://bucket/a b", "prefix: got 'a b'"),
        ("s3://bucket/ü", "prefix: got 'ü'"),
        (f"s3://bucket/{'p' * 257}", "prefix"),
        ("s3://bucket#x", "no # in it; write %23"),
        (
            "s3://bucket?regoin=x",
            "option: got 'regoin', expected region, endpoint, profile, addressing, kms-key",
        ),
        ("s3://bucket?x=1&y=2", r"option: got 'x'(.|\n)*option: got 'y'"),
        ("s3://bucket?region=a&region=b", "an option is there twice"),
        ("s3://bucket?region=", "region: got ''"),
        ("s3://bucket?region=EU", "region: got 'EU'"),
        ("s3://bucket?region=a.example", "region: got 'a.example'"),
        ("s3://bucket?profile=", "profile: got ''"),
        ("s3://bucket?profile=a b", "profile: got 'a b'"),
        ("s3://[bucket", "it is not an address"),
        ("s3://buc\nket", "a character in it that cannot be shown"),
        ("s3://bucket\n", "a character in it that cannot be shown"),
        ("s3://bucket\t?region=x", "a character in it that cannot be shown"),
    ],
)
def test_illegal_bucket(text: str, problem: str) -> None:
    """A bucket that is not spelled as it should be is refused with what is wrong about it."""
    with pytest.raises(InputError, match=problem) as caught:
        parse_spec(text)

    assert all(line.isprintable() for line in caught.value.message.splitlines())


def test_all_problems_of_a_bucket() -> None:
    """Everything that is wrong with one spelling is reported at once."""
    with pytest.raises(InputError) as caught:
        parse_spec("s3://B/..?region=X&endpoint=http://far.example&profile=%20&colour=red")

    reported = re.findall(r"\n  (\w+):", caught.value.message)
    assert reported == ["bucket", "prefix", "option", "region", "endpoint", "profile"]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("file:./artifacts", "artifacts"),
        ("file:artifacts", "artifacts"),
        ("file:../artifacts", "../artifacts"),
        ("file:/srv/artifacts", "/srv/artifacts"),
        ("file:///srv/artifacts", "/srv/artifacts"),
        ("file://localhost/srv/artifacts", "/srv/artifacts"),
        pytest.param(
            "file:///C:/artifacts",
            "C:/artifacts",
            marks=pytest.mark.skipif(os.name != "nt", reason="there are no drives"),
        ),
        ("file:./with%20space%2C%25", "with space,%"),
        ("file:./größe", "größe"),
        ("file:./a@b", "a@b"),
        ("file:./a%0Ab", "a\nb"),
    ],
)
def test_directory(text: str, path: str) -> None:
    """A directory is relative or absolute, and may be percent-encoded."""
    assert parse_spec(text) == DirectorySpec(text=text, path=Path(path).absolute())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("file:", "names no directory"),
        ("file:%00", "names no directory"),
        ("file:./a\nb", "cannot be shown"),
        ("file://server/share", "names the host 'server'"),
        ("file://server", "names the host 'server'"),
        ("file://", "names the host ''"),
    ],
)
def test_illegal_directory(text: str, problem: str) -> None:
    """A directory on another machine, or one whose name cannot be shown, is refused."""
    with pytest.raises(InputError, match=problem) as caught:
        parse_spec(text)

    assert caught.value.message.isprintable()


def test_list() -> None:
    """A list is separated by commas, blanks and newlines, as many as there are."""
    assert split_list(" eu-west-1,us-east-1\n\tfile:./a , s3://bucket/p?region=x,") == [
        "eu-west-1",
        "us-east-1",
        "file:./a",
        "s3://bucket/p?region=x",
    ]


@pytest.mark.parametrize(
    "texts",
    [
        ["eu-west-1", "eu-west-1"],
        ["s3://bucket", "s3://bucket"],
        ["s3://bucket/a", "s3://bucket/b"],
        ["s3://bucket?region=eu-west-1", "s3://bucket?region=us-east-1"],
        ["s3://bucket?endpoint=https://s3.example", "s3://bucket?endpoint=https://s3.example/"],
        ["file:./a", "file:a"],
        ["file:./a", "file:./a/../a"],
    ],
)
def test_twice(texts: list[str]) -> None:
    """One region, bucket or directory twice is refused."""
    with pytest.raises(InputError, match=r"is there twice|are one") as caught:
        parse_specs(texts, source="regions")

    assert caught.value.hint == "Name every region, bucket and directory once"


def test_twice_through_a_link(tmp_path: Path) -> None:
    """A directory and a link to it are one directory."""
    (tmp_path / "link").symlink_to(tmp_path / "a")

    with pytest.raises(InputError, match="are one"):
        parse_specs([f"file:{tmp_path}/a", f"file:{tmp_path}/link"], source="regions")


def test_link_to_itself(tmp_path: Path) -> None:
    """A link that leads nowhere is no reason to fail before anything is asked of it."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")

    (spec,) = parse_specs([f"file:{tmp_path}/loop"], source="regions")

    assert isinstance(spec, DirectorySpec)


def test_one_bucket_name_in_two_stores() -> None:
    """Buckets of the same name in two stores are two."""
    texts = ["s3://bucket?endpoint=https://a.example", "s3://bucket?endpoint=https://b.example"]

    assert len(parse_specs(texts, source="regions")) == 2


def test_no_regions() -> None:
    """An empty list is refused with what may be in it."""
    with pytest.raises(InputError, match="regions is not valid: it names no region") as caught:
        parse_specs([], source="regions")

    assert caught.value.hint is not None
    assert "Name at least one" in caught.value.hint


def test_too_many_regions() -> None:
    """A list that is a mistake is refused."""
    with pytest.raises(InputError, match="it names 33 regions, expected at most 32"):
        parse_specs([f"file:./{n}" for n in range(33)], source="regions")


def test_all_problems_of_a_list() -> None:
    """Everything that is wrong with a list is reported at once, with its source."""
    with pytest.raises(InputError) as caught:
        parse_specs(["nope", "s3://B", "eu-west-1", "eu-west-1"], source="STARTIFACT_REGIONS")

    assert caught.value.message.startswith("STARTIFACT_REGIONS is not valid:")
    assert len(re.findall(r"^  region ", caught.value.message, re.MULTILINE)) == 3


@given(
    st.one_of(
        st.text(),
        st.text().map(lambda t: f"s3://{t}"),
        st.text().map(lambda t: f"s3://bucket/{t}"),
        st.text().map(lambda t: f"s3://bucket?endpoint={t}"),
        st.text().map(lambda t: f"s3://bucket?endpoint=https://{t}"),
        st.text().map(lambda t: f"file:{t}"),
        st.text(alphabet="s3:/?&=%@[]#.\\ab-1\n \x00ü").map(lambda t: f"s3://{t}"),
    )
)
def test_any_text(text: str) -> None:
    """Any text is a region or refused: nothing else happens."""
    try:
        reported = parse_spec(text).text
    except InputError as e:
        reported = str(e)
    else:
        assert reported == text

    assert all(line.isprintable() for line in reported.splitlines())


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True), ("127.0.0.1", True), ("::1", True), ("127.1.2.3", True),
        ("10.0.0.1", False), ("0.0.0.0", False), ("localhost.example", False), ("", False),
    ],
)  # fmt: skip
def test_loopback(host: str, loopback: bool) -> None:
    """This machine is known by its name and its addresses."""
    assert is_loopback(host) is loopback


@pytest.mark.parametrize("name", ["a", "tests", "A-b_c.9", "9" * 64])
def test_memory(name: str) -> None:
    """A region in memory has a name, and nothing else."""
    assert parse_spec(f"memory:{name}") == MemorySpec(text=f"memory:{name}")


@pytest.mark.parametrize("name", ["", "/", "//a", "a/b", "a b", "-a", ".", "é", "%41", "a" * 65])
def test_names_that_no_memory_has(name: str) -> None:
    """A name in memory is made of few characters; others are refused with what is expected."""
    with pytest.raises(InputError, match="expected a name") as caught:
        parse_spec(f"memory:{name}")

    assert "memory:tests" in (caught.value.hint or "")


def test_one_kind_for_each_spelling() -> None:
    """No text looks like two kinds of region, and each kind's example like its own."""
    texts = ["eu-west-1", "s3://bucket/p", "file:./a", "memory:a"]

    found = [[kind for kind in KINDS if kind.matches(text)] for text in texts]

    assert found == [[kind] for kind in KINDS]


def test_what_hints_offer() -> None:
    """The kinds that keep what is staged are offered to whoever has misspelled one."""
    assert FORMS == (
        "an AWS region (eu-west-1), "
        "s3://bucket/prefix?region=eu-west-1&endpoint=https://...&profile=... or file:./directory"
    )


def test_kinds_that_last() -> None:
    """Only what is in memory ends with the process."""
    specs = parse_specs(["eu-west-1", "s3://bucket", "file:./a", "memory:a"], source="regions")

    assert [spec.outlives_process for spec in specs] == [True, True, True, False]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("s3://logs--use1-az4--x-s3", "a directory bucket"),
        ("s3://my-point-abcdefghijklmnop1234-s3alias/team", "an access point"),
        ("s3://my-lambda--ol-s3", "an access point"),
        ("s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/x", "an ARN, as access points have"),
        ("arn:aws:s3:eu-west-1:123456789012:accesspoint/x", "an ARN, as access points have"),
        ("arn:aws:s3::123456789012:accesspoint/m.mrap", "an ARN, as access points have"),
        ("s3://my-table--table-s3", "a table bucket"),
    ],
)
def test_what_is_no_bucket(text: str, reason: str) -> None:
    """What only looks like a bucket is refused when the list of regions is read, with a reason."""
    with pytest.raises(InputError, match=reason) as caught:
        parse_specs([text, "us-east-1"], source="regions")

    assert "itself" in str(caught.value.hint)


@pytest.mark.parametrize("style", ["virtual", "path"])
def test_addressing(style: str) -> None:
    """Where the bucket's name stands can be spelled."""
    spec = parse_spec(f"s3://my-bucket?addressing={style}")

    assert isinstance(spec, BucketSpec)
    assert spec.addressing == style


def test_other_addressing() -> None:
    """There are two ways to address a bucket."""
    with pytest.raises(InputError, match=r"addressing: got 'auto', expected virtual .* or path"):
        parse_spec("s3://my-bucket?addressing=auto")
