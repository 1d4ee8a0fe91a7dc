"""Rules for what happens on the way: throttling, resets, restarts, proxies, answers that end early.

Each is meant to be narrowed by ``when``, ``within`` and ``sometimes`` of ``tests.faults.rules``:
``when(is_part, sometimes(0.3, throttled()))``.
"""

import json
import threading
from dataclasses import replace

from tests.faults.rules import answering
from tests.support.wire import Answer, Forward, Request, Rule, Wire, error

_PAGE = b"<!DOCTYPE html><html><head><title>%s</title></head><body>%s</body></html>"


def throttled(status: int = 503) -> Rule:
    """Return a rule that throttles: SlowDown of S3 with *status*, ThrottlingException of SSM."""

    def throttle(request: Request, forward: Forward) -> Answer | None:
        if request.service == "ssm":
            body = {"__type": "ThrottlingException", "message": "Rate exceeded"}
            kind = {"Content-Type": "application/x-amz-json-1.1"}
            return Answer(400, json.dumps(body).encode(), kind)
        code = "TooManyRequests" if status == 429 else "SlowDown"
        return error(status, code, "Please reduce your request rate.")

    return throttle


def reset(request: Request, forward: Forward) -> Answer | None:
    """Reset the connection with nothing done and nothing said."""
    return Answer(503, head=False, reset=True)


def reset_after(request: Request, forward: Forward) -> Answer | None:
    """Do what is asked, and reset the connection with nothing said."""
    return replace(forward(), head=False, reset=True)


def restarting(wire: Wire, seconds: float) -> Rule:
    """Return a rule that at its first request, undone, has *wire* refuse connections for *seconds*.

    Every connection that is open ends. Later requests pass.
    """
    begun = threading.Event()
    lock = threading.Lock()

    def restart(request: Request, forward: Forward) -> Answer | None:
        with lock:
            if begun.is_set():
                return forward()
            begun.set()
            wire.refuse(seconds)
        return None

    return restart


def cut(rule: Rule, *, after: int, with_reset: bool = False) -> Rule:
    """Return *rule* with an answer that ends *after* so many bytes of a body it said is longer."""

    def shortened(request: Request, forward: Forward) -> Answer | None:
        answer = rule(request, forward)
        return answer and replace(answer, cut_after=after, reset=with_reset)

    return shortened


def stalled(rule: Rule, *, after: int) -> Rule:
    """Return *rule* with an answer of which nothing comes *after* so many bytes of its body."""

    def stopping(request: Request, forward: Forward) -> Answer | None:
        answer = rule(request, forward)
        return answer and replace(answer, stall_after=after)

    return stopping


def without_headers(*names: str) -> Rule:
    """Return a rule that takes the headers of these *names* from successful answers, as ETag."""
    dropped = {name.lower() for name in names}

    def drop(request: Request, forward: Forward) -> Answer | None:
        answer = forward()
        if answer.status >= 300:
            return answer
        kept = {
            name: value for name, value in answer.headers.items() if name.lower() not in dropped
        }
        return replace(answer, headers=kept)

    return drop


def without_request_headers(*names: str) -> Rule:
    """Return a rule that takes the headers of these *names* from requests, as If-Match."""
    dropped = {name.lower() for name in names}

    def drop(request: Request, forward: Forward) -> Answer | None:
        kept = {name: value for name, value in request.headers.items() if name not in dropped}
        return forward(replace(request, headers=kept))

    return drop


def without_body(request: Request, forward: Forward) -> Answer | None:
    """Do what is asked, and answer with the status and the headers alone."""
    answer = forward()
    kept = {
        name: value for name, value in answer.headers.items() if name.lower() != "content-length"
    }
    return replace(answer, body=b"", headers=kept)


def page(status: int, title: str, headers: dict[str, str] | None = None) -> Answer:
    """Return a page of HTML, as something between answers."""
    text = title.encode()
    return Answer(status, _PAGE % (text, text), {"Content-Type": "text/html", **(headers or {})})


nothing: Rule = answering(Answer(200))
"""Answer 200 with no header and no body, and do nothing."""

captive_portal: Rule = answering(page(200, "Sign in to this network"))
"""Answer 200 with a page of HTML, and do nothing."""

proxy_authentication: Rule = answering(
    page(407, "Proxy Authentication Required", {"Proxy-Authenticate": 'Basic realm="proxy"'})
)
"""Answer as a proxy that wants to know who asks, and do nothing."""
