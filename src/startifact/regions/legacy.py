"""What the first Startifact stored, and what can be known of it.

It recorded neither size nor digest. It kept the user's metadata, when there was any, as a JSON
object below the artifact's key, and the file name in it; a channel it kept only in SSM.
`aws.legacy` finds all that. Everywhere else an artifact is only one without a record.
"""

from types import MappingProxyType

from startifact.errors import IntegrityError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import MAX_LEGACY_METADATA_BYTES
from startifact.model.keys import Key
from startifact.model.record import RESERVED, Record
from startifact.model.strict_json import JsonError, parse_object_as_text
from startifact.regions.interface import StoredArtifact

ONLY_MIRRORED = ""
"""The token of a channel that is an SSM parameter, and not an object yet."""

_METADATA = "/metadata"
_FILENAME = f"{RESERVED}filename"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyArtifact(StoredArtifact):
    """An artifact of the first Startifact, as a region describes it; it has no record."""

    metadata: str | None
    """The user's metadata, as stored below its key and not yet checked; ``None`` without any."""


def legacy_metadata_key(key: Key) -> Key:
    """Return where the first Startifact kept the metadata of the artifact at *key*."""
    return Key(f"{key}{_METADATA}")


def artifact_of_metadata(key: str) -> Key | None:
    """Return the key of the artifact whose metadata is at *key*; ``None`` where that is none."""
    artifact = key.removesuffix(_METADATA)
    return None if artifact == key or "/" in artifact else Key(artifact)


def legacy_record(stored: StoredArtifact, *, where: str) -> Record:
    """Return what is known about an artifact without a record: no ``sha256``, but perhaps an MD5.

    *where* names the artifact and the region in messages.

    Metadata that is not text is returned as it is written: the first Startifact took numbers too.

    Raises:
        IntegrityError: The metadata below its key is damaged, or too large.
    """
    text = stored.metadata if isinstance(stored, LegacyArtifact) else None
    if text is not None and len(text.encode(errors="surrogatepass")) > MAX_LEGACY_METADATA_BYTES:
        raise IntegrityError(
            f"the metadata of {where} has more than {MAX_LEGACY_METADATA_BYTES:,} bytes, which is "
            "more than Startifact reads",
            hint="Nothing is delivered without its metadata: get both with the tools of your "
            "store, and stage the file under a new version with less metadata",
        )
    try:
        strings = {} if text is None else parse_object_as_text(text)
    except JsonError as e:
        raise IntegrityError(f"the metadata of {where} is damaged: {e}") from e
    return Record(
        sha256="",
        size=stored.size,
        staged_at="",
        metadata=MappingProxyType({k: v for k, v in strings.items() if not k.startswith(RESERVED)}),
        filename=strings.get(_FILENAME),
        md5=stored.md5,
    )
