"""Opening regions on AWS and on stores that speak S3."""

from startifact.regions.aws.configuration_loader import ConfigurationLoader
from startifact.regions.aws.region import BucketRegion, OrganisationRegion
from startifact.regions.interface import Region
from startifact.regions.spelling import AwsSpelling, BucketSpelling


def open_aws(
    spelling: AwsSpelling | BucketSpelling,
    *,
    loader: ConfigurationLoader,
    default_region: str | None,
) -> Region:
    """Return the region that *spelling* names. Nothing is sent yet."""
    if isinstance(spelling, AwsSpelling):
        return OrganisationRegion(spelling.text, loader=loader)
    return BucketRegion(spelling, clients=loader.clients, default_region=default_region)
