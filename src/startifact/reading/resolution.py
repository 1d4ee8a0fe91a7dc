"""What all regions say about one version, asked at once and remembered as they answer."""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import (
    NotFoundError,
    RegionUnavailableError,
    RemovedError,
    StartifactError,
    by_region,
    no_answer,
)
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.model.keys import Key
from startifact.model.quorum import majority, required_to_read
from startifact.model.record import Record
from startifact.model.voting import ContentNames, Votes, is_incomplete
from startifact.reading.disagreement import disagreement
from startifact.reading.replica import Replica, describe
from startifact.regions.interface import Region

T = TypeVar("T")

logger = logging.getLogger(__name__)


def _job(region: Region, key: Key, heartbeat: Heartbeat) -> Replica | None:
    heartbeat.beat()
    return describe(region, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAnswers:
    """What regions have said already; one that is in neither has said that there is nothing."""

    replicas: Sequence[Replica]
    failures: Mapping[str, StartifactError] = field(default_factory=dict)


class Resolution:
    """The answers of all regions about one artifact. Safe to use from several threads.

    Regions are asked at once, and then only while somebody waits for their answers. Where their
    answers are *known*, none is asked; those in *given_up* have failed before, and are not asked.
    """

    def __init__(
        self,
        regions: Sequence[Region],
        key: Key,
        *,
        limits: Limits,
        known: KnownAnswers | None = None,
        given_up: Mapping[str, StartifactError] = MappingProxyType({}),
    ) -> None:
        self.key = key
        self.regions = tuple(regions)
        self._limits = limits
        self._lock = threading.RLock()
        self._copies: dict[str, Replica] = {}
        self._absent: list[str] = []
        self._failed = dict(given_up)
        self._seconds: dict[str, float] = {}
        self._first_at: float | None = None
        self._warned: set[str] = set()
        self._closed = False
        self._askers = 0
        if known is not None:
            self._copies = {replica.region.name: replica for replica in known.replicas}
            self._failed = dict(known.failures)
            names = self._copies.keys() | self._failed.keys()
            self._absent = [region.name for region in regions if region.name not in names]
        to_ask = [r for r in regions if r.name not in given_up] if known is None else ()
        self._asked = FanOut(
            {r.name: partial(_job, r, key) for r in to_ask},
            limits=limits,
            enough=required_to_read(len(regions)),
        )

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """Let regions answer inside. Outside of it, those that have not answered are told to stop.

        So an artifact that is kept for later keeps no thread busy. A caller that needs one more
        answer, or may be proved wrong by one, asks again.
        """
        with self._lock:
            self._askers += 1
            if not self._closed:
                self._asked.resume()
        try:
            yield
        finally:
            with self._lock:
                self._askers -= 1
                # Others may still wait for the same answers, in threads of their own.
                if self._askers == 0:
                    self._asked.cancel()

    def replicas(self) -> list[Replica]:
        """Return the copies known by now, in the order in which they were reported."""
        self._collect(until=time.monotonic())
        return list(self._copies.values())

    def close(self) -> None:
        """Wait for no region any more; what is known by now stays known."""
        # Without the lock: a thread that waits for an answer holds it.
        self._closed = True
        self._asked.cancel()

    def known_holders(self) -> list[str]:
        """Return the regions whose copies have been taken note of by now, in the configured order.

        It waits for nothing, not even for a lock.
        """
        known = set(self._copies)
        return [region.name for region in self.regions if region.name in known]

    def failures(self) -> dict[str, StartifactError]:
        """Return why regions gave no answer, by region, in the configured order."""
        return self._in_order(self._failed)

    def seconds(self) -> dict[str, float]:
        """Return how long each region that has answered took, in the configured order."""
        return self._in_order(self._seconds)

    def _in_order(self, known: Mapping[str, T]) -> dict[str, T]:
        return {r.name: known[r.name] for r in self.regions if r.name in known}

    def without_it(self) -> list[str]:
        """Return the regions that have said that they hold none, or a tombstone, in their order."""
        removed = self._removed()
        return [r.name for r in self.regions if r.name in self._absent or r.name in removed]

    def answers(self) -> dict[str, Replica | StartifactError | None]:
        """Return what every region has said by now, in the configured order.

        That is its copy, why it gave none, or ``None`` when it has said that there is none.
        """
        known: dict[str, Replica | StartifactError | None] = {**self._copies, **self._failed}
        known |= dict.fromkeys(self._absent)
        return {
            region.name: known.get(
                region.name, RegionUnavailableError(f"{region.name} has not answered yet")
            )
            for region in self.regions
        }

    def wait_for_one_more(self) -> bool:
        """Wait until another region has answered; ``False`` when none is left."""
        with self.asking(), self._lock:
            return self._take(None)

    def wait_a_moment_for_all(self) -> None:
        """Wait until all regions have answered, or a second after the first copy was reported."""
        until = self._window_end()
        # Once their time has passed, late regions are not asked again just to look.
        if until is not None and until <= time.monotonic():
            self._collect(until)
            return
        with self.asking():
            self._collect(until)

    def wait_for_all(self) -> None:
        """Wait until all regions have answered, or failed."""
        with self.asking():
            self._collect(None)

    def resolve(self) -> Record:
        """Return the record that stands for this version in all regions.

        Only a majority of all regions with a digest decides it before the others have had their
        time to answer, and outvotes a tombstone: so it does not matter who answers first.

        Raises:
            NotFoundError: Every region said that there is no such version.
            RemovedError: A region said that it was removed, and no majority holds it still.
            IntegrityError: Regions hold different content, and no majority agrees.
            SeveralRegionsError: No region has it, and not every region answered.
        """
        with self.asking(), self._lock:
            while not self._is_beyond_doubt() and self._take(self._window_end()):
                pass
            return self._vote()

    def _window_end(self) -> float | None:
        return None if self._first_at is None else self._first_at + self._limits.quorum_wait_seconds

    def _collect(self, until: float | None) -> None:
        with self._lock:
            while self._take(until):
                pass

    def _take(self, until: float | None) -> bool:
        answer = None if self._closed else self._asked.next(until)
        if answer is None:
            return False
        self._seconds[answer.name] = answer.seconds
        if isinstance(answer, Failure):
            self._failed[answer.name] = answer.error
        elif answer.value is None:
            self._absent.append(answer.name)
        else:
            self._copies[answer.name] = answer.value
            # Only a copy starts the others' time: that one region has none decides nothing.
            if self._first_at is None:
                self._first_at = time.monotonic()
                self._asked.limit_retries()
        return True

    def _votes(self) -> Votes[Replica]:
        return Votes(self._copies.values())

    def _has_majority(self, votes: Votes[Replica]) -> bool:
        return votes.most >= majority(len(self.regions))

    def _is_beyond_doubt(self) -> bool:
        """Say whether a majority that has digests decides it.

        Its copies have no digest, and count for less as soon as another region reports one.
        """
        return self._has_majority(self._votes()) and any(
            replica.record.sha256 for replica in self._copies.values()
        )

    def _vote(self) -> Record:
        votes = self._votes()
        has_majority = self._has_majority(votes)
        if not has_majority and (removed := self._removed()):
            raise next(iter(removed.values()))
        if votes.leader is None:
            raise self._not_found()
        if votes.contents > 1 and not has_majority:
            raise disagreement(self.key, list(self._in_order(self._copies).values()))
        record = votes.leader.record
        self._warn_of_others(record, votes.voters)
        return record

    def _removed(self) -> dict[str, RemovedError]:
        """Return the regions that hold a tombstone, in the configured order."""
        failed = ((region.name, self._failed.get(region.name)) for region in self.regions)
        return {name: error for name, error in failed if isinstance(error, RemovedError)}

    def _warn_of_others(self, record: Record, voters: Sequence[Replica]) -> None:
        for name in self._removed():
            if name in self._warned:
                continue
            self._warned.add(name)
            logger.warning(
                "%s: %s says that it was removed, most regions hold %s still",
                self.key, name, record.digest,
            )  # fmt: skip
        names = ContentNames(replica.record for replica in self._copies.values())
        for replica in self._in_order(self._copies).values():
            found = replica.record
            # One that did not vote has less of a record: only its bytes can be compared.
            same = (
                found.same_content(record) if replica in voters else found.may_have_bytes_of(record)
            )
            incomplete = is_incomplete(replica, self._copies.values())
            if (same and not incomplete) or replica.region.name in self._warned:
                continue
            self._warned.add(replica.region.name)
            if incomplete:
                logger.warning(
                    "%s in %s lacks the metadata that other regions have: repair it",
                    self.key, replica.region.name,
                )  # fmt: skip
                continue
            logger.warning(
                "%s in %s is not what most regions hold (%s): it has %s, and differs in %s",
                self.key, replica.region.name, names.of(record), names.of(found),
                " and ".join(record.differences(found)),
            )  # fmt: skip

    def _not_found(self) -> StartifactError:
        why = {r.name: r.why_absent(self.key) for r in self.regions if r.name in self._absent}
        deleted = [(name, text) for name, text in why.items() if text is not None]
        if not self._failed:
            names = ", ".join(r.name for r in self.regions)
            return NotFoundError(
                f"{self.key} is not staged in {names}"
                + (f":{by_region(deleted)}" if deleted else ""),
                hint="Remove the delete marker in the bucket to have what was deleted, or stage "
                "the version again"
                if deleted
                else "Check the project, the version and the regions",
            )
        there = {name: f"not there, {text}" for name, text in deleted}
        reasons = [
            (name, error or there.get(name, "not there")) for name, error in self.answers().items()
        ]
        return no_answer(
            f"cannot tell whether {self.key} exists, no region that answered has it:", reasons
        )


def warn_of_minority(resolution: Resolution) -> None:
    """Warn where it is certain that no majority of all regions holds the version."""
    every, without = len(resolution.regions), resolution.without_it()
    if every - len(without) < majority(every):
        holders = resolution.known_holders()
        logger.warning(
            "%s is held by %d of %d regions (%s), which is no majority, so its staging may have "
            "failed: a repair, or staging the same again, brings it to %s",
            resolution.key, len(holders), every, ", ".join(holders), ", ".join(without),
        )  # fmt: skip
