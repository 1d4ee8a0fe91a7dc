"""Artifacts of the first Startifact, which recorded neither size nor digest.

It kept the user's metadata, when there was any, as a JSON object beside the artifact, and the file
name in it.
"""

from types import MappingProxyType

from startifact.errors import IntegrityError
from startifact.model.record import RESERVED, Record
from startifact.model.strict_json import JsonError, parse_string_object
from startifact.regions.interface import StoredArtifact

_FILENAME = f"{RESERVED}filename"


def legacy_record(stored: StoredArtifact, *, where: str) -> Record:
    """Return what is known about an artifact without a record: no ``sha256``, but perhaps an MD5.

    Raises:
        IntegrityError: The metadata beside it is damaged.
    """
    try:
        pairs = (
            parse_string_object(stored.legacy_metadata)
            if stored.legacy_metadata is not None
            else {}
        )
    except JsonError as e:
        raise IntegrityError(f"the metadata of {where} is damaged: {e}") from e
    return Record(
        sha256="",
        size=stored.size,
        staged_at="",
        metadata=MappingProxyType({k: v for k, v in pairs.items() if not k.startswith(RESERVED)}),
        filename=pairs.get(_FILENAME),
        md5=stored.md5,
    )
