"""Who asks: the account and the user or role, for people who want to know what is done as whom."""

import contextlib
import logging
import queue
import threading
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from startifact.errors import StartifactError
from startifact.limits import Limits
from startifact.regions.aws.trouble import code_of, said_by_aws
from startifact.text import quoted

if TYPE_CHECKING:
    from startifact.regions.aws.clients import Clients

logger = logging.getLogger(__name__)


def report_identity(
    clients: "Clients", region: str | None, profile: str | None, limits: Limits
) -> None:
    """Log as whom *clients* ask with *profile*, where people want to see what is done.

    STS is asked once for each profile. Nothing depends on the answer: it is not waited for longer
    than ``identity_seconds``, and an error is one more line.
    """
    if region is None or not logger.isEnabledFor(logging.DEBUG):
        return
    if not clients.is_first_to_ask_for_identity(profile):
        return
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    # What gives the credentials may hang, and has no time-out of its own.
    threading.Thread(
        target=lambda: lines.put(_identity(clients, region, profile)),
        name="startifact identity",
        daemon=True,
    ).start()
    try:
        line = lines.get(timeout=limits.identity_seconds)
    except queue.Empty:
        line = f"not known: STS did not answer within {limits.identity_seconds:g} s"
    of_profile = "" if profile is None else f" of profile {quoted(profile)}"
    logger.debug("the identity%s: %s", of_profile, line)


def _identity(clients: "Clients", region: str, profile: str | None) -> str:
    try:
        with contextlib.closing(clients.sts_once(region, profile)) as sts:
            answer = sts.get_caller_identity()
    except StartifactError as e:
        return f"not known: {e.message}"
    except ClientError as e:
        return f"not known: STS refused with {quoted(code_of(e))}"
    except Exception as e:  # noqa: BLE001  # the command itself says what is wrong with it
        return f"not known: {said_by_aws(e)}"
    return f"account {quoted(str(answer['Account']))}, {quoted(str(answer['Arn']))}"
