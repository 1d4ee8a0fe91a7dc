"""How many regions are enough."""

from collections.abc import Mapping

from startifact.errors import InputError
from startifact.text import quoted

MAJORITY = "majority"
ALL = "all"


def required_to_stage(required: str | int, regions: int) -> int:
    """Return how many of *regions* have to hold an artifact before its staging has succeeded.

    Raises:
        InputError: *required* is not ``majority``, ``all``, or a number from 1 to *regions*.
    """
    if required == MAJORITY:
        return majority(regions)
    if required == ALL:
        return regions
    text = str(required).strip()
    if text.isascii() and text.isdigit() and len(text) < 4 and not isinstance(required, bool):
        number = int(text)
        if 1 <= number <= regions:
            return number
    raise InputError(
        f"required-regions is {quoted(required)}, "
        f"expected {MAJORITY}, {ALL} or a number from 1 to {regions}"
    )


def required_to_read(regions: int) -> int:
    """Return how many of *regions* have to answer before a channel is known.

    With any majority that staged, this many meet in at least one region.
    """
    return -(-regions // 2)


def majority(regions: int) -> int:
    """Return the smallest number of *regions* of which there cannot be two without a common one."""
    return regions // 2 + 1


def refuse_shared_store(places: Mapping[str, str]) -> None:
    """Return when all *places*, by region, are different: a majority of one bucket is none.

    Raises:
        InputError: Two regions are one place.
    """
    seen: dict[str, str] = {}
    for region, place in places.items():
        if other := seen.get(place):
            raise InputError(
                f"regions {other} and {region} are one place: {place}",
                hint="Give each region a bucket or directory of its own",
            )
        seen[place] = region
