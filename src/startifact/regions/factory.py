"""From the spelling of a region to the region itself."""

from collections.abc import Sequence

from startifact.regions.aws.configuration_loader import ConfigurationLoader
from startifact.regions.directory import DirectoryRegion
from startifact.regions.interface import Region
from startifact.regions.spelling import DirectorySpelling, Spelling


def open_regions(
    spellings: Sequence[Spelling],
    *,
    loader: ConfigurationLoader,
    default_region: str | None = None,
) -> tuple[Region, ...]:
    """Return the regions that *spellings* name. Nothing is sent yet.

    *loader* is given to AWS regions. *default_region* signs requests to buckets whose spelling
    names no region.
    """
    opened: list[Region] = []
    for spelling in spellings:
        if isinstance(spelling, DirectorySpelling):
            opened.append(DirectoryRegion(spelling.text, spelling.path))
        else:
            # Only here: importing boto3 takes longer than all the rest of a small staging.
            from startifact.regions.aws.open import open_aws

            opened.append(open_aws(spelling, loader=loader, default_region=default_region))
    return tuple(opened)
