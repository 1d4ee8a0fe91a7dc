"""Parameters in SSM: the organisation configuration, bucket names, and mirrors of channels."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from startifact.concurrency.backoff import attempts
from startifact.limits import RetryLimits
from startifact.regions.aws.errors import aws_errors
from startifact.regions.aws.trouble import code_of

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

# Other writers were writing the same parameter, or too many were writing at all. The SDK does not
# retry the first at all, and the others only twice, within a second or two.
_RETRIED = frozenset(
    {
        "TooManyUpdates",
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)

_ABSENT = frozenset({"ParameterNotFound", "ParameterVersionNotFound"})


class Parameters:
    """The parameters of one region."""

    def __init__(self, client: "SSMClient", region: str, *, retry: RetryLimits) -> None:
        self._client = client
        self._region = region
        self._retry = retry

    def get(self, name: str) -> str | None:
        """Return the value of *name*, or ``None`` when the region says that there is none."""
        with aws_errors("ssm:GetParameter", region=self._region, resource=f"parameter {name}"):
            try:
                answer = self._client.get_parameter(Name=name)
            except ClientError as e:
                if code_of(e) in _ABSENT:
                    return None
                raise
            return answer["Parameter"].get("Value", "")

    def put(self, name: str, value: str) -> None:
        """Make *value* the value of *name*, whatever it was."""
        put = partial(
            self._client.put_parameter, Name=name, Value=value, Type="String", Overwrite=True
        )
        with aws_errors("ssm:PutParameter", region=self._region, resource=f"parameter {name}"):
            self._write(put)

    def delete(self, name: str) -> None:
        """Make sure that there is no parameter *name*."""
        delete = partial(self._client.delete_parameter, Name=name)
        with aws_errors("ssm:DeleteParameter", region=self._region, resource=f"parameter {name}"):
            try:
                self._write(delete)
            except ClientError as e:
                if code_of(e) not in _ABSENT:
                    raise

    def _write(self, write: Callable[[], object]) -> None:
        for attempt in attempts(self._retry):
            try:
                write()
            except ClientError as e:
                if code_of(e) not in _RETRIED or attempt == self._retry.attempts:
                    raise
            else:
                return
