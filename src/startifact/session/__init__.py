"""The session: the one thing that a program needs."""

from startifact.session.channels import ChannelMethods
from startifact.session.copying import CopyMethods
from startifact.session.doctor import DoctorMethods
from startifact.session.linking import LinkMethods
from startifact.session.listing import ListingMethods
from startifact.session.locking import LockMethods
from startifact.session.retention import RetentionMethods


class Session(
    LinkMethods,
    ListingMethods,
    ChannelMethods,
    RetentionMethods,
    LockMethods,
    CopyMethods,
    DoctorMethods,
):
    """Stages and gets artifacts in one list of regions.

    Configuration, bucket names and clients are looked up once, when they are first needed. A
    session may be used from several threads, and is meant to be used again and again.

    As a context manager it is closed at the end, as with `close`:

        with Session(regions=["us-east-1"]) as session:
            session.get("SugarWater").downloader.download("dist.tar.gz")

    Every method that asks regions may raise, beside what it says itself, a `ConfigurationError`,
    an `AccessDeniedError` or a `RegionUnavailableError` where the configuration that names the
    regions cannot be read, and a `DeadlineError` inside `deadline`.

    Args:
        regions: A list of regions, or one string that commas, spaces or newlines separate; by
            default ``STARTIFACT_REGIONS``, else the regions that the organisation configuration
            in ``AWS_REGION`` names. An item of the list is the spelling of a region, or a
            `Region` that the program has opened itself, which several sessions may share; no two
            have the same name.
        read_only: Nothing is written, and `stage` and `repair` report what they would do.
        required_regions: How many regions have to hold an artifact before its staging has
            succeeded: ``majority``, ``all`` or a number.
        configuration_loader: Reads the organisation configuration and makes clients for AWS; it
            can be shared by several sessions. By default the session has one of its own.
        boto3_session: Makes the clients for AWS, with its credentials, its configuration and,
            where ``AWS_REGION`` is not set, its region; see `ConfigurationLoader`. It cannot be
            given beside *configuration_loader*, which takes one itself.
        progress: Is called with how far bytes have got.
        settings: What to take for the environment, which is read by default.
        limits: How long is waited and how often is tried; a *configuration_loader* has its own
            for requests to AWS.

    Raises:
        InputError: A region is not spelled as it should be or named twice, *required_regions* is
            not valid, or *configuration_loader* and *boto3_session* are both given.
    """
