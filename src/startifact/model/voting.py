"""Which content stands for a version where regions hold more than one."""

from collections import Counter
from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar

from startifact.model.record import Record


class Candidate(Protocol):
    """A sound replica: its record, and whether that was stored with it."""

    @property
    def record(self) -> Record:
        """The record, or what is known in place of one."""

    @property
    def is_recorded(self) -> bool:
        """Whether it has a record, which replicas of the first Startifact lack."""


class ContentNames:
    """What the contents of *records* are called in one message, so that each can be chosen.

    By the digest of their bytes; where several have the same bytes, by their names as well.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        contents = {record.content: record for record in records}
        digests = Counter(record.digest for record in contents.values())
        self._shared = {digest for digest, count in digests.items() if count > 1}

    def of(self, record: Record) -> str:
        """Return what the content of *record* is called."""
        if record.digest in self._shared and record.content_name:
            return f"{record.digest}, {record.content_name}"
        return record.digest

    def to_choose(self, record: Record) -> str:
        """Return the one name that stands for this content, and for no other of them."""
        return record.content_name if record.digest in self._shared else record.digest


C = TypeVar("C", bound=Candidate)


def is_incomplete(candidate: Candidate, candidates: Iterable[Candidate]) -> bool:
    """Say whether *candidate* lacks the metadata that another of *candidates* has.

    The first Startifact wrote the metadata after the bytes, and left such a replica where it was
    interrupted between the two. What has a record is always complete.
    """
    return not candidate.is_recorded and any(
        candidate.record.lacks_metadata_of(other.record) for other in candidates
    )


class Votes(Generic[C]):
    """The votes of *candidates* for the content of a version.

    Candidates with a record vote; where none has one, those of the first Startifact whose digest
    is known, and else all. A candidate that is known less well votes only where it contradicts:
    where it cannot have the bytes of any of these. Incomplete candidates do not vote.
    """

    def __init__(self, candidates: Iterable[C]) -> None:
        known_candidates = list(candidates)
        all_candidates = [c for c in known_candidates if not is_incomplete(c, known_candidates)]
        best = (
            [c for c in all_candidates if c.is_recorded]
            or [c for c in all_candidates if c.record.sha256 or c.record.md5]
            or all_candidates
        )
        known = [candidate.record for candidate in best]
        self.voters = best + [c for c in all_candidates if c.record.contradicts_all(known)]
        counts = Counter(candidate.record.content for candidate in self.voters)
        self.contents = len(counts)
        """How many different contents were voted for."""

        ranked = counts.most_common(2)
        self.most = ranked[0][1] if ranked else 0
        """The number of votes for the content with the most."""

        self.is_tied = len(ranked) > 1 and ranked[0][1] == ranked[1][1]
        """Whether no content has more votes than every other."""

        self.leader: C | None = None
        """The first candidate that voted for the content with the most votes; in a tie, for the
        content that was voted for first."""

        if ranked:
            self.leader = next(c for c in self.voters if c.record.content == ranked[0][0])
