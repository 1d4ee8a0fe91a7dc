"""IAM as far as policies of ours need it: it refuses on the wire what a policy does not allow."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tests.support.wire import Answer, Forward, Request, Rule, error

ACCOUNT = "123456789012"
Statements = list[dict[str, Any]]


@dataclass(frozen=True)
class Asked:
    """One action that a request needs the permission for."""

    action: str
    resource: str
    prefix: str | None = field(default=None, compare=False)
    """Of a listing, what the keys begin with."""


def asked_of(request: Request) -> list[Asked]:
    """Return everything that *request* needs a permission for."""
    if request.service == "ssm":
        name = str(json.loads(request.body)["Name"]).removeprefix("/")
        resource = f"arn:aws:ssm:{request.region}:{ACCOUNT}:parameter/{name}"
        return [Asked(f"ssm:{request.operation}", resource)]
    bucket, _, key = unquote(request.path).removeprefix("/").partition("/")
    arn = f"arn:aws:s3:::{bucket}"
    if not key:
        prefixes = request.query.get("prefix")
        is_listing = request.method == "GET"
        return [Asked("s3:ListBucket", arn, prefixes[0] if prefixes and is_listing else None)]
    if request.method == "DELETE":
        action = "AbortMultipartUpload" if "uploadId" in request.query else "DeleteObject"
    else:
        version = "Version" if "versionId" in request.query else ""
        action = f"GetObject{version}" if request.method in {"GET", "HEAD"} else "PutObject"
    asked = [Asked(f"s3:{action}", f"{arn}/{key}")]
    if source := request.headers.get("x-amz-copy-source"):
        from_ = unquote(source).partition("?")[0].removeprefix("/")
        asked.append(Asked("s3:GetObject", f"arn:aws:s3:::{from_}"))
    return asked


def allows(statements: Statements, asked: Asked) -> bool:
    """Say whether *statements* allow what is asked; a denial counts more than anything else."""
    return {s["Effect"] for s in statements if _applies(s, asked)} == {"Allow"}


def _applies(statement: Mapping[str, Any], asked: Asked) -> bool:
    return (
        any(matches(pattern, asked.action) for pattern in listed(statement["Action"]))
        and any(matches(pattern, asked.resource) for pattern in listed(statement["Resource"]))
        and all(
            _holds(operator, name, listed(values), asked)
            for operator, keys in statement.get("Condition", {}).items()
            for name, values in keys.items()
        )
    )


def _holds(operator: str, name: str, values: list[str], asked: Asked) -> bool:
    """Say whether a condition holds: of a key that a request does not have, it does not."""
    context = {"aws:ResourceAccount": ACCOUNT, "s3:prefix": asked.prefix}
    value = context[name]
    if value is None:
        return False
    if operator == "StringEquals":
        return value in values
    assert operator == "StringLike"
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


def enforced(statements: Statements, record: list[Asked]) -> Rule:
    """Return what refuses, as AWS does, whatever *statements* do not allow.

    It appends to *record* what is asked. That an object is absent S3 says only to those who may
    list the whole bucket: to all others it says that they may not see it.
    """

    def enforce(request: Request, forward: Forward) -> Answer | None:
        asked = asked_of(request)
        record.extend(asked)
        if not all(allows(statements, one) for one in asked):
            return _denial(request)
        answer = forward()
        bucket = asked[0].resource.partition("/")[0]
        if (
            answer.status == 404
            and asked[0].action == "s3:GetObject"
            and not allows(statements, Asked("s3:ListBucket", bucket))
        ):
            return _denial(request)
        return answer

    return enforce


def _denial(request: Request) -> Answer:
    if request.service == "ssm":
        text = json.dumps({"__type": "AccessDeniedException", "message": "denied by the policy"})
        return Answer(400, text.encode(), {"Content-Type": "application/x-amz-json-1.1"})
    return error(403, "AccessDenied", "denied by the policy")
