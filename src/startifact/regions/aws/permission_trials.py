"""Requests that show whether an action is allowed, and cannot change anything, whoever makes them.

An upload that does not exist cannot be completed, and is refused as that only after the permission
to do so was looked up. What has no such request is not tried.
"""

import secrets
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from startifact.errors import StartifactError
from startifact.lazy_dataclasses import dataclass
from startifact.model.examination import ExaminationRequest
from startifact.regions.aws.asking import Asking, code_behind, is_denied
from startifact.regions.aws.bucket import Bucket
from startifact.regions.aws.configuration_loader import ConfigurationLoader, clients_of
from startifact.regions.aws.endpoint import is_custom

NO_PROJECT = "startifact-doctor"
"""What is tried where no project is named."""

_WRONG_ETAG = '"00000000000000000000000000000000"'


class NotTriedError(Exception):
    """There is no request that shows it; the text says why."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One action on one resource."""

    action: str
    template: str
    """That of `startifact.permissions`."""

    resource: str
    """The ARN, which may end in an asterisk."""


class Trials:
    """Tries actions in one region."""

    def __init__(
        self,
        bucket: Bucket,
        asking: Asking,
        request: ExaminationRequest,
        loader: ConfigurationLoader | None,
    ) -> None:
        self._bucket = bucket
        self._asking = asking
        self._request = request
        self._loader = loader
        self._name = f"startifact-doctor-{secrets.token_hex(8)}"
        self._by_action: Mapping[str, Callable[[Trial], object]] = {
            "s3:GetObject": self._get,
            "s3:GetObjectVersion": partial(self._get, VersionId="null"),
            "s3:ListBucket": self._list,
            "s3:PutObject": self._complete,
            "s3:AbortMultipartUpload": self._abort,
            "s3:DeleteObject": self._delete,
            "ssm:GetParameter": self._get_parameter,
            "ssm:PutParameter": self._put_parameter,
            "ssm:DeleteParameter": self._delete_parameter,
        }

    def run(self, trial: Trial) -> None:
        """Return where *trial* is allowed.

        Raises:
            NotTriedError: There is no request that shows it.
            StartifactError: It is denied, or the answer says neither.
        """
        if "{channel}" in trial.resource:
            raise NotTriedError("name the channel")
        attempt = self._by_action.get(trial.action)
        if attempt is None:
            raise NotTriedError("only a real object would show it")
        attempt(trial)

    def _ask(
        self, trial: Trial, call: Callable[..., Any], *says_allowed: str, **arguments: Any
    ) -> None:
        """Return where *call* is answered, or refused with a code of *says_allowed*."""
        try:
            self._asking.ask(trial.action, trial.resource, partial(call, **arguments))
        except StartifactError as e:
            if code_behind(e) not in says_allowed:
                raise

    def _key(self, trial: Trial) -> str:
        """Return a key that *trial* is about. What is there, if anything, is not read in full."""
        resource = trial.resource.partition(":::")[2].partition("/")[2]
        return resource.replace("*", self._name)

    def _get(self, trial: Trial, **version: str) -> None:
        key, client = self._key(trial), self._bucket.client
        if trial.resource.endswith("/*"):  # which is there mostly, and shows the key of KMS too
            key = f"{trial.resource.partition('/')[2].removesuffix('*')}latest"

        def get() -> Any:
            where: Any = {"Bucket": self._bucket.name, "Key": key, **version}
            answer = client.get_object(**where, Range="bytes=0-0")
            answer["Body"].close()
            return answer

        try:
            self._ask(trial, get, "NoSuchKey", "NoSuchVersion", "404", "InvalidRange", "416")
        except StartifactError as e:
            if not is_denied(e):
                raise
            # Whoever may read and not list is refused what is not there, for want of the other.
            said = said_in(e)
            if "perform: s3:ListBucket" in said:
                return
            if "perform: " not in said and not (self._lists() or self._lists(key)):
                why = "S3 refuses what is not there to whoever may not list the whole bucket"
                raise NotTriedError(why) from e
            raise

    def _lists(self, key: str | None = None) -> bool:
        """Say whether the whole bucket may be listed, or *key* is listed."""
        action, arn = "s3:ListBucket", self._bucket.arn()
        # Without a prefix, as S3 asks IAM where it is asked for what is not there.
        where: Any = {} if key is None else {"Prefix": key}
        asks = partial(self._bucket.client.list_objects_v2, Bucket=self._bucket.name, MaxKeys=1)
        try:
            answer = self._asking.ask(action, arn, partial(asks, **where))
        except StartifactError:
            return False
        return key is None or any(found["Key"] == key for found in answer.get("Contents", ()))

    def _list(self, trial: Trial) -> None:
        prefix = f"{self._bucket.prefix}{self._request.project or NO_PROJECT}@"
        if self._request.operation == "projects":
            prefix = self._bucket.prefix
        self._ask(
            trial,
            self._bucket.client.list_objects_v2,
            Bucket=self._bucket.name,
            Prefix=prefix,
            MaxKeys=1,
        )

    def _complete(self, trial: Trial) -> None:
        # A bucket's policy may demand a condition, and something may be there. A prune puts a
        # tombstone in the place of an artifact, which such a policy may leave to one role.
        replaces = self._request.operation == "prune" and trial.resource.endswith("@*")
        condition = {"IfMatch": _WRONG_ETAG} if replaces else {"IfNoneMatch": "*"}
        self._ask(
            trial,
            self._bucket.client.complete_multipart_upload,
            *("NoSuchUpload", "PreconditionFailed", "412"),
            Bucket=self._bucket.name,
            Key=self._key(trial),
            UploadId=self._name,
            MultipartUpload={"Parts": [{"ETag": _WRONG_ETAG, "PartNumber": 1}]},
            **condition,
        )

    def _abort(self, trial: Trial) -> None:
        self._ask(
            trial,
            self._bucket.client.abort_multipart_upload,
            "NoSuchUpload",
            Bucket=self._bucket.name,
            Key=self._key(trial),
            UploadId=self._name,
        )

    def _delete(self, trial: Trial) -> None:
        if not self._bucket.is_aws:
            raise NotTriedError("a store that is not AWS may pass over the condition")
        self._ask(
            trial,
            self._bucket.client.delete_object,
            *("NoSuchKey", "404", "PreconditionFailed", "412"),
            Bucket=self._bucket.name,
            Key=self._key(trial),
            IfMatch=_WRONG_ETAG,
        )

    def _ssm(self) -> Any:
        assert self._loader is not None  # noqa: S101  # else no action of SSM is needed
        return clients_of(self._loader).ssm(self._asking.aws_region)

    def _parameter(self, trial: Trial) -> str:
        return trial.resource.partition(":parameter")[2].replace("*", self._name)

    def _get_parameter(self, trial: Trial) -> None:
        self._ask(
            trial, self._ssm().get_parameter, "ParameterNotFound", Name=self._parameter(trial)
        )

    def _put_parameter(self, trial: Trial) -> None:
        client = self._ssm()
        if is_custom(client.meta.endpoint_url):
            raise NotTriedError("a service that is not AWS may pass over the pattern")
        # The value does not match, and nothing would be overwritten.
        self._ask(
            trial,
            client.put_parameter,
            *("ParameterPatternMismatchException", "ParameterAlreadyExists"),
            Name=self._parameter(trial),
            Value="no",
            AllowedPattern="^yes$",
            Type="String",
            Overwrite=False,
        )

    def _delete_parameter(self, trial: Trial) -> None:
        if not trial.resource.endswith("*"):
            raise NotTriedError("only a deletion would show it")
        self._ask(
            trial, self._ssm().delete_parameter, "ParameterNotFound", Name=self._parameter(trial)
        )


def said_in(error: StartifactError) -> str:
    """Return the service's own words in *error*."""
    answer = getattr(error.__cause__, "response", {})
    return str(answer.get("Error", {}).get("Message", ""))
