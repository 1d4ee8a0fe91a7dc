"""Parameters in SSM: the organisation configuration, bucket names, and copies of channels."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from startifact.regions.aws.errors import aws_errors, code_of

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


class Parameters:
    """The parameters of one region."""

    def __init__(self, client: "SSMClient", region: str) -> None:
        self._client = client
        self._region = region

    def get(self, name: str) -> str | None:
        """Return the value of *name*, or ``None`` when the region says that there is none."""
        with aws_errors("ssm:GetParameter", region=self._region, resource=f"parameter {name}"):
            try:
                answer = self._client.get_parameter(Name=name)
            except ClientError as e:
                if code_of(e) in {"ParameterNotFound", "ParameterVersionNotFound"}:
                    return None
                raise
        return answer["Parameter"].get("Value", "")

    def put(self, name: str, value: str) -> None:
        """Make *value* the value of *name*, whatever it was."""
        with aws_errors("ssm:PutParameter", region=self._region, resource=f"parameter {name}"):
            self._client.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
