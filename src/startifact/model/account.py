"""What an account of AWS has, as far as an organisation is set up with it."""

from enum import StrEnum, auto

from startifact.errors import StartifactError
from startifact.lazy_dataclasses import dataclass
from startifact.model.stacks import Stack


class BucketState(StrEnum):
    """Whose a name of a bucket is."""

    ABSENT = auto()
    """It is free, or was a moment ago."""

    OWN = auto()
    """The account's, in the region it should be in."""

    ELSEWHERE = auto()
    """In another region."""

    TAKEN = auto()
    """Somebody else's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketFound:
    """A name for a bucket, and whose it is."""

    name: str
    state: BucketState
    region: str = ""
    """Where it is, if it is elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who asks AWS."""

    account: str
    who: str
    """The user or role, such as ``user/me``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionFound:
    """What there is in one region, before it is known what names are used there."""

    region: str
    identity: Identity
    stack: Stack | None
    """That of the region itself."""

    roles_stack: Stack | None
    """That of the roles, which only one region has."""

    configuration: str | None
    """What the parameter with the organisation configuration holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFound:
    """What there is in one region of a bucket, and of what names it."""

    bucket_name: str | None
    """What the parameter for the bucket's name holds."""

    bucket: BucketFound
    kms_key: str = ""
    """The ARN of the key in KMS that is to be used, if one is."""

    key_problem: StartifactError | None = None
    """Why it cannot be used, where that is so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IamFound:
    """What there is in IAM, which all regions share."""

    provider: str | None
    """The ARN of GitHub's identity provider."""

    audiences: tuple[str, ...] = ()
    """Whom the tokens may be meant for that it takes."""

    roles: frozenset[str] = frozenset()
    """Those of the names asked for that there are."""

    role_count: int = 0
    role_quota: int | None = None
    """How many there may be, where that is known."""

    policy_count: int = 0
    policy_quota: int | None = None
    """The same of policies that are managed by the account."""

    trust_quota: int | None = None
    """How many characters the trust policy of a role may have, where that is known."""
