"""GitHub's side that hands out tokens, and AWS's that takes them, on loopback."""

import base64
import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

BEARER = "bearer-that-nobody-may-see"
TOKEN = "token-that-nobody-may-see"
SECRET = "secret-that-nobody-may-see"


@dataclass
class Identities:
    """
    Hands out numbered tokens, and credentials for each. What was asked is kept.
    """

    seconds: int = 3600
    """For how long credentials are valid."""

    refusal: tuple[int, str] | None = None
    """The status and the code with which STS refuses."""

    failures: list[tuple[int, str]] = field(default_factory=list)
    """How GitHub answers the next requests for a token, in turn, before it gives one."""

    subject: str = ""
    """Whom tokens are about; without one they are no JSON Web Tokens."""

    tokens: int | None = None
    """How many requests for a token are heard before all others are refused."""

    token_requests: list[dict[str, str]] = field(default_factory=list)
    role_requests: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    @property
    def environment(self) -> dict[str, str]:
        """What a job has that may ask for tokens, and where STS is."""
        return {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.address}/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": BEARER,
            "AWS_ENDPOINT_URL_STS": self.address,
        }

    def stop(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        ours = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
                bearer = self.headers.get("Authorization", "")
                ours.token_requests.append({**query, "Authorization": bearer})
                if ours.failures:
                    status, text = ours.failures.pop(0)
                    self._answer(status, text)
                elif ours.tokens is not None and len(ours.token_requests) > ours.tokens:
                    self._answer(403, "no more")
                else:
                    number = len(ours.token_requests)
                    self._answer(200, json.dumps({"value": _token(number, ours.subject)}))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                asked = {k: v[0] for k, v in parse_qs(body).items()}
                signed = self.headers.get("Authorization", "")
                ours.role_requests.append({**asked, "Authorization": signed})
                if ours.refusal:
                    status, code = ours.refusal
                    self._answer(status, _error(code))
                else:
                    self._answer(200, _credentials(asked, ours.seconds))

            def _answer(self, status: int, text: str) -> None:
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", text)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler


def _token(number: int, subject: str) -> str:
    if not subject:
        return f"{TOKEN}-{number}"
    parts = (json.dumps(part).encode() for part in ({"alg": "RS256"}, {"sub": subject}))
    encoded = (base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    return ".".join([*encoded, f"{TOKEN}-{number}"])


def _credentials(asked: dict[str, str], seconds: int) -> str:
    action, role = asked["Action"], asked["RoleArn"]
    expiry = (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"""<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<{action}Result><AssumedRoleUser><Arn>{role}</Arn>
<AssumedRoleId>AROATEST:startifact</AssumedRoleId></AssumedRoleUser>
<Credentials><AccessKeyId>ASIAROLEROLEROLEROLE</AccessKeyId>
<SecretAccessKey>{SECRET}</SecretAccessKey>
<SessionToken>{SECRET}-session</SessionToken><Expiration>{expiry}</Expiration></Credentials>
</{action}Result></{action}Response>"""


def _error(code: str) -> str:
    return f"""<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>
<Type>Sender</Type><Code>{code}</Code><Message>Not you</Message></Error></ErrorResponse>"""
