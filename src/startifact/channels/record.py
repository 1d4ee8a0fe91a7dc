"""The record of a channel, as it is stored in one region."""

import json
from dataclasses import replace

from semver import Version

from startifact.channels.mirrored import later_mirrored_version
from startifact.errors import InputError, IntegrityError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import MAX_CHANNEL_BYTES, MAX_GENERATION
from startifact.model.keys import LATEST, channel_key
from startifact.model.strict_json import JsonError, parse_object
from startifact.model.versions import parse_version
from startifact.regions.interface import Region, StoredChannel


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRecord:
    """What a channel holds. ``generation`` counts its moves, so that no two texts are equal."""

    version: Version
    generation: int
    previous: Version | None
    moved_at: str
    moved_by: str
    is_mirrored: bool = False
    """Whether ``version`` is that of the mirror, which is later than ``previous``, the channel's
    own. It is not stored."""

    @property
    def follows_mirror(self) -> bool:
        """Whether the version is the mirror's, and not the channel's own."""
        return self.is_mirrored or self.generation == 0

    def to_json(self) -> str:
        """Return the one line that is stored."""
        value = {
            "version": str(self.version),
            "generation": self.generation,
            "previous": None if self.previous is None else str(self.previous),
            "moved-at": self.moved_at,
            "by": self.moved_by,
        }
        return json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n"


ReadChannel = tuple[StoredChannel | None, ChannelRecord | None]
"""A channel of one region as it is stored, and what it says; ``None`` twice where it is absent."""


def parse_channel_record(text: str, *, where: str) -> ChannelRecord:
    """Return the record stored as *text*; *where* names channel and region in messages.

    A bare version is what the first Startifact kept in SSM; its generation is 0.

    Raises:
        IntegrityError: It is damaged.
    """
    try:
        if len(text) > MAX_CHANNEL_BYTES:
            raise JsonError(f"it is larger than {MAX_CHANNEL_BYTES:,} bytes")
        if not text.startswith("{"):
            return ChannelRecord(
                version=parse_version(text), generation=0, previous=None, moved_at="", moved_by=""
            )
        value = parse_object(text)
        generation, previous = value.get("generation"), value.get("previous")
        # JSON's true is an int in Python.
        if not isinstance(generation, int) or isinstance(generation, bool) or generation < 1:
            raise JsonError("it has no generation")
        if generation > MAX_GENERATION:
            raise JsonError("its generation is larger than any number of moves")
        return ChannelRecord(
            version=parse_version(value.get("version")),
            generation=generation,
            previous=None if previous is None else parse_version(previous),
            moved_at=str(value.get("moved-at", "")),
            moved_by=str(value.get("by", "")),
        )
    except (JsonError, InputError) as e:
        reason = e.message if isinstance(e, InputError) else str(e)
        raise IntegrityError(f"the channel {where} is damaged: {reason}") from e


def read_channel_record(
    region: Region, project: str, channel: str, *, must_know_mirror: bool = False
) -> ReadChannel:
    """Return what *channel* holds in *region*, as stored and as parsed; ``None`` when absent.

    ``latest`` is at least the version that its mirror says, where the region holds that. A mirror
    that cannot be read is an error only for a caller that *must_know_mirror*.

    Raises:
        IntegrityError: It is damaged.
    """
    key = channel_key(project, channel)
    state, read_mirror = (
        region.read_channel_and_mirror(key)
        if channel == LATEST
        else (region.read_channel(key), None)
    )
    if state is None:
        return None, None
    record = parse_channel_record(state.text, where=f"{project}/{channel} in {region.name}")
    # Generation 0 means that it was read from the mirror.
    if read_mirror is not None and record.generation:
        later = later_mirrored_version(
            region, project, record.version, read_mirror, must_know=must_know_mirror
        )
        if later is not None:
            record = replace(record, version=later, previous=record.version, is_mirrored=True)
    return state, record
