"""What every kind of region does, whatever it is made of.

``STARTIFACT_TEST_S3`` may hold the spelling of a bucket on any store that speaks S3; the same
tests then run there too. They always run on versitygw, MinIO and SeaweedFS, where those are
installed.
"""

import base64
import hashlib
import json
import os
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import pytest
from moto.s3.models import s3_backends

from startifact.errors import (
    ConfigurationError,
    ExistsError,
    IntegrityError,
    LocalFileError,
    RegionUnavailableError,
)
from startifact.files.source import Source
from startifact.model.examination import CheckState, ExaminationRequest
from startifact.model.keys import Key
from startifact.regions.interface import Region, StoredChannel
from startifact.regions.pages import Page
from tests.conftest import AwsAccount
from tests.contract.conftest import (
    CHANNEL,
    ENCODED_RECORD,
    KEY,
    MIB,
    SIZES,
    MakeFile,
    opened,
    stored,
    unmoved,
)
from tests.support.backends import Backend, Bucket, Directory, Memory
from tests.support.wire import Wire

pytestmark = pytest.mark.tries_stores

# Artifacts -----------------------------------------------------------------------------------


@SIZES
def test_create(region: Region, make_file: MakeFile, size: int) -> None:
    """What is created is there afterwards, byte for byte, with its record and its size."""
    content = os.urandom(size)

    region.create(KEY, Source.scan(make_file(content)), ENCODED_RECORD, unmoved)

    description = region.describe(KEY)
    assert description is not None
    assert description.size == size
    assert description.encoded_record == ENCODED_RECORD
    assert stored(region) == content


@pytest.mark.parametrize("operation", ["download", "stage"])
def test_examination(region: Region, backend: Backend, operation: str) -> None:
    """In a region that works nothing fails, and nothing that was stored is changed."""
    before = backend.snapshot()
    request = ExaminationRequest(operation=operation, project="SugarWater")

    checks = list(region.examine(request))

    assert checks
    assert [c for c in checks if c.state is CheckState.FAILED] == []
    assert backend.snapshot() == before


@SIZES
def test_progress_of_create(region: Region, make_file: MakeFile, size: int) -> None:
    """The bytes that are reported as moved add up to the artifact."""
    beats: list[int] = []
    source = Source.scan(make_file(os.urandom(size)))

    region.create(KEY, source, ENCODED_RECORD, beats.append)

    assert sum(beats) == size


@SIZES
def test_create_only(region: Region, backend: Backend, make_file: MakeFile, size: int) -> None:
    """A key that is taken is refused, and what was there first stays."""
    region.create(KEY, Source.scan(make_file(b"first", "first")), ENCODED_RECORD, unmoved)
    other = Source.scan(make_file(os.urandom(size)))

    with pytest.raises(ExistsError):
        region.create(KEY, other, '{"startifact:format":"1"}', unmoved)

    assert stored(region) == b"first"
    description = region.describe(KEY)
    assert description is not None
    assert description.encoded_record == ENCODED_RECORD
    assert backend.leftovers() == []


@pytest.mark.sweep
@SIZES
def test_one_winner(region: Region, backend: Backend, make_file: MakeFile, size: int) -> None:
    """Of many that create the same key at once one wins; the others learn that it exists."""
    count = 10 if size < MIB else 8
    contents = [bytes([n]) * size for n in range(count)]
    sources = [Source.scan(make_file(c, f"file-{n}")) for n, c in enumerate(contents)]
    barrier = threading.Barrier(count)

    def attempt(n: int) -> int | None:
        barrier.wait()
        try:
            region.create(KEY, sources[n], f'{{"n":"{n}"}}', unmoved)
        except ExistsError:
            return None
        return n

    with ThreadPoolExecutor(count) as pool:
        winners = [n for n in pool.map(attempt, range(count)) if n is not None]

    assert len(winners) == 1
    assert stored(region) == contents[winners[0]]
    description = region.describe(KEY)
    assert description is not None
    assert description.encoded_record == f'{{"n":"{winners[0]}"}}'
    assert backend.leftovers() == []


def test_absent(region: Region, make_file: MakeFile) -> None:
    """Where nothing was created nothing is described, in a new region and in one in use."""
    before = region.describe(KEY)
    region.create(Key("SugarWater@1.0.0-rc"), Source.scan(make_file()), ENCODED_RECORD, unmoved)

    after = region.describe(KEY)

    assert before is None
    assert after is None


def test_removed(region: Region, backend: Backend, make_file: MakeFile) -> None:
    """An artifact that somebody has removed is absent, and may be created again."""
    source = Source.scan(make_file())
    region.create(KEY, source, ENCODED_RECORD, unmoved)
    backend.remove(KEY)

    gone = region.describe(KEY)
    region.create(KEY, source, ENCODED_RECORD, unmoved)

    assert gone is None
    assert region.describe(KEY) is not None


def test_document_of_any_text(region: Region, make_file: MakeFile) -> None:
    """A record of ASCII JSON comes back as it was, escapes, quotes and blanks included."""
    encoded_record = json.dumps({"clé": "zażółć  gęślą 🎉 \n\t\"'\\  %20", "": " "})
    assert encoded_record.isascii()

    region.create(KEY, Source.scan(make_file()), encoded_record, unmoved)

    description = region.describe(KEY)
    assert description is not None
    assert description.encoded_record == encoded_record


def test_record_of_full_size(region: Region, make_file: MakeFile) -> None:
    """A record of the largest size that Startifact writes fits."""
    encoded_record = json.dumps({"k": "x" * 2018})

    region.create(KEY, Source.scan(make_file()), encoded_record, unmoved)

    description = region.describe(KEY)
    assert description is not None
    assert description.encoded_record == encoded_record
    assert len(encoded_record) == 2027


@pytest.mark.parametrize("version", ["1.0.0-rc.1+build.5", "2.0.0+a-b", f"1.0.0-{'a' * 120}"])
def test_keys_of_all_versions(region: Region, make_file: MakeFile, version: str) -> None:
    """Prereleases, build metadata and the longest versions have keys of their own."""
    key = Key(f"SugarWater@{version}")

    region.create(key, Source.scan(make_file(b"it")), ENCODED_RECORD, unmoved)

    assert stored(region, key) == b"it"
    assert list(region.keys("SugarWater@")) == [key]
    assert region.describe(KEY) is None


# What happens while a file is read or written ------------------------------------------------


@SIZES
def test_file_that_changes(
    region: Region, backend: Backend, make_file: MakeFile, size: int
) -> None:
    """A file that changes while it is created is refused, and nothing is stored."""
    path = make_file(b"a" * size)
    source = Source.scan(path)
    path.write_bytes(b"b" * size)

    with pytest.raises(LocalFileError, match="changed while it was being staged"):
        region.create(KEY, source, ENCODED_RECORD, unmoved)

    assert region.describe(KEY) is None
    assert backend.leftovers() == []


def test_file_that_changes_between_parts(
    region: Region, backend: Backend, make_file: MakeFile
) -> None:
    """A file that changes once its first bytes have gone is refused, and nothing is stored."""
    path = make_file(b"a" * (8 * MIB + 1))
    source = Source.scan(path)
    changed = threading.Event()

    def change(count: int) -> None:
        if count and not changed.is_set():
            changed.set()
            path.write_bytes(b"b" * (8 * MIB + 1))

    with pytest.raises(LocalFileError, match="changed while it was being staged"):
        region.create(KEY, source, ENCODED_RECORD, change)

    assert region.describe(KEY) is None
    assert backend.leftovers() == []


def test_file_that_goes(region: Region, backend: Backend, make_file: MakeFile) -> None:
    """A file that is removed before it is created is refused, and nothing is stored."""
    path = make_file()
    source = Source.scan(path)
    path.unlink()

    with pytest.raises(LocalFileError, match="changed while it was being staged"):
        region.create(KEY, source, ENCODED_RECORD, unmoved)

    assert region.describe(KEY) is None
    assert backend.leftovers() == []


class StopError(Exception):
    """What a caller raises to stop the work."""


@SIZES
def test_stopped_by_the_callback(
    region: Region, backend: Backend, make_file: MakeFile, size: int
) -> None:
    """A callback that raises stops the write, and nothing is left of it."""
    source = Source.scan(make_file(os.urandom(size)))

    def stop(count: int) -> None:
        raise StopError

    with pytest.raises(Exception) as caught:  # noqa: PT011  # an SDK may wrap it
        region.create(KEY, source, ENCODED_RECORD, stop)

    assert isinstance(caught.value, StopError | RegionUnavailableError)
    assert region.describe(KEY) is None
    assert backend.leftovers() == []
    assert backend.keys() == []


def test_stopped_between_parts(region: Region, backend: Backend, make_file: MakeFile) -> None:
    """A callback that raises once a part is there stops the write, and nothing is left of it."""
    source = Source.scan(make_file(os.urandom(8 * MIB + 1)))

    def stop(count: int) -> None:
        if count:
            raise StopError

    with pytest.raises(StopError):
        region.create(KEY, source, ENCODED_RECORD, stop)

    assert region.describe(KEY) is None
    assert backend.leftovers() == []
    assert backend.keys() == []


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 10), (0, 1), (9, 10), (3, 7)], ids=lambda n: str(n)
)
def test_ranges(region: Region, make_file: MakeFile, start: int, stop: int) -> None:
    """A range is read from its first byte to the one before its end."""
    region.create(KEY, Source.scan(make_file(b"0123456789")), ENCODED_RECORD, unmoved)
    description = region.describe(KEY)
    assert description is not None

    data = b"".join(region.read(KEY, description, start, stop))

    assert data == b"0123456789"[start:stop]


def test_large_range(region: Region, make_file: MakeFile) -> None:
    """A range of several MiB comes in pieces, so that memory does not grow with it."""
    content = os.urandom(5 * MIB)
    region.create(KEY, Source.scan(make_file(content)), ENCODED_RECORD, unmoved)
    description = region.describe(KEY)
    assert description is not None

    pieces = list(region.read(KEY, description, 1, 5 * MIB))

    assert b"".join(pieces) == content[1:]
    assert max(map(len, pieces)) <= MIB


def test_read_of_what_was_replaced(region: Region, backend: Backend, make_file: MakeFile) -> None:
    """Bytes of another artifact at the same key are never read."""
    region.create(KEY, Source.scan(make_file(b"the first")), ENCODED_RECORD, unmoved)
    description = region.describe(KEY)
    assert description is not None
    backend.remove(KEY)
    region.create(KEY, Source.scan(make_file(b"the other")), ENCODED_RECORD, unmoved)

    with pytest.raises(IntegrityError, match="replaced"):
        list(region.read(KEY, description, 0, 9))


def test_read_of_what_was_removed(region: Region, backend: Backend, make_file: MakeFile) -> None:
    """An artifact that has gone since it was described is an integrity error."""
    region.create(KEY, Source.scan(make_file(b"the first")), ENCODED_RECORD, unmoved)
    description = region.describe(KEY)
    assert description is not None
    backend.remove(KEY)

    with pytest.raises(IntegrityError):
        list(region.read(KEY, description, 0, 9))


@pytest.mark.parametrize("start", [0, 9, 50], ids=["from-start", "at-end", "beyond"])
def test_read_of_fewer_bytes(region: Region, make_file: MakeFile, start: int) -> None:
    """Fewer bytes than asked for are an integrity error, never a short answer."""
    region.create(KEY, Source.scan(make_file(b"the first")), ENCODED_RECORD, unmoved)
    description = region.describe(KEY)
    assert description is not None

    with pytest.raises(IntegrityError):
        list(region.read(KEY, replace(description, size=100), start, 100))


# Listing and deleting ------------------------------------------------------------------------


def test_keys_of_one_project(region: Region, backend: Backend, make_file: MakeFile) -> None:
    """The keys of a project are its own, and not those of a project whose name is longer."""
    source = Source.scan(make_file())
    for key in ("foo@1.0.0", "foo@2.0.0-rc.1", "foo2@1.0.0", "foo.bar@1.0.0", "fo@1.0.0"):
        region.create(Key(key), source, ENCODED_RECORD, unmoved)
    region.write_channel(Key("foo/latest"), "{}\n", None)

    keys = sorted(region.keys("foo@"))

    assert keys == ["foo@1.0.0", "foo@2.0.0-rc.1"]


def test_keys_of_nothing(region: Region) -> None:
    """A region in which nothing was staged has no keys."""
    assert list(region.keys("foo@")) == []


def test_keys_are_listed_page_by_page(account: AwsAccount) -> None:
    """More keys than S3 lists at once are all listed."""
    bucket = account.buckets["us-east-1"]
    names = [f"foo@1.0.{n}" for n in range(1005)]
    for name in names:  # past the server: a thousand requests take seconds
        s3_backends["123456789012"]["aws"].put_object(bucket, f"p/{name}", b"")
    region = opened(f"s3://{bucket}/p")

    keys = list(region.keys("foo@"))

    assert sorted(keys) == sorted(names)


def test_channels_of_one_project(region: Region, make_file: MakeFile) -> None:
    """The channels of a project are its own, and what lies deeper is listed by itself."""
    region.create(Key("foo@1.0.0"), Source.scan(make_file()), ENCODED_RECORD, unmoved)
    keys = ("foo/latest", "foo/prod", "foo2/prod", "foo/_yanked/1.0.0", "foo/_yanked/1.1.0-rc.1")
    for key in keys:
        region.write_channel(Key(key), "{}\n", None)

    assert sorted(region.channel_keys("foo/")) == ["foo/latest", "foo/prod"]
    assert sorted(region.channel_keys("foo/_yanked/")) == [
        "foo/_yanked/1.0.0",
        "foo/_yanked/1.1.0-rc.1",
    ]
    assert list(region.channel_keys("fo/")) == []


def test_projects(region: Region, make_file: MakeFile) -> None:
    """A project is listed that has an artifact, or a channel, or both."""
    assert list(region.projects()) == []
    for key in ("foo@1.0.0", "foo@1.1.0", "foo.bar@1.0.0"):
        region.create(Key(key), Source.scan(make_file()), ENCODED_RECORD, unmoved)
    for key in ("foo/latest", "only-a-channel/prod"):
        region.write_channel(Key(key), "{}\n", None)

    assert set(region.projects()) == {"foo", "foo.bar", "only-a-channel"}


FIVE = ["foo@1.0.0", "foo@1.10.0", "foo@12.0.0-rc.1", "foo@latest", "foo@1x"]


def test_first_page_of_few_keys(region: Region, backend: Backend, make_file: MakeFile) -> None:
    """A page of few keys is whole, and has those of artifacts, or what they begin with."""
    source = Source.scan(make_file())
    for key in (*FIVE, "foo2@1.0.0", "fo@1.0.0"):
        region.create(Key(key), source, ENCODED_RECORD, unmoved)
    region.write_channel(Key("foo/latest"), "{}\n", None)

    whole = region.first_page("foo@")
    majors, minors = region.first_page("foo@", "."), region.first_page("foo@1.", ".")

    assert (sorted(whole.keys), whole.common_prefixes, whole.whole) == (sorted(FIVE), (), True)
    assert sorted(majors.keys) == ["foo@1x", "foo@latest"]
    assert sorted(majors.common_prefixes) == ["foo@1.", "foo@12."]
    assert (minors.keys, sorted(minors.common_prefixes)) == ((), ["foo@1.0.", "foo@1.10."])
    assert majors.whole
    assert minors.whole


def test_first_page_of_nothing(region: Region) -> None:
    """A region in which nothing was staged has a whole page of nothing."""
    for page in (region.first_page("foo@"), region.first_page("foo@", ".")):
        assert page == Page(keys=(), common_prefixes=(), whole=True)


def test_first_page_has_nothing_below_a_key(region: Region, backend: Backend) -> None:
    """What is stored below an artifact's key is passed over."""
    if not isinstance(backend, Bucket):
        pytest.skip("nothing is below a key of a directory or of memory")
    for key in ("foo@1.0.0", "foo@2.0.0/metadata", "foo@x/metadata", "foo@x/y.z"):
        backend.plain(key, b"{}")

    whole, majors = region.first_page("foo@"), region.first_page("foo@", ".")

    assert whole.keys == ("foo@1.0.0",)
    assert majors.keys == ()
    assert set(majors.common_prefixes) - {"foo@2."} == {"foo@1."}


@pytest.mark.parametrize("kind", ["file", "aws"])
def test_first_page_of_many_keys(kind: str, account: AwsAccount, tmp_path: Path) -> None:
    """A page of more keys than are listed at once says that it is not whole."""
    bucket, names = account.buckets["us-east-1"], [f"foo@1.{n % 7}.{n}" for n in range(1005)]
    for name in names:
        if kind == "file":
            (tmp_path / name / "artifact").mkdir(parents=True)
        else:
            s3_backends["123456789012"]["aws"].put_object(bucket, f"p/{name}", b"")
    region = opened(f"file:{tmp_path}" if kind == "file" else f"s3://{bucket}/p")

    page, minors = region.first_page("foo@"), region.first_page("foo@1.", ".")

    assert not page.whole
    assert len(set(page.keys)) == 1000
    assert set(page.keys) < set(names)
    assert minors.whole
    assert sorted(minors.common_prefixes) == [f"foo@1.{n}." for n in range(7)]


def test_delete(region: Region, backend: Backend, make_file: MakeFile) -> None:
    """What was described is deleted whole, and nothing of it is left."""
    region.create(KEY, Source.scan(make_file()), ENCODED_RECORD, unmoved)
    description = region.describe(KEY)
    assert description is not None

    deleted = region.delete(KEY, description)

    assert deleted
    assert region.describe(KEY) is None
    assert backend.keys() == []
    assert backend.leftovers() == []


def test_delete_of_something_else(region: Region, backend: Backend, make_file: MakeFile) -> None:
    """What came after the description is not deleted."""
    region.create(KEY, Source.scan(make_file(b"the first")), ENCODED_RECORD, unmoved)
    stale = region.describe(KEY)
    assert stale is not None
    backend.remove(KEY)
    region.create(KEY, Source.scan(make_file(b"the other")), ENCODED_RECORD, unmoved)

    deleted = region.delete(KEY, stale)

    assert not deleted
    assert stored(region) == b"the other"
    assert backend.leftovers() == []


def test_delete_of_nothing(region: Region, backend: Backend, make_file: MakeFile) -> None:
    """What has gone is as good as deleted: some stores do not tell the two apart."""
    region.create(KEY, Source.scan(make_file()), ENCODED_RECORD, unmoved)
    stale = region.describe(KEY)
    assert stale is not None
    backend.remove(KEY)

    assert region.delete(KEY, stale)


# Channels ------------------------------------------------------------------------------------


def test_channel_absent(region: Region, make_file: MakeFile) -> None:
    """A channel that was never written is absent, in a new region and in one in use."""
    before = region.read_channel(CHANNEL)
    region.write_channel(Key("SugarWater/later"), "x\n", None)

    assert before is None
    assert region.read_channel(CHANNEL) is None


def test_channel(region: Region) -> None:
    """A channel is created where nothing is, and replaced by whoever knows what it holds."""
    created = region.write_channel(CHANNEL, "one\n", None)
    first = region.read_channel(CHANNEL)
    replaced = region.write_channel(CHANNEL, "two\n", first)
    second = region.read_channel(CHANNEL)

    assert created
    assert replaced
    assert first is not None
    assert first.text == "one\n"
    assert second is not None
    assert second.text == "two\n"


def test_channel_that_is_there(region: Region) -> None:
    """A channel that is there is not created again."""
    region.write_channel(CHANNEL, "one\n", None)

    written = region.write_channel(CHANNEL, "two\n", None)

    assert not written
    assert_text(region, "one\n")


def test_channel_that_has_moved(region: Region) -> None:
    """A channel that has moved since it was read is not replaced."""
    region.write_channel(CHANNEL, "one\n", None)
    stale = region.read_channel(CHANNEL)
    region.write_channel(CHANNEL, "two\n", stale)

    written = region.write_channel(CHANNEL, "three\n", stale)

    assert not written
    assert_text(region, "two\n")


def test_channel_that_has_gone(region: Region, backend: Backend) -> None:
    """A channel that was removed since it was read is not replaced."""
    region.write_channel(CHANNEL, "one\n", None)
    stale = region.read_channel(CHANNEL)
    backend.erase(CHANNEL)

    written = region.write_channel(CHANNEL, "two\n", stale)

    assert not written
    assert region.read_channel(CHANNEL) is None


def test_channel_with_many_writers(region: Region, backend: Backend) -> None:
    """Of many writers at once every one that wins has replaced what it read: no move is lost."""
    writers, moves = 8, 4
    barrier = threading.Barrier(writers)
    wins: list[tuple[str | None, str]] = []

    def write(name: int) -> None:
        barrier.wait()
        done = 0
        while done < moves:
            state: StoredChannel | None = region.read_channel(CHANNEL)
            text = f"writer {name} move {done}\n"
            if region.write_channel(CHANNEL, text, state):
                wins.append((None if state is None else state.text, text))
                done += 1

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(write, range(writers)))

    followed_by = dict(wins)
    chain: list[str] = []
    at: str | None = None
    while at in followed_by:
        at = followed_by[at]
        chain.append(at)
    assert len(chain) == writers * moves
    assert_text(region, chain[-1])
    assert backend.leftovers() == []


def assert_text(region: Region, text: str) -> None:
    """Fail unless the channel holds *text*."""
    state = region.read_channel(CHANNEL)
    assert state is not None
    assert state.text == text


# Regions as such -----------------------------------------------------------------------------


def test_location(region: Region, backend: Backend, make_file: MakeFile) -> None:
    """The location of an artifact is where other tools find it."""
    region.create(KEY, Source.scan(make_file(b"here")), ENCODED_RECORD, unmoved)

    location = region.location(KEY)

    assert location.region == backend.spec == region.name
    if isinstance(backend, Bucket):
        assert (location.bucket, location.key) == (backend.bucket, f"{backend.prefix}{KEY}")
        assert location.uri == f"s3://{backend.bucket}/{backend.prefix}{KEY}"
    elif isinstance(backend, Memory):
        assert f"memory:{location.bucket}" == backend.spec
        assert (location.key, location.uri) == (KEY, f"{backend.spec}/{KEY}")
    else:
        assert isinstance(backend, Directory)
        assert (location.bucket, location.key) == (str(backend.root), KEY)
        assert Path(unquote(urlsplit(location.uri).path)).read_bytes() == b"here"


def test_place(region: Region, backend: Backend) -> None:
    """Two regions that are one bucket or directory are one store."""
    if isinstance(backend, Directory):
        link = backend.root.with_name("link")
        link.symlink_to(backend.root)
        other = opened(f"file:{link}")
    elif isinstance(backend, Memory):
        other = opened(backend.spec)
    else:
        assert isinstance(backend, Bucket)
        query = backend.spec.partition("?")[2] or "region=eu-west-1"
        other = opened(f"s3://{backend.bucket}/elsewhere?{query}")

    assert region.store_identity() == other.store_identity()


def test_no_such_bucket(account: AwsAccount, backend: Backend, make_file: MakeFile) -> None:
    """A bucket that does not exist is a mistake in the configuration, not an absent artifact."""
    if not isinstance(backend, Bucket):
        pytest.skip("a directory is made when it is needed, and memory is always there")
    missing = f"missing-{uuid4().hex}"
    region = opened(backend.spec.replace(backend.bucket, missing))
    if backend.spec == "eu-west-1":
        parameter = json.loads(
            account.ssm("eu-west-1").get_parameter(Name=account.parameter)["Parameter"]["Value"]
        )["bucket_name_param"]
        account.ssm("eu-west-1").put_parameter(Name=parameter, Value=missing, Overwrite=True)
        region = opened("eu-west-1")
    source = Source.scan(make_file())

    for call in (
        lambda: region.describe(KEY),
        lambda: region.create(KEY, source, ENCODED_RECORD, unmoved),
        lambda: list(region.keys("SugarWater@")),
        lambda: region.first_page("SugarWater@"),
        lambda: region.first_page("SugarWater@", "."),
        lambda: region.read_channel(CHANNEL),
        lambda: region.write_channel(CHANNEL, "x", None),
    ):
        with pytest.raises(ConfigurationError, match="there is no bucket"):
            call()


def test_region_out_of_order(backends: list[Backend], make_file: MakeFile) -> None:
    """A region that cannot be reached says so, whatever it is asked; it never says absent."""
    region, backend = opened(backends[0].spec), backends[0]
    region.create(KEY, Source.scan(make_file()), ENCODED_RECORD, unmoved)
    description = region.describe(KEY)
    assert description is not None
    backend.fail_region()
    source = Source.scan(make_file(b"more"))

    for call in (
        lambda: region.describe(KEY),
        lambda: region.create(Key("SugarWater@2.0.0"), source, ENCODED_RECORD, unmoved),
        lambda: list(region.read(KEY, description, 0, 1)),
        lambda: list(region.keys("SugarWater@")),
        lambda: region.first_page("SugarWater@"),
        lambda: region.first_page("SugarWater@", "."),
        lambda: region.delete(KEY, description),
        lambda: region.read_channel(CHANNEL),
        lambda: region.write_channel(CHANNEL, "x", None),
    ):
        with pytest.raises(RegionUnavailableError):
            call()

    backend.restore_region()
    assert region.describe(KEY) == description


def test_content_of_the_directory_below_a_key(tmp_path: Path, make_file: MakeFile) -> None:
    """An artifact in a directory is two files, with the modes that the umask asks for."""
    region = opened(f"file:{tmp_path}/region")
    before = os.umask(0o027)
    try:
        region.create(KEY, Source.scan(make_file(b"x")), ENCODED_RECORD, unmoved)
        region.write_channel(CHANNEL, "x\n", None)
    finally:
        os.umask(before)

    folder = tmp_path / "region" / KEY
    assert sorted(p.name for p in folder.iterdir()) == ["artifact", "metadata.json"]
    assert folder.stat().st_mode & 0o777 == 0o750
    assert (folder / "artifact").stat().st_mode & 0o777 == 0o640
    assert (folder / "metadata.json").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "region" / CHANNEL).stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("shape", ["file", "link", "loop"])
def test_directory_whose_key_is_taken(tmp_path: Path, make_file: MakeFile, shape: str) -> None:
    """Where something else than a folder stands at a key, the key is taken, and it stays."""
    region = opened(f"file:{tmp_path}/region")
    at, target = tmp_path / "region" / KEY, tmp_path / "elsewhere"
    at.parent.mkdir()
    target.mkdir()
    if shape == "file":
        at.write_bytes(b"mine")
    else:
        at.symlink_to(target if shape == "link" else at)
    before = at.lstat()

    with pytest.raises(ExistsError):
        region.create(KEY, Source.scan(make_file()), ENCODED_RECORD, unmoved)

    assert list(region.keys("SugarWater@")) == [KEY]
    assert (at.lstat().st_ino, list(target.iterdir())) == (before.st_ino, [])
    assert sorted(tmp_path.joinpath("region").iterdir()) == [at]


@SIZES
def test_checksum_of_what_is_sent(
    account: AwsAccount, wire: Wire, make_file: MakeFile, size: int
) -> None:
    """Every request that carries bytes of an artifact carries their checksum from the one pass."""
    region = opened(f"s3://{account.buckets['us-east-1']}/p?region=us-east-1")

    region.create(KEY, Source.scan(make_file(os.urandom(size))), ENCODED_RECORD, unmoved)

    bodies = [r for r in wire.writes() if r.method == "PUT"]
    assert sum(len(r.body) for r in bodies) == size
    for request in bodies:
        digest = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
        crc = base64.b64encode(zlib.crc32(request.body).to_bytes(4, "big")).decode()
        if "partNumber" in request.query:
            assert request.headers["x-amz-checksum-crc32"] == crc
        else:
            assert request.headers["x-amz-checksum-sha256"] == digest


def test_directory_is_whole_or_absent(tmp_path: Path, make_file: MakeFile) -> None:
    """Whoever looks while artifacts come and go sees a whole one or none."""
    region = opened(f"file:{tmp_path}/region")
    source = Source.scan(make_file(b"x"))
    encoded_records: set[str | None] = set()
    done = threading.Event()

    def inspect() -> None:
        while not done.is_set():
            description = region.describe(KEY)
            encoded_records.add(None if description is None else description.encoded_record)

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(inspect) for _ in range(2)]
        for _ in range(100):
            region.create(KEY, source, ENCODED_RECORD, unmoved)
            description = region.describe(KEY)
            assert description is not None
            region.delete(KEY, description)
        done.set()
        for future in futures:
            future.result()

    assert encoded_records == {None, ENCODED_RECORD}
