"""What AWS's errors become, and what each way in is told to do about them."""

import pytest
from botocore.exceptions import (
    CredentialRetrievalError,
    NoCredentialsError,
    ProfileNotFound,
    SSLError,
)

from startifact.errors import StartifactError
from startifact.hints import in_python, in_shell, in_workflow
from startifact.regions.aws.credentials import UnreadableCredentialsError
from startifact.regions.aws.errors import aws_errors

ERRORS = [
    NoCredentialsError(),
    CredentialRetrievalError(provider="a", error_msg="b"),
    UnreadableCredentialsError(file="/a", reason="b", provider="a", error_msg="b"),
    ProfileNotFound(profile="a"),
    SSLError(endpoint_url="https://a", error=OSError("b")),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_advice(error: Exception) -> None:
    """What a workflow alone can set, and what holds in its container alone, is said there alone."""
    with (
        pytest.raises(StartifactError) as caught,
        aws_errors("s3:GetObject", region="us-east-1", resource="arn:aws:s3:::b/k"),
    ):
        raise error

    hint = caught.value.next_step
    assert hint is not None
    assert of_a_workflow(hint.text(in_python)) == of_a_workflow(hint.text(in_shell)) == []
    assert of_a_workflow(hint.text(in_workflow)) != []


def of_a_workflow(text: str) -> list[str]:
    """Return the words in *text* that mean something in a workflow alone."""
    words = ["role-to-assume", "workflow", "container of an action", "composite", "hop", "job"]
    return [word for word in words if word in text.replace("AWS_CONTAINER", "")]
