"""What AWS answers and moto does not: rules for a wire between the two."""

import json
import re

from tests.faults.rules import when
from tests.support.wire import Answer, Forward, Request, Wire, error


def answer_as_aws(wire: Wire) -> None:
    """Let *wire* answer as AWS does where doctor tries what may be written."""
    wire.add(when(lambda request: request.operation == "PutParameter", _with_patterns))
    wire.add(when(_is_about_no_upload, _without_uploads))


def _with_patterns(request: Request, forward: Forward) -> Answer | None:
    """Refuse a value that does not match, as SSM does; moto stores it."""
    asked = json.loads(request.body)
    if re.search(asked.get("AllowedPattern", ""), asked["Value"]):
        return forward()
    body = json.dumps({"__type": "ParameterPatternMismatchException", "message": "no match"})
    return Answer(400, body.encode(), {"Content-Type": "application/x-amz-json-1.1"})


def _is_about_no_upload(request: Request) -> bool:
    """Say whether it is about an upload that doctor has made up."""
    return any("startifact-doctor-" in name for name in request.query.get("uploadId", []))


def _without_uploads(request: Request, forward: Forward) -> Answer | None:
    """Refuse what is about an upload that there is not, as S3 does; moto fails."""
    return error(404, "NoSuchUpload", "The specified upload does not exist.")
