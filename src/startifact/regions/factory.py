"""From the spelling of a region to the region itself."""

from collections.abc import Sequence

from startifact.regions.aws.configuration_loader import ConfigurationLoader
from startifact.regions.directory.region import DirectoryRegion
from startifact.regions.interface import Region
from startifact.regions.spec import AwsSpelling, BucketSpelling, DirectorySpelling, Spelling


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
    return tuple(
        DirectoryRegion(spelling.text, spelling.path)
        if isinstance(spelling, DirectorySpelling)
        else _aws(spelling, loader, default_region)
        for spelling in spellings
    )


def _aws(
    spelling: AwsSpelling | BucketSpelling,
    loader: ConfigurationLoader,
    default_region: str | None,
) -> Region:
    # Only here: importing boto3 takes longer than all the rest of a small staging.
    from startifact.regions.aws.region import BucketRegion, OrganisationRegion

    if isinstance(spelling, AwsSpelling):
        return OrganisationRegion(spelling.text, loader=loader)
    return BucketRegion(spelling, clients=loader.clients, default_region=default_region)
