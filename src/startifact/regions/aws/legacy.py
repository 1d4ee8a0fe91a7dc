"""Regions on S3 that also find artifacts and channels of the first Startifact.

`region` and `bucket` know nothing of them: without such artifacts this module could be left out.
"""

from collections.abc import Callable, Iterator
from functools import partial

from startifact.limits import MAX_LEGACY_METADATA_BYTES
from startifact.model.keys import LATEST, Key, split_channel_key
from startifact.regions.aws.region import BucketRegion, OrganisationRegion, S3Region
from startifact.regions.interface import StoredArtifact, StoredChannel
from startifact.regions.legacy import (
    ONLY_MIRRORED,
    LegacyArtifact,
    artifact_of_metadata,
    legacy_metadata_key,
)


class _LegacySupport(S3Region):
    def describe(self, key: Key) -> StoredArtifact | None:
        """See `Region.describe`: where there is no record, there may be metadata below the key."""
        stored = super().describe(key)
        if stored is None or stored.encoded_record is not None:
            return stored
        return LegacyArtifact(
            size=stored.size,
            encoded_record=None,
            token=stored.token,
            md5=stored.md5,
            object_version=stored.object_version,
            archived=stored.archived,
            metadata=self.read_text(legacy_metadata_key(key), MAX_LEGACY_METADATA_BYTES),
        )

    def separate_metadata(self, prefix: str) -> Iterator[Key]:
        """See `Region.separate_metadata`."""
        return (artifact for key in self._bucket().keys_below(prefix)
                if (artifact := artifact_of_metadata(key)) is not None)  # fmt: skip

    def delete_separate_metadata(self, key: Key) -> None:
        """See `Region.delete_separate_metadata`."""
        self._bucket().delete_whatever_is_at(legacy_metadata_key(key))

    def read_channel(self, key: Key) -> StoredChannel | None:
        """See `Region.read_channel`: without an object, the mirror is the current value."""
        channel = super().read_channel(key)
        # Others than latest are registers: without an object a region knows nothing of one.
        if channel is not None or self.mirror is None or split_channel_key(key)[1] != LATEST:
            return channel
        return _only_mirrored(self.mirror.read(*split_channel_key(key)))

    def read_channel_and_mirror(
        self, key: Key
    ) -> tuple[StoredChannel | None, Callable[[], str | None]]:
        """See `Region.read_channel_and_mirror`: the mirror is read once, also as the channel."""
        if self.mirror is None:
            return super().read_channel_and_mirror(key)
        self._bucket()  # whose name is in SSM too: the mirror would take the connection for it
        read_mirror = self.ask_in_background(partial(self.mirror.read, *split_channel_key(key)))
        channel = super().read_channel(key)
        if channel is not None:
            return channel, read_mirror
        version = read_mirror()
        return _only_mirrored(version), lambda: version

    def write_channel(self, key: Key, text: str, expected: StoredChannel | None) -> bool:
        """See `Region.write_channel`: a channel that is only in SSM becomes an object."""
        if expected is not None and expected.token == ONLY_MIRRORED:
            expected = None
        return super().write_channel(key, text, expected)


def _only_mirrored(version: str | None) -> StoredChannel | None:
    return None if version is None else StoredChannel(version.strip(), ONLY_MIRRORED)


class LegacyBucketRegion(_LegacySupport, BucketRegion):
    """A `BucketRegion` that also finds what the first Startifact stored."""


class LegacyOrganisationRegion(_LegacySupport, OrganisationRegion):
    """An `OrganisationRegion` that also finds what the first Startifact stored."""
