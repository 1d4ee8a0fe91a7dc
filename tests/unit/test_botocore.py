"""What Startifact relies on inside botocore, tried on the botocore that is installed.

Each failure says what is different there, which file of ours needs it, and what to do.
"""

import contextlib
import http.server
import inspect
import io
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from unittest import mock
from urllib.parse import urlsplit

import boto3
import botocore
import botocore.configprovider
import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.credentials import (
    AssumeRoleProvider,
    AssumeRoleWithWebIdentityCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    Credentials,
    ReadOnlyCredentials,
    RefreshableCredentials,
)
from botocore.endpoint import Endpoint
from botocore.exceptions import ClientError, CredentialRetrievalError, UnknownServiceError
from botocore.hooks import HierarchicalEmitter
from botocore.httpsession import URLLib3Session
from botocore.loaders import JSONFileLoader, Loader
from botocore.utils import S3RegionRedirectorv2

from startifact.limits import CREDENTIALS_RENEWAL_SECONDS, Limits
from startifact.regions.aws.bodies import send_bodies_cheaply
from startifact.regions.aws.bucket_region import refuse_other_regions
from startifact.regions.aws.clients import Clients
from startifact.regions.aws.completion import watch_completions
from startifact.regions.aws.credentials import UnreadableCredentialsError, find_credentials
from startifact.regions.aws.role import _Credentials
from startifact.regions.aws.sdk_models import SdkFiles, SdkModels
from startifact.regions.aws.signing import sign_links_as_requests

AWS = "src/startifact/regions/aws"


@contextlib.contextmanager
def relied_on(private: str, file: str, what_to_do: str) -> Iterator[None]:
    """Say, where what is inside fails, that *private* is not what *file* needs any more."""
    try:
        yield
    except (Exception, pytest.fail.Exception) as e:  # noqa: BLE001  # whatever has changed there
        pytest.fail(
            f"botocore {botocore.__version__} has changed {private}, which {AWS}/{file} relies on: "
            f"{e!r}. {what_to_do}"
        )


class Sent:
    """Answers requests in place of the network, and keeps what was sent."""

    def __init__(self, client: Any, answer: Callable[[int], tuple[int, dict[str, str]]]) -> None:
        self.requests: list[Any] = []
        self._answer = answer
        client.meta.events.register_first("before-send.s3", self._send)

    def _send(self, request: Any, **_: object) -> AWSResponse:
        self.requests.append(request)
        status, headers = self._answer(len(self.requests))
        raw = _Raw()
        return AWSResponse(request.url, status, headers, raw)  # type: ignore[arg-type]

    def authorizations(self) -> list[str]:
        return [str(r.headers.get("Authorization")) for r in self.requests]


class _Raw:
    """A body without bytes."""

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        return iter(())

    def read(self, *_: object) -> bytes:
        return b""

    def close(self) -> None: ...


def s3_of(
    session: botocore.session.Session, region: str = "eu-west-1", *, endpoint: str | None = None
) -> Any:
    """Return a client of *session*."""
    return session.create_client("s3", region_name=region, endpoint_url=endpoint)


# credentials.py --------------------------------------------------------------------------------


def test_credentials_are_asked_for_frozen_ones() -> None:
    """Whoever signs calls ``get_frozen_credentials`` of the very object that a session found."""
    with relied_on(
        "Credentials.get_frozen_credentials, replaced on the object",
        "credentials.py (find_credentials)",
        "Find what the signer asks for credentials now, and wrap that, so that a file that cannot "
        "be read is reported as missing credentials",
    ):
        session = botocore.session.Session()
        found = session.get_credentials()
        assert found is not None
        frozen = ReadOnlyCredentials("AKIAFROZENFROZENFROZ", "secret", None)
        found.get_frozen_credentials = lambda: frozen  # type: ignore[method-assign]
        client = s3_of(session)
        sent = Sent(client, lambda _: (200, {}))

        client.head_bucket(Bucket="bucket")

        assert session.get_credentials() is found
        assert "AKIAFROZENFROZENFROZ" in sent.authorizations()[0]


def test_trouble_with_a_file_is_one_with_credentials() -> None:
    """An OSError while credentials are fetched anew comes out as one of missing credentials."""
    with relied_on(
        "Credentials.get_frozen_credentials, replaced on the object",
        "credentials.py (find_credentials)",
        "See that an OSError of a token's file becomes an UnreadableCredentialsError again",
    ):
        session = botocore.session.Session()
        found = session.get_credentials()
        assert found is not None

        def unreadable() -> ReadOnlyCredentials:
            raise PermissionError(13, "Permission denied", "/token")

        found.get_frozen_credentials = unreadable  # type: ignore[method-assign]
        find_credentials(session)
        client = s3_of(session)
        Sent(client, lambda _: (200, {}))

        with pytest.raises(UnreadableCredentialsError, match="cannot read '/token'"):
            client.head_bucket(Bucket="bucket")


def test_session_without_credentials_looks_once() -> None:
    """A session whose resolver was replaced by an empty one looks nowhere."""
    with relied_on(
        "the component credential_provider of a session",
        "credentials.py (find_credentials)",
        "Find how to keep a session from looking for credentials again for each client: with an "
        "instance's metadata out of reach that takes seconds",
    ):
        session = botocore.session.Session()
        session.register_component("credential_provider", CredentialResolver([]))

        assert session.get_credentials() is None


# role.py ---------------------------------------------------------------------------------------


class Fetched:
    """Gives credentials that last *seconds*, and counts how often; fails when it is told to."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.count = 0
        self.fails = False

    def __call__(self) -> dict[str, str]:
        self.count += 1
        if self.fails:
            raise CredentialRetrievalError(provider="test", error_msg="refused")
        until = datetime.now(UTC) + timedelta(seconds=self.seconds)
        return {
            "access_key": "AKIATESTTESTTESTTEST",
            "secret_key": "secret",
            "token": "token",
            "expiry_time": until.isoformat(),
        }


def counted(seconds: float) -> tuple[Fetched, _Credentials]:
    """Return credentials that last *seconds* and have been fetched once."""
    fetched = Fetched(seconds)
    credentials = _Credentials(method="test", refresh_using=fetched)
    credentials.get_frozen_credentials()
    return fetched, credentials


def test_advisory_refresh_timeout() -> None:
    """The time before the end at which credentials are renewed is the class's own."""
    with relied_on(
        "RefreshableCredentials._advisory_refresh_timeout",
        "role.py (_Credentials)",
        "Find how to set when credentials are renewed: with 15 minutes, the shortest session of a "
        "role would be renewed at every request",
    ):
        usual: float = vars(RefreshableCredentials)["_advisory_refresh_timeout"]
        assert usual > CREDENTIALS_RENEWAL_SECONDS
        long, credentials = counted(CREDENTIALS_RENEWAL_SECONDS + 120)
        credentials.get_frozen_credentials()
        assert long.count == 1, f"renewed {long.count - 1} times, with time enough left"
        short, credentials = counted(CREDENTIALS_RENEWAL_SECONDS - 60)
        credentials.get_frozen_credentials()
        assert short.count > 1, "not renewed, with little time left"


def test_when_credentials_end() -> None:
    """Credentials that are renewed know when they end."""
    with relied_on(
        "RefreshableCredentials._expiry_time",
        "links.py (_end_of)",
        "Find when credentials end: no link may be promised for longer",
    ):
        before = datetime.now(UTC)
        _, credentials = counted(3600)
        end = vars(credentials)["_expiry_time"]
        assert timedelta(0) <= end - before - timedelta(hours=1) < timedelta(minutes=1)


def test_mandatory_refresh_timeout() -> None:
    """A renewal that fails is only an error when less than the class's own minute is left."""
    with relied_on(
        "RefreshableCredentials._mandatory_refresh_timeout",
        "role.py (_Credentials)",
        "Find how to set until when credentials are good although they could not be renewed",
    ):
        early, credentials = counted(120)
        early.fails = True
        assert credentials.get_frozen_credentials().access_key == "AKIATESTTESTTESTTEST"
        late, credentials = counted(120)
        late.seconds = 30
        credentials.get_frozen_credentials()
        late.fails = True
        with pytest.raises(CredentialRetrievalError):
            credentials.get_frozen_credentials()


class First(CredentialProvider):
    """Offers credentials of its own."""

    METHOD = "test-first"

    def load(self) -> Credentials:
        return Credentials("AKIAFIRSTFIRSTFIRSTF", "secret")


def test_providers_are_a_list_that_is_asked_in_turn() -> None:
    """What is put in front of a resolver's providers is asked first."""
    with relied_on(
        "CredentialResolver.providers",
        "role.py (as_role)",
        "Put the role's provider in front in another way, or a job's own credentials are used in "
        "place of the role",
    ):
        session = botocore.session.Session()
        session.get_component("credential_provider").providers.insert(0, First())
        found = session.get_credentials()

        assert found is not None
        assert found.access_key == "AKIAFIRSTFIRSTFIRSTF"


def test_fetcher_for_a_web_identity() -> None:
    """The fetcher takes what it is given, and returns what the credentials read."""
    asked: dict[str, Any] = {}

    class Sts:
        def assume_role_with_web_identity(self, **options: Any) -> dict[str, Any]:
            asked.update(options)
            until = datetime.now(UTC) + timedelta(hours=1)
            return {
                "Credentials": {
                    "AccessKeyId": "AKIAROLEROLEROLEROLE",
                    "SecretAccessKey": "secret",
                    "SessionToken": "token",
                    "Expiration": until,
                }
            }

    with relied_on(
        "AssumeRoleWithWebIdentityCredentialFetcher",
        "role.py (as_role)",
        "Fetch the role's credentials with a client of STS directly",
    ):
        fetcher = AssumeRoleWithWebIdentityCredentialFetcher(
            client_creator=cast("Any", lambda *_, **__: Sts()),
            web_identity_token_loader=lambda: "proof",
            role_arn="arn:aws:iam::123456789012:role/r",
            extra_args={"RoleSessionName": "name", "DurationSeconds": 900},
            expiry_window_seconds=CREDENTIALS_RENEWAL_SECONDS,
        )
        credentials = _Credentials(method="test", refresh_using=fetcher.fetch_credentials)

        assert credentials.get_frozen_credentials().access_key == "AKIAROLEROLEROLEROLE"
        assert asked == {
            "RoleArn": "arn:aws:iam::123456789012:role/r",
            "WebIdentityToken": "proof",
            "RoleSessionName": "name",
            "DurationSeconds": 900,
        }


# bucket_region.py ------------------------------------------------------------------------------

REDIRECT = (301, {"x-amz-bucket-region": "us-east-1"})


def test_answers_are_looked_at_before_redirects_are_followed() -> None:
    """What is registered first for ``needs-retry.s3`` sees an answer before it is followed."""
    events: list[dict[str, Any]] = []

    def record_event(**event: Any) -> None:
        events.append(event)
        raise LookupError("seen")

    with relied_on(
        "the event needs-retry.s3",
        "bucket_region.py (refuse_other_regions)",
        "Find where an answer of S3 can be refused before the SDK follows it to another AWS "
        "region: two regions of a list would be in one without anybody knowing",
    ):
        client = s3_of(botocore.session.Session())
        sent = Sent(client, lambda _: REDIRECT)
        client.meta.events.register_first("needs-retry.s3", record_event)

        with contextlib.suppress(LookupError):
            client.get_object(Bucket="my-bucket", Key="key")

        assert len(sent.requests) == 1, f"{len(sent.requests)} requests were made, expected 1"
        (event,) = events
        assert event["operation"].name == "GetObject"
        metadata = event["response"][1]["ResponseMetadata"]
        assert metadata["HTTPStatusCode"] == 301
        assert metadata["HTTPHeaders"]["x-amz-bucket-region"] == "us-east-1"


def test_context_of_a_redirect() -> None:
    """The request's context names the bucket that was asked for."""
    requests: list[Any] = []
    with relied_on(
        'request_dict["context"]["s3_redirect"]["bucket"]',
        "bucket_region.py (refuse_other_regions)",
        "Find the bucket's name elsewhere in the request: messages name it",
    ):
        client = s3_of(botocore.session.Session())
        Sent(client, lambda _: (200, {}))
        client.meta.events.register_first(
            "needs-retry.s3", lambda request_dict, **_: requests.append(request_dict)
        )

        client.head_object(Bucket="my-bucket", Key="key")

        assert requests[0]["context"]["s3_redirect"]["bucket"] == "my-bucket"


def test_a_bucket_elsewhere_is_refused() -> None:
    """Both together: a bucket in another region ends the request with its name and its place."""
    with relied_on(
        "what is known of an answer when needs-retry.s3 is emitted",
        "bucket_region.py (refuse_other_regions)",
        "Let every answer be looked at before it is followed",
    ):
        client = s3_of(botocore.session.Session())
        sent = Sent(client, lambda _: REDIRECT)
        refuse_other_regions(client, "eu-west-1")

        with pytest.raises(Exception) as caught:  # noqa: PT011  # asserted below
            client.get_object(Bucket="my-bucket", Key="key")

        said = str(caught.value).partition("\n")[0]
        assert said == "bucket my-bucket is in us-east-1, expected in eu-west-1"
        assert len(sent.requests) == 1


# mfa.py, endpoint.py, clients.py ----------------------------------------------------------------


PROFILE = """
[profile p]
role_arn = arn:aws:iam::123456789012:role/r
source_profile = base
mfa_serial = arn:aws:iam::123456789012:mfa/jane
endpoint_url = https://from-the-profile.example
services = here
[profile base]
aws_access_key_id = AKIABASEBASEBASEBASE
aws_secret_access_key = base-secret
[services here]
s3 =
  endpoint_url = https://from-a-section.example
"""


def with_profile(file: Any) -> botocore.session.Session:
    file.write(PROFILE)
    file.flush()
    session = botocore.session.Session(profile="p")
    session.set_config_variable("config_file", file.name)
    session.set_config_variable("credentials_file", os.devnull)
    return session


def test_prompter_of_codes() -> None:
    """The provider of roles asks with what stands in its attribute, in the thread that asks."""
    with (
        relied_on(
            "AssumeRoleProvider._prompter",
            "mfa.py",
            "Find how to have a code asked for elsewhere: getpass in a region's thread leaves the "
            "terminal silent after Ctrl-C",
        ),
        tempfile.NamedTemporaryFile("w") as file,
    ):
        session = with_profile(file)
        asked: list[str] = []

        def ask(prompt: str) -> str:
            asked.append(prompt)
            raise KeyError

        session.get_component("credential_provider").get_provider("assume-role")._prompter = ask
        credentials = session.get_credentials()
        assert credentials is not None
        with pytest.raises(KeyError):
            credentials.get_frozen_credentials()
        assert asked == ["Enter MFA code for arn:aws:iam::123456789012:mfa/jane: "]


def test_configured_endpoints() -> None:
    """What is asked for a configured endpoint answers with the variable, or with the profile's."""
    with (
        relied_on(
            "ConfiguredEndpointProvider",
            "endpoint.py",
            "Find how to know where requests of a profile go before a client is made",
        ),
        tempfile.NamedTemporaryFile("w") as file,
    ):
        session = with_profile(file)
        facts = {
            "full_config": session.full_config,
            "scoped_config": session.get_scoped_config(),
        }

        def endpoint(service: str, **environ: str) -> object:
            provider = botocore.configprovider.ConfiguredEndpointProvider(
                **facts, client_name=service, environ=environ
            )
            return provider.provide()

        assert endpoint("s3", AWS_ENDPOINT_URL_S3="https://a", AWS_ENDPOINT_URL="https://b") == (
            "https://a"
        )
        assert endpoint("ssm", AWS_ENDPOINT_URL="https://b") == "https://b"
        assert endpoint("s3") == "https://from-a-section.example"
        assert endpoint("ssm") == "https://from-the-profile.example"
        assert not session.get_config_variable("ignore_configured_endpoint_urls")


def test_session_inside_of_one_of_boto3() -> None:
    """A session of boto3 has one of botocore, with what it was configured with."""
    with relied_on(
        "boto3.Session._session", "clients.py", "Find how to read the profile of a given session"
    ):
        assert isinstance(boto3.Session()._session, botocore.session.Session)


# sdk_models.py ---------------------------------------------------------------------------------


def loader_of(session: botocore.session.Session) -> SdkModels:
    """Give *session* our loader, and return it."""
    loader = SdkModels(session.get_component("data_loader").search_paths)
    session.register_component("data_loader", loader)
    return loader


def test_loader_lists_no_other_services() -> None:
    """A client is made without a look into the folders of services that nobody asks for."""
    with (
        relied_on(
            "Loader.list_available_services, asked by load_service_model",
            "sdk_models.py",
            "Find how the SDK sees that there is a service: to list all takes 20 ms",
        ),
        mock.patch("os.listdir", wraps=os.listdir) as listdir,
    ):
        session = botocore.session.Session()
        loader_of(session)
        for service in ("s3", "ssm"):
            session.create_client(cast("Any", service), region_name="eu-west-1")

        looked = [Path(call.args[0]).name for call in listdir.call_args_list]
        assert set(looked) <= {"s3", "signin", "ssm", "sso", "sso-oidc", "sts"}, looked


def test_loader_knows_all_services() -> None:
    """Services that Startifact has never heard of are found, and those that are none are not."""
    with relied_on(
        "Loader.load_service_model", "sdk_models.py", "See that every service is found again"
    ):
        session = botocore.session.Session()
        loader = loader_of(session)

        assert "SendMessage" in loader.load_service_model("sqs", "service-2")["operations"]
        with pytest.raises(UnknownServiceError):
            loader.load_service_model("no-such-service", "service-2")
        assert loader.list_available_services("service-2") == (
            botocore.session.Session().get_available_services()
        )


def test_parameters_are_described_as_the_sdk_does() -> None:
    """What is sent to SSM, with our description of it, is what the SDK sends with its own."""
    sent: list[tuple[object, ...]] = []
    described: list[int] = []

    def keep(request: Any, **_: object) -> AWSResponse:
        target = request.headers["X-Amz-Target"]
        sent.append((request.method, request.url, request.body, target))
        return AWSResponse(request.url, 200, cast("Any", {}), cast("Any", _Raw()))

    with relied_on(
        "the search path of a loader, and the format service-2",
        "sdk_models.py",
        "Run make generate",
    ):
        for ours in (True, False):
            session = botocore.session.Session()
            if ours:
                loader_of(session)
            client: Any = session.create_client("ssm", region_name="us-gov-west-1")
            client.meta.events.register_first("before-send.ssm", keep)
            client.get_parameter(Name="/a")
            client.put_parameter(Name="/a", Value="ä", Type="String", Overwrite=True)
            client.delete_parameter(Name="/a")
            client.describe_parameters(MaxResults=50, NextToken="more")
            described.append(len(client.meta.service_model.operation_names))

        assert sent[:4] == sent[4:]
        assert described[0] == 4 < described[1]


@pytest.mark.parametrize(
    "name", ["s3/*/service-2", "s3/*/endpoint-rule-set-1", "endpoints", "partitions", "_retry"]
)
def test_files_are_read_as_the_sdk_reads_them(name: str) -> None:
    """But for the kind of dictionary, what is read is what the SDK reads, packed or not."""
    with relied_on("JSONFileLoader", "sdk_models.py", "Read what the SDK's loader reads"):
        (file,) = Path(Loader.BUILTIN_DATA_PATH).glob(f"{name}.json*")
        path = str(file).partition(".json")[0]
        read = inspect.unwrap(JSONFileLoader.load_file)(JSONFileLoader(), path)

        assert read == inspect.unwrap(SdkFiles.load_file)(SdkFiles(), path)
        assert list(read) == list(SdkFiles().load_file(path))
        assert SdkFiles().load_file(path + "-of-nothing") is None


def test_clients_share_descriptions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """However many regions and profiles: each file is read once, and SSM's only for SSM."""
    (tmp_path / "config").write_text("[profile other]\nregion = eu-west-1\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    loaded: list[str] = []
    load = SdkFiles.load_file

    def count(self: SdkFiles, path: str) -> Any:
        data = load(self, path)
        loaded.extend([path] if data is not None else [])
        return data

    def descriptions() -> list[str]:
        return [Path(path).parts[-3] for path in loaded if path.endswith("service-2")]

    monkeypatch.setattr(SdkFiles, "load_file", count)
    clients = Clients()
    for region in ("eu-west-1", "us-east-1", "ap-southeast-2"):
        clients.s3(region)
    clients.s3("eu-west-1", profile="other")

    assert descriptions() == ["s3"]
    for region in ("eu-west-1", "us-east-1"):
        clients.ssm(region)
    assert descriptions() == ["s3", "ssm"]
    assert sorted(loaded) == sorted(set(loaded))


# retries.py ------------------------------------------------------------------------------------


def test_retries_of_the_sdk_are_taken_out() -> None:
    """In every mode the SDK makes no attempt of its own, once its handler is unregistered."""
    with relied_on(
        "the unique_id of the handler that retries, retry-config-s3",
        "retries.py (retry_requests)",
        "Find how to take the SDK's own retries out: with them a request is made three times for "
        "each attempt of ours, and a completion is asked for again before anybody has looked",
    ):
        for mode in ("legacy", "standard", "adaptive"):
            session = botocore.session.Session()
            session.set_config_variable("retry_mode", mode)
            client = s3_of(session)
            sent = Sent(client, lambda _: (500, {}))
            client.meta.events.unregister("needs-retry.s3", unique_id="retry-config-s3")

            with contextlib.suppress(ClientError):
                client.head_object(Bucket="bucket", Key="key")

            assert len(sent.requests) == 1, mode


def test_configured_retries_are_found() -> None:
    """A client says how many attempts were configured, wherever that was."""
    with relied_on(
        "client.meta.config.retries",
        "retries.py (retry_requests)",
        "Find where AWS_MAX_ATTEMPTS and max_attempts of profiles are reported",
    ):
        session = botocore.session.Session()
        without = s3_of(session).meta.config.retries
        session.set_config_variable("max_attempts", 7)

        assert "total_max_attempts" not in without
        assert s3_of(session).meta.config.retries["total_max_attempts"] == 7


def test_whoever_decides_first_repeats_a_request() -> None:
    """A handler of ``needs-retry`` that returns 0 has the request made again, body and all."""
    with relied_on(
        "the event needs-retry.s3",
        "retries.py (Retries.decide)",
        "Find where a request can be made again: with a loop around each call, bodies have to be "
        "rewound by us",
    ):
        client = s3_of(botocore.session.Session())
        client.meta.events.unregister("needs-retry.s3", unique_id="retry-config-s3")
        sent = Sent(client, lambda number: (503 if number < 3 else 200, {}))
        events: list[dict[str, Any]] = []

        def again(**event: Any) -> float | None:
            events.append(event)
            return 0.0 if event["response"][0].status_code == 503 else None

        client.meta.events.register_first("needs-retry.s3", again)

        client.put_object(Bucket="bucket", Key="key", Body=b"bytes")

        assert len(sent.requests) == 3
        assert [event["attempts"] for event in events] == [1, 2, 3]
        assert {event["operation"].name for event in events} == {"PutObject"}
        assert events[0]["operation"].has_streaming_output is False


# completion.py ---------------------------------------------------------------------------------


def test_session_that_sends() -> None:
    """A client has the session that sends its requests, which returns with the head if told to."""
    with relied_on(
        "client._endpoint.http_session and stream_output of a request",
        "completion.py (watch_completions)",
        "Find how to see white space that S3 sends while it completes an upload: without, a region "
        "counts as dead meanwhile",
    ):
        client = s3_of(botocore.session.Session())
        session = _Session()
        client._endpoint.http_session = session
        watch_completions(client, Limits())

        with contextlib.suppress(ClientError):
            client.complete_multipart_upload(
                Bucket="bucket", Key="key", UploadId="u", MultipartUpload={"Parts": []}
            )

        assert session.sent[0].stream_output is True


class _Session:
    """Sends nothing, and answers that there is no such upload."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def send(self, request: Any) -> AWSResponse:
        self.sent.append(request)
        return AWSResponse(request.url, 404, cast("Any", {}), cast("Any", _Raw()))


def test_time_out_of_one_request() -> None:
    """The time-out for reading is taken from the context of each request."""
    with relied_on(
        'context["read_timeout"] of a request',
        "completion.py (watch_completions)",
        "Find how one request may be silent for longer. Until then an upload whose completion is "
        "silent is looked at and completed again, which works, and is noisier",
    ):
        client = s3_of(botocore.session.Session())

        def wait(request: Any, **_: object) -> None:
            request.context["read_timeout"] = 61.5

        client.meta.events.register("request-created.s3", wait)
        sent = Sent(client, lambda _: (200, {}))
        client.head_object(Bucket="bucket", Key="key")

        timeout = client._endpoint.http_session._get_request_timeout(sent.requests[0])
        assert timeout.read_timeout == 61.5


# The tests themselves --------------------------------------------------------------------------


def _never_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sign with other credentials than those that a session has found."""
    monkeypatch.setattr(
        botocore.session.Session,
        "get_credentials",
        lambda self: Credentials("AKIAOTHEROTHEROTHERO", "secret"),
    )


def _no_components(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        botocore.session.Session, "register_component", lambda self, name, component: None
    )


def _other_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RefreshableCredentials, "refresh_needed", lambda self, refresh_in=None: 0)


def _always_mandatory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RefreshableCredentials, "_refresh", lambda self: self._refresh_using())


def _providers_in_a_tuple(monkeypatch: pytest.MonkeyPatch) -> None:
    init = CredentialResolver.__init__

    def as_tuple(self: CredentialResolver, providers: Any) -> None:
        init(self, providers)
        self.providers = tuple(providers)  # type: ignore[assignment]

    monkeypatch.setattr(CredentialResolver, "__init__", as_tuple)


def _other_fetcher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(AssumeRoleWithWebIdentityCredentialFetcher, "_get_credentials")


def _another_event(monkeypatch: pytest.MonkeyPatch) -> None:
    emit = vars(HierarchicalEmitter)["_emit"]

    def renamed(self: Any, event_name: str, kwargs: Any, stop_on_response: bool = False) -> Any:
        return emit(self, event_name.replace("needs-retry", "retry"), kwargs, stop_on_response)

    monkeypatch.setattr(HierarchicalEmitter, "_emit", renamed)


def _other_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HierarchicalEmitter, "unregister", lambda self, *_, **__: None)


def _asks_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    load = vars(Loader)["load_service_model"]

    def load_service_model(self: Loader, *args: Any) -> Any:
        vars(Loader)["list_available_services"](self, args[1])
        return load(self, *args)

    monkeypatch.setattr(Loader, "load_service_model", load_service_model)


def _no_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Loader, "BUILTIN_DATA_PATH", "/elsewhere")


def _no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Endpoint, "__setattr__", lambda self, name, value: None)


def _no_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(URLLib3Session, "_get_request_timeout", lambda self, request: None)


def _no_context(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        S3RegionRedirectorv2, "annotate_request_context", lambda self, params, context, **_: None
    )


def _no_prompter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AssumeRoleProvider, "_prompter", property(lambda self: None), raising=False)


def _no_endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(botocore.configprovider, "ConfiguredEndpointProvider")


def _another_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "Session", object)


Break = Callable[[pytest.MonkeyPatch], None]

BROKEN: list[tuple[Break, Callable[..., None], str]] = [
    (_never_asked, test_credentials_are_asked_for_frozen_ones, "credentials.py"),
    (_never_asked, test_trouble_with_a_file_is_one_with_credentials, "credentials.py"),
    (_no_components, test_session_without_credentials_looks_once, "credentials.py"),
    (_other_timeouts, test_advisory_refresh_timeout, "role.py"),
    (_always_mandatory, test_mandatory_refresh_timeout, "role.py"),
    (_providers_in_a_tuple, test_providers_are_a_list_that_is_asked_in_turn, "role.py"),
    (_other_fetcher, test_fetcher_for_a_web_identity, "role.py"),
    (_another_event, test_answers_are_looked_at_before_redirects_are_followed, "bucket_region.py"),
    (_no_prompter, test_prompter_of_codes, "mfa.py"),
    (_no_endpoints, test_configured_endpoints, "endpoint.py"),
    (_another_session, test_session_inside_of_one_of_boto3, "clients.py"),
    (_other_ids, test_retries_of_the_sdk_are_taken_out, "retries.py"),
    (_another_event, test_whoever_decides_first_repeats_a_request, "retries.py"),
    (_asks_for_all, test_loader_lists_no_other_services, "sdk_models.py"),
    (_no_paths, test_loader_knows_all_services, "sdk_models.py"),
    (_no_paths, test_parameters_are_described_as_the_sdk_does, "sdk_models.py"),
    (_no_session, test_session_that_sends, "completion.py"),
    (_no_time_out, test_time_out_of_one_request, "completion.py"),
    (_no_context, test_context_of_a_redirect, "bucket_region.py"),
    (_no_context, test_a_bucket_elsewhere_is_refused, "bucket_region.py"),
]


@pytest.mark.parametrize(
    ("change", "test", "file"), BROKEN, ids=[f"{c.__name__}-{t.__name__}" for c, t, _ in BROKEN]
)
def test_change_is_reported(
    change: Break, test: Callable[..., None], file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where botocore is changed so, the failure says what, whose file needs it and what to do."""
    change(monkeypatch)

    with pytest.raises(pytest.fail.Exception, match=f"has changed .*which {AWS}/{file} "):
        test()


# bodies.py -----------------------------------------------------------------------------------


class _ReadSizes(io.BytesIO):
    """A body that remembers how much of it was asked for at a time."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.asked: list[int | None] = []

    def read(self, size: int | None = -1) -> bytes:
        self.asked.append(size)
        return super().read(size)


class _Accepting(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        """Take the body and say that it is stored."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.send_header("ETag", '"e"')
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_blocks_in_which_bodies_are_sent() -> None:
    """A client reads as much of a body at a time as it is made to."""
    size = 128 * 1024
    body = _ReadSizes(bytes(3 * size))
    with (
        http.server.HTTPServer(("127.0.0.1", 0), _Accepting) as server,
        relied_on(
            'client._endpoint.http_session._manager.connection_pool_kw["blocksize"]',
            "bodies.py (send_bodies_cheaply)",
            "Find where the block size of connections is set: 16 KiB at a time cost processor time",
        ),
    ):
        threading.Thread(target=server.handle_request, daemon=True).start()
        client = s3_of(
            botocore.session.Session(), endpoint=f"http://127.0.0.1:{server.server_port}"
        )
        send_bodies_cheaply(client, size)

        client.put_object(Bucket="my-bucket", Key="key", Body=body, ChecksumSHA256="x")

        assert set(body.asked) == {size}


@pytest.mark.parametrize(
    ("endpoint", "profile", "is_signed"),
    [
        ("http://127.0.0.1:9", "", False),
        ("http://127.0.0.1:9", "s3 =\n  payload_signing_enabled = true\n", True),
        ("https://example.com", "", False),
        ("https://example.com", "s3 =\n  payload_signing_enabled = true\n", True),
    ],
)
def test_bodies_are_not_hashed_to_be_signed(
    endpoint: str, profile: str, is_signed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body with a checksum of its own is signed where a profile says so, and else nowhere."""
    config = tmp_path / "config"
    config.write_text(f"[default]\n{profile}", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with relied_on(
        "client.meta.config.s3",
        "bodies.py (send_bodies_cheaply)",
        "Find how the signing of bodies is configured: each is hashed once more for it",
    ):
        client = s3_of(botocore.session.Session(), endpoint=endpoint)
        send_bodies_cheaply(client, 1024)
        sent = Sent(client, lambda _: (200, {}))

        client.put_object(
            Bucket="my-bucket", Key="key", Body=io.BytesIO(b"bytes"), ChecksumSHA256="x"
        )

        digest = sent.requests[0].headers["X-Amz-Content-SHA256"]
        assert (digest != b"UNSIGNED-PAYLOAD") == is_signed


# signing.py ------------------------------------------------------------------------------------

FILE = "signing.py (sign_links_as_requests)"


def signed_by(client: Any) -> Any:
    """Return the parts of a link that *client* signs."""
    where = {"Bucket": "my-bucket", "Key": "key"}
    return urlsplit(client.generate_presigned_url("get_object", Params=where))


def test_version_of_signatures() -> None:
    """By itself the SDK signs links with version 2; ours are signed with 4."""
    with relied_on(
        "the event choose-signer.s3", FILE, "Sign links with version 4: newer AWS regions want it"
    ):
        client = s3_of(botocore.session.Session())
        assert "X-Amz-Algorithm" not in signed_by(client).query, "no event is needed any more"
        sign_links_as_requests(client)

        assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in signed_by(client).query


def test_host_of_links() -> None:
    """By itself the SDK sends links to the host of all regions; ours go to the region's own."""
    with relied_on(
        'the context of a link, "use_global_endpoint"', FILE, "Find what names the host of a link"
    ):
        client = s3_of(botocore.session.Session())
        assert signed_by(client).hostname == "my-bucket.s3.amazonaws.com"
        sign_links_as_requests(client)

        assert signed_by(client).hostname == "my-bucket.s3.eu-west-1.amazonaws.com"


def test_region_of_links() -> None:
    """Once S3 has said where the bucket is, links are signed for that region, and lead there."""
    with relied_on(
        'request.context["signing"]["region"]', FILE, "Find for which region a request was signed"
    ):
        client = s3_of(botocore.session.Session())
        sign_links_as_requests(client)
        elsewhere = (301, {"x-amz-bucket-region": "ap-southeast-2"})
        Sent(client, lambda n: elsewhere if n == 1 else (200, {}))

        client.head_object(Bucket="my-bucket", Key="key")

        assert signed_by(client).hostname == "my-bucket.s3.ap-southeast-2.amazonaws.com"
        assert "%2Fap-southeast-2%2Fs3%2Faws4_request" in signed_by(client).query
