"""A link to an artifact: signed by one region, for bytes that all regions have been asked about."""

import logging
from dataclasses import field
from datetime import datetime, timedelta

from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import ArchivedError, InputError, StartifactError, no_answer
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.model.filenames import filename_trouble
from startifact.model.links import LinkRequest, SignedLink
from startifact.reading.artifact import Artifact
from startifact.reading.download import Downloader
from startifact.reading.replica import Replica
from startifact.regions.interface import Location
from startifact.text import joined, with_regions

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link with which anybody can download an artifact for a while, without credentials.

    It is a secret for as long as it works, and nothing but ``url`` shows it. What it delivers is to
    be compared with the artifact's SHA-256: whoever follows it has no Startifact to do so.
    """

    artifact: Artifact
    url: str = field(repr=False)
    location: Location
    """Where in which region it leads to."""

    object_version: str | None
    """The bucket's own version of the object, which no other takes the place of.

    ``None`` where the bucket keeps none: the link leads to what is at the key then.
    """

    expires_at: datetime
    """When it stops working, in UTC, by the clock of this machine."""

    may_end_sooner: bool
    """Whether the credentials that have signed it may end before: nobody says when they do."""


def make_link(artifact: Artifact, expires: timedelta | None, *, limits: Limits) -> Link:
    """Return a link to *artifact* in the first region, in the configured order, that can sign one.

    Raises:
        InputError: It is to work for longer than the credentials live, or no region that holds it
            has links.
        ArchivedError: It is archived wherever it is held.
        IntegrityError: Regions hold different content by now, and no majority agrees.
        SeveralRegionsError: No region could sign one.
    """
    downloader = artifact.downloader
    replicas = _agreed(downloader)
    name = artifact.filename
    safe = name if name is not None and filename_trouble(name) is None else None
    request = LinkRequest(expires=expires, filename=safe)
    said: dict[str, StartifactError | str] = {**downloader.failures()}
    for replica in replicas:
        region, archived = replica.region.name, replica.stored.archived
        if archived is not None:
            said[region] = ArchivedError(f"{artifact} cannot be read in {region}: {archived}")
            continue
        signed = _signed(replica, downloader, request, limits)
        if isinstance(signed, InputError):
            raise signed
        if isinstance(signed, SignedLink):
            _warn(artifact, signed)
            return Link(
                artifact=artifact,
                url=signed.url,
                location=replica.region.location(downloader._resolution.key),
                object_version=signed.object_version,
                expires_at=signed.expires_at,
                may_end_sooner=signed.may_end_sooner,
            )
        said[region] = signed or "it is no bucket, and has no links"
        if signed is not None:
            logger.warning("%s", with_regions([region], signed.message))
    raise _no_link(artifact, said)


def _agreed(downloader: Downloader) -> list[Replica]:
    """Return the copies of what regions agree on, as far as they have said by now."""
    while True:
        replicas = downloader._replicas()
        # Regions that answered while others were waited for may have outvoted the first.
        if downloader._is_still_chosen():
            return replicas


def _signed(
    replica: Replica, downloader: Downloader, request: LinkRequest, limits: Limits
) -> SignedLink | StartifactError | None:
    """Return the link that the region of *replica* signs, why it does not, or ``None``."""
    key = downloader._resolution.key

    def job(heartbeat: Heartbeat) -> SignedLink | None:
        heartbeat.beat()
        return replica.region.sign_link(key, replica.stored, request)

    with FanOut({replica.region.name: job}, limits=limits) as signing:
        answer = signing.next()
    if answer is None:
        raise AssertionError("a region has neither answered nor failed")
    return answer.error if isinstance(answer, Failure) else answer.value


def _warn(artifact: Artifact, signed: SignedLink) -> None:
    if not artifact.sha256:
        logger.warning(
            "%s was staged by the first Startifact: no digest was recorded to verify what the link "
            "delivers", artifact,
        )  # fmt: skip
    if signed.may_end_sooner:
        logger.warning(
            "the link to %s may end sooner than it says: it is signed with temporary credentials "
            "of which nobody says when they end", artifact,
        )  # fmt: skip


def _no_link(artifact: Artifact, said: dict[str, StartifactError | str]) -> StartifactError:
    errors = [error for error in said.values() if isinstance(error, StartifactError)]
    if not errors:
        return InputError(
            f"there is no link to {artifact} in {joined(said)}: only a bucket has them, since a "
            "link is a signature that S3 takes in the place of credentials",
            hint="Download it, or name regions on S3 that hold it",
        )
    if len(said) == 1:
        return errors[0]
    return no_answer(f"no region could sign a link to {artifact}:", said.items())
