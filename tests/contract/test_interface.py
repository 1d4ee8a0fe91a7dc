"""What `Region` says, sentence by sentence, as far as `test_region` does not hold it.

`test_broken_regions` shows for each test here a region that breaks the sentence, and is found out.
"""

import contextlib
import os
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from startifact.concurrency.heartbeat import Cancelled
from startifact.errors import (
    ExistsError,
    InputError,
    IntegrityError,
    RefusedError,
    RegionUnavailableError,
    ServiceRefusedError,
    StartifactError,
)
from startifact.files.source import Source
from startifact.limits import BLOCK_BYTES, DEFAULT_LIMITS, MAX_CHANNEL_BYTES
from startifact.model.keys import Key
from startifact.regions.interface import (
    Location,
    Region,
    StoredArtifact,
    StoredChannel,
)
from tests.contract.conftest import (
    CHANNEL,
    ENCODED_RECORD,
    KEY,
    MIB,
    SIZES,
    MakeFile,
    stored,
    unmoved,
)
from tests.support.backends import Backend, Bucket, Directory
from tests.support.stores import Lack

pytestmark = pytest.mark.tries_stores


def create(region: Region, make_file: MakeFile, content: bytes = b"it", key: Key = KEY) -> None:
    """Store *content*."""
    region.create(key, Source.scan(make_file(content)), ENCODED_RECORD, unmoved)


def described(region: Region, key: Key = KEY) -> StoredArtifact:
    """Return what the region says of an artifact that is there."""
    description = region.describe(key)
    assert description is not None
    return description


def while_inspected(inspect: Callable[[], object], act: Callable[[], None]) -> set[object]:
    """Return all that two threads saw while *act* ran."""
    results: set[object] = set()
    done = threading.Event()

    def inspect_until_done() -> None:
        while not done.is_set():
            results.add(inspect())

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(inspect_until_done) for _ in range(2)]
        try:
            act()
        finally:
            done.set()
        for future in futures:
            future.result()
    return results


# What is reported ------------------------------------------------------------------------------


def test_descriptions_of_one_artifact_are_equal(region: Region, make_file: MakeFile) -> None:
    """Until it is replaced, an artifact is described alike, whatever happens to other keys."""
    create(region, make_file)

    first = described(region)
    create(region, make_file, b"another", Key("SugarWater@2.0.0"))
    region.write_channel(CHANNEL, "x\n", None)
    second = described(region)

    assert first == second
    assert len({first, second}) == 1


def test_other_bytes_have_another_token(
    region: Region, backend: Backend, make_file: MakeFile
) -> None:
    """What was stored in place of an artifact is distinguished from it by the token."""
    create(region, make_file, b"one")
    first = described(region)
    backend.remove(KEY)
    create(region, make_file, b"two")

    assert described(region).token != first.token


def test_another_text_has_another_token(region: Region) -> None:
    """A channel has the same token until it moves, and then another one."""
    assert region.write_channel(CHANNEL, "one\n", None)
    first, again = region.read_channel(CHANNEL), region.read_channel(CHANNEL)
    assert region.write_channel(CHANNEL, "two\n", first)
    second = region.read_channel(CHANNEL)

    assert first is not None
    assert second is not None
    assert first == again
    assert first.token != second.token


def test_name_and_place(region: Region, backend: Backend) -> None:
    """A region's name is its spelling, and can be shown; where it is, is text."""
    location = region.location(KEY)

    assert region.name == backend.spec
    assert region.name.isprintable()
    assert isinstance(location, Location)
    assert location.uri.startswith(("s3://", "file://", "memory:"))
    assert region.store_identity() == region.store_identity() != ""


@pytest.mark.parametrize("length", [240, 400])
def test_keys_that_a_region_cannot_hold(
    region: Region, backend: Backend, make_file: MakeFile, length: int
) -> None:
    """A kind of region that cannot hold a key says so when it is asked, before anything is sent."""
    key = Key(f"SugarWater@1.0.0-{'a' * length}")

    if isinstance(backend, Directory):
        with pytest.raises(InputError, match=re.escape(f"is too long for {region.name}")):
            region.describe(key)
        with pytest.raises(StartifactError):
            create(region, make_file, b"it", key)
    elif Lack.LONG_NAMES in backend.lacks:
        with pytest.raises(StartifactError):
            region.describe(key)
        with pytest.raises(StartifactError):
            create(region, make_file, b"it", key)
    else:
        assert region.describe(key) is None
        # Some stores that speak S3 keep keys as the names of files.
        with contextlib.suppress(RegionUnavailableError, ServiceRefusedError):
            create(region, make_file, b"it", key)
            assert stored(region, key) == b"it"

    assert backend.leftovers() == []


@pytest.mark.parametrize("shape", ["file", "link", "folder", "folder in the place of a file"])
def test_what_can_be_no_artifact(
    region: Region, backend: Backend, make_file: MakeFile, shape: str
) -> None:
    """Where something else stands at a key that is an integrity error, and all others answer."""
    if not isinstance(backend, Directory):
        pytest.skip("only a directory can hold something else")
    create(region, make_file, b"other", Key("SugarWater@2.0.0"))
    at = backend.root / KEY
    match shape:
        case "file":
            at.write_bytes(b"mine")
        case "link":
            at.symlink_to(backend.root)
        case "folder":
            (at / "sub").mkdir(parents=True)
        case _:
            (at / "artifact").mkdir(parents=True)

    with pytest.raises(IntegrityError):
        region.describe(KEY)
    with pytest.raises(IntegrityError):
        region.delete(KEY, described(region, Key("SugarWater@2.0.0")))
    with pytest.raises(ExistsError):
        create(region, make_file)

    assert sorted(region.keys("SugarWater@")) == [KEY, "SugarWater@2.0.0"]
    assert stored(region, Key("SugarWater@2.0.0")) == b"other"


def test_what_can_be_no_channel(region: Region, backend: Backend) -> None:
    """Where something else stands in a channel's place that is an integrity error, to write too."""
    if not isinstance(backend, Directory):
        pytest.skip("only a directory can hold something else")
    (backend.root / CHANNEL).mkdir(parents=True)

    with pytest.raises(IntegrityError):
        region.read_channel(CHANNEL)
    with pytest.raises(IntegrityError):
        region.write_channel(CHANNEL, "x\n", None)

    assert (backend.root / CHANNEL).is_dir()


# Creating --------------------------------------------------------------------------------------


@pytest.mark.sweep
@SIZES
def test_beats_of_create(region: Region, backend: Backend, make_file: MakeFile, size: int) -> None:
    """Each part is reported before the artifact is there, and never more than a part at once."""
    source = Source.scan(make_file(os.urandom(size)))
    beats: list[tuple[int, bool]] = []
    if Lack.ANSWERS_DURING_WRITES in backend.lacks and len(source.parts) == 1:
        pytest.skip("this store describes a key only after a write to it has ended")

    def beat(count: int) -> None:
        beats.append((count, region.describe(KEY) is not None))

    region.create(KEY, source, ENCODED_RECORD, beat)

    before = [count for count, is_there in beats if not is_there]
    assert len(before) >= len(source.parts)
    assert all(0 <= count <= DEFAULT_LIMITS.part_bytes for count, _ in beats)
    assert sum(count for count, _ in beats) == size


@pytest.mark.sweep
@SIZES
@pytest.mark.parametrize("error", [Cancelled(), RefusedError("enough")], ids=["cancelled", "ours"])
def test_what_a_beat_raises_comes_out(
    region: Region, backend: Backend, make_file: MakeFile, size: int, error: Exception
) -> None:
    """What stops the work is raised as it is, and nothing is left of the attempt."""
    source = Source.scan(make_file(os.urandom(size)))

    def stop(count: int) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        region.create(KEY, source, ENCODED_RECORD, stop)

    assert caught.value is error
    assert region.describe(KEY) is None
    assert backend.keys() == []
    assert backend.leftovers() == []


@pytest.mark.sweep
@SIZES
@pytest.mark.parametrize("nth", [2, 3, 5, 9])
def test_stopped_at_any_beat(
    region: Region, backend: Backend, make_file: MakeFile, size: int, nth: int
) -> None:
    """Wherever a beat stops the work, the artifact is there whole or not at all."""
    content = os.urandom(size)
    source = Source.scan(make_file(content))
    beats = 0

    def stop(count: int) -> None:
        nonlocal beats
        beats += 1
        if beats >= nth:
            raise Cancelled

    try:
        region.create(KEY, source, ENCODED_RECORD, stop)
    except Cancelled:
        assert beats >= nth
    else:
        assert beats < nth

    found = region.describe(KEY)
    if found is not None:
        assert (found.size, found.encoded_record) == (size, ENCODED_RECORD)
        assert stored(region) == content
    assert backend.leftovers() == []


@SIZES
def test_proof_of_create(region: Region, make_file: MakeFile, size: int) -> None:
    """What is returned as proof of a write is what is described afterwards."""
    source = Source.scan(make_file(os.urandom(size)))

    proved = region.create(KEY, source, ENCODED_RECORD, unmoved)

    assert proved in {None, described(region)}


def test_created_again(region: Region, make_file: MakeFile) -> None:
    """One's own artifact is refused like anybody's: an attempt whose answer was lost is found."""
    create(region, make_file)

    with pytest.raises(ExistsError):
        create(region, make_file)

    assert stored(region) == b"it"


def test_whole_or_absent(region: Region, make_file: MakeFile) -> None:
    """Whoever looks while artifacts come and go sees a whole one or none."""
    content = os.urandom(3000)
    source = Source.scan(make_file(content))

    def inspect() -> object:
        found = region.describe(KEY)
        if found is None:
            return None
        try:
            data = b"".join(region.read(KEY, found, 0, found.size))
        except IntegrityError:  # it has gone since
            return None
        except RegionUnavailableError as e:
            assert "is not there, and then that it is" in e.message  # noqa: PT017  # it came again
            return None
        return (found.encoded_record, data)

    def come_and_go() -> None:
        for _ in range(10):
            region.create(KEY, source, ENCODED_RECORD, unmoved)
            assert region.delete(KEY, described(region))

    assert while_inspected(inspect, come_and_go) <= {None, (ENCODED_RECORD, content)}


# Reading ---------------------------------------------------------------------------------------


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("start", "stop"), [(0, 3 * MIB + 1), (1, 3 * MIB + 1), (7, MIB + 8), (5, 5), (0, 0)]
)
def test_blocks(region: Region, make_file: MakeFile, start: int, stop: int) -> None:
    """Blocks are not empty, not longer than is said, and together what was asked for."""
    content = os.urandom(3 * MIB + 1)
    create(region, make_file, content)

    blocks = list(region.read(KEY, described(region), start, stop))

    assert b"".join(blocks) == content[start:stop]
    assert all(0 < len(block) <= BLOCK_BYTES for block in blocks)


def test_reading_that_ends_early(region: Region, make_file: MakeFile) -> None:
    """Whoever reads may stop at any block, and read again."""
    content = os.urandom(2 * MIB)
    create(region, make_file, content)

    for _ in range(20):  # more often than there are connections
        blocks = region.read(KEY, described(region), 0, len(content))
        first = next(blocks)
        del blocks
        assert content.startswith(first)

    assert stored(region) == content


def test_many_readers(region: Region, make_file: MakeFile) -> None:
    """Several threads read ranges of one artifact, describe and list at once."""
    content = os.urandom(2 * MIB)
    create(region, make_file, content)
    region.write_channel(CHANNEL, "x\n", None)
    description = described(region)
    step = MIB // 4
    barrier = threading.Barrier(8)

    def read(start: int) -> bytes:
        barrier.wait()
        assert list(region.keys("SugarWater@")) == [KEY]
        assert region.describe(KEY) == description
        channel = region.read_channel(CHANNEL)
        assert channel is not None
        assert channel.text == "x\n"
        return b"".join(region.read(KEY, description, start, start + step))

    with ThreadPoolExecutor(8) as pool:
        assert b"".join(pool.map(read, range(0, len(content), step))) == content


# Listing and deleting ---------------------------------------------------------------------------


def test_keys_are_those_of_artifacts(region: Region, backend: Backend, make_file: MakeFile) -> None:
    """Each artifact is listed once, and neither a channel nor what lies below an artifact's key."""
    create(region, make_file, b"a", Key("foo@1.0.0"))
    create(region, make_file, b"b", Key("foo@1.0.0-rc.1"))
    create(region, make_file, b"c", Key("foo/_quarantine/1.0.0-0123"))
    region.write_channel(Key("foo/latest"), "x\n", None)
    if isinstance(backend, Bucket | Directory):
        with contextlib.suppress(ClientError):  # some stores keep keys as the names of files
            backend.plain("foo@1.0.0/metadata", b"{}")
            backend.plain("foo@1.0.0/deeper/still", b"{}")

    assert sorted(region.keys("foo@")) == ["foo@1.0.0", "foo@1.0.0-rc.1"]
    assert sorted(region.keys("foo@1.0.0-")) == ["foo@1.0.0-rc.1"]


def test_created_is_listed_at_once(region: Region, make_file: MakeFile) -> None:
    """What was created is listed, and what was deleted is not, by whoever asks next."""
    for number in range(5):
        key = Key(f"SugarWater@1.0.{number}")
        create(region, make_file, b"it", key)
        assert key in list(region.keys("SugarWater@"))
        assert region.delete(key, described(region, key))
        assert key not in list(region.keys("SugarWater@"))


def test_delete_touches_nothing_else(region: Region, make_file: MakeFile) -> None:
    """Deleting an artifact leaves all others, also those whose keys go on, and channels."""
    others = [Key("SugarWater@1.0.0-rc.1"), Key("SugarWater@1.0.01"), Key("Sugar@1.0.0")]
    for key in others:
        create(region, make_file, key.encode(), key)
    create(region, make_file)
    region.write_channel(CHANNEL, "x\n", None)

    assert region.delete(KEY, described(region))

    assert region.describe(KEY) is None
    assert [stored(region, key) for key in others] == [key.encode() for key in others]
    assert region.read_channel(CHANNEL) is not None


def test_nothing_to_move_aside(region: Region, backend: Backend, make_file: MakeFile) -> None:
    """What is an artifact, a channel or nothing is not moved aside."""
    create(region, make_file)
    region.write_channel(CHANNEL, "x\n", None)
    before = backend.snapshot()

    for key in (KEY, CHANNEL, Key("SugarWater@2.0.0"), Key("SugarWater/later")):
        assert not region.move_aside(key, Key("SugarWater/_quarantine/1.0.0-0123"))

    assert backend.snapshot() == before


# Channels --------------------------------------------------------------------------------------


def test_channel_is_identified_by_its_token(region: Region) -> None:
    """A text that is right, with a token that is not any more, replaces nothing."""
    region.write_channel(CHANNEL, "one\n", None)
    first = region.read_channel(CHANNEL)
    region.write_channel(CHANNEL, "two\n", first)
    assert first is not None

    written = region.write_channel(CHANNEL, "three\n", StoredChannel("two\n", first.token))

    assert not written
    assert text_of(region) == "two\n"


def test_channel_written_again(region: Region) -> None:
    """A second attempt at a write that was done replaces nothing, and says so."""
    region.write_channel(CHANNEL, "one\n", None)
    first = region.read_channel(CHANNEL)

    done = [region.write_channel(CHANNEL, "two\n", first) for _ in range(2)]

    assert done == [True, False]
    assert text_of(region) == "two\n"


def test_channel_is_one_text_or_the_other(region: Region) -> None:
    """Whoever reads while a channel moves sees a whole text, and never that there is none."""
    size = MAX_CHANNEL_BYTES - 2
    texts = [f"{letter * size}{number}\n" for number, letter in enumerate("abcdefghij")]
    region.write_channel(CHANNEL, texts[0], None)

    def move() -> None:
        for text in texts[1:]:
            assert region.write_channel(CHANNEL, text, region.read_channel(CHANNEL))

    assert while_inspected(lambda: text_of(region), move) <= set(texts)


def test_channel_that_is_too_long(region: Region, backend: Backend) -> None:
    """Of a text that no channel can have, at least so much is read that this shows."""
    backend.write(CHANNEL, "x" * 100_000)

    text = text_of(region)

    assert MAX_CHANNEL_BYTES < len(text) <= 100_000
    assert set(text) == {"x"}


def text_of(region: Region) -> str:
    """Return what the channel holds."""
    channel = region.read_channel(CHANNEL)
    assert channel is not None
    return channel.text


# What some kinds have -----------------------------------------------------------------------------


def test_projects(region: Region, backend: Backend, make_file: MakeFile) -> None:
    """A region takes a usual project, and what it writes to be trusted is none of its artifacts."""
    region.check_project("SugarWater")
    region.preflight("SugarWater")

    written = backend.keys()
    assert all(key.startswith("SugarWater/_") for key in written)
    assert list(region.keys("SugarWater@")) == []
    assert all(isinstance(name, str) for name in region.configured_regions())


def test_mirror(region: Region) -> None:
    """A mirror, where there is one, holds what was written last, for each channel."""
    if region.mirror is None:
        pytest.skip("this kind of region has no mirror")
    before = region.mirror.read("SugarWater", "latest")

    region.mirror.write("SugarWater", "latest", "1.0.0")
    region.mirror.write("SugarWater", "latest", "2.0.0")
    region.mirror.write("Sugar", "latest", "3.0.0")

    assert before is None
    assert region.mirror.read("SugarWater", "latest") == "2.0.0"
    assert region.mirror.read("Sugar", "latest") == "3.0.0"
    assert region.mirror.read("SugarWater", "prod") is None
    assert region.mirror.mirrors("latest")


def test_mirror_of_another_channel(region: Region) -> None:
    """A mirror holds a channel that it says it mirrors, until that is deleted, and no other."""
    if region.mirror is None:
        pytest.skip("this kind of region has no mirror")
    region.mirror.write("SugarWater", "latest", "2.0.0")
    region.mirror.write("SugarWater", "prod", "1.0.0")
    expected = "1.0.0" if region.mirror.mirrors("prod") else None

    assert region.mirror.read("SugarWater", "prod") == expected
    region.mirror.delete("SugarWater", "prod")
    region.mirror.delete("SugarWater", "prod")
    assert region.mirror.read("SugarWater", "prod") is None
    assert region.mirror.read("SugarWater", "latest") == "2.0.0"
