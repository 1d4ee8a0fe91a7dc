"""The record of an artifact: the user's metadata and Startifact's own facts.

It is stored as one ASCII JSON object of strings. The keys, their spelling and their order here are
the storage format.
"""

import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import field, fields, replace
from types import MappingProxyType
from typing import Any

from startifact.errors import InputError, IntegrityError, NewerFormatError, RemovedError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import (
    LISTED_NAMES,
    MAX_FORMAT_DIGITS,
    MAX_METADATA_BYTES,
    MAX_RECORD_BYTES,
    MAX_SIZE_BYTES,
    MAX_SIZE_DIGITS,
    QUOTED_KEY_CHARACTERS,
)
from startifact.model.digest import content_name, is_sha256
from startifact.model.filenames import composed
from startifact.model.strict_json import JsonError, parse_string_object
from startifact.problems import Problems
from startifact.text import look_alike, quoted, quoted_apart

RESERVED = "startifact:"
REMOVED_AT = "removed-at"
REMOVED_BY = "removed-by"
NO_DIGEST = "no recorded digest"
FORMAT = 1

# Left out in this order where the record would be too large.
DISPENSABLE = ("ref", "actor", "run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The workflow run that staged an artifact; ``None`` where it is not known."""

    repository: str | None = None
    commit: str | None = None
    ref: str | None = None
    run: str | None = None
    actor: str | None = None


UNKNOWN_ORIGIN = Origin()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is recorded about one artifact.

    ``sha256`` is in lower-case hexadecimal, ``size`` in bytes, ``staged_at`` an RFC 3339 time in
    UTC. Artifacts of the first Startifact have an empty ``sha256`` and ``staged_at``, and an
    ``md5`` where it is known.
    """

    sha256: str
    size: int
    staged_at: str
    metadata: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    filename: str | None = None
    origin: Origin = UNKNOWN_ORIGIN
    archive: str | None = None
    """Of an archive that Startifact made, its kind; may be remote text, as ``tree``."""

    tree: str | None = None
    """The digest of the files in that archive, by `startifact.model.tree`."""

    md5: str | None = field(default=None, compare=False)

    def __reduce__(self) -> tuple[object, ...]:
        # A mapping proxy cannot be pickled.
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return _restored, ({**values, "metadata": dict(self.metadata)},)

    @property
    def content(self) -> tuple[object, ...]:
        """What makes two replicas the same: bytes, saved file name and the user's metadata.

        The two spellings that Unicode has for one file name are the same, those of metadata are
        not.
        """
        digest = self.sha256 or self.md5
        return (digest, self.size, self._name, tuple(sorted(self.metadata.items())))

    @property
    def _name(self) -> str | None:
        return None if self.filename is None else composed(self.filename)

    @property
    def digest(self) -> str:
        """What the bytes are known by, for messages."""
        if self.sha256:
            return f"sha256:{self.sha256}"
        return f"md5:{self.md5}" if self.md5 else NO_DIGEST

    @property
    def content_name(self) -> str:
        """The name of bytes, saved file name and the user's metadata together.

        Empty without a digest.
        """
        if not self.sha256:
            return ""
        return content_name(self.sha256, self.size, self._name, self.metadata)

    def same_content(self, other: "Record") -> bool:
        """Say whether both stand for the same staging."""
        return self.content == other.content

    def same_files(self, other: "Record") -> bool:
        """Say whether both are archives of one kind that were made of the same files.

        Their bytes may differ, where they were compressed differently; saved file name and metadata
        do not.
        """
        if self.archive is None or self.tree is None:
            return False
        mine = (self.archive, self.tree, self._name, self.metadata)
        return mine == (other.archive, other.tree, other._name, other.metadata)

    def may_have_bytes_of(self, other: "Record") -> bool:
        """Say whether both can have the same bytes, as far as it is known."""
        if self.size != other.size:
            return False
        if self.sha256 and other.sha256:
            return self.sha256 == other.sha256
        return not self.md5 or not other.md5 or self.md5 == other.md5

    def lacks_metadata_of(self, other: "Record") -> bool:
        """Say whether *other* has metadata or a file name, this has neither, and the bytes match.

        The bytes are compared as far as they are known.
        """
        return not self._has_metadata and other._has_metadata and self.may_have_bytes_of(other)

    @property
    def _has_metadata(self) -> bool:
        return bool(self.metadata) or self.filename is not None

    def contradicts_all(self, others: Iterable["Record"]) -> bool:
        """Say whether it cannot have the bytes of any of *others*."""
        return not any(self.may_have_bytes_of(other) for other in others)

    def differences(self, other: "Record") -> list[str]:
        """Return, in words, in what *other* differs."""
        lines = []
        if not self.may_have_bytes_of(other):
            same = self.tree is not None and self.tree == other.tree
            lines.append("the bytes (of the same files)" if same else "the bytes")
        if self._name != other._name:
            mine, theirs = _names(self.filename, other.filename)
            lines.append(f"the file name ({theirs} instead of {mine})")
        if changed := _changed(self.metadata, other.metadata):
            lines.append(f"the metadata ({', '.join(changed[:LISTED_NAMES])})")
        return lines


def _restored(values: dict[str, Any]) -> Record:
    return Record(**{**values, "metadata": MappingProxyType(values["metadata"])})


def _names(mine: str | None, theirs: str | None) -> tuple[str, str]:
    if mine is None or theirs is None:
        return _name(mine), _name(theirs)
    return quoted_apart(mine, theirs)


def _name(filename: str | None) -> str:
    return "none" if filename is None else quoted(filename)


def _changed(mine: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    """Return the keys whose values differ, quoted; with both values where these look alike."""
    keys = [k for k in sorted(mine.keys() | theirs.keys()) if mine.get(k) != theirs.get(k)]
    lines = []
    for key in keys:
        alike = next((k for k in keys if k != key and look_alike(k, key)), None)
        description = (
            quoted(key, QUOTED_KEY_CHARACTERS) if alike is None else quoted_apart(key, alike)[0]
        )
        before, after = mine.get(key), theirs.get(key)
        if before is not None and after is not None and look_alike(before, after):
            was, now = quoted_apart(before, after)
            description += f": {now} instead of {was}"
        lines.append(description)
    return lines


def check_metadata(metadata: object) -> dict[str, str]:
    """Return the user's *metadata*, sorted by key, when it can be stored.

    Raises:
        InputError: It cannot; the message has every problem.
    """
    if not isinstance(metadata, Mapping):
        raise InputError(
            f"metadata is not valid: got {quoted(metadata)}, "
            "expected a mapping of strings to strings"
        )
    problems = Problems("metadata")
    for key, value in metadata.items():
        _check_item(problems, key, value)
    problems.raise_if_any()
    checked = dict(sorted(metadata.items()))
    size = len(_json(checked))
    if size > MAX_METADATA_BYTES:
        problems.say(
            f"it takes {size:,} bytes as ASCII JSON, {MAX_METADATA_BYTES:,} are allowed",
            hint="Keep large data in a file of its own and stage that",
        )
    problems.raise_if_any()
    return checked


def _check_item(problems: Problems, key: object, value: object) -> None:
    if not isinstance(key, str) or not key:
        problems.add("key", key, "a string that is not empty")
    elif key.startswith(RESERVED):
        problems.add(
            "key", key, "another name", hint=f"Keys that begin with {RESERVED} are reserved"
        )
    elif not _is_unicode(key):
        problems.add("key", key, "valid Unicode")
    if not isinstance(value, str):
        problems.add(f"value of {quoted(key)}", value, "a string")
    elif not _is_unicode(value):
        problems.add(f"value of {quoted(key)}", value, "valid Unicode")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def encode(record: Record) -> tuple[str, list[str]]:
    """Return *record* as it is stored, and the names of the facts that had to be left out.

    Raises:
        InputError: It does not fit even without them.
    """
    origin = record.origin
    dropped: list[str] = []
    while True:
        text = _json({**record.metadata, **_facts(replace(record, origin=origin))})
        if len(text) <= MAX_RECORD_BYTES:
            return text, dropped
        name = next((n for n in DISPENSABLE if getattr(origin, n) is not None), None)
        if name is None:
            break
        origin = replace(origin, **{name: None})
        dropped.append(name)
    raise InputError(
        f"the metadata and facts of this artifact take {len(text):,} bytes, "
        f"{MAX_RECORD_BYTES:,} are allowed",
        hint="Shorten the file name, or do not save it" if record.filename else None,
    )


def _facts(record: Record) -> dict[str, str]:
    origin = record.origin
    facts = {
        "format": str(FORMAT),
        "sha256": record.sha256,
        "size": str(record.size),
        "staged-at": record.staged_at,
        "filename": record.filename,
        "archive": record.archive,
        "tree": record.tree,
        "repository": origin.repository,
        "commit": origin.commit,
        "ref": origin.ref,
        "run": origin.run,
        "actor": origin.actor,
    }
    return {RESERVED + name: value for name, value in facts.items() if value is not None}


def encode_tombstone(*, removed_at: str, removed_by: str) -> str:
    """Return the record that stands in the place of an artifact's once it was removed."""
    return _json(
        {
            f"{RESERVED}format": str(FORMAT),
            f"{RESERVED}{REMOVED_AT}": removed_at,
            f"{RESERVED}{REMOVED_BY}": removed_by,
        }
    )


def has_left_bytes(encoded_record: str | None, size: int) -> bool:
    """Say whether an object of *size* bytes has more than its record, which is a tombstone's.

    Then it was interrupted while it took the artifact's place.
    """
    return size > len(encoded_record or "")


def is_tombstone(encoded_record: str | None) -> bool:
    """Say whether *encoded_record* says that the artifact was removed."""
    if encoded_record is None:
        return False
    try:
        decode(encoded_record, where="it")
    except RemovedError:
        return True
    except (IntegrityError, NewerFormatError):
        return False
    return False


def refuse_newer(encoded_record: str | None, *, where: str) -> None:
    """Return unless a newer Startifact wrote *encoded_record*: this one cannot judge what it is.

    Raises:
        NewerFormatError: One did.
    """
    with contextlib.suppress(RemovedError, IntegrityError):
        if encoded_record is not None:
            decode(encoded_record, where=where)


def _json(strings: Mapping[str, str]) -> str:
    return json.dumps(strings, ensure_ascii=True, separators=(",", ":"))


def decode(text: str, *, where: str) -> Record:
    """Return the record stored as *text*; *where* names the artifact and the region in messages.

    Raises:
        NewerFormatError: A newer Startifact wrote it.
        RemovedError: It is a tombstone.
        IntegrityError: It is damaged.
    """
    try:
        strings = parse_string_object(text)
    except JsonError as e:
        raise IntegrityError(f"the record of {where} is damaged: {e}") from e
    facts = {k.removeprefix(RESERVED): v for k, v in strings.items() if k.startswith(RESERVED)}
    _check_format(facts.get("format"), where)
    if REMOVED_AT in facts and "sha256" not in facts:
        removed_by = facts.get(REMOVED_BY)
        raise RemovedError(
            f"{where} was removed at {quoted(facts[REMOVED_AT], QUOTED_KEY_CHARACTERS)}"
            + (f" by {quoted(removed_by, QUOTED_KEY_CHARACTERS)}" if removed_by else ""),
            hint="Choose another version; the number of a removed version stays used",
        )
    problems = Problems(f"the record of {where}", IntegrityError)
    sha256, size = facts.get("sha256"), facts.get("size")
    if sha256 is None or not is_sha256(sha256):
        problems.add("startifact:sha256", sha256, "64 hexadecimal digits")
    if size is None or not _is_number(size, MAX_SIZE_DIGITS):
        problems.add("startifact:size", size, "a number of bytes")
    elif int(size) > MAX_SIZE_BYTES:
        problems.add("startifact:size", size, f"at most {MAX_SIZE_BYTES:,}, as S3 allows")
    problems.raise_if_any()
    return Record(
        sha256=str(sha256),
        size=int(str(size)),
        staged_at=facts.get("staged-at", ""),
        metadata=MappingProxyType({k: v for k, v in strings.items() if not k.startswith(RESERVED)}),
        filename=facts.get("filename"),
        archive=facts.get("archive"),
        tree=facts.get("tree"),
        origin=Origin(
            **{name: facts.get(name) for name in ("repository", "commit", "ref", "run", "actor")}
        ),
    )


def _is_number(text: str, digits: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= digits


def _check_format(text: str | None, where: str) -> None:
    if text is not None and _is_number(text, MAX_FORMAT_DIGITS):
        if int(text) == FORMAT:
            return
        if int(text) > FORMAT:
            raise NewerFormatError(
                f"{where} has format {int(text)}: a newer Startifact is needed",
                hint=f"Upgrade Startifact; this one knows format {FORMAT}",
            )
    raise IntegrityError(
        f"the record of {where} is damaged: startifact:format is {quoted(text)}, expected {FORMAT}"
    )
