"""How many regions are enough."""

import itertools

import pytest

from startifact.errors import InputError
from startifact.hints import Words, in_python, in_shell, in_workflow
from startifact.model.quorum import majority, required_to_read, required_to_stage


@pytest.mark.parametrize("regions", range(1, 10))
def test_readers_meet_stagers(regions: int) -> None:
    """Any regions that are enough to read share one with any that were enough to stage."""
    everywhere = range(regions)
    staged = itertools.combinations(everywhere, required_to_stage("majority", regions))
    asked = list(itertools.combinations(everywhere, required_to_read(regions)))

    for some in staged:
        assert all(set(some) & set(others) for others in asked)


@pytest.mark.parametrize("regions", range(1, 10))
def test_majorities_meet(regions: int) -> None:
    """Two majorities share a region, and any fewer regions need not."""
    size = majority(regions)

    assert 2 * size > regions
    assert 2 * (size - 1) <= regions


@pytest.mark.parametrize(
    ("required", "regions", "number"),
    [
        ("majority", 1, 1),
        ("majority", 2, 2),
        ("majority", 3, 2),
        ("majority", 4, 3),
        ("all", 3, 3),
        ("all", 1, 1),
        (1, 3, 1),
        ("3", 3, 3),
        (" 2 ", 3, 2),
        (100, 120, 100),
    ],
)
def test_required(required: str | int, regions: int, number: int) -> None:
    """A majority, all, or a number of the regions are needed."""
    assert required_to_stage(required, regions) == number


@pytest.mark.parametrize("required", ["most", "", "0", "4", 4, -1, "1.0", "²", "٣", True, "0001"])
def test_illegal_required(required: str | int) -> None:
    """Anything else is refused with what may be written."""
    with pytest.raises(InputError, match="expected majority, all or a number from 1 to 3"):
        required_to_stage(required, 3)


@pytest.mark.parametrize(
    ("words", "spelled"),
    [
        (in_python, "Set required_regions='all' for"),
        (in_shell, "Set --required-regions all for"),
        (in_workflow, "Set required-regions: all for"),
    ],
)
def test_hint_of_illegal_required(words: Words, spelled: str) -> None:
    """Each way in gets the option as it writes it, and no other spelling of it."""
    with pytest.raises(InputError) as caught:
        required_to_stage("most", 3)

    assert caught.value.next_step is not None
    assert spelled in caught.value.next_step.text(words)
    assert "required-regions" not in caught.value.message
