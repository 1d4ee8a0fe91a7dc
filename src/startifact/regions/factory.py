"""From the spelling of a region to the region itself."""

from collections.abc import Sequence

from startifact.regions.aws.configuration_loader import ConfigurationLoader, clients_of
from startifact.regions.directory.region import DirectoryRegion
from startifact.regions.interface import Region
from startifact.regions.spec import AwsSpec, BucketSpec, DirectorySpec, RegionSpec


def open_regions(
    specs: Sequence[RegionSpec],
    *,
    loader: ConfigurationLoader,
    default_region: str | None = None,
) -> tuple[Region, ...]:
    """Return the regions that *specs* name. Nothing is sent yet.

    *loader* is given to AWS regions. *default_region* signs requests to buckets whose spelling
    names no region.
    """
    return tuple(
        DirectoryRegion(spec.text, spec.path)
        if isinstance(spec, DirectorySpec)
        else _aws(spec, loader, default_region)
        for spec in specs
    )


def _aws(
    spec: AwsSpec | BucketSpec,
    loader: ConfigurationLoader,
    default_region: str | None,
) -> Region:
    # Only here: importing boto3 takes longer than all the rest of a small staging.
    from startifact.regions.aws.region import BucketRegion, OrganisationRegion

    if isinstance(spec, AwsSpec):
        return OrganisationRegion(spec.text, loader=loader)
    return BucketRegion(spec, clients=clients_of(loader), default_region=default_region)
