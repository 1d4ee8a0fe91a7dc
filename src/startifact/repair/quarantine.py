"""Quarantine: an object is copied below a key of its own, and only then deleted where it was."""

import hashlib
import secrets
from collections.abc import Callable
from functools import partial
from pathlib import Path

from semver import Version

from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import RegionUnavailableError
from startifact.files.source import Source
from startifact.files.temporary import needs_room, temporary_folder
from startifact.files.trouble import local_error
from startifact.hints import Command, Hint
from startifact.limits import Limits
from startifact.model.keys import LATEST, Key, artifact_key, channel_key, quarantine_key
from startifact.regions.interface import Region, StoredArtifact
from startifact.repair.inventory import ReplicaStatus
from startifact.staging.region_steps import write_and_read_back

NO_RECORD = "{}"
"""The record in quarantine of what had none."""


def quarantine(
    region: Region,
    project: str,
    version: Version,
    status: ReplicaStatus,
    heartbeat: Heartbeat,
    *,
    limits: Limits,
) -> None:
    """Copy what *region* holds as *version* to quarantine, then delete exactly that.

    The key of the copy follows from its content, so that a repair that was interrupted finds it
    when it runs again. What cannot be an artifact is moved to quarantine as it is instead.

    Raises:
        RegionUnavailableError: Something else is there by now, or the copy cannot be relied on.
            Nothing was deleted.
    """
    key, stored = artifact_key(project, version), status.stored
    if stored is None:
        _move_aside(region, key, partial(quarantine_key, project, version))
        return
    region.preflight(project)
    region.preflight_deletion(project)
    with temporary_folder() as folder:
        path = folder / "artifact"
        _fetch(region, key, stored, path, heartbeat)
        source = Source.scan(
            path, beat=heartbeat.beat, may_be_empty=True, part_bytes=limits.part_bytes
        )
        if status.sha256 is not None and status.sha256 != source.sha256:
            raise RegionUnavailableError(
                f"{region.name} has sent two different contents of {key}, one after the other",
                hint="Run it again",
            )
        encoded_record = _as_ascii(stored.encoded_record or NO_RECORD)
        tag = hashlib.sha256(f"{source.sha256} {encoded_record}".encode()).hexdigest()[:16]
        _store(region, quarantine_key(project, version, tag), source, encoded_record, heartbeat)
    # Exactly what was copied: another job may have put something else there meanwhile.
    if region.describe(key) not in {stored, None} or not region.delete(key, stored):
        raise _another(region, key, "deleted")


def move_latest_aside(region: Region, project: str, _: Heartbeat) -> None:
    """Move what is at the key of ``latest``, and cannot be a channel, to quarantine as it is.

    Raises:
        RegionUnavailableError: Something else is there by now. Nothing was moved.
    """
    _move_aside(region, channel_key(project, LATEST), partial(quarantine_key, project, LATEST))


def _move_aside(region: Region, key: Key, aside: Callable[[str], Key]) -> None:
    # A random key: there is no content that it could follow from, and a rename is done at once.
    if not region.move_aside(key, aside(secrets.token_hex(8))):
        raise _another(region, key, "moved")


def _another(region: Region, key: Key, done: str) -> RegionUnavailableError:
    return RegionUnavailableError(
        f"{key} in {region.name} is another one by now, and was not {done}",
        hint=Hint.of("Compare again with ", Command("verify")),
    )


def _fetch(
    region: Region, key: Key, stored: StoredArtifact, path: Path, heartbeat: Heartbeat
) -> None:
    with needs_room():
        try:
            with path.open("wb") as file:
                if stored.size:
                    for block in region.read(key, stored, 0, stored.size):
                        file.write(block)
                        heartbeat.beat(len(block))
        except OSError as e:
            raise local_error("write", path, e) from e


def _store(
    region: Region, aside: Key, source: Source, encoded_record: str, heartbeat: Heartbeat
) -> None:
    def create() -> None:
        # What it returns is passed over: what is deleted next has to be found here, not proved.
        region.create(aside, source, encoded_record, heartbeat.beat)

    stored = write_and_read_back(region, aside, create, partial(region.describe, aside))
    if (stored.size, stored.encoded_record) != (source.size, encoded_record):
        raise RegionUnavailableError(f"{region.name} did not keep {aside} as it was sent")


def _as_ascii(text: str) -> str:
    """Return *text* as every kind of region can store it."""
    return text.encode("ascii", "backslashreplace").decode()
