"""Whether the body of a request waits until the service has said that it may come.

The SDK asks that for every body (``Expect: 100-continue``). It keeps a large one from being sent
in vain to who refuses it, and costs a round trip: for a small one that is more than it can save. A
part of an upload is not refused because of what is there: that is decided when it is completed.
"""

from typing import Any

from botocore.client import BaseClient
from botocore.model import OperationModel
from botocore.utils import determine_content_length

from startifact.limits import MAX_BODY_BYTES_AT_ONCE


def send_bodies_at_once(client: BaseClient) -> None:
    """Let *client* send parts, and bodies of up to `MAX_BODY_BYTES_AT_ONCE`, without waiting."""
    client.meta.events.register_last("before-call.s3", _send_at_once)


def _send_at_once(params: dict[str, Any], model: OperationModel, **_: object) -> None:
    headers = params["headers"]
    if "Expect" not in headers:
        return
    length = headers.get("Content-Length") or determine_content_length(params["body"])
    is_small = length is not None and int(length) <= MAX_BODY_BYTES_AT_ONCE
    if is_small or model.name == "UploadPart":
        del headers["Expect"]
