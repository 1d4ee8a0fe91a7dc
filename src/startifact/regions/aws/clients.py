"""Clients for AWS, each made once, with time-outs for commands that people wait for."""

import threading
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import botocore.session
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError, CredentialRetrievalError

from startifact.concurrency.heartbeat import holding
from startifact.errors import ConfigurationError, StartifactError
from startifact.limits import DEFAULT_LIMITS, Limits
from startifact.model.bucket_options import NO_OPTIONS, BucketOptions
from startifact.regions.aws.answers import mark_foreign_answers
from startifact.regions.aws.bodies import send_bodies_cheaply
from startifact.regions.aws.bucket_region import refuse_other_regions
from startifact.regions.aws.completion import watch_completions
from startifact.regions.aws.credentials import (
    UNREADABLE_CONFIGURATION,
    find_credentials,
    guard_credentials,
    with_credential_errors,
)
from startifact.regions.aws.endpoint import (
    check_configured_endpoint,
    check_endpoint,
    check_form,
)
from startifact.regions.aws.errors import (
    MISSING_CREDENTIALS,
    no_credentials,
)
from startifact.regions.aws.expect import send_bodies_at_once
from startifact.regions.aws.mfa import ask_with, asking, wants_code
from startifact.regions.aws.race import hold_back
from startifact.regions.aws.request_options import send_options
from startifact.regions.aws.retries import retry_requests, stop_retries_with_worker
from startifact.regions.aws.role import as_role
from startifact.regions.aws.sdk_models import SdkModels
from startifact.regions.aws.signing import sign_links_as_requests
from startifact.regions.aws.trouble import said_by_aws
from startifact.regions.aws.web_identity import WebIdentity
from startifact.text import quoted
from startifact.version import __version__

if TYPE_CHECKING:
    import boto3
    from botocore.credentials import Credentials
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient


OtherService = Literal["cloudformation", "iam", "kms", "sts"]


class Clients:
    """Makes each client once. Safe to use from several threads, as the clients are."""

    def __init__(
        self,
        identity: WebIdentity | None = None,
        *,
        boto3_session: "boto3.Session | None" = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._identity = identity
        self._given = boto3_session
        self._limits = limits
        # One for each profile: the program or service that gives its credentials may hang, and
        # regions of other profiles must not wait for it.
        self._locks: defaultdict[str | None, threading.Lock] = defaultdict(threading.Lock)
        self._cores: dict[str | None, botocore.session.Session] = {}
        self._sessions: dict[str | None, botocore.session.Session] = {}
        self._models: dict[tuple[str, ...], SdkModels] = {}
        self._unusable: dict[str | None, CredentialRetrievalError] = {}
        self._prepared: set[str | None] = set()
        self._reporting = threading.Lock()
        self._reported: set[str | None] = set()
        self._s3: dict[tuple[object, ...], S3Client] = {}
        self._ssm: dict[str, SSMClient] = {}
        self._others: dict[tuple[str, str, str | None], Any] = {}

    def prepare(self, profile: str | None = None, *, region: str | None = None) -> None:
        """Do what cannot be done while regions are waited for, once for each *profile*.

        Endpoints that are set outside of spellings are checked, and a person is asked for the code
        that the profile wants, if it wants one. Without the code, every region of the profile
        will say so. *region* is asked for credentials where nothing that is configured names one.

        Raises:
            ConfigurationError: Requests would go to an endpoint that they must not go to.
        """
        role_of_its_own = self._identity is not None and profile is None
        with self._locks[profile]:
            if profile in self._prepared or role_of_its_own:
                return
            try:
                core = self._core(profile)
                for service in ("s3", "ssm", "sts"):
                    check_configured_endpoint(core, service)
                if wants_code(core):
                    self._ask_for_code(profile, core, region)
            except BotoCoreError:
                pass  # what is wrong with the configuration is what each region will say
            self._prepared.add(profile)

    def _ask_for_code(
        self, profile: str | None, core: botocore.session.Session, region: str | None
    ) -> None:
        ask_with(core)
        try:
            with asking():
                credentials = self._session(profile, region).get_credentials()
                if credentials is not None:
                    with_credential_errors(credentials.get_frozen_credentials)
        except CredentialRetrievalError as e:
            self._unusable[profile] = e

    def s3(
        self,
        region: str,
        *,
        endpoint: str | None = None,
        profile: str | None = None,
        addressing: str | None = None,
        in_region: bool = False,
        options: BucketOptions = NO_OPTIONS,
    ) -> "S3Client":
        """Return the client for S3 in *region*; with *in_region* it refuses all other buckets.

        Of the *options* of its bucket it keeps those that are the matter of every request.

        *addressing* says where a bucket's name stands: ``virtual`` in the host, ``path`` behind it.
        Else the profile's ``addressing_style`` says so; without one it stands behind an endpoint
        that is not AWS's.

        Raises:
            ConfigurationError: The SDK's own configuration is wrong, or it names an endpoint that
                requests must not go to.
            AccessDeniedError: There is no such profile, or the credentials that are configured
                cannot be had.
        """
        key = (region, endpoint, profile, addressing, in_region, options)
        with holding(self._locks[profile]):
            if key not in self._s3:
                config = _config(self._limits).merge(
                    Config(
                        use_dualstack_endpoint=options.use_dualstack,
                        use_fips_endpoint=options.use_fips,
                    )
                )
                if addressing is not None:
                    config = config.merge(Config(s3={"addressing_style": addressing}))  # type: ignore[arg-type]
                try:
                    self._check_s3_settings(profile, region)
                    client = self._maker(profile, region)(
                        "s3", region_name=region, endpoint_url=endpoint, config=config
                    )
                except (BotoCoreError, ValueError) as e:
                    raise _unusable(region, e) from e
                check_endpoint(client.meta.endpoint_url, "s3")
                check_form(client.meta.endpoint_url, options)
                self._s3[key] = client
                self._guard(self._s3[key], profile)
                refuse_other_regions(self._s3[key], region if in_region else None)
                send_options(self._s3[key], options)
                mark_foreign_answers(self._s3[key])
                send_bodies_cheaply(self._s3[key], self._limits.send_block_bytes)
                hold_back(self._s3[key])
                send_bodies_at_once(self._s3[key])
                stop_retries_with_worker(self._s3[key])
                retry_requests(self._s3[key], self._limits)
                watch_completions(self._s3[key], self._limits)
                sign_links_as_requests(self._s3[key])
            return self._s3[key]

    def credentials(self, profile: str | None, region: str) -> "Credentials | None":
        """Return the credentials that the clients of *profile* sign with, or ``None``.

        Raises:
            ConfigurationError: The SDK's own configuration is wrong.
            AccessDeniedError: The credentials that are configured cannot be had.
        """
        with holding(self._locks[profile]):
            try:
                return self._session(profile, region).get_credentials()
            except (BotoCoreError, ValueError) as e:
                raise _unusable(region, e) from e

    def ssm(self, region: str) -> "SSMClient":
        """Return the client for Systems Manager in *region*.

        Raises:
            ConfigurationError: The SDK's own configuration is wrong.
            AccessDeniedError: The credentials that are configured cannot be had.
        """
        with holding(self._locks[None]):
            if region not in self._ssm:
                try:
                    client = self._maker(None, region)(
                        "ssm", region_name=region, config=_config(self._limits)
                    )
                except (BotoCoreError, ValueError) as e:
                    raise _unusable(region, e) from e
                check_endpoint(client.meta.endpoint_url, "ssm")
                self._ssm[region] = client
                self._guard(self._ssm[region], None)
                mark_foreign_answers(self._ssm[region])
                stop_retries_with_worker(self._ssm[region])
                retry_requests(self._ssm[region], self._limits)
            return self._ssm[region]

    def other(self, service: OtherService, region: str, profile: str | None = None) -> Any:
        """Return the client for *service* in *region*, which few commands ask.

        Raises:
            ConfigurationError: The SDK's own configuration is wrong, or it names an endpoint that
                requests must not go to.
            AccessDeniedError: The credentials that are configured cannot be had.
        """
        key = (service, region, profile)
        with holding(self._locks[profile]):
            if key not in self._others:
                try:
                    client = self._maker(profile, region)(
                        service, region_name=region, config=_config(self._limits)
                    )
                except (BotoCoreError, ValueError) as e:
                    raise _unusable(region, e) from e
                check_endpoint(client.meta.endpoint_url, service)
                self._others[key] = client
                self._guard(client, profile)
                mark_foreign_answers(client)
                stop_retries_with_worker(client)
                retry_requests(client, self._limits)
            return self._others[key]

    def sts_once(self, region: str, profile: str | None) -> Any:
        """Return a client for STS in *region* that makes each request once, for a short time.

        Raises:
            ConfigurationError: Its endpoint is one that requests must not go to.
            AccessDeniedError: The credentials that are configured cannot be had.
            BotoCoreError: The SDK's own configuration is wrong.
            ValueError: The region's name is.
        """
        seconds = self._limits.identity_seconds
        once = Config(
            connect_timeout=seconds, read_timeout=seconds, retries={"total_max_attempts": 1}
        )
        with holding(self._locks[profile]):
            client = self._maker(profile, region)(
                "sts", region_name=region, config=_config(self._limits).merge(once)
            )
            check_endpoint(client.meta.endpoint_url, "sts")
            self._guard(client, profile)
            mark_foreign_answers(client)
            return client

    def is_first_to_ask_for_identity(self, profile: str | None) -> bool:
        """Say whether nobody has asked this before for *profile*."""
        with self._reporting:
            is_first = profile not in self._reported
            self._reported.add(profile)
            return is_first

    def close(self) -> None:
        """Close the connections of all clients; clients that are asked for later are new."""
        # Without the locks: a thread that holds one may wait for credentials that never come.
        clients = [*self._s3.values(), *self._ssm.values(), *self._others.values()]
        self._s3, self._ssm, self._others = {}, {}, {}
        for client in clients:
            client.close()

    def _guard(self, client: BaseClient, profile: str | None) -> None:
        if profile is None and self._given is not None:
            guard_credentials(client, self._given.get_credentials())

    def _core(self, profile: str | None) -> botocore.session.Session:
        if profile is None and self._given is not None:
            # boto3 has no other way to what it was configured with: see test_botocore.py.
            core: botocore.session.Session = self._given._session
            return core
        if profile not in self._cores:
            self._cores[profile] = botocore.session.Session(profile=profile)
        return self._cores[profile]

    def _check_s3_settings(self, profile: str | None, region: str) -> None:
        """Refuse a value where the SDK expects settings: it ends in an AttributeError itself."""
        session = self._session(profile, region)
        if not isinstance(session, botocore.session.Session):
            session = self._core(profile)
        settings = session.get_scoped_config().get("s3", {})
        if not isinstance(settings, dict):
            raise ConfigurationError(
                f"cannot make a client for {region}: the AWS configuration says s3 = "
                f"{quoted(settings)}, expected indented settings below it",
                hint="Write settings below s3 = in the AWS configuration file, such as "
                "addressing_style = path, or take s3 away",
            )

    def _maker(self, profile: str | None, region: str | None) -> Callable[..., Any]:
        """Return what makes a client of any service, as *profile*."""
        session = self._session(profile, region)
        return (
            session.create_client
            if isinstance(session, botocore.session.Session)
            else session.client
        )

    def _session(
        self, profile: str | None, region: str | None
    ) -> "botocore.session.Session | boto3.Session":
        # A session is not safe to share between threads: it is only used under the lock.
        if profile in self._unusable:
            raise self._unusable[profile]
        if profile is None and self._given is not None:
            with_credential_errors(self._given.get_credentials)
            return self._given
        if profile not in self._sessions:
            if self._identity is not None and profile is None:
                session = session_of_role(self._identity, self._limits)
            else:
                session = self._core(profile)
                if region and not session.get_config_variable("region"):
                    # For the services that give credentials; S3 and SSM are given theirs.
                    session.set_config_variable("region", region)
                find_credentials(session)
            self._share_models(session)
            self._sessions[profile] = session
        return self._sessions[profile]

    def _share_models(self, session: botocore.session.Session) -> None:
        """Make *session* read no description of a service that another session has read."""
        paths = tuple(session.get_component("data_loader").search_paths)
        models = self._models.setdefault(paths, SdkModels(paths))
        session.register_component("data_loader", models)


def session_of_role(identity: WebIdentity, limits: Limits) -> botocore.session.Session:
    """Return a session of the SDK that is *identity*'s role."""
    attempts = limits.request_retry.attempts
    retries = Config(retries={"mode": "standard", "total_max_attempts": attempts})
    return as_role(identity, _config(limits).merge(retries), limits=limits)


def _config(limits: Limits) -> Config:
    return Config(
        connect_timeout=limits.connect_seconds,
        read_timeout=limits.read_seconds,
        tcp_keepalive=True,
        max_pool_connections=limits.connections,
        user_agent_extra=f"startifact/{__version__}",
        # Every request that carries bytes has its SHA-256 from us; the SDK's own checksums break
        # stores other than AWS and miss ranged reads.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


def _unusable(region: str, error: Exception) -> StartifactError:
    if isinstance(error, (*MISSING_CREDENTIALS, *UNREADABLE_CONFIGURATION)):
        return no_credentials(region, error)
    return ConfigurationError(
        f"cannot make a client for {region}: {said_by_aws(error)}",
        hint="Check AWS_PROFILE, the AWS configuration file and the region's name",
    )
