"""An AWS on loopback: moto's, with conditional writes that are as atomic as those of S3."""

import io
import logging
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from copy import copy, deepcopy
from http.client import HTTPMessage
from typing import Any, NamedTuple

from cheroot import wsgi
from moto.core.common_models import BaseModel
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.s3 import models as s3_models
from moto.s3.models import FakeKey, s3_backends
from werkzeug.exceptions import InternalServerError
from werkzeug.serving import BaseWSGIServer, make_server

from tests.support.limits import PART

_CONDITIONS = ("HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH")


def _with_checksums(application: Any) -> Any:
    """Let *application* answer PUT with the checksum that came with it, as S3 does and moto not."""

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        sent = {name: environ.get(f"HTTP_X_AMZ_CHECKSUM_{name}") for name in ("SHA256", "CRC32")}

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            if environ["REQUEST_METHOD"] == "PUT" and status.startswith("200"):
                checksums = ((f"x-amz-checksum-{k.lower()}", v) for k, v in sent.items() if v)
                headers = [*headers, *checksums]
            return start_response(status, headers, *rest)

        return application(environ, start)

    return answer


class _Handler(MotoRequestHandler):
    def setup(self) -> None:
        sys.settrace(None)  # measuring coverage here takes time and measures nothing
        super().setup()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: a line for each request helps nobody, and takes time."""


class _Inside(_Handler):
    """A request that comes without a connection, and is told to the server in the same words."""

    def __init__(
        self, server: BaseWSGIServer, method: str, target: str, headers: HTTPMessage, body: bytes
    ) -> None:
        self.server = server
        self.client_address = ("127.0.0.1", 0)
        self.connection = None
        self.request_version = "HTTP/1.1"
        self.command = method
        self.path = target
        self.headers = headers
        self.rfile = io.BytesIO(body)


class Response(NamedTuple):
    """What a server has answered."""

    status: int
    headers: dict[str, str]
    body: bytes


_SERVERS: dict[str, BaseWSGIServer] = {}
"""The servers of this process that close connections, by host and port."""


def ask_inside(
    host: str, method: str, target: str, headers: Mapping[str, str], body: bytes
) -> Response | None:
    """Return what the server of this process at *host* answers, and None where there is none.

    Whoever passes requests on in the same process spares a second connection for each.
    """
    server = _SERVERS.get(host)
    if server is None:
        return None
    message = HTTPMessage()
    for name, value in headers.items():
        message[name] = value
    request = _Inside(server, method, target, message, body)
    environ = request.make_environ()
    answered = Response(0, {}, b"")

    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> None:
        nonlocal answered
        own = {"Server": request.version_string(), "Date": request.date_time_string()}
        answered = Response(int(status.split()[0]), {**own, **dict(headers)}, b"")

    def run(application: Any) -> bytes:
        blocks = application(environ, start)
        try:
            return b"".join(blocks)
        finally:
            getattr(blocks, "close", lambda: None)()

    try:
        said = run(server.app)
    except Exception:
        logging.getLogger("werkzeug").exception("a request that moto cannot answer")
        said = run(InternalServerError())
    return answered._replace(body=said)


def _keep_only_what_is_stored() -> None:
    """Have moto give back the memory and the files of an object when it is replaced or deleted.

    It keeps a list of everything that it ever made, parts of uploads among it, until the process
    ends. Each part and each object above 5 MB is a file that has no name: tests filled disks so.
    """
    model: Any = BaseModel
    model.__new__ = lambda cls, *_, **__: object.__new__(cls)
    key: Any = FakeKey
    key.__del__ = key.dispose  # by itself it warns that nobody did so before


def _take_small_parts() -> None:
    """Have moto take parts of less than 5 MiB, which S3 refuses: tests then move fewer bytes.

    It reads its setting for that when it is imported.
    """
    models: Any = s3_models
    models.S3_UPLOAD_PART_MIN_SIZE = PART


class Aws:
    """A server in a thread of its own, on a port that was free.

    Where it *keeps_connections*, as AWS does, round trips are those of AWS; werkzeug's server
    closes each connection after one answer.
    """

    def __init__(self, *, keeps_connections: bool = False) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        _keep_only_what_is_stored()
        _take_small_parts()
        self._moto = _with_checksums(DomainDispatcherApplication(create_backend_app))
        self._condition = threading.Lock()
        self.stop, port = (self._keep if keeps_connections else self._close)()
        self.endpoint = f"http://127.0.0.1:{port}"
        """Where requests are to go, until `stop` is called."""

    def _close(self) -> tuple[Callable[[], None], int]:
        """Serve each connection once; return what ends that, and the port."""
        server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        _SERVERS[f"127.0.0.1:{server.server_port}"] = server

        def stop() -> None:
            del _SERVERS[f"127.0.0.1:{server.server_port}"]
            server.shutdown()
            thread.join()
            server.server_close()

        return stop, server.server_port

    def _keep(self) -> tuple[Callable[[], None], int]:
        """Serve connections for as long as they are used; return what ends that, and the port."""
        server = wsgi.Server(("127.0.0.1", 0), self._answer, numthreads=32, shutdown_timeout=1)
        # Three regions take more than ten, above which cheroot closes those that wait.
        server.keep_alive_conn_limit = 100
        server.prepare()
        threading.Thread(target=server.serve, daemon=True).start()
        return server.stop, server.bind_addr[1]

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """
        Answer one request. moto looks at a condition and then writes: others must not write in
        between, as they cannot in S3. Nor must they describe: moto gives an object its metadata
        once it is there.
        """
        if environ["REQUEST_METHOD"] == "HEAD":
            with self._condition:
                return list(self._moto(environ, start_response))
        # Of two that write one object moto closes the file of the first, while it is answered.
        is_alone = environ["REQUEST_METHOD"] == "PUT" or any(c in environ for c in _CONDITIONS)
        if environ["REQUEST_METHOD"] == "GET" or not is_alone:
            return self._moto(environ, start_response)  # type: ignore[no-any-return]
        # Read before the lock is taken: the body of a client that hangs must not stop the others.
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        with self._condition:
            return list(self._moto(environ, start_response))


def _ssm(region: str) -> Any:
    from moto.ssm.models import ssm_backends  # late: `cache_moto` makes that quick

    return ssm_backends[DEFAULT_ACCOUNT_ID][region]


def make_bucket(region: str, name: str) -> None:
    """Make the bucket *name* in *region* of every server of this process, without a request."""
    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].create_bucket(name, region)


def remove_bucket(name: str) -> None:
    """Remove the bucket *name* with all that is in it, likewise."""
    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets.pop(name, None)
    s3_backends.bucket_accounts.pop(name, None)


def remove_parameters(regions: Iterable[str], part: str) -> None:
    """Remove the parameters with *part* in their names: moto describes one by looking at all."""
    for region in regions:
        parameters = _ssm(region)._parameters
        for name in [name for name in parameters if part in name]:
            del parameters[name]


def remember(regions: Iterable[str], part: str) -> Callable[[], None]:
    """Return what makes buckets and parameters, with *part* in their names, what they are now."""
    buckets = [b for n, b in s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets.items() if part in n]
    parameters = [_ssm(region)._parameters for region in regions]
    objects = [deepcopy(bucket.keys) for bucket in buckets]
    uploads = [copy(bucket.multiparts) for bucket in buckets]
    values = [{n: list(v) for n, v in each.items() if part in n} for each in parameters]

    def put_back() -> None:
        for bucket, keys, multiparts in zip(buckets, objects, uploads, strict=True):
            bucket.keys, bucket.multiparts = deepcopy(keys), copy(multiparts)
        for each, before in zip(parameters, values, strict=True):
            for name in [n for n in each if part in n and n not in before]:
                del each[name]
            each.update({name: list(versions) for name, versions in before.items()})

    return put_back


def put_parameter(region: str, name: str, value: str) -> None:
    """Make *value* that of the parameter *name* in *region*, likewise."""
    _ssm(region).put_parameter(
        name,
        value=value,
        parameter_type="String",
        overwrite=True,
        data_type="text",
        description="",
        allowed_pattern="",
        keyid="",
        tags=[],
        tier=None,
        policies=None,
    )
