"""Answers that say no in AWS's own words: denials by policies, and what no repetition helps."""

import json

from tests.faults.rules import answering
from tests.support.wire import Answer, Forward, Request, Rule, error

USER = "arn:aws:sts::123456789012:assumed-role/deploy/run-7"
POLICIES = (
    "an identity-based policy",
    "a resource-based policy",
    "a service control policy",
    "a resource control policy",
    "a VPC endpoint policy",
    "a permissions boundary",
    "a session policy",
)
"""What AWS names as the place of an explicit denial."""

_KMS_KEY = "arn:aws:kms:us-east-1:123456789012:key/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
_S3_ACTIONS = {
    "PUT": "s3:PutObject",
    "POST": "s3:PutObject",
    "GET": "s3:GetObject",
    "HEAD": "s3:GetObject",
    "DELETE": "s3:DeleteObject",
}


def denied(policy: str | None = "a service control policy") -> Rule:
    """Return a rule by which *policy*, one of ``POLICIES``, denies what is asked explicitly.

    ``None`` is the other denial: no identity-based policy allows it.
    """

    def deny(request: Request, forward: Forward) -> Answer | None:
        action, resource = _asked(request)
        reason = (
            f"because no identity-based policy allows the {action} action"
            if policy is None
            else f"with an explicit deny in {policy}"
        )
        if request.service == "s3":
            resource = f'"{resource}"'
        text = (
            f"User: {USER} is not authorized to perform: {action} on resource: {resource} {reason}"
        )
        if request.service == "ssm":
            return _json_error(400, "AccessDeniedException", text)
        return error(403, "AccessDenied", text)

    return deny


def _asked(request: Request) -> tuple[str, str]:
    """Return the action that *request* needs and the ARN that it needs it on."""
    if request.service == "ssm":
        name = str(json.loads(request.body or b"{}").get("Name", "*")).lstrip("/")
        region = request.region
        return (
            f"ssm:{request.operation}",
            f"arn:aws:ssm:{region}:123456789012:parameter/{name}",
        )
    bucket, _, key = request.path.lstrip("/").partition("/")
    if not key:
        return "s3:ListBucket", f"arn:aws:s3:::{bucket}"
    if request.method == "DELETE" and "uploadId" in request.query:
        return "s3:AbortMultipartUpload", f"arn:aws:s3:::{bucket}/{key}"
    version = "Version" if "versionId" in request.query else ""
    return f"{_S3_ACTIONS[request.method]}{version}", f"arn:aws:s3:::{bucket}/{key}"


def _json_error(status: int, code: str, message: str) -> Answer:
    body = json.dumps({"__type": code, "Message": message}).encode()
    return Answer(status, body, {"Content-Type": "application/x-amz-json-1.1"})


def requester_pays(request: Request, forward: Forward) -> Answer | None:
    """Refuse whoever does not say that they pay, as a bucket with requester pays does."""
    if request.headers.get("x-amz-request-payer") == "requester":
        return forward()
    return error(403, "AccessDenied", "Access Denied")


REFUSALS: dict[str, tuple[int, str]] = {
    "AccountProblem": (
        403,
        (
            "There is a problem with your AWS account that prevents the operation from completing "
            "successfully. Contact AWS Support for further assistance."
        ),
    ),
    "AllAccessDisabled": (403, "All access to this object has been disabled"),
    "QuotaExceeded": (403, "The bucket quota has been exceeded."),
    "XMinioAdminBucketQuotaExceeded": (400, "Bucket quota exceeded"),
    "RequestPayerDenied": (403, "Access denied, because the bucket is a requester-pays bucket."),
    "UserProjectMissing": (
        400,
        "Bucket is a requester pays bucket but no user project provided.",
    ),
    "KMS.DisabledException": (400, f"{_KMS_KEY} is disabled."),
    "KMS.NotFoundException": (400, f"Key '{_KMS_KEY}' does not exist"),
    "KMS.KMSInvalidStateException": (400, f"{_KMS_KEY} is pending deletion."),
    "MethodNotAllowed": (405, "The specified method is not allowed against this resource."),
    "NotImplemented": (
        501,
        "A header you provided implies functionality that is not implemented",
    ),
    "SomethingNew": (418, "An error that nobody has heard of."),
}
"""Refusals that no repetition helps, by their code; the last one is in nobody's list."""


def refused(code: str) -> Rule:
    """Return a rule that refuses with *code*, one of ``REFUSALS``, and does nothing."""
    status, message = REFUSALS[code]
    return answering(error(status, code, message))
