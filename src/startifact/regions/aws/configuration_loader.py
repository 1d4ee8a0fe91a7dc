"""Reading the organisation configuration from SSM."""

import logging
import threading
from typing import TYPE_CHECKING, Self, TypeAlias

from startifact.concurrency.heartbeat import CURRENT_HEARTBEAT, holding
from startifact.errors import ConfigurationError, InputError
from startifact.hints import Command, Hint
from startifact.limits import DEFAULT_LIMITS, QUOTED_KEY_CHARACTERS, Limits
from startifact.model.configuration import (
    DEFAULT_PARAMETER,
    Configuration,
    is_parameter_name,
    parse_configuration,
)
from startifact.regions.aws.web_identity import WebIdentity
from startifact.settings import Settings
from startifact.text import quoted

if TYPE_CHECKING:
    import boto3

    from startifact.regions.aws.clients import Clients
    from startifact.regions.aws.parameters import Parameters

    Boto3Session: TypeAlias = boto3.Session

logger = logging.getLogger(__name__)


class ConfigurationLoader:
    """Reads the organisation configuration, once for each AWS region.

    One loader can be given to several sessions, which then share what it has read and the
    connections it has made. Safe to use from several threads.

    It makes connections when they are first needed. Left as a context manager, or with `close`, it
    closes them; it can be used again, and makes new ones.

    Args:
        parameter: The SSM parameter that holds the configuration; by default the one that
            ``STARTIFACT_PARAMETER`` names, else ``/startifact``.
        identity: A role that is taken on for everything, instead of what the SDK finds by itself.
        boto3_session: Makes all clients, with its credentials and configuration, but for buckets
            whose spelling names a profile; the SDK's default session does otherwise. Its region
            is that of a `Session` where ``AWS_REGION`` is not set. It is never closed, and as it
            is not safe to share between threads, it should not be used for anything else while a
            `Session` works.
        limits: How long requests wait and how often they are tried.

    Raises:
        InputError: *parameter* cannot be the name of a parameter, or both *identity* and
            *boto3_session* are given.
    """

    def __init__(
        self,
        parameter: str | None = None,
        *,
        identity: WebIdentity | None = None,
        boto3_session: "Boto3Session | None" = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        if identity is not None and boto3_session is not None:
            raise InputError(
                "identity and boto3_session are both given, and each says who to be in AWS",
                hint="Leave one of them out",
            )
        if parameter is None:
            parameter = Settings.from_environment().parameter
        if not is_parameter_name(parameter):
            raise InputError(
                f"configuration parameter {quoted(parameter)} is not the name of an SSM parameter",
                hint=f"Leave it out for {DEFAULT_PARAMETER}",
            )
        self._parameter = parameter
        self._identity = identity
        self._boto3_session = boto3_session
        self._limits = limits
        self._lock = threading.Lock()
        self._clients: Clients | None = None
        self._parameters: dict[str, Parameters] = {}
        self._loaded: dict[str, Configuration] = {}
        self._reading: dict[str, threading.Lock] = {}

    def __repr__(self) -> str:
        return f"<ConfigurationLoader {quoted(self._parameter)}>"

    @property
    def parameter(self) -> str:
        """The SSM parameter that holds the configuration."""
        return self._parameter

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that were made; what has been read stays known."""
        with self._lock:
            clients, self._clients = self._clients, None
            self._parameters.clear()
        if clients is not None:
            clients.close()

    def load(self, region: str) -> Configuration:
        """Return the organisation configuration that *region* holds.

        Raises:
            ConfigurationError: There is none, or it is not valid; the message has every problem.
            AccessDeniedError: AWS refused to show it.
            RegionUnavailableError: The region did not answer.
        """
        if CURRENT_HEARTBEAT.get() is None:  # not in a region's thread, which may ask nobody
            clients_of(self).prepare(region=region)
        with self._lock:
            reading = self._reading.setdefault(region, threading.Lock())
        with holding(reading):  # so that it is read once, even if several threads need it at once
            if region not in self._loaded:
                self._loaded[region] = self._read(region)
            return self._loaded[region]

    def _read(self, region: str) -> Configuration:
        source = f"{self._parameter} in {region}"
        text = parameters_of(self, region).get(self._parameter)
        if text is None:
            raise ConfigurationError(
                f"there is no organisation configuration in {source}",
                hint=Hint.of(
                    "Run ",
                    Command("setup"),
                    ", or name a bucket (s3://bucket?region=...) instead of the region",
                ),
            )
        configuration = parse_configuration(text, source=source)
        if configuration.unknown_keys:
            logger.warning(
                "the organisation configuration in %s has keys that are ignored: %s",
                source,
                ", ".join(quoted(k, QUOTED_KEY_CHARACTERS) for k in configuration.unknown_keys),
            )  # fmt: skip
        return configuration


# Functions, not methods of the public class: what they return is not public.


def clients_of(loader: ConfigurationLoader) -> "Clients":
    """Return the clients that *loader* and the regions it is given to share."""
    # Only here, because importing boto3 takes longer than all the rest of a dry run.
    from startifact.regions.aws.clients import Clients

    with loader._lock:
        if loader._clients is None:
            loader._clients = Clients(
                loader._identity, boto3_session=loader._boto3_session, limits=loader._limits
            )
        return loader._clients


def default_region_of(loader: ConfigurationLoader) -> str | None:
    """Return the region of the session of boto3 that *loader* was given, where there is one."""
    session = loader._boto3_session
    return None if session is None else session.region_name


def parameters_of(loader: ConfigurationLoader, region: str) -> "Parameters":
    """Return the SSM parameters of *region*, read and written with the clients of *loader*."""
    from startifact.regions.aws.parameters import Parameters

    client = clients_of(loader).ssm(region)
    parameters = Parameters(client, region, retry=loader._limits.parameter_retry)
    with loader._lock:
        return loader._parameters.setdefault(region, parameters)
