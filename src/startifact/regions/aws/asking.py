"""Requests of an examination: each may be refused, and says what time it is."""

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import ClientError

from startifact.errors import AccessDeniedError, RegionUnavailableError, StartifactError
from startifact.limits import MAX_CLOCK_SKEW_SECONDS
from startifact.model.examination import CLOCK, Check, failed, not_tried, ok, unknown
from startifact.regions.aws.credentials import gives_credentials
from startifact.regions.aws.errors import REFUSED, aws_errors
from startifact.regions.aws.trouble import code_of


class Asking:
    """Asks AWS for one region. *name* is the region's in messages."""

    def __init__(self, name: str, aws_region: str) -> None:
        self.name = name
        self.aws_region = aws_region
        self._skew: float | None = None

    def ask(self, action: str, resource: str, call: Callable[[], Any]) -> Any:
        """Return what *call* does, which needs *action* on *resource*.

        Raises:
            StartifactError: It was not answered, or not with success.
        """
        with aws_errors(action, region=self.name, resource=resource, aws_region=self.aws_region):
            try:
                answer = call()
            except ClientError as e:
                self._record_date(e.response)
                raise
        self._record_date(answer)
        return answer

    def _record_date(self, answer: Any) -> None:
        text = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
        try:
            self._skew = parsedate_to_datetime(text).timestamp() - time.time()
        except ValueError:  # there is none, or it is no date
            return

    def clock(self) -> Check:
        """Return how far the clock of this machine is from that of who answered last."""
        if self._skew is None:
            return not_tried(CLOCK, "no answer had a time in it")
        # An answer takes a moment, and its time is in whole seconds.
        seconds = max(0.0, abs(self._skew) - 1)
        if seconds <= MAX_CLOCK_SKEW_SECONDS:
            return ok(CLOCK, "the clock of this machine is right")
        way = "behind" if self._skew > 0 else "ahead of"
        return failed(
            CLOCK,
            f"the clock of this machine is {seconds:,.0f} s {way} that of {self.name}; AWS refuses "
            "requests from 300 s on",
            "Set the clock, and let it be kept right: timedatectl set-ntp true; in a container it "
            "is the clock of its host",
        )


def is_denied(error: StartifactError) -> bool:
    """Say whether a policy is why a service has refused, and not the credentials themselves."""
    cause = error.__cause__
    if not isinstance(error, AccessDeniedError) or not isinstance(cause, ClientError):
        return False
    return code_of(cause) in REFUSED and not gives_credentials(cause)


def code_behind(error: StartifactError) -> str:
    """Return the service's name for what *error* is about; empty where it has none."""
    return code_of(error.__cause__) if isinstance(error.__cause__, ClientError) else ""


def unknown_by(name: str, error: StartifactError, action: str, resource: str) -> Check:
    """Return the check *name* of something that no command needs, and that *error* hides."""
    if is_denied(error):
        return unknown(name, f"needs {action} on {resource}")
    if isinstance(error, RegionUnavailableError):
        return unknown(name, error.message, error.next_step)
    return unknown(name, error.message)
