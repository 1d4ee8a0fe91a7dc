"""``latest`` where something else has moved its mirror further than the channel.

The first Startifact keeps ``latest`` only in SSM, and may still be in use beside this one.
"""

import logging
from collections.abc import Callable
from weakref import WeakKeyDictionary

from semver import Version

from startifact.errors import (
    AccessDeniedError,
    ConfigurationError,
    InputError,
    IntegrityError,
    NewerFormatError,
    RegionUnavailableError,
    RemovedError,
)
from startifact.model.keys import LATEST, artifact_key, channel_key
from startifact.model.record import decode
from startifact.model.versions import is_later, parse_version
from startifact.regions.interface import Region

logger = logging.getLogger(__name__)

_warned: WeakKeyDictionary[Region, set[tuple[str, str]]] = WeakKeyDictionary()
"""The project and version of each warning, by region: one is enough for each."""


def later_mirrored_version(
    region: Region,
    project: str,
    version: Version,
    read_mirror: Callable[[], str | None],
    *,
    must_know: bool = False,
) -> Version | None:
    """Return what the mirror of ``latest`` in *region* says, where that counts; else ``None``.

    It counts where it is later than *version*, at which the channel is, and the region holds it.
    A warning says so. Where the mirror cannot be read, the channel is enough, unless a caller
    *must_know* because it is about to write the mirror.

    Raises:
        StartifactError: It cannot be read, and the caller must know.
    """
    key = channel_key(project, LATEST)
    try:
        text = read_mirror()
        mirrored = None if text is None else parse_version(text.strip())
        if (
            mirrored is None
            or not is_later(mirrored, version)
            or not _holds(region, project, mirrored)
        ):
            return None
    except InputError:
        return None  # not a version
    except (AccessDeniedError, ConfigurationError, RegionUnavailableError) as e:
        if must_know:
            raise
        logger.info("%s: the copy of %s in SSM was not read: %s", region.name, key, e.message)
        return None
    warned = _warned.setdefault(region, set())
    if (project, str(mirrored)) not in warned:
        warned.add((project, str(mirrored)))
        logger.warning(
            "%s: the copy of %s in SSM is %s, the channel %s: something else, such as the first "
            "Startifact, still writes that copy. The later version counts",
            region.name, key, mirrored, version,
        )  # fmt: skip
    return mirrored


def _holds(region: Region, project: str, version: Version) -> bool:
    """Say whether *region* holds *version*, and it was not removed."""
    key = artifact_key(project, version)
    stored = region.describe(key)
    if stored is None or stored.encoded_record is None:
        return stored is not None
    try:
        decode(stored.encoded_record, where=f"{key} in {region.name}")
    except (IntegrityError, NewerFormatError, RemovedError):
        return False
    return True
