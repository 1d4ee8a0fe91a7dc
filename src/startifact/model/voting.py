"""Which content stands for a version where regions hold more than one."""

from collections import Counter
from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar

from startifact.model.record import Record


class Candidate(Protocol):
    """A sound replica: what its region says of it, and whether that was recorded with it."""

    @property
    def record(self) -> Record:
        """What is known of it."""

    @property
    def is_recorded(self) -> bool:
        """Whether it has a record, which those of the first Startifact lack."""


C = TypeVar("C", bound=Candidate)


class Votes(Generic[C]):
    """What *candidates* say which content a version has.

    Those with a record vote; where none has one, those of the first Startifact whose digest is
    known, and else all. Of the others, those vote too that can have the bytes of none of these:
    what is known less well says nothing, but where it contradicts.
    """

    def __init__(self, candidates: Iterable[C]) -> None:
        everybody = list(candidates)
        best = (
            [one for one in everybody if one.is_recorded]
            or [one for one in everybody if one.record.sha256 or one.record.md5]
            or everybody
        )
        known = [one.record for one in best]
        self.voters = best + [one for one in everybody if one.record.contradicts_all(known)]
        counts = Counter(one.record.content for one in self.voters)
        self.contents = len(counts)
        """How many different contents have votes."""

        ranked = counts.most_common(2)
        self.most = ranked[0][1] if ranked else 0
        """How many votes the content has that has the most."""

        self.is_tied = len(ranked) > 1 and ranked[0][1] == ranked[1][1]
        """Whether no content has more votes than every other."""

        self.leader: C | None = None
        """The first to vote for the content with the most votes; of contents with equally many,
        for the one that was voted for first."""

        if ranked:
            self.leader = next(one for one in self.voters if one.record.content == ranked[0][0])
