"""Whether the body of a request waits until the service has said that it may come.

The SDK asks that for every body (``Expect: 100-continue``). It keeps a large one from being sent
in vain to who refuses it, and costs a round trip: for a small one that is more than it can save.
"""

from typing import Any

from botocore.client import BaseClient
from botocore.utils import determine_content_length

from startifact.limits import MAX_BODY_BYTES_AT_ONCE


def send_small_bodies_at_once(client: BaseClient) -> None:
    """Let *client* send a body of up to `MAX_BODY_BYTES_AT_ONCE` with the head of its request."""
    client.meta.events.register_last("before-call.s3", _send_at_once)


def _send_at_once(params: dict[str, Any], **_: object) -> None:
    headers = params["headers"]
    if "Expect" not in headers:
        return
    length = headers.get("Content-Length") or determine_content_length(params["body"])
    if length is not None and int(length) <= MAX_BODY_BYTES_AT_ONCE:
        del headers["Expect"]
