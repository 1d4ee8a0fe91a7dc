"""Links with which an artifact can be downloaded for a while, without credentials."""

from dataclasses import field
from datetime import datetime, timedelta
from urllib.parse import parse_qs, quote, urlsplit

from startifact.errors import InputError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import MAX_SIGNED_LINK_DAYS
from startifact.model.durations import duration_text, parse_duration
from startifact.text import quoted

_LONGEST = timedelta(days=MAX_SIGNED_LINK_DAYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRequest:
    """How long a link is to work, and under which name a browser saves what it leads to."""

    expires: timedelta | None
    """``None`` for an hour, or for as long as the credentials live where that is less."""

    filename: str | None
    """A safe name of a file; ``None`` for the last part of the link's path."""

    @property
    def content_disposition(self) -> str:
        """What S3 is to answer as ``Content-Disposition``: a file that is saved, never a page."""
        if self.filename is None:
            return "attachment"
        plain = "".join(c if c.isascii() and c not in '"\\%' else "_" for c in self.filename)
        encoded = quote(self.filename, safe="")
        return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedLink:
    """A link that a region has signed. Whoever has it can download, so it is a secret."""

    url: str = field(repr=False)
    expires_at: datetime
    """When it stops working at the latest, in UTC."""

    may_end_sooner: bool
    """Whether the credentials that have signed it are temporary and nobody says how long."""

    object_version: str | None
    """The bucket's own version of the object that it leads to, where the bucket keeps versions."""


def secrets_of(url: str) -> tuple[str, ...]:
    """Return *url*, a signed link, and what of it has to stay secret in whatever it is written."""
    signatures = parse_qs(urlsplit(url).query).get("X-Amz-Signature", [])
    return (url, *signatures)


def parse_expires(given: object, *, name: str = "expires") -> timedelta:
    """Return how long a link is to work; *name* is what it is given as.

    Raises:
        InputError: It is no length of time, none at all, or longer than a signature may last.
    """
    length = parse_duration(given, name=name)
    if not timedelta(seconds=1) <= length <= _LONGEST:
        text = quoted(given) if isinstance(given, str) else duration_text(length)
        raise InputError(
            f"{name} is {text}, expected a length of time from 1s to {MAX_SIGNED_LINK_DAYS}d: S3 "
            "takes no signature that lasts longer",
            hint="Ask for less, and make a new link when it has ended",
        )
    return length
