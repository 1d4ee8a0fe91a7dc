"""How many regions are enough."""

from collections.abc import Collection, Iterable, Mapping

from startifact.errors import InputError
from startifact.hints import Hint, Option
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
        f"the number of required regions is {quoted(required)}, "
        f"expected {MAJORITY}, {ALL} or a number from 1 to {regions}",
        hint=Hint.of(
            "Set ",
            Option("required-regions", ALL),
            " for every region, or leave it out for a majority",
        ),
    )


def required_to_read(regions: int) -> int:
    """Return how many of *regions* have to answer before a channel is known.

    Any set of this many regions shares one with every majority, so with every successful staging.
    """
    return -(-regions // 2)


def majority(regions: int) -> int:
    """Return the smallest number of *regions* of which any two sets have a region in common."""
    return regions // 2 + 1


def left_out(regions: Collection[str], listed: Iterable[str]) -> list[str]:
    """Return what is *listed* as configured and is not among *regions*, in the order of the list.

    Where none of *regions* is in it, it is another list, and nothing of it was left out.
    """
    known = dict.fromkeys(listed)
    return [name for name in known if name not in regions] if set(regions) & set(known) else []


def refuse_shared_store(stores: Mapping[str, str]) -> None:
    """Return when all *stores*, by region, are different.

    Two regions in one bucket fail together, so they must not count as two of a majority.

    Raises:
        InputError: Two regions are one store.
    """
    by_store: dict[str, str] = {}
    for region, store in stores.items():
        if other := by_store.get(store):
            raise InputError(
                f"regions {other} and {region} are one store: {store}",
                hint="Give each region a bucket or directory of its own",
            )
        by_store[store] = region
