"""Whether a store that is not AWS honours conditional writes.

Some accept the headers and overwrite all the same; some check first and then write, so that of
several that come at once more than one succeeds. Everything Startifact promises about staged
versions and about ``latest`` rests on these conditions, so a store has to show that it honours
them before anything is staged there.

What a probe cannot show: that a store which has passed will honour them always. A gap between check
and write that is shorter than the requests are apart is found with some luck only, and not at all
where other servers of the same store answer later.
"""

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from startifact.concurrency.backoff import attempts
from startifact.concurrency.heartbeat import CURRENT_HEARTBEAT
from startifact.concurrency.worker_pool import run_in_pool
from startifact.errors import ConfigurationError, RegionUnavailableError
from startifact.regions.aws.bucket import Bucket
from startifact.regions.aws.conditional import write_once
from startifact.regions.aws.conditions import UNMET, is_weak
from startifact.regions.aws.probe_requests import METADATA, ProbeRequests, RefusedHeaderError
from startifact.regions.aws.race import run_at_once
from startifact.regions.aws.trouble import code_of, said_by_aws, trouble_of_answer
from startifact.regions.aws.upload import CONFLICT
from startifact.text import quoted

_AWS_HOST = re.compile(r"(^|\.)(amazonaws\.com(\.cn)?|amazonaws\.eu|api\.aws)$")
_UNKNOWN = frozenset({"501", "NotImplemented"})
_WRONG = '"00000000000000000000000000000000"'

_PUT = "PutObject and If-None-Match: *"
_COMPLETE = "CompleteMultipartUpload and If-None-Match: *"
_REPLACE = "PutObject and If-Match"
_DELETE = "DeleteObject and If-Match"

_OVERWRITES = "Two jobs could overwrite each other's artifacts there"
_HINT = "Use a store that honours If-None-Match and If-Match, as Amazon S3 does"


def is_custom(endpoint: str) -> bool:
    """Say whether *endpoint* is a store other than AWS."""
    return _AWS_HOST.search(urlsplit(endpoint).hostname or "") is None


def check_conditions(bucket: Bucket, project: str) -> None:
    """Return when the store takes what a staging sends, and refuses writes as it is asked to.

    It refuses each kind of write whose condition does not hold, and of several that come at once
    it lets exactly one succeed. The objects of this trial are deleted where that is allowed.

    Raises:
        ConfigurationError: It does not.
    """
    with _requests(bucket, project) as requests:
        _Probe(bucket, requests).run()


def check_deletion(bucket: Bucket, project: str) -> None:
    """Return when the store refuses to delete an object whose ETag is not the one in If-Match.

    Raises:
        ConfigurationError: It deletes it.
        AccessDeniedError: Nothing may be deleted.
    """
    with _requests(bucket, project) as requests:
        key, probe = requests.new_key(), _Probe(bucket, requests)
        probe.refuses(key, _PUT, partial(requests.put_channel, key, IfNoneMatch="*"))
        delete = partial(requests.delete, key, IfMatch=_WRONG)
        if not probe.refuses(key, _DELETE, delete, action="s3:DeleteObject"):
            raise ConfigurationError(
                f"the store of {bucket.region} does not honour conditions: it deletes an object "
                "whose ETag is not the one in If-Match. An object that was not compared could be "
                "deleted there, so nothing is deleted",
                hint="Delete what is wrong there with the store's own tools; a repair fills what "
                "is missing",
            )


@contextlib.contextmanager
def _requests(bucket: Bucket, project: str) -> Iterator[ProbeRequests]:
    """Yield the requests of one probe, and take back afterwards what they have stored."""
    requests = ProbeRequests(bucket, project)
    deletes = True
    try:
        yield requests
    except RegionUnavailableError:
        deletes = False  # each would be waited for as long
        raise
    finally:
        requests.clean_up(deletes=deletes)


class _Probe:
    def __init__(self, bucket: Bucket, requests: ProbeRequests) -> None:
        self._client = bucket.client
        self._region = bucket.region
        self._limits = bucket.limits
        self._requests = requests
        self._undecided = {_PUT, _COMPLETE, _REPLACE}
        self._trouble: ClientError | BotoCoreError | None = None
        self._until = 0.0

    def run(self) -> None:
        """Return when the store is fit to be staged to."""
        # In threads of their own: a request that hangs must not keep uploads from being aborted.
        run_in_pool([self._artifact, self._channel], workers=2, limits=self._limits)
        self._until = time.monotonic() + self._limits.probe_seconds
        for _ in range(self._limits.probe_rounds):
            if not self._is_over():
                self._round()
        if self._undecided:
            raise self._no_winner(min(self._undecided))

    def _is_over(self) -> bool:
        """Say whether its time is over; not before each kind of race has been decided."""
        return time.monotonic() > self._until and not self._undecided

    def _artifact(self) -> None:
        """Try, one after the other, what is done with an artifact."""
        requests, key = self._requests, self._requests.new_key()
        put = partial(requests.put, key, IfNoneMatch="*")
        # Twice: the first one makes the object.
        if not self.refuses(key, _PUT, put) and not self.refuses(key, _PUT, put):
            raise self._unfit(f"overwrites an object with {_PUT}")

        def complete() -> None:  # with a new upload each time: S3 wants that after a conflict
            requests.complete(key, requests.upload(key), IfNoneMatch="*")

        if not self.refuses(key, _COMPLETE, complete):
            raise self._unfit(f"overwrites an object with {_COMPLETE}")
        etag, metadata = requests.describe(key)
        self._check_etag(etag, "HeadObject")
        if metadata != METADATA:
            raise ConfigurationError(
                f"the store of {self._region} does not keep user metadata: got {quoted(metadata)}, "
                f"expected {METADATA}",
                hint="Use a store that keeps x-amz-meta-startifact as it is, as Amazon S3 does",
            )

    def _channel(self) -> None:
        """Try, one after the other, what is done with a channel."""
        requests, key = self._requests, self._requests.new_key()
        self.refuses(key, _PUT, partial(requests.put_channel, key, IfNoneMatch="*"))
        etag = requests.read_channel(key)
        self._check_etag(etag, "GetObject")
        if not self.refuses(key, _REPLACE, partial(requests.put_channel, key, IfMatch=_WRONG)):
            raise self._unfit("replaces an object whose ETag is not the one in If-Match")
        replace = partial(requests.put_channel, key, 1, IfMatch=etag)
        if self.refuses(key, _REPLACE, replace, done=lambda: requests.read_channel(key) != etag):
            raise self._unfit("refuses to replace an object whose ETag is the one in If-Match")

    def _check_etag(self, etag: str, operation: str) -> None:
        if is_weak(etag):
            raise ConfigurationError(
                f"the store of {self._region}, or a proxy before it, answers {operation} with a "
                f"weak ETag: got {quoted(etag)}, expected one that If-Match can name",
                hint="Reach the store without the proxy, or keep it from changing ETags",
            )

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
        retry = self._limits.conflict_retry
        for attempt in attempts(retry):
            self._beat()
            with self._requests.errors(action, key):
                try:
                    write_once(self._client, write, settled=done, limits=self._limits)
                except RefusedHeaderError as e:
                    raise self._refused(e, step) from e
                except ClientError as e:
                    code = code_of(e)
                    if code in UNMET:
                        return True
                    if code in _UNKNOWN:
                        raise self._unfit(f"does not know {step}") from e
                    if code not in CONFLICT or attempt == retry.attempts:
                        raise
                else:
                    return False
        raise AssertionError  # the last attempt has raised

    def _round(self) -> None:
        """Race each kind of write once, each at a fresh key."""
        requests, writers = self._requests, range(self._limits.probe_writers)
        put, complete, replace = (requests.new_key() for _ in range(3))
        etags: list[str] = []
        uploads: list[dict[str, Any]] = []

        def make_object() -> None:
            self.refuses(replace, _PUT, partial(requests.put_channel, replace, IfNoneMatch="*"))
            etags.append(requests.read_channel(replace))

        def make_upload(number: int) -> None:
            uploads.append(requests.upload(complete, number))

        jobs: list[Callable[[], None]] = [make_object]
        jobs += [partial(make_upload, n) for n in writers]
        with requests.errors("s3:PutObject", complete):
            run_in_pool(jobs, workers=len(jobs), limits=self._limits)
        self._race(_PUT, put, [partial(requests.put, put, n, IfNoneMatch="*") for n in writers])
        self._race(
            _COMPLETE,
            complete,
            [partial(requests.complete, complete, u, IfNoneMatch="*") for u in uploads],
        )
        self._race(
            _REPLACE,
            replace,
            [partial(requests.put_channel, replace, n + 1, IfMatch=etags[0]) for n in writers],
        )

    def _race(self, step: str, key: str, writes: list[Callable[[], object]]) -> None:
        """Let *writes* leave at once, of which exactly one may succeed."""
        won: list[bool] = []

        def run(write: Callable[[], object]) -> None:
            try:
                write()
            except RefusedHeaderError as e:
                raise self._refused(e, step) from e
            except (ClientError, BotoCoreError) as e:
                if not isinstance(e, ClientError) and trouble_of_answer(e) is None:
                    raise
                if not isinstance(e, ClientError) or code_of(e) not in UNMET | CONFLICT:
                    self._trouble = e  # it may have been done: that decides nothing
            else:
                won.append(True)

        if self._is_over():
            return
        self._beat()
        with self._requests.errors("s3:PutObject", key):
            run_at_once([partial(run, write) for write in writes], limits=self._limits)
        if len(won) > 1:
            raise self._unfit(
                f"lets {len(won)} of {len(writes)} writers that come at once succeed with {step}"
            )
        if won:
            self._undecided.discard(step)

    def _no_winner(self, step: str) -> Exception:
        if self._trouble is not None:
            return RegionUnavailableError(
                f"{self._region} could not be shown to honour conditions: of several writers that "
                f"come at once none succeeded with {step}: "
                f"{said_by_aws(self._trouble)}",
                hint="The store may be overloaded",
            )
        return self._unfit(f"lets none of several writers that come at once succeed with {step}")

    def _refused(self, refusal: RefusedHeaderError, step: str) -> ConfigurationError:
        if refusal.header in {"If-None-Match", "If-Match"}:
            return self._unfit(f"does not know {step}")
        return ConfigurationError(
            f"the store of {self._region} refuses {refusal.header} of {refusal.operation}, which "
            f"every staging sends: {refusal.__cause__}",
            hint="Use a store that takes this header, as Amazon S3 does",
        )

    def _unfit(self, what: str) -> ConfigurationError:
        return ConfigurationError(
            f"the store of {self._region} does not honour conditions: it {what}. {_OVERWRITES}",
            hint=_HINT,
        )

    def _beat(self) -> None:
        heartbeat = CURRENT_HEARTBEAT.get()
        if heartbeat is not None:
            heartbeat.beat()
