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
from collections.abc import Iterator
from functools import partial

from startifact.concurrency.worker_pool import run_in_pool
from startifact.errors import ConfigurationError, RegionUnavailableError
from startifact.regions.aws.bucket import Bucket
from startifact.regions.aws.conditions import is_weak
from startifact.regions.aws.probe_races import Races
from startifact.regions.aws.probe_requests import METADATA, ProbeRequests
from startifact.regions.aws.probe_steps import (
    COMPLETE,
    DELETE,
    PUT,
    REPLACE,
    DishonouredError,
    Steps,
)
from startifact.text import quoted

_WRONG = '"00000000000000000000000000000000"'


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
        probe.refuses(key, PUT, partial(requests.put_channel, key, IfNoneMatch="*"))
        delete = partial(requests.delete, key, IfMatch=_WRONG)
        if not probe.refuses(key, DELETE, delete, action="s3:DeleteObject"):
            raise ConfigurationError(
                f"the store of {bucket.region} does not honour conditions: it deletes an object "
                f"whose ETag is not the one in If-Match ({DELETE}). An object that was not "
                "compared could be deleted there, so nothing is deleted",
                hint="Delete what is wrong there with the store's own tools; a repair fills what "
                "is missing",
            )


@contextlib.contextmanager
def _requests(bucket: Bucket, project: str) -> Iterator[ProbeRequests]:
    """Yield the requests of one probe, and take back afterwards what they have stored.

    Raises:
        ConfigurationError: In the place of a `DishonouredError`.
    """
    requests = ProbeRequests(bucket, project)
    deletes = True
    try:
        yield requests
    except DishonouredError as e:
        raise ConfigurationError(
            f"the store of {bucket.region} does not honour conditions: it {e.what}. Two jobs "
            "could overwrite each other's artifacts there",
            hint="Use a store that honours If-None-Match and If-Match, as Amazon S3 does",
        ) from e
    except RegionUnavailableError:
        deletes = False  # each would be waited for as long
        raise
    finally:
        requests.clean_up(deletes=deletes)


class _Probe(Steps):
    def __init__(self, bucket: Bucket, requests: ProbeRequests) -> None:
        super().__init__(bucket, requests)
        self._bucket = bucket

    def run(self) -> None:
        """Return when the store is fit to be staged to."""
        trials = [self._artifact, self._channel]
        found: list[list[Exception]] = [[] for _ in trials]

        def keep(number: int) -> None:  # so that what both find is said, in the same order always
            try:
                trials[number]()
            except (DishonouredError, ConfigurationError) as e:
                found[number].append(e)

        # In threads of their own: a request that hangs must not keep uploads from being aborted.
        jobs = [partial(keep, number) for number in range(len(trials))]
        try:
            run_in_pool(jobs, workers=len(jobs), limits=self.limits)
        except RegionUnavailableError:
            _raise_first([*found[0], *found[1]])
            raise
        _raise_first([*found[0], *found[1]])
        Races(self._bucket, self.requests).run()

    def _artifact(self) -> None:
        """Try, one after the other, what is done with an artifact."""
        requests, key = self.requests, self.requests.new_key()
        put = partial(requests.put, key, IfNoneMatch="*")
        # Twice: the first one makes the object.
        if not self.refuses(key, PUT, put) and not self.refuses(key, PUT, put):
            raise DishonouredError(f"overwrites an object with {PUT}")

        def complete() -> None:  # with a new upload each time: S3 wants that after a conflict
            requests.complete(key, requests.upload(key), IfNoneMatch="*")

        if not self.refuses(key, COMPLETE, complete):
            raise DishonouredError(f"overwrites an object with {COMPLETE}")
        etag, metadata = requests.describe(key)
        self._check_etag(etag, "HeadObject")
        if metadata != METADATA:
            raise ConfigurationError(
                f"the store of {self.region} does not keep user metadata: got {quoted(metadata)}, "
                f"expected {METADATA}",
                hint="Use a store that keeps x-amz-meta-startifact as it is, as Amazon S3 does",
            )

    def _channel(self) -> None:
        """Try, one after the other, what is done with a channel."""
        requests, key = self.requests, self.requests.new_key()
        self.refuses(key, PUT, partial(requests.put_channel, key, IfNoneMatch="*"))
        etag = requests.read_channel(key)
        self._check_etag(etag, "GetObject")
        if not self.refuses(key, REPLACE, partial(requests.put_channel, key, IfMatch=_WRONG)):
            raise DishonouredError("replaces an object whose ETag is not the one in If-Match")
        replace = partial(requests.put_channel, key, 1, IfMatch=etag)
        if self.refuses(key, REPLACE, replace, done=lambda: requests.read_channel(key) != etag):
            raise DishonouredError("refuses to replace an object whose ETag is the one in If-Match")

    def _check_etag(self, etag: str, operation: str) -> None:
        if is_weak(etag):
            raise ConfigurationError(
                f"the store of {self.region}, or a proxy before it, answers {operation} with a "
                f"weak ETag: got {quoted(etag)}, expected one that If-Match can name",
                hint="Reach the store without the proxy, or keep it from changing ETags",
            )


def _raise_first(found: list[Exception]) -> None:
    """Raise what was *found*, if anything: a store's faults together, the first of others."""
    faults = [e for e in found if isinstance(e, DishonouredError)]
    if faults:
        raise DishonouredError(", and it ".join(e.what for e in faults)) from faults[0]
    if found:
        raise found[0]
