"""Reading the organisation configuration from SSM."""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Self, TypeAlias

from startifact.concurrency.background import BackgroundCall
from startifact.concurrency.heartbeat import CURRENT_HEARTBEAT, holding
from startifact.errors import ConfigurationError, InputError
from startifact.hints import Command, Hint
from startifact.limits import (
    DEFAULT_LIMITS,
    QUOTED_KEY_CHARACTERS,
    SERVICE_TEXT_CHARACTERS,
    Limits,
)
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
        self._stores: dict[str, Configuration] = {}
        self._texts: dict[str, str] = {}
        self._guesses: dict[str, tuple[str, BackgroundCall[str | None]]] = {}
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
        return self._once(region, self._loaded, self._read)

    def _read(self, region: str) -> Configuration:
        """Return the configuration of *region*, and warn of what is odd about its regions."""
        with self._text(region) as text:
            configuration = parse_configuration(text, source=self._source(region))
        for warning in configuration.warnings:
            logger.warning(
                "the organisation configuration in %s: %s", self._source(region), warning
            )
        return configuration

    def _read_store(self, region: str) -> Configuration:
        """Return the same, with no regions where what it says of them is not valid."""
        self._guess_bucket(region)
        with self._text(region) as text:
            try:
                return parse_configuration(text, source=self._source(region))
            except ConfigurationError:
                return parse_configuration(text, source=self._source(region), with_regions=False)

    def _guess_bucket(self, region: str) -> None:
        """Begin to read the bucket's name from the parameter that another region names for it.

        In most organisations all regions name the same one, and its value is read beside the
        configuration that says so. Where they do not, the answer is passed over.
        """
        with self._lock:
            others = [*self._stores.values(), *self._loaded.values()]
        if region not in self._texts and others:
            parameter = others[0].bucket_name_param
            get = partial(parameters_of(self, region).get, parameter)
            self._guesses[region] = parameter, BackgroundCall(get)

    @contextlib.contextmanager
    def _text(self, region: str) -> Iterator[str]:
        """Give the configuration of *region* as it is stored.

        It is read once, and again after one that was not valid.
        """
        known = self._texts.pop(region, None)
        text = self._fetched(region) if known is None else known
        yield text
        self._texts[region] = text
        if known is None:
            shown_text = quoted(text, SERVICE_TEXT_CHARACTERS)
            logger.debug("the configuration in %s: %s", self._source(region), shown_text)
            self._warn_of_unknown_keys(region, text)

    def _fetched(self, region: str) -> str:
        answer = BackgroundCall(partial(parameters_of(self, region).get, self._parameter))
        # Meanwhile: whoever asked needs these modules next, and would wait for them later.
        from startifact.regions.aws import bucket, probe  # noqa: F401

        text = answer.result()
        if text is None:
            raise ConfigurationError(
                f"there is no organisation configuration in {self._source(region)}",
                hint=Hint.of(
                    "Run ",
                    Command("setup"),
                    ", or name a bucket (s3://bucket?region=...) instead of the region",
                ),
            )
        return text

    def _warn_of_unknown_keys(self, region: str, text: str) -> None:
        source = self._source(region)
        configuration = parse_configuration(text, source=source, with_regions=False)
        if configuration.unknown_keys:
            logger.warning(
                "the organisation configuration in %s has keys that are ignored: %s",
                source,
                ", ".join(quoted(k, QUOTED_KEY_CHARACTERS) for k in configuration.unknown_keys),
            )  # fmt: skip

    def _source(self, region: str) -> str:
        return f"{self._parameter} in {region}"

    def _once(
        self, region: str, known: dict[str, Configuration], read: Callable[[str], Configuration]
    ) -> Configuration:
        with self._lock:
            reading = self._reading.setdefault(region, threading.Lock())
        with holding(reading):  # so that it is read once, even if several threads need it at once
            if region not in known:
                known[region] = read(region)
            return known[region]


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


def store_configuration(loader: ConfigurationLoader, region: str) -> Configuration:
    """Return the configuration of *region* for one that somebody has named.

    Its regions may be anything then: where they are not valid, it names none.

    Raises:
        ConfigurationError: There is none, or what is left of it is not valid.
        AccessDeniedError: AWS refused to show it.
        RegionUnavailableError: The region did not answer.
    """
    return loader._once(region, loader._stores, loader._read_store)


def begin_bucket_name(loader: ConfigurationLoader, region: str) -> BackgroundCall[str | None]:
    """Begin to read the parameter that the configuration of *region* names for its bucket.

    The result is ``None`` when the region says that there is no such parameter.

    Raises:
        ConfigurationError: There is no configuration, or it is not valid.
        AccessDeniedError: AWS refused to show it; the result may raise it too.
        RegionUnavailableError: The region did not answer, likewise.
    """
    parameter = store_configuration(loader, region).bucket_name_param
    guess, value = loader._guesses.pop(region, (None, None))
    if value is not None and guess == parameter:
        return value
    return BackgroundCall(partial(parameters_of(loader, region).get, parameter))


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
