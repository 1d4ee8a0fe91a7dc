"""Which requests the SDK repeats."""

from typing import Any

from botocore.client import BaseClient

from startifact.concurrency.heartbeat import check_cancelled


def stop_retries_with_worker(client: BaseClient) -> None:
    """Keep *client* from repeating a request whose answer nobody waits for any more.

    The first attempt is left alone: its answer counts if it still comes.
    """
    client.meta.events.register("request-created", _check)


def _check(request: Any, **_: object) -> None:
    if request.context.get("retries", {}).get("attempt", 1) > 1:
        check_cancelled()
