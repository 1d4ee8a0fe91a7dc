"""Asking GitHub for a token: trouble that passes is waited for, and nothing secret is shown."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from startifact.action.oidc import TokenSource
from startifact.errors import AccessDeniedError, ConfigurationError, StartifactError
from startifact.limits import TOKEN_RETRY
from tests.ways_in.action.identity import BEARER, TOKEN, Identities

AT_ONCE = replace(TOKEN_RETRY, shortest_seconds=0.0, first_seconds=0.0, longest_seconds=0.0)
BODY = "body-that-nobody-may-see"


@pytest.fixture
def identities() -> Iterator[Identities]:
    """Return GitHub on loopback."""
    identities = Identities()
    yield identities
    identities.stop()


def source(identities: Identities, path: str = "/token?a=b") -> TokenSource:
    return TokenSource(
        url=f"{identities.address}{path}", bearer=BEARER, audience="a&b=c/d", retry=AT_ONCE
    )


@pytest.mark.parametrize("path", ["/token", "/token?a=b"])
def test_audience(path: str, identities: Identities) -> None:
    """The audience arrives as it was given, whatever is in it and in the address."""
    assert source(identities, path)() == f"{TOKEN}-1"
    assert identities.token_requests[0]["audience"] == "a&b=c/d"


@pytest.mark.parametrize(
    "failure",
    [(500, BODY), (503, BODY), (429, BODY), (408, BODY), (200, BODY), (200, "[]"), (200, "{}"),
     (200, '{"value":""}'), (200, '{"value":5}')],
)  # fmt: skip
def test_trouble_that_passes(failure: tuple[int, str], identities: Identities) -> None:
    """An answer that may be better next time is asked for again."""
    identities.failures = [failure] * (TOKEN_RETRY.attempts - 1)

    assert source(identities)() == f"{TOKEN}-{TOKEN_RETRY.attempts}"


@pytest.mark.parametrize("status", [500, 200])
def test_trouble_that_stays(status: int, identities: Identities) -> None:
    """After a few attempts that is an error, which shows nothing of the answer."""
    identities.failures = [(status, BODY)] * 99

    with pytest.raises(AccessDeniedError) as caught:
        source(identities)()

    assert len(identities.token_requests) == TOKEN_RETRY.attempts
    displayed = f"{caught.value} {caught.value.hint} {caught.value!r}"
    assert not any(secret in displayed for secret in (BODY, BEARER, identities.address))
    assert "GitHub gave no OpenID Connect token" in displayed


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_refusal(status: int, identities: Identities) -> None:
    """A refusal is not asked for again."""
    identities.failures = [(status, BODY)] * 2

    with pytest.raises(AccessDeniedError, match=f"it answered {status}") as caught:
        source(identities)()

    assert len(identities.token_requests) == 1
    assert "id-token: write" in str(caught.value.hint)


def test_redirection(identities: Identities) -> None:
    """The secret that the request carries goes to no other address."""
    identities.failures = [(302, f"{identities.address}/elsewhere")]

    with pytest.raises(AccessDeniedError, match="it answered 302"):
        source(identities)()

    assert len(identities.token_requests) == 1


def test_nobody_there() -> None:
    """An address where nobody answers is an error of the same kind."""
    with pytest.raises(AccessDeniedError, match="did not answer as it should"):
        TokenSource(url="http://127.0.0.1:1/", bearer=BEARER, audience="a", retry=AT_ONCE)()


@pytest.mark.parametrize(
    ("url", "bearer", "kind"),
    [
        ("", BEARER, AccessDeniedError),
        ("https://127.0.0.1/", "", AccessDeniedError),
        ("http://example.invalid/", BEARER, ConfigurationError),
        ("file:///etc/passwd", BEARER, ConfigurationError),
        ("//127.0.0.1/", BEARER, ConfigurationError),
    ],
)
def test_what_cannot_be_asked(url: str, bearer: str, kind: type[StartifactError]) -> None:
    """Without permission, or in the clear to another machine, nothing is asked."""
    source = TokenSource(url=url, bearer=bearer, audience="a")

    for attempt in (source.check, source):
        with pytest.raises(kind) as caught:
            attempt()
        assert BEARER not in f"{caught.value} {caught.value.hint}"


def test_it_does_not_show_itself() -> None:
    """What is printed of a source by accident holds no secret."""
    assert BEARER not in repr(TokenSource(url="https://a", bearer=BEARER, audience="a"))
