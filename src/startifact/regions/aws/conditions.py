"""ETags as conditions: what a refusal means, and the error where it cannot mean what it says.

A 412 says that another object is there than the one a condition names. So the key is described
again: where the same one is there, a proxy or the store has not honoured the condition.
"""

from botocore.exceptions import ClientError

from startifact.errors import ConfigurationError
from startifact.text import quoted

UNMET = frozenset({"412", "PreconditionFailed"})
"""The condition of a request does not hold, or so the answer says."""

_WEAK = "W/"


def is_weak(token: str) -> bool:
    """Say whether *token* is a weak ETag, which no condition ever matches."""
    return token.startswith(_WEAK)


def is_same(token: str | None, other: str | None) -> bool:
    """Say whether two ETags are one, but for a proxy that made one weak; ``None`` is no object."""
    if token is None or other is None:
        return token is other
    return token.removeprefix(_WEAK) == other.removeprefix(_WEAK)


def ignored_condition(
    refusal: ClientError, *, region: str, key: str, expected: str | None, got: str | None
) -> ConfigurationError:
    """Return the error for a *refusal* although what is at *key* is what the condition names.

    *expected* and *got* are ETags, which `is_same`; ``None`` stands for no object.
    """
    what = f"{region} refused {refusal.operation_name} of {key}"
    if expected is None:
        return ConfigurationError(
            f"{what} with If-None-Match: *, as if an object were there, and nothing is there: the "
            "store, or something between here and it, does not honour If-None-Match",
            hint="Some stores count a delete marker as an object: remove it there, or use a bucket "
            "without versions",
        )
    weak = ", a weak one, which never matches" if is_weak(expected) else ""
    return ConfigurationError(
        f"{what} with If-Match, as if another object were there, and it is the same one: expected "
        f"ETag {quoted(expected)}{weak}, got {quoted(got)}; something between here and the store "
        "does not honour If-Match",
        hint="A proxy that rewrites ETags does this: reach the store without it, or keep it from "
        "changing ETags",
    )
