"""Which content stands for a version: one rule, for those who read it and those who compare."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startifact.errors import IntegrityError
from startifact.limits import Limits
from startifact.model.keys import Key
from startifact.model.quorum import majority
from startifact.model.record import Record
from startifact.model.voting import ContentNames, Votes, is_incomplete
from startifact.reading.replica import Replica
from startifact.reading.resolution import KnownAnswers, Resolution
from startifact.regions.directory.region import DirectoryRegion
from startifact.regions.interface import StoredArtifact
from startifact.repair.inventory import ReplicaStatus
from startifact.repair.verify import leading_status

SIZE = 5


@dataclass(frozen=True)
class Vote:
    """A replica, as far as voting looks at it."""

    record: Record
    is_recorded: bool = True


def recorded(content: str, **more: str) -> Vote:
    return Vote(Record(sha256=content * 64, size=SIZE, staged_at="", metadata=more))


def legacy(md5: str | None = None, size: int = SIZE) -> Vote:
    """Return a replica of the first Startifact."""
    return Vote(Record(sha256="", size=size, staged_at="", md5=md5), is_recorded=False)


def elected(*votes: Vote) -> Vote | None:
    """Return what stands for all *votes*, where one has more than every other."""
    counted = Votes(votes)
    return None if counted.is_tied else counted.leader


def bare_and_complete(count: int) -> list[Vote]:
    """Return *count* replicas that lack metadata, and behind them one of the same bytes with it."""
    whole = Record(sha256="", size=SIZE, staged_at="", md5="m" * 32, metadata={"lang": "dotnet"})
    return [*(legacy("m" * 32) for _ in range(count)), Vote(whole, is_recorded=False)]


@pytest.mark.parametrize("count", [1, 3])
def test_incomplete(count: int) -> None:
    """A replica that lacks the metadata of another one does not vote, however many there are."""
    candidates = bare_and_complete(count)
    votes = Votes(candidates)

    assert votes.leader is candidates[-1]
    assert (votes.contents, votes.most, len(votes.voters)) == (1, 1, 1)
    assert all(is_incomplete(c, candidates) for c in candidates[:-1])
    assert not is_incomplete(candidates[-1], candidates)


def test_bare_with_other_bytes() -> None:
    """One with other bytes is no incomplete replica, and neither is one with a record."""
    whole = bare_and_complete(0)[0]
    bare = recorded("a")

    assert not is_incomplete(legacy("n" * 32), [whole])
    assert not is_incomplete(bare, [bare, recorded("a", lang="dotnet")])
    assert Votes([legacy("n" * 32), whole]).contents == 2


def test_nobody_votes() -> None:
    """Without replicas there is no content."""
    votes = Votes[Vote]([])

    assert (votes.leader, votes.most, votes.contents, votes.is_tied) == (None, 0, 0, False)


def test_most_votes() -> None:
    """The content with the most votes stands for all."""
    votes = Votes([recorded("a"), recorded("b"), recorded("b")])

    assert votes.leader == recorded("b")
    assert (votes.most, votes.contents, votes.is_tied) == (2, 2, False)


def test_tie() -> None:
    """Where two contents have equally many votes, neither stands for all."""
    assert Votes([recorded("a"), recorded("b")]).is_tied
    assert elected(recorded("a"), recorded("b"), recorded("c")) is None


def test_metadata_is_content() -> None:
    """Replicas with other metadata vote for another content."""
    assert elected(recorded("a", lang="c"), recorded("a", lang="d")) is None


def test_first_startifact_counts_less() -> None:
    """Replicas without a record do not outvote one that has one, and may have its bytes."""
    one = recorded("a")

    assert elected(legacy(), legacy("f" * 32), one) == one
    assert Votes([legacy(), legacy(), one]).voters == [one]


def test_first_startifact_that_contradicts() -> None:
    """A replica without a record that can have none of the bytes votes all the same."""
    one, other = recorded("a"), legacy(size=SIZE + 1)

    assert elected(one, other) is None
    assert elected(one, one, other) == one
    assert elected(one, other, other) == other


def test_digest_counts_more_than_none() -> None:
    """Of replicas without a record, those with a digest vote."""
    known = legacy("f" * 32)

    assert elected(legacy(), legacy(), known) is known
    assert elected(legacy(), legacy()) == legacy()


def test_digest_that_was_read_is_no_record() -> None:
    """A digest that somebody found by reading the bytes does not stand beside one of a record."""
    read = Vote(recorded("a").record, is_recorded=False)

    assert Votes([read, recorded("a", lang="c")]).voters == [recorded("a", lang="c")]


RECORDED = st.builds(
    lambda content, size, lang: (
        Record(sha256=content * 64, size=size, staged_at="", metadata=lang),
        True,
    ),
    st.sampled_from("abc"),
    st.integers(1, 2),
    st.sampled_from([{}, {"lang": "c"}]),
)
LEGACY = st.builds(
    lambda md5, size: (Record(sha256="", size=size, staged_at="", md5=md5), False),
    st.sampled_from([None, "e" * 32, "f" * 32]),
    st.integers(1, 2),
)


def replica(name: str, record: Record, *, is_recorded: bool) -> Replica:
    stored = StoredArtifact(
        size=record.size, encoded_record="{}" if is_recorded else None, token="1"
    )
    return Replica(DirectoryRegion(name, Path("not used")), stored, record)


def resolved(replicas: Sequence[Replica], regions: int) -> Record | None:
    """Return what a reader takes, who has heard of *replicas* in so many regions."""
    absent = [DirectoryRegion(f"absent {n}", Path("x")) for n in range(regions - len(replicas))]
    resolution = Resolution(
        [*(one.region for one in replicas), *absent],
        Key("P@1.0.0"),
        limits=Limits(),
        known=KnownAnswers(replicas=replicas),
    )
    try:
        return resolution.resolve()
    except IntegrityError:
        return None


@given(st.lists(RECORDED | LEGACY, min_size=1, max_size=6), st.integers(0, 2))
def test_who_reads_and_who_compares_agree(found: list[tuple[Record, bool]], absent: int) -> None:
    """What a reader takes is what regions are compared with, and a tie is nobody's choice."""
    replicas = [
        replica(str(n), record, is_recorded=is_recorded)
        for n, (record, is_recorded) in enumerate(found)
    ]
    regions = len(replicas) + absent

    read = resolved(replicas, regions)
    agreed = leading_status([ReplicaStatus(one.stored, one) for one in replicas])

    votes = Votes(replicas)
    assert (agreed is None) == votes.is_tied
    if agreed is not None:
        assert agreed.replica is votes.leader
    if read is None:
        assert votes.contents > 1
        assert votes.most < majority(regions)
    else:
        assert agreed is not None
        assert agreed.replica is not None
        assert read.same_content(agreed.replica.record)


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_order_does_not_matter(order: list[int]) -> None:
    """Who answers first decides nothing."""
    votes = [recorded("a"), recorded("b"), recorded("b")]

    assert elected(*(votes[i] for i in order)) == recorded("b")


def test_names_of_contents() -> None:
    """Bytes are known by their digest, and a content by its name where it shares them."""
    one, other, unshared = (
        recorded("a").record,
        recorded("a", lang="rust").record,
        recorded("b").record,
    )
    names = ContentNames([one, other, one, unshared])

    assert names.of(one) == f"{one.digest}, {one.content_name}"
    assert names.to_choose(other) == other.content_name != one.content_name
    assert names.of(unshared) == names.to_choose(unshared) == unshared.digest
