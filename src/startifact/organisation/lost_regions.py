"""Regions that an organisation configuration has, and would have no more."""

from collections.abc import Collection, Mapping, Sequence

from startifact.hints import Hint, Option
from startifact.model.aws_regions import AWS_REGION
from startifact.model.strict_json import JsonError, parse_object
from startifact.problems import Problems
from startifact.text import quoted_list


def check_removed(removed: Collection[str], regions: Collection[str], problems: Problems) -> None:
    """Add to *problems* which of *removed* cannot go from an organisation that has *regions*."""
    for region in removed:
        if not AWS_REGION.fullmatch(region):
            problems.add("--remove-region", region, "an AWS region such as eu-west-1")
        elif region in regions:
            problems.add("--remove-region", region, "a region that --regions lacks")


def check_lost_regions(
    present: Mapping[str, str | None],
    regions: Sequence[str],
    *,
    may_go: Collection[str],
    parameter: str,
    another: str,
    problems: Problems,
) -> None:
    """Add to *problems* which regions would be lost, of those that nobody says *may_go*.

    A region that is lost keeps a configuration that says more than the others then do. *present*
    is what *parameter* holds in each region that was asked, and *another* a parameter that another
    organisation may have.
    """
    for region, text in present.items():
        before = regions_in(text)
        lost = [name for name in before if name not in regions and name not in may_go]
        if lost:
            every = ",".join(dict.fromkeys([*regions, *before]))
            problems.say(
                f"{parameter} in {region} is of {quoted_list(before)}, and would lose "
                f"{quoted_list(lost)}",
                hint=_hint(every, lost, another),
            )


def _hint(every: str, lost: Sequence[str], another: str) -> Hint:
    going = [part for name in lost for part in (" ", Option("remove-region", name))]
    return Hint.of(
        "Name all of its regions: ",
        Option("regions", every),
        "; or say which are meant to go:",
        *going,
        "; or give this organisation a configuration of its own: ",
        Option("configuration-parameter", another),
    )


def regions_in(configuration: str | None) -> list[str]:
    """Return the regions of *configuration*; none where it is not a valid one."""
    try:
        regions = parse_object(configuration or "{}").get("regions")
    except JsonError:
        return []
    if isinstance(regions, str):  # as the first Startifact wrote them
        regions = [name.strip() for name in regions.split(",") if name.strip()]
    return [r for r in regions if isinstance(r, str)] if isinstance(regions, list) else []


def text_of_removed(region: str, parameter: str) -> str:
    """Return what is left in a *region* that has gone, and how to be rid of it."""
    return (
        "its configuration stays, and names the regions before: aws ssm delete-parameter "
        f"--region {region} --name {parameter}"
    )
