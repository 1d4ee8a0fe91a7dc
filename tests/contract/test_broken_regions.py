"""Regions that break one sentence of `Region` each, and the test of the contract that says so.

A test that no region can fail holds nothing.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from startifact.errors import IntegrityError, RegionUnavailableError
from startifact.files.source import Source
from startifact.limits import MAX_CHANNEL_BYTES
from startifact.model.keys import Key
from startifact.regions.directory.region import DirectoryRegion
from startifact.regions.interface import Beat, Region, StoredArtifact, StoredChannel
from startifact.regions.memory import MemoryRegion
from tests.contract import test_interface as contract
from tests.contract import test_tombstones as tombstones
from tests.contract.conftest import MIB, MakeFile
from tests.support.backends import Backend, Directory, Memory

Test = Callable[..., None]


class NewTokenEachTime(MemoryRegion):
    def describe(self, key: Key) -> StoredArtifact | None:
        stored = super().describe(key)
        return None if stored is None else replace(stored, token=uuid4().hex)


class OneToken(MemoryRegion):
    def _next_token(self) -> str:
        return "1"


class AnotherName(MemoryRegion):
    def __init__(self, name: str) -> None:
        super().__init__(f"{name}\n")


class LongKeysAreDamage(MemoryRegion):
    def describe(self, key: Key) -> StoredArtifact | None:
        if len(key) > 200:
            raise IntegrityError("it is too long")
        return super().describe(key)


class TellsNothing(MemoryRegion):
    def create(self, key: Key, source: Source, encoded_record: str, beat: Beat) -> None:
        super().create(key, source, encoded_record, lambda _: None)


class ProvesWhatIsNotStored(MemoryRegion):
    def create(
        self, key: Key, source: Source, encoded_record: str, beat: Beat
    ) -> StoredArtifact | None:
        super().create(key, source, encoded_record, beat)
        return StoredArtifact(size=source.size, encoded_record=encoded_record, token="other")


class TellsAfterwards(MemoryRegion):
    def create(self, key: Key, source: Source, encoded_record: str, beat: Beat) -> None:
        beats: list[int] = []
        super().create(key, source, encoded_record, beats.append)
        for count in beats:
            beat(count)


class TellsAllAtOnce(MemoryRegion):
    def create(self, key: Key, source: Source, encoded_record: str, beat: Beat) -> None:
        for _ in source.parts[1:]:
            beat(0)
        beat(source.size)
        super().create(key, source, encoded_record, lambda _: None)


class WrapsWhatStopsIt(MemoryRegion):
    def create(self, key: Key, source: Source, encoded_record: str, beat: Beat) -> None:
        try:
            super().create(key, source, encoded_record, beat)
        except Exception as e:
            raise RegionUnavailableError("it stopped") from e


class ShowsParts(MemoryRegion):
    def create(self, key: Key, source: Source, encoded_record: str, beat: Beat) -> None:
        data = b""
        for block in source.blocks(beat):
            data += block
            stored = StoredArtifact(size=len(data), encoded_record=encoded_record, token="1")
            self._artifacts[key] = (stored, data)


class Overwrites(MemoryRegion):
    def create(self, key: Key, source: Source, encoded_record: str, beat: Beat) -> None:
        self._artifacts.pop(key, None)
        super().create(key, source, encoded_record, beat)


class RecordComesLater(MemoryRegion):
    def create(self, key: Key, source: Source, encoded_record: str, beat: Beat) -> None:
        super().create(key, source, "{}", beat)
        time.sleep(0.01)
        stored, data = self._artifacts[key]
        self._artifacts[key] = (replace(stored, encoded_record=encoded_record), data)


class OneBlock(MemoryRegion):
    def read(self, key: Key, stored: StoredArtifact, start: int, stop: int) -> Iterator[bytes]:
        yield b"".join(super().read(key, stored, start, stop))


class EmptyBlocks(MemoryRegion):
    def read(self, key: Key, stored: StoredArtifact, start: int, stop: int) -> Iterator[bytes]:
        yield from super().read(key, stored, start, stop)
        yield b""


class OneByteMore(MemoryRegion):
    def read(self, key: Key, stored: StoredArtifact, start: int, stop: int) -> Iterator[bytes]:
        yield from super().read(key, stored, start, min(stop + 1, stored.size))


class KeepsConnections(MemoryRegion):
    left = 10

    def read(self, key: Key, stored: StoredArtifact, start: int, stop: int) -> Iterator[bytes]:
        if not self.left:
            raise RegionUnavailableError("there is no connection left")
        self.left -= 1
        yield from super().read(key, stored, start, stop)
        self.left += 1


class OneAtATime(MemoryRegion):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._busy = threading.Lock()

    def keys(self, prefix: str) -> Iterator[str]:
        if not self._busy.acquire(blocking=False):
            raise RegionUnavailableError("it is busy")
        time.sleep(0.05)
        yield from super().keys(prefix)
        self._busy.release()


class ListsChannels(MemoryRegion):
    def keys(self, prefix: str) -> Iterator[str]:
        yield from super().keys(prefix)
        yield from self._channels


class ListsTwice(MemoryRegion):
    def keys(self, prefix: str) -> Iterator[str]:
        yield from super().keys(prefix)
        yield from super().keys(prefix)


class ListsAll(MemoryRegion):
    def keys(self, prefix: str) -> Iterator[str]:
        yield from super().keys(prefix.partition("@")[0])


class OldListing(MemoryRegion):
    listing: tuple[str, ...] = ()

    def keys(self, prefix: str) -> Iterator[str]:
        before, self.listing = self.listing, tuple(super().keys(prefix))
        yield from before


class DeletesMore(MemoryRegion):
    def delete(self, key: Key, stored: StoredArtifact) -> bool:
        for longer in [k for k in self._artifacts if k.startswith(key)]:
            del self._artifacts[longer]
        return True


class DeletesChannels(MemoryRegion):
    def delete(self, key: Key, stored: StoredArtifact) -> bool:
        self._channels.clear()
        return super().delete(key, stored)


class TombstoneOverAnything(MemoryRegion):
    def replace_with_tombstone(
        self, key: Key, encoded_record: str, stored: StoredArtifact | None
    ) -> bool:
        return super().replace_with_tombstone(key, encoded_record, self.describe(key))


class TombstoneKeepsBytes(MemoryRegion):
    def replace_with_tombstone(
        self, key: Key, encoded_record: str, stored: StoredArtifact | None
    ) -> bool:
        if stored is None:
            return super().replace_with_tombstone(key, encoded_record, None)
        before, data = self._artifacts[key]
        self._artifacts[key] = (replace(before, encoded_record=encoded_record), data)
        return True


class MetadataIsTheArtifact(MemoryRegion):
    def delete_separate_metadata(self, key: Key) -> None:
        self.replace_with_tombstone(key, "{}", self.describe(key))


class TombstoneOnlyOverSomething(MemoryRegion):
    def replace_with_tombstone(
        self, key: Key, encoded_record: str, stored: StoredArtifact | None
    ) -> bool:
        return stored is not None and super().replace_with_tombstone(key, encoded_record, stored)


class TombstoneInTwoSteps(MemoryRegion):
    def replace_with_tombstone(
        self, key: Key, encoded_record: str, stored: StoredArtifact | None
    ) -> bool:
        if stored is not None:
            self.delete(key, stored)
            time.sleep(0.01)
        return super().replace_with_tombstone(key, encoded_record, None)


class MovesAnything(MemoryRegion):
    def move_aside(self, key: Key, aside: Key) -> bool:
        if key in self._artifacts:
            self._artifacts[aside] = self._artifacts.pop(key)
        return True


class ComparesTexts(MemoryRegion):
    def write_channel(self, key: Key, text: str, expected: StoredChannel | None) -> bool:
        current = self.read_channel(key)
        if expected is not None and current is not None and expected.text == current.text:
            expected = current
        return super().write_channel(key, text, expected)


class WritesAgain(MemoryRegion):
    def write_channel(self, key: Key, text: str, expected: StoredChannel | None) -> bool:
        return super().write_channel(key, text, self.read_channel(key))


class ChannelInTwoSteps(MemoryRegion):
    def write_channel(self, key: Key, text: str, expected: StoredChannel | None) -> bool:
        half = super().write_channel(key, text[:2000], expected)
        time.sleep(0.01)
        return half and super().write_channel(key, text, self.read_channel(key))


class ChannelGoesFirst(MemoryRegion):
    def write_channel(self, key: Key, text: str, expected: StoredChannel | None) -> bool:
        if self.read_channel(key) != expected:
            return False
        self._channels.pop(key, None)
        time.sleep(0.01)
        return super().write_channel(key, text, None)


class CutsChannels(MemoryRegion):
    def read_channel(self, key: Key) -> StoredChannel | None:
        found = super().read_channel(key)
        return None if found is None else replace(found, text=found.text[:MAX_CHANNEL_BYTES])


class TakesNoProject(MemoryRegion):
    def check_project(self, project: str) -> None:
        raise IntegrityError("it takes none")


class ProbesAnArtifact(MemoryRegion):
    def preflight(self, project: str) -> None:
        self._channels[Key(f"{project}/latest")] = StoredChannel("x", "1")


class KeptMirror:
    """A mirror that holds what it should."""

    def __init__(self) -> None:
        self.versions: dict[tuple[str, str], str] = {}

    def read(self, project: str, channel: str) -> str | None:
        return self.versions.get((project, channel))

    def write(self, project: str, channel: str, version: str) -> None:
        self.versions[project, channel] = version

    def delete(self, project: str, channel: str) -> None:
        self.versions.pop((project, channel), None)

    def mirrors(self, channel: str) -> bool:
        return True


class FirstStays(KeptMirror):
    def write(self, project: str, channel: str, version: str) -> None:
        self.versions.setdefault((project, channel), version)


class OneForAll(KeptMirror):
    def read(self, project: str, channel: str) -> str | None:
        return next(reversed(self.versions.values()), None)


class ClaimsNone(KeptMirror):
    def mirrors(self, channel: str) -> bool:
        return channel == "latest"


class DeletesNothing(KeptMirror):
    def delete(self, project: str, channel: str) -> None:
        pass


class Mirrored(MemoryRegion):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.mirror = KeptMirror()


class MirroredOnce(MemoryRegion):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.mirror = FirstStays()


class MirroredTogether(MemoryRegion):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.mirror = OneForAll()


class MirroredUnclaimed(MemoryRegion):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.mirror = ClaimsNone()


class MirroredForGood(MemoryRegion):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.mirror = DeletesNothing()


class DamageIsAbsence(DirectoryRegion):
    def describe(self, key: Key) -> StoredArtifact | None:
        try:
            return super().describe(key)
        except IntegrityError:
            return None


class PassesOverDamage(DirectoryRegion):
    def keys(self, prefix: str) -> Iterator[str]:
        for key in super().keys(prefix):
            if (self._root / key / "artifact").is_file():
                yield key


class ChannelDamageIsAbsence(DirectoryRegion):
    def read_channel(self, key: Key) -> StoredChannel | None:
        try:
            return super().read_channel(key)
        except IntegrityError:
            return None


class LongKeysFail(DirectoryRegion):
    def describe(self, key: Key) -> StoredArtifact | None:
        return None if len(key) > 200 else super().describe(key)


BROKEN: list[tuple[type[Region], Test, dict[str, Any]]] = [
    (NewTokenEachTime, contract.test_descriptions_of_one_artifact_are_equal, {}),
    (OneToken, contract.test_other_bytes_have_another_token, {}),
    (OneToken, contract.test_another_text_has_another_token, {}),
    (AnotherName, contract.test_name_and_place, {}),
    (LongKeysAreDamage, contract.test_keys_that_a_region_cannot_hold, {"length": 240}),
    (LongKeysFail, contract.test_keys_that_a_region_cannot_hold, {"length": 240}),
    (DamageIsAbsence, contract.test_what_can_be_no_artifact, {"shape": "file"}),
    (PassesOverDamage, contract.test_what_can_be_no_artifact, {"shape": "link"}),
    (ChannelDamageIsAbsence, contract.test_what_can_be_no_channel, {}),
    (ProvesWhatIsNotStored, contract.test_proof_of_create, {"size": 1000}),
    (TellsNothing, contract.test_beats_of_create, {"size": 1000}),
    (TellsAfterwards, contract.test_beats_of_create, {"size": 1000}),
    (TellsAllAtOnce, contract.test_beats_of_create, {"size": 8 * MIB + 1}),
    (
        WrapsWhatStopsIt,
        contract.test_what_a_beat_raises_comes_out,
        {"size": 1000, "error": IntegrityError("enough")},
    ),
    (ShowsParts, contract.test_stopped_at_any_beat, {"size": 8 * MIB + 1, "nth": 2}),
    (Overwrites, contract.test_created_again, {}),
    (RecordComesLater, contract.test_whole_or_absent, {}),
    (OneBlock, contract.test_blocks, {"start": 0, "stop": 3 * MIB + 1}),
    (EmptyBlocks, contract.test_blocks, {"start": 5, "stop": 5}),
    (OneByteMore, contract.test_blocks, {"start": 7, "stop": MIB + 8}),
    (KeepsConnections, contract.test_reading_that_ends_early, {}),
    (OneAtATime, contract.test_many_readers, {}),
    (ListsChannels, contract.test_keys_are_those_of_artifacts, {}),
    (ListsTwice, contract.test_keys_are_those_of_artifacts, {}),
    (ListsAll, contract.test_keys_are_those_of_artifacts, {}),
    (OldListing, contract.test_created_is_listed_at_once, {}),
    (DeletesMore, contract.test_delete_touches_nothing_else, {}),
    (DeletesChannels, contract.test_delete_touches_nothing_else, {}),
    (TombstoneKeepsBytes, tombstones.test_tombstone_in_place_of_an_artifact, {"size": 1000}),
    (
        MetadataIsTheArtifact,
        tombstones.test_metadata_beside_an_artifact_where_there_is_none,
        {},
    ),
    (TombstoneOnlyOverSomething, tombstones.test_tombstone_in_place_of_nothing, {}),
    (TombstoneOverAnything, tombstones.test_tombstone_in_place_of_a_tombstone, {}),
    (TombstoneOverAnything, tombstones.test_no_tombstone_in_place_of_something_else, {}),
    (TombstoneInTwoSteps, tombstones.test_readers_see_an_artifact_or_a_tombstone, {}),
    (MovesAnything, contract.test_nothing_to_move_aside, {}),
    (ComparesTexts, contract.test_channel_is_identified_by_its_token, {}),
    (WritesAgain, contract.test_channel_written_again, {}),
    (ChannelInTwoSteps, contract.test_channel_is_one_text_or_the_other, {}),
    (ChannelGoesFirst, contract.test_channel_is_one_text_or_the_other, {}),
    (CutsChannels, contract.test_channel_that_is_too_long, {}),
    (TakesNoProject, contract.test_projects, {}),
    (ProbesAnArtifact, contract.test_projects, {}),
    (MirroredOnce, contract.test_mirror, {}),
    (MirroredTogether, contract.test_mirror, {}),
    (MirroredUnclaimed, contract.test_mirror_of_another_channel, {}),
    (MirroredForGood, contract.test_mirror_of_another_channel, {}),
]


def error_of(
    test: Test, kind: type[Region], folder: Path, make_file: MakeFile, arguments: dict[str, Any]
) -> str | None:
    """Return what *test* says of a region of *kind*; ``None`` where nothing is wrong."""
    backend: Backend
    if issubclass(kind, DirectoryRegion):
        root = folder / uuid4().hex
        root.mkdir()
        backend = Directory(f"file:{root}", root)
        region: Region = kind(backend.spec, root)
    else:
        assert issubclass(kind, MemoryRegion)
        region = kind(f"memory:{uuid4().hex}")
        backend = Memory(region.name.strip(), region)
    given = {"region": region, "backend": backend, "make_file": make_file, **arguments}
    names = test.__code__.co_varnames[: test.__code__.co_argcount]
    try:
        test(**{name: given[name] for name in names})
    except (Exception, pytest.fail.Exception) as e:  # noqa: BLE001  # whatever makes a test fail
        return repr(e)
    return None


@pytest.mark.parametrize(
    ("broken", "test", "arguments"),
    BROKEN,
    ids=[f"{broken.__name__}-{test.__name__}" for broken, test, _ in BROKEN],
)
def test_found_out(
    broken: type[Region],
    test: Test,
    arguments: dict[str, Any],
    tmp_path: Path,
    make_file: MakeFile,
) -> None:
    """The contract's test fails for the region that breaks its sentence, and for no other."""
    sound: type[Region] = DirectoryRegion if issubclass(broken, DirectoryRegion) else MemoryRegion
    if test in {contract.test_mirror, contract.test_mirror_of_another_channel}:
        sound = Mirrored

    assert error_of(test, sound, tmp_path, make_file, arguments) is None
    assert error_of(test, broken, tmp_path, make_file, arguments) is not None


def test_every_test_can_fail() -> None:
    """Each test of the contract's sentences has a region here that fails it."""
    tests = {
        value
        for name, value in {**vars(contract), **vars(tombstones)}.items()
        if name.startswith("test_")
    }

    assert tests == {test for _, test, _ in BROKEN}
