"""The two kinds of region on S3: a bucket that is named, and one that is configured."""

import logging
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from startifact.concurrency.background import BackgroundCall
from startifact.concurrency.heartbeat import holding
from startifact.errors import ConfigurationError, InputError
from startifact.files.source import Source
from startifact.limits import Limits
from startifact.model.configuration import (
    Configuration,
    bucket_options_in,
    is_reserved_parameter,
)
from startifact.model.examination import Check, ExaminationRequest
from startifact.model.keys import LATEST, Key, channel_parameter, project_of
from startifact.model.links import LinkRequest, SignedLink
from startifact.regions.aws.bucket import Bucket
from startifact.regions.aws.clients import Clients
from startifact.regions.aws.configuration_loader import (
    ConfigurationLoader,
    begin_bucket_name,
    clients_of,
    parameters_of,
    store_configuration,
)
from startifact.regions.aws.endpoint import is_custom, normalised_endpoint
from startifact.regions.aws.pages import page_of
from startifact.regions.aws.partitions import store_in
from startifact.regions.aws.probe import check_conditions, check_deletion
from startifact.regions.aws.spec import BucketSpec, is_bucket_name, wrong_kind_of_bucket
from startifact.regions.interface import (
    Beat,
    Location,
    Region,
    StoredArtifact,
    StoredChannel,
)
from startifact.regions.pages import Page
from startifact.text import quoted

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Reach(NamedTuple):
    """How the bucket of a region is reached."""

    clients: Clients
    aws_region: str
    profile: str | None = None
    endpoint: str | None = None
    """That of a store which the region's spelling names."""

    loader: ConfigurationLoader | None = None
    """What reads its configuration; ``None`` where it needs no SSM."""


class S3Region(Region):
    """A region that keeps artifacts in one bucket, which is looked up once, when it is needed."""

    def __init__(self, name: str, *, limits: Limits) -> None:
        self.name = name
        self._limits = limits
        self._lock = threading.Lock()
        self._known: Bucket | None = None
        self._probe_lock = threading.Lock()  # not `_lock`: `location` must not wait for the probe
        self._trusted = False
        self._trusted_with_deletion = False

    @abstractmethod
    def _look_up(self) -> Bucket:
        """Return the bucket."""

    def _bucket(self) -> Bucket:
        with holding(self._lock):
            if self._known is None:
                self._known = self._look_up()
                meta = self._known.client.meta
                logger.debug(
                    "%s: the bucket is %s, asked at %s",
                    self.name, self._known.name, meta.endpoint_url,
                )  # fmt: skip
            return self._known

    def store_identity(self) -> str:
        """See `Region.store_identity`."""
        bucket = self._bucket()
        if not bucket.is_aws:
            return f"{normalised_endpoint(bucket.client.meta.endpoint_url)}/{bucket.name}"
        return store_in(bucket.client.meta.partition, bucket.name)

    def location(self, key: Key) -> Location:
        """See `Region.location`."""
        bucket = self._bucket()
        full = bucket.full(key)
        return Location(
            region=self.name,
            bucket=bucket.name,
            key=full,
            uri=f"s3://{bucket.name}/{full}",
            page=page_of(bucket.client.meta.region_name, bucket.name, full)
            if bucket.is_aws
            else "",
        )

    def describe(self, key: Key) -> StoredArtifact | None:
        """See `Region.describe`."""
        return self._bucket().describe(key)

    def why_absent(self, key: Key) -> str | None:
        """See `Region.why_absent`."""
        return self._bucket().why_absent(key)

    def create(
        self, key: Key, source: Source, encoded_record: str, beat: Beat
    ) -> StoredArtifact | None:
        """See `Region.create`."""
        return self._bucket().create(key, source, encoded_record, beat)

    def can_copy_from(self, origin: Region) -> bool:
        """See `Region.can_copy_from`."""
        return isinstance(origin, S3Region) and self._bucket().can_copy_from(origin._bucket())

    def create_copy(
        self,
        key: Key,
        source: Source,
        encoded_record: str,
        beat: Beat,
        *,
        origin: Region,
        stored: StoredArtifact,
    ) -> None:
        """See `Region.create_copy`."""
        if not isinstance(origin, S3Region):
            raise TypeError(origin)
        self._bucket().create_copy(
            key, source, encoded_record, beat, origin=origin._bucket(), stored=stored
        )

    def read(self, key: Key, stored: StoredArtifact, start: int, stop: int) -> Iterator[bytes]:
        """See `Region.read`."""
        return self._bucket().read(key, stored, start, stop)

    def sign_link(self, key: Key, stored: StoredArtifact, request: LinkRequest) -> SignedLink:
        """See `Region.sign_link`."""
        # Only here: no other command needs it.
        from startifact.regions.aws.links import signed_link

        bucket, reach = self._bucket(), self._reached_with()
        credentials = reach.clients.credentials(reach.profile, reach.aws_region)
        return signed_link(bucket, credentials, key, stored, request)

    def keys(self, prefix: str) -> Iterator[str]:
        """See `Region.keys`."""
        return self._bucket().keys(prefix)

    def first_page(self, prefix: str, delimiter: str = "") -> Page:
        """See `Region.first_page`."""
        return self._bucket().first_page(prefix, delimiter)

    def channel_keys(self, prefix: str) -> Iterator[str]:
        """See `Region.channel_keys`."""
        return self._bucket().channel_keys(prefix)

    def projects(self) -> Iterator[str]:
        """See `Region.projects`."""
        return self._bucket().projects()

    def delete(self, key: Key, stored: StoredArtifact) -> bool:
        """See `Region.delete`."""
        self.preflight_deletion(project_of(key))
        return self._bucket().delete(key, stored)

    def replace_with_tombstone(
        self, key: Key, encoded_record: str, stored: StoredArtifact | None
    ) -> bool:
        """See `Region.replace_with_tombstone`; a store that is not AWS has passed the probe."""
        self.preflight(project_of(key))
        return self._bucket().replace_with_tombstone(key, encoded_record, stored)

    def read_channel(self, key: Key) -> StoredChannel | None:
        """See `Region.read_channel`."""
        return self._bucket().read_channel(key)

    def write_channel(self, key: Key, text: str, expected: StoredChannel | None) -> bool:
        """See `Region.write_channel`."""
        return self._bucket().write_channel(key, text, expected)

    def read_text(self, key: Key, limit: int) -> str | None:
        """Return the text of the object at *key*; ``None`` when the region says that there is none.

        A text of more than *limit* bytes is cut to *limit* + 1.
        """
        found = self._bucket().read_small(key, limit)
        return None if found is None else found.text

    def ask_in_background(self, ask: Callable[[], T]) -> Callable[[], T]:
        """See `Region.ask_in_background`: each answer takes a round trip."""
        return BackgroundCall(ask).result

    def preflight(self, project: str) -> None:
        """See `Region.preflight`: a store that is not AWS has to pass the probe."""
        bucket = self._bucket()
        if bucket.is_aws:
            return
        with holding(self._probe_lock):
            if not self._trusted:
                check_conditions(bucket, project)
                self._trusted = True

    def preflight_deletion(self, project: str) -> None:
        """See `Region.preflight_deletion`; stores that are staged to may lack just that."""
        bucket = self._bucket()
        if bucket.is_aws:
            return
        with holding(self._probe_lock):
            if not self._trusted_with_deletion:
                check_deletion(bucket, project)
                self._trusted_with_deletion = True

    @abstractmethod
    def _reached_with(self) -> "Reach":
        """Return how the bucket is reached."""

    def examine(self, request: ExaminationRequest) -> Iterator[Check]:
        """See `Region.examine`."""
        # Only here: no other command needs it.
        from startifact.regions.aws.examination import Examined, examine

        examined = Examined(
            name=self.name,
            reach=self._reached_with(),
            bucket=self._bucket,
            store_identity=self.store_identity,
            preflight=self.preflight,
        )
        yield from examine(examined, request)

    def is_untried(self) -> bool:
        """See `Region.is_untried`."""
        return not self._bucket().is_aws and not self._trusted


class BucketRegion(S3Region):
    """One bucket without any organisation configuration."""

    def __init__(
        self, spec: BucketSpec, *, clients: Clients, default_region: str | None, limits: Limits
    ) -> None:
        super().__init__(spec.text, limits=limits)
        self._spec = spec
        self._clients = clients
        # Where this is the wrong one, S3 redirects to the bucket's. Stores other than AWS hardly
        # care.
        self._aws_region = spec.region or default_region or "us-east-1"
        self._in_region = spec.region is not None and spec.endpoint is None

    def _look_up(self) -> Bucket:
        client = self._clients.s3(
            self._aws_region,
            endpoint=self._spec.endpoint,
            profile=self._spec.profile,
            addressing=self._spec.addressing,
            in_region=self._in_region,
            options=self._spec.options,
        )
        return Bucket(
            client,
            region=self.name,
            name=self._spec.bucket,
            prefix=self._spec.prefix,
            limits=self._limits,
            options=self._spec.options,
        )

    def _reached_with(self) -> Reach:
        return Reach(self._clients, self._aws_region, self._spec.profile, self._spec.endpoint)


class ParameterMirror:
    """Channels as SSM parameters of one AWS region; see `Mirror`."""

    def __init__(self, region: str, loader: ConfigurationLoader) -> None:
        self._region = region
        self._loader = loader

    def read(self, project: str, channel: str) -> str | None:
        """See `Mirror.read`."""
        return parameters_of(self._loader, self._region).get(self._name(project, channel))

    def write(self, project: str, channel: str, version: str) -> None:
        """See `Mirror.write`."""
        if self.mirrors(channel):
            parameters_of(self._loader, self._region).put(self._name(project, channel), version)

    def delete(self, project: str, channel: str) -> None:
        """See `Mirror.delete`."""
        if self.mirrors(channel):
            parameters_of(self._loader, self._region).delete(self._name(project, channel))

    def mirrors(self, channel: str) -> bool:
        """See `Mirror.mirrors`: the organisation configuration says it."""
        listed = store_configuration(self._loader, self._region).mirrored_channels
        return channel == LATEST or listed is None or channel in listed

    def _name(self, project: str, channel: str) -> str:
        prefix = store_configuration(self._loader, self._region).parameter_name_prefix
        return channel_parameter(prefix, project, channel)


_PUT = "aws ssm put-parameter"


class OrganisationRegion(S3Region):
    """An AWS region whose bucket the organisation configuration names."""

    def __init__(self, name: str, *, loader: ConfigurationLoader, limits: Limits) -> None:
        super().__init__(name, limits=limits)
        self._loader = loader
        self.mirror = ParameterMirror(name, loader)

    def _reached_with(self) -> Reach:
        return Reach(clients_of(self._loader), self.name, loader=self._loader)

    def _look_up(self) -> Bucket:
        configuration = store_configuration(self._loader, self.name)
        parameter = configuration.bucket_name_param
        name = begin_bucket_name(self._loader, self.name)
        if len(configuration.regions) == 1:
            # Meanwhile: it takes a third of a round trip to another continent. Beside other
            # regions it would take the processor from their first requests.
            self._client(configuration)
        bucket = name.result()
        if bucket is None:
            raise ConfigurationError(
                f"there is no parameter {parameter} in {self.name}",
                hint=f"Make it: {_PUT} --region {self.name} --name {parameter} --type String "
                "--value NAME_OF_BUCKET; or correct bucket_name_param in the organisation "
                "configuration, which names it",
            )
        if wrong := wrong_kind_of_bucket(bucket.strip()):
            raise ConfigurationError(
                f"parameter {parameter} in {self.name} holds {quoted(bucket)}, which is {wrong}",
                hint=self._into_parameter(parameter),
            )
        if not is_bucket_name(bucket.strip()):
            raise ConfigurationError(
                f"parameter {parameter} in {self.name} holds {quoted(bucket)}, "
                "expected the name of a bucket",
                hint=self._into_parameter(parameter),
            )
        return Bucket(
            self._client(configuration),
            region=self.name,
            name=bucket.strip(),
            prefix=configuration.bucket_key_prefix,
            limits=self._limits,
            options=bucket_options_in(configuration, self.name),
        )

    def _client(self, configuration: Configuration) -> "S3Client":
        endpoint = (configuration.endpoint or {}).get(self.name)
        # Other stores call their regions as they like.
        in_region = endpoint is None or not is_custom(endpoint)
        options = bucket_options_in(configuration, self.name)
        clients = clients_of(self._loader)
        return clients.s3(self.name, endpoint=endpoint, in_region=in_region, options=options)

    def _into_parameter(self, parameter: str) -> str:
        return (
            f"Put the name of a general purpose bucket into it: {_PUT} --region {self.name} "
            f"--overwrite --name {parameter} --value NAME_OF_BUCKET"
        )

    def check_project(self, project: str) -> None:
        """See `Region.check_project`: SSM keeps some names for itself."""
        prefix = store_configuration(self._loader, self.name).parameter_name_prefix
        if not prefix and is_reserved_parameter(project):
            raise InputError(
                f"project {quoted(project)} begins with aws or ssm, and {self.name} has no "
                "parameter_name_prefix: SSM keeps such names for itself",
                hint="Rename the project, or set parameter_name_prefix in the organisation "
                "configuration",
            )

    def configured_regions(self) -> tuple[str, ...]:
        """See `Region.configured_regions`."""
        return store_configuration(self._loader, self.name).regions
