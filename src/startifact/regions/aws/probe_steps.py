"""The steps of the probe: writes on a condition, and the errors for a store that is unfit."""

from collections.abc import Callable

from botocore.exceptions import ClientError

from startifact.concurrency.backoff import attempts
from startifact.concurrency.heartbeat import CURRENT_HEARTBEAT
from startifact.errors import ConfigurationError
from startifact.regions.aws.bucket import Bucket
from startifact.regions.aws.conditional import write_once
from startifact.regions.aws.conditions import UNMET
from startifact.regions.aws.probe_requests import ProbeRequests, RefusedHeaderError
from startifact.regions.aws.trouble import CONFLICT, code_of

_UNKNOWN = frozenset({"501", "NotImplemented"})

PUT = "PutObject and If-None-Match: *"
COMPLETE = "CompleteMultipartUpload and If-None-Match: *"
REPLACE = "PutObject and If-Match"
DELETE = "DeleteObject and If-Match"
RACED = frozenset({PUT, COMPLETE, REPLACE})


class DishonouredError(Exception):
    """A store does not honour conditions: *what* it does, such as "overwrites an object"."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class Steps:
    """What is asked of the store of *bucket* with *requests*."""

    def __init__(self, bucket: Bucket, requests: ProbeRequests) -> None:
        self.client = bucket.client
        self.region = bucket.region
        self.limits = bucket.limits
        self.requests = requests

    def refuses(
        self,
        key: str,
        step: str,
        write: Callable[[], object],
        *,
        action: str = "s3:PutObject",
        done: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Say whether *write* is refused for its condition; a conflict says nothing about that.

        *done* says, once an answer was lost, whether the write was made all the same.
        """
        retry = self.limits.conflict_retry
        for attempt in attempts(retry):
            self.beat()
            with self.requests.errors(action, key):
                try:
                    write_once(self.client, write, settled=done, limits=self.limits)
                except RefusedHeaderError as e:
                    raise self.refused_header(e, step) from e
                except ClientError as e:
                    code = code_of(e)
                    if code in UNMET:
                        return True
                    if code in _UNKNOWN:
                        raise DishonouredError(f"does not know {step}") from e
                    if code not in CONFLICT or attempt == retry.attempts:
                        raise
                else:
                    return False
        raise AssertionError  # the last attempt has raised

    def refused_header(self, refusal: RefusedHeaderError, step: str) -> Exception:
        """Return the error for a store that refuses a header of *step*."""
        if refusal.header in {"If-None-Match", "If-Match"}:
            return DishonouredError(f"does not know {step}")
        return ConfigurationError(
            f"the store of {self.region} refuses {refusal.header} of {refusal.operation}, which "
            f"every staging sends: {refusal.__cause__}",
            hint="Use a store that takes this header, as Amazon S3 does",
        )

    def beat(self) -> None:
        """Show that the region is at work."""
        heartbeat = CURRENT_HEARTBEAT.get()
        if heartbeat is not None:
            heartbeat.beat()
