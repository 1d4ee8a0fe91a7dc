"""IAM as far as policies of ours need it: it refuses on the wire what a policy does not allow."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from tests.support.wire import Answer, Forward, Request, Rule, error

ACCOUNT = "123456789012"
Statements = list[dict[str, Any]]

ANYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
"""What an administrator may do."""


@dataclass(frozen=True)
class Asked:
    """One action that a request needs the permission for."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict, compare=False)
    """What conditions may compare, by its name in IAM; what is not there has no value."""


def asked_of(request: Request, principal: str = "") -> list[Asked]:
    """Return everything that *request* of a *principal* needs a permission for."""
    asker = {"aws:PrincipalArn": principal} if principal else {}
    return [replace(asked, context={**asker, **asked.context}) for asked in _asked_of(request)]


def _asked_of(request: Request) -> list[Asked]:
    if request.service == "ssm":
        name = str(json.loads(request.body).get("Name", "*")).removeprefix("/")
        resource = f"arn:aws:ssm:{request.region}:{ACCOUNT}:parameter/{name}"
        return [Asked(f"ssm:{request.operation}", resource)]
    bucket, _, key = unquote(request.path).removeprefix("/").partition("/")
    arn = f"arn:aws:s3:::{bucket}"
    if not key:
        prefixes = request.query.get("prefix")
        is_listing = request.method == "GET"
        context = {"s3:prefix": prefixes[0]} if prefixes and is_listing else {}
        return [Asked("s3:ListBucket", arn, context)]
    if request.method == "DELETE":
        action = "AbortMultipartUpload" if "uploadId" in request.query else "DeleteObject"
    else:
        action = "GetObject" if request.method in {"GET", "HEAD"} else "PutObject"
    asked = [Asked(f"s3:{action}", f"{arn}/{key}", _written(request))]
    if "x-amz-tagging" in request.headers:
        asked.append(Asked("s3:PutObjectTagging", f"{arn}/{key}"))
    if "x-amz-object-lock-mode" in request.headers:
        asked.append(Asked("s3:PutObjectRetention", f"{arn}/{key}"))
    if kms_key := request.headers.get(KMS_KEY):
        asked.append(Asked("kms:GenerateDataKey", kms_key, via_s3(request)))
        if "uploads" in request.query:  # whose parts are read once more when they are joined
            asked.append(Asked("kms:Decrypt", kms_key, via_s3(request)))
    if source := request.headers.get("x-amz-copy-source"):
        from_ = unquote(source).partition("?")[0].removeprefix("/")
        asked.append(Asked("s3:GetObject", f"arn:aws:s3:::{from_}"))
    return asked


KMS_KEY = "x-amz-server-side-encryption-aws-kms-key-id"


def via_s3(request: Request) -> dict[str, str]:
    """Return what KMS knows of who asks, where S3 does for a *request*."""
    return {"kms:ViaService": f"s3.{request.region}.amazonaws.com"}


def _written(request: Request) -> dict[str, str]:
    """Return what conditions may compare of a *request* that writes."""
    if request.method not in {"PUT", "POST"}:
        return {}
    makes_object = not {"uploads", "partNumber"} & request.query.keys()
    found = {"s3:ObjectCreationOperation": str(makes_object).lower()}
    for name in ("if-match", "if-none-match"):
        if name in request.headers:
            found[f"s3:{name}"] = request.headers[name]
    return found


def allows(statements: Statements, asked: Asked) -> bool:
    """Say whether *statements* allow what is asked; a denial counts more than anything else."""
    return {s["Effect"] for s in statements if _applies(s, asked)} == {"Allow"}


def _applies(statement: Mapping[str, Any], asked: Asked) -> bool:
    return (
        any(matches(pattern, asked.action) for pattern in listed(statement["Action"]))
        and _is_on(statement, asked.resource)
        and all(
            _holds(operator, name, listed(values), asked)
            for operator, keys in statement.get("Condition", {}).items()
            for name, values in keys.items()
        )
    )


def of_bucket(bucket: str, statements: Statements) -> Statements:
    """Return the *statements* of the policy of a *bucket*, which are about no other one."""
    return [{**statement, "Bucket": f"arn:aws:s3:::{bucket}"} for statement in statements]


def _is_on(statement: Mapping[str, Any], resource: str) -> bool:
    if resource.partition("/")[0] != statement.get("Bucket", resource.partition("/")[0]):
        return False
    others = listed(statement.get("NotResource", []))
    if others:
        return not any(matches(pattern, resource) for pattern in others)
    return any(matches(pattern, resource) for pattern in listed(statement["Resource"]))


_ALWAYS = {"aws:ResourceAccount": ACCOUNT, "aws:SecureTransport": "true"}
_KNOWN = {
    *_ALWAYS,
    *("aws:PrincipalArn", "s3:ObjectCreationOperation", "s3:if-match", "s3:if-none-match"),
    *("s3:prefix", "kms:ViaService"),
}


def _holds(operator: str, name: str, values: list[str], asked: Asked) -> bool:
    """Say whether a condition holds: of a key that a request does not have, only if it denies."""
    assert name in _KNOWN
    value = {**_ALWAYS, **asked.context}.get(name)
    if operator == "Null":
        return values == [str(value is None).lower()]
    if operator == "ArnNotLike":
        return value is None or not any(matches(pattern, value) for pattern in values)
    if value is None:
        return False
    if operator in {"StringEquals", "Bool"}:
        return value in values
    assert operator in {"StringLike", "ArnLike"}
    return any(matches(pattern, value) for pattern in values)


def matches(pattern: str, text: str) -> bool:
    """Say whether IAM takes *text* for one of *pattern*."""
    parts = re.split(r"(\$\{[*?$]\}|[*?])", pattern)
    wild = {"*": ".*", "?": "."}
    made = "".join(
        wild.get(part) or re.escape(part[2] if part.startswith("${") else part) for part in parts
    )
    return re.fullmatch(made, text, re.DOTALL) is not None


def listed(given: str | list[str]) -> list[str]:
    """Return one or several texts as a list."""
    return [given] if isinstance(given, str) else given


def enforced(statements: Statements, record: list[Asked], principal: str = "") -> Rule:
    """Return what refuses, as AWS does, whatever *statements* do not allow to a *principal*.

    A bucket's policy that only denies may be among them.

    It appends to *record* what is asked. That an object is absent S3 says only to those who may
    list the whole bucket: to all others it says that they may not see it.
    """

    def enforce(request: Request, forward: Forward) -> Answer | None:
        asked = asked_of(request, principal)
        record.extend(asked)
        for one in asked:
            if not allows(statements, one):
                return _denial(request, None if one is asked[0] else one)
        answer = forward()
        bucket = asked[0].resource.partition("/")[0]
        kms_key = answer.headers.get(KMS_KEY)
        if kms_key and request.method == "GET":
            read = Asked("kms:Decrypt", kms_key, via_s3(request))
            record.append(read)
            if not allows(statements, read):
                return _denial(request, read)
        lists = Asked("s3:ListBucket", bucket, {"aws:PrincipalArn": principal})
        if (
            answer.status == 404
            and asked[0].action == "s3:GetObject"
            and not allows(statements, lists)
        ):
            return _denial(request)
        return answer

    return enforce


def _denial(request: Request, other: Asked | None = None) -> Answer:
    """Return a refusal, in which AWS names the action only where it is *other* than was asked."""
    said = "denied by the policy"
    if other is not None:
        said = (
            f"User: arn:aws:iam::{ACCOUNT}:user/me is not authorized to perform: {other.action} on "
            f"resource: {other.resource} because no identity-based policy allows the "
            f"{other.action} action"
        )
    if request.service == "ssm":
        text = json.dumps({"__type": "AccessDeniedException", "message": said})
        return Answer(400, text.encode(), {"Content-Type": "application/x-amz-json-1.1"})
    return error(403, "AccessDenied", said)
