"""From the spelling of a region to the region itself."""

from collections.abc import Sequence

from startifact.limits import DEFAULT_LIMITS, Limits
from startifact.regions.aws.configuration_loader import ConfigurationLoader
from startifact.regions.directory.region import DirectoryRegion
from startifact.regions.interface import Region
from startifact.regions.spec import AwsSpec, BucketSpec, DirectorySpec, RegionSpec


def open_regions(
    specs: Sequence[RegionSpec],
    *,
    loader: ConfigurationLoader,
    default_region: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[Region, ...]:
    """Return the regions that *specs* name. Nothing is sent yet.

    *loader* is given to AWS regions. *default_region* signs requests to buckets whose spelling
    names no region.
    """
    return tuple(
        DirectoryRegion(spec.text, spec.path, limits=limits)
        if isinstance(spec, DirectorySpec)
        else _aws(spec, loader, default_region, limits)
        for spec in specs
    )


def _aws(
    spec: AwsSpec | BucketSpec,
    loader: ConfigurationLoader,
    default_region: str | None,
    limits: Limits,
) -> Region:
    # Only here: importing boto3 takes longer than all the rest of a small staging.
    from startifact.regions.aws.region import BucketRegion, OrganisationRegion

    if isinstance(spec, AwsSpec):
        return OrganisationRegion(spec.text, loader=loader, limits=limits)
    return BucketRegion(spec, clients=loader.clients, default_region=default_region, limits=limits)
