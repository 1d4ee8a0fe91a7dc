"""What to do about a service's answer, in advice that can work."""

import re

from startifact.hints import ByWayIn, Hint
from startifact.regions.aws.partitions import is_opt_in

NO_CREDENTIALS = Hint.of(
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE",
    ByWayIn(
        workflow=", set role-to-assume, or run aws-actions/configure-aws-credentials before this "
        "step, and give the job 'permissions: id-token: write'; on an EC2 instance whose role is "
        "to be used, the metadata option http-put-response-hop-limit has to be 2, since a "
        "container is one more hop"
    ),
)

CERTIFICATES = Hint.of(
    "Check AWS_CA_BUNDLE, which names the file of certificates to trust, or the proxy whose "
    "certificate has to be in it",
    ByWayIn(workflow="; the container of an action sees only files in the workspace"),
)

NO_TLS = (
    "Check the scheme and the port of the endpoint, in the region's spelling, AWS_ENDPOINT_URL and "
    "the profile: http:// is for stores on this machine alone, and a proxy that wants plain HTTP "
    "is written with http:// in HTTPS_PROXY"
)

TLS = (
    "Check the host of the endpoint, and what is between here and it: a proxy that ends TLS, or "
    "has old versions of it alone"
)

UNREADABLE = Hint.of(
    "Check what names that file: AWS_WEB_IDENTITY_TOKEN_FILE, "
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE or the profile",
    ByWayIn(
        workflow=". The container of an action lacks the runner's files: set role-to-assume, "
        "or use the composite form, which has no container"
    ),
)

NO_PROFILE = Hint.of(
    "Check AWS_PROFILE and the AWS configuration file",
    ByWayIn(
        workflow="; the container of an action lacks the job's home folder: set "
        'role-to-assume, or AWS_PROFILE: ""'
    ),
)

NO_ANSWER = (
    "Check what is between here and the region: a portal that wants somebody to sign in, or a "
    "proxy, may have answered in its place"
)

PROXY = (
    "The proxy wants a user and a password: put them into HTTPS_PROXY, as in "
    "http://USER:PASSWORD@HOST, or reach the service without it, with NO_PROXY"
)

PROXY_ADDRESS = "Check HTTPS_PROXY and NO_PROXY, and the DNS of this machine"

PROXY_REFUSES = "Check HTTPS_PROXY and NO_PROXY, or try again"

NETWORK = "Check the network, or try again"

NAME = (
    f"{NETWORK}; if it persists, look at the spelling of the region and the endpoint, and at the "
    "DNS of this machine"
)

_SIGN_IN = ByWayIn(
    workflow="", elsewhere="; for a profile that signs in, aws sso login --profile NAME does it"
)

_TIME = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidSignatureException",
        "RequestExpired",
        "RequestTimeTooSkewed",
    }
)
_UNKNOWN_TOKENS = frozenset(
    {
        "AuthFailure",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "UnrecognizedClientException",
    }
)

_ACTION = re.compile(r"\bperform: ([a-z0-9-]{2,40}:[A-Za-z]{2,60})\b", re.ASCII)
_RESOURCE = re.compile(r"\bon resource: \"?(arn:[\w:/.*@+=,-]{1,400})", re.ASCII)
_EXPLICIT = re.compile(
    r"\bexplicit deny in (?:an? )?([A-Za-z][A-Za-z -]{2,40}?(?:policy|boundary))"
)
_IMPLICIT = re.compile(r"\bbecause no ([A-Za-z][A-Za-z -]{2,40}?(?:policy|boundary)) allows\b")
_KEPT = {
    "service control policy": ", which your organisation in AWS keeps",
    "resource control policy": ", which your organisation in AWS keeps",
    "VPC endpoint policy": " of the endpoint that requests go through",
    "permissions boundary": " of the role",
    "session policy": ", which whoever took on the role has set",
}
_OWN_POLICY = "identity-based policy"
_BUCKETS = "resource-based policy"
_OF_ROLES = frozenset({"s3:PutObject", "s3:DeleteObject"})
_ROLES = (
    "; that of a bucket which startifact bootstrap has made is to stay as it is: take on its role "
    "NAME-prune or NAME-repair"
)


def for_denial(action: str, resource: str, said: str) -> str:
    """Return what allows *action* on *resource*, which the service denied with the words *said*.

    The service may name another action, as for the key that an object is encrypted with, and which
    policy it was.
    """
    asked = _ACTION.search(said)
    if asked is not None and (asked[1] != action or not resource.startswith("arn:")):
        action, resource = asked[1], resource_in(said) or resource
    allow = f"Allow {action} on {resource}"
    if explicit := _EXPLICIT.search(said):
        where = f"{explicit[1]} that denies it{_KEPT.get(explicit[1], '')}"
        advice = f"{allow} in the {where}: what other policies allow does not count against that"
        return advice + _ROLES if explicit[1] == _BUCKETS and action in _OF_ROLES else advice
    implicit = _IMPLICIT.search(said)
    if implicit is not None and implicit[1] != _OWN_POLICY:
        return f"{allow} in the {implicit[1]}{_KEPT.get(implicit[1], '')}"
    if action.startswith(("cloudformation:", "iam:")):
        return f"{allow} in the policy of whoever runs this"
    if action.startswith("sts:"):
        return f"{allow} in the policy of the identity that takes it on"
    if action.startswith("ssm:"):  # whose parameters have no policies of their own
        return f"{allow} in the role's policy"
    hint = f"{allow} in the role's policy, and check the bucket's and the key's policies"
    return hint + or_requester_pays(said) if action.startswith("s3:") else hint


def or_requester_pays(said: str) -> str:
    """Return that the requester may have to pay, for the end of advice on a denial in words *said*.

    S3 does not say so: it denies without a reason, and only a bucket's owner, who is not denied,
    may ask who pays. To find out by a request that agrees to pay would be to agree.
    """
    if _ACTION.search(said) is not None:
        return ""
    return "; a bucket of another account whose requester pays refuses everything in these words"


def or_other_owner(expected: str | None) -> str:
    """Return that the bucket may be another account's than *expected*, for the end of such advice.

    S3 does not say so either. ``None`` expected none.
    """
    if expected is None:
        return ""
    return (
        f"; a bucket that is not of the account {expected}, which bucket_owner (bucket-owner in "
        "s3://...) expects, refuses everything too"
    )


def is_locked(said: str) -> bool:
    """Say whether a refusal in the words *said* is that of Object Lock, which no policy is."""
    return "protected by object lock" in said.lower()


def denied_in(said: str) -> tuple[str, str] | None:
    """Return the action that *said* denies, and on what; ``None`` where it is no denial."""
    found = _ACTION.search(said)
    return None if found is None else (found[1], resource_in(said) or "what it names")


def resource_in(said: str) -> str | None:
    """Return the ARN of what a service denies something on, where *said* names it."""
    found = _RESOURCE.search(said)
    return None if found is None else found[1].rstrip(".,")


def for_credentials(code: str, region: str) -> Hint:
    """Return what to do where *region* did not accept the credentials, for the reason *code*."""
    text = _for_credentials(code, region)
    return Hint.of(text, _SIGN_IN) if "new credentials" in text else Hint.of(text)


def _for_credentials(code: str, region: str) -> str:
    if code in _TIME:
        return "Get new credentials, and check the clock of this machine"
    if code == "SignatureDoesNotMatch":
        return (
            "Check AWS_SECRET_ACCESS_KEY, and the clock of this machine; a proxy that changes "
            "requests causes this too"
        )
    if code not in _UNKNOWN_TOKENS:
        return "Get new credentials"
    if is_opt_in(region):
        return (
            f"{region} has to be enabled for the account, and takes only tokens of an STS endpoint "
            "in a region: enable it, set AWS_STS_REGIONAL_ENDPOINTS=regional where the credentials "
            "are fetched, or make the account's global tokens valid in all regions in IAM; if "
            "other regions do not accept them either, get new credentials"
        )
    return (
        "Get new credentials; where other regions accept them, check that this one is enabled "
        "for the account"
    )


_KMS = (
    "Check the key in KMS: enable it, cancel its deletion, or import its material; without the "
    "key nobody can read what it encrypts"
)
_ACCOUNT = (
    "Look at the account's billing and health in the AWS console, and ask AWS Support or whoever "
    "runs the store: the account, not a policy, is what is refused"
)
LOCKED = (
    "Wait until the retention ends; in the mode GOVERNANCE whoever has "
    "s3:BypassGovernanceRetention may end it sooner, in COMPLIANCE nobody"
)
_QUOTA = "Raise the quota, or make room: delete what nobody needs any more"
_PAYER = (
    "The bucket's requester pays, which Startifact does not agree to: let its owner pay, or use a "
    "bucket of your own"
)
_UNKNOWN_REQUEST = (
    "The store does not have what Startifact asks for: use one that does, as Amazon S3 does, and "
    "check that the endpoint is that of S3 itself"
)

_NO_LOCK = (
    "Switch Object Lock on in the bucket, or take object_lock_mode and object_lock_days out of the "
    "configuration, or of s3://..."
)

_FOR_GOOD = {
    "AccountProblem": _ACCOUNT,
    "AllAccessDisabled": _ACCOUNT,
    "InvalidPayer": _ACCOUNT,
    "NotSignedUp": _ACCOUNT,
    "RequestPayerDenied": _PAYER,
    "UserProjectMissing": _PAYER,
    "OptInRequired": "Enable the region for the account, or the service for it, in the AWS console",
    "RegionDisabledException": "Enable the region for the account in the AWS console",
    "EntityTooLarge": "It is larger than the store accepts",
    "MethodNotAllowed": _UNKNOWN_REQUEST,
    "NotImplemented": _UNKNOWN_REQUEST,
    "405": _UNKNOWN_REQUEST,
    "501": _UNKNOWN_REQUEST,
    "KeyTooLongError": "Shorten the key prefix or the project's name",
}


def for_good(code: str, said: str = "") -> str:
    """Return what to change where the service refuses with *code*, however often it is asked.

    *said* is what it says.
    """
    if "objectlockconfiguration" in said.lower().replace(" ", ""):
        return _NO_LOCK
    if code.startswith("KMS."):
        return _KMS
    if is_quota(code):
        return _QUOTA
    return _FOR_GOOD.get(
        code, "Change what the service names: it refuses the same request each time"
    )


def is_for_good(code: str) -> bool:
    """Say whether *code* is known to stay, also where an answer has no status."""
    return code.startswith("KMS.") or is_quota(code) or code in _FOR_GOOD


def is_quota(code: str) -> bool:
    """Say whether *code* says that there is no room, or that there are too many of something."""
    if code in {"BandwidthLimitExceeded", "RequestLimitExceeded"}:  # so many at a time
        return False
    return "Quota" in code or code.endswith(("LimitExceeded", "StorageFull", "TooManyBuckets"))
