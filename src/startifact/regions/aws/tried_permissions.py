"""Permissions, tried one by one with requests that cannot change anything, whoever may make them.

An upload that does not exist cannot be completed, and is refused as that only after the permission
to do so was looked up. What has no such request is not tried. IAM is not asked what it would allow
(``iam:SimulatePrincipalPolicy``): few may ask it, and it does not know the policies of buckets.
"""

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from startifact.errors import StartifactError
from startifact.hints import Command, Hint, Option, join
from startifact.model.examination import (
    Check,
    CheckState,
    ExaminationRequest,
    failed,
    not_tried,
    ok,
    unknown,
)
from startifact.permissions import ARTIFACTS, BUCKET, Permission, When, permissions_of
from startifact.regions.aws.asking import Asking, code_behind, is_denied
from startifact.regions.aws.bucket import Bucket
from startifact.regions.aws.configuration_loader import (
    ConfigurationLoader,
    clients_of,
    store_configuration,
)
from startifact.regions.aws.endpoint import is_custom
from startifact.regions.aws.partitions import partition_of
from startifact.text import joined

_NO_PROJECT = "startifact-doctor"
_LEFT_OUT = frozenset({When.FIRST, When.OTHER_STORE, When.TO_ROLE})
_WRONG_ETAG = '"00000000000000000000000000000000"'


class _NotTriedError(Exception):
    """There is no request that shows it; the text says why."""


@dataclass(frozen=True, slots=True)
class _Trial:
    """One action on one resource."""

    action: str
    template: str
    resource: str


def try_permissions(
    bucket: Bucket,
    asking: Asking,
    request: ExaminationRequest,
    *,
    loader: ConfigurationLoader | None,
    kms_key: str | None,
    account: str | None,
) -> Iterator[Check]:
    """Yield for each action that the operation of *request* needs whether it is allowed."""
    values = _values(bucket, asking, request, loader, kms_key, account)
    trials: dict[str, list[_Trial]] = {}
    for permission in permissions_of(request.operation):
        if _is_left_out(permission, loader, kms_key):
            continue
        for action in permission.actions:
            for template in permission.resources:
                trial = _Trial(action, template, template.format_map(values))
                trials.setdefault(action, []).append(trial)
    trying = _Trying(bucket, asking, request, loader)
    for action, of_action in trials.items():
        yield trying.check(action, list(dict.fromkeys(of_action)))


def _is_left_out(
    permission: Permission, loader: ConfigurationLoader | None, kms_key: str | None
) -> bool:
    """Say whether *permission* is not needed here, or takes something away."""
    of_ssm = all(action.startswith("ssm:") for action in permission.actions)
    return (
        permission.is_denial
        or permission.when in _LEFT_OUT
        or (permission.when is When.KMS and kms_key is None)
        or (of_ssm and loader is None)
    )


def _values(
    bucket: Bucket,
    asking: Asking,
    request: ExaminationRequest,
    loader: ConfigurationLoader | None,
    kms_key: str | None,
    account: str | None,
) -> Mapping[str, str]:
    """Return what the templates of `startifact.permissions` are filled in with."""
    values = {
        "partition": partition_of(asking.aws_region),
        "account": account or "*",
        "region": asking.aws_region,
        "bucket": bucket.name,
        "key_prefix": bucket.prefix,
        "project": request.project or _NO_PROJECT,
        "channel": request.channel or "{channel}",
        "kms_key": kms_key or "",
        "role": "",
        "configuration_parameter": "",
        "bucket_name_parameter": "",
        "parameter_prefix": "",
    }
    if loader is not None:
        configuration = store_configuration(loader, asking.name)
        values |= {
            "configuration_parameter": f"/{loader.parameter.lstrip('/')}",
            "bucket_name_parameter": f"/{configuration.bucket_name_param.lstrip('/')}",
            "parameter_prefix": configuration.parameter_name_prefix,
        }
    return values


class _Trying:
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
        self._trials: Mapping[str, Callable[[_Trial], object]] = {
            "s3:GetObject": self._get,
            "s3:ListBucket": self._list,
            "s3:PutObject": self._complete,
            "s3:AbortMultipartUpload": self._abort,
            "s3:DeleteObject": self._delete,
            "ssm:GetParameter": self._get_parameter,
            "ssm:PutParameter": self._put_parameter,
            "ssm:DeleteParameter": self._delete_parameter,
        }

    def check(self, action: str, trials: list[_Trial]) -> Check:
        """Return whether *action* is allowed on all its resources."""
        allowed, untried = [], []
        denials: list[StartifactError] = []
        doubts: list[str] = []
        for trial in trials:
            try:
                self._try(trial)
            except _NotTriedError as e:
                untried.append(str(e))
            except StartifactError as e:
                if is_denied(e) or code_behind(e).startswith("KMS."):
                    denials.append(e)
                else:
                    doubts.append(e.message)
            else:
                allowed.append(self._short(trial.resource))
        if denials:
            return self._denied(action, denials)
        if doubts:
            return unknown(action, joined(dict.fromkeys(doubts)))
        if untried and not allowed:
            return not_tried(action, joined(dict.fromkeys(untried)))
        rest = f"; not tried: {joined(dict.fromkeys(untried))}" if untried else ""
        return ok(action, f"allowed on {joined(allowed)}{rest}")

    def _denied(self, action: str, denials: list[StartifactError]) -> Check:
        found = joined(dict.fromkeys(error.message for error in denials))
        step = join(error.next_step for error in denials)
        if self._request.project is not None or not self._is_of_project(action):
            return failed(action, found, step)
        name_it = Hint.of(
            "It may be allowed for some projects: name the one that is meant, as in ",
            Command("doctor", "SugarWater", (Option("for", self._request.operation),)),
        )
        return Check(name=action, state=CheckState.UNKNOWN, found=found, next_step=name_it)

    def _is_of_project(self, action: str) -> bool:
        """Say whether a policy may allow *action* for some projects alone."""
        return any(
            "{project}" in template or action == "s3:ListBucket"
            for permission in permissions_of(self._request.operation)
            if action in permission.actions
            for template in permission.resources
        )

    def _short(self, arn: str) -> str:
        """Return what is in the bucket, or which parameter it is."""
        return (
            re.sub(r"^arn:[^:]*:(?:s3:::[^/]*/?|ssm:[^:]*:[^:]*:parameter)", "", arn)
            or "the bucket"
        )

    def _try(self, trial: _Trial) -> None:
        """Return where *trial* is allowed.

        Raises:
            _NotTriedError: There is no request that shows it.
            StartifactError: It is denied, or the answer says neither.
        """
        if "{channel}" in trial.resource:
            raise _NotTriedError("name the channel")
        attempt = self._trials.get(trial.action)
        if attempt is None:
            raise _NotTriedError("only a real object would show it")
        attempt(trial)

    def _ask(
        self, trial: _Trial, call: Callable[..., Any], *says_allowed: str, **arguments: Any
    ) -> None:
        """Return where *call* is answered, or refused with a code of *says_allowed*."""
        try:
            self._asking.ask(trial.action, trial.resource, partial(call, **arguments))
        except StartifactError as e:
            if code_behind(e) not in says_allowed:
                raise

    def _key(self, trial: _Trial) -> str:
        """Return a key that *trial* is about. What is there, if anything, is not read in full."""
        resource = trial.resource.partition(":::")[2].partition("/")[2]
        return resource.replace("*", self._name)

    def _get(self, trial: _Trial) -> None:
        key, client = self._key(trial), self._bucket.client
        if trial.resource.endswith("/*"):  # which is there mostly, and shows the key of KMS too
            key = f"{trial.resource.partition('/')[2].removesuffix('*')}latest"

        def get() -> Any:
            answer = client.get_object(Bucket=self._bucket.name, Key=key, Range="bytes=0-0")
            answer["Body"].close()
            return answer

        try:
            self._ask(trial, get, "NoSuchKey", "404", "InvalidRange", "416")
        except StartifactError as e:
            if not is_denied(e):
                raise
            # Whoever may read and not list is refused what is not there, for want of the other.
            said = str(getattr(e.__cause__, "response", {}).get("Error", {}).get("Message", ""))
            if "perform: s3:ListBucket" in said:
                return
            if "perform: " not in said and not self._may_list():
                why = "S3 refuses what is not there to whoever may not list"
                raise _NotTriedError(why) from e
            raise

    def _may_list(self) -> bool:
        try:
            self._list(_Trial("s3:ListBucket", BUCKET, self._bucket.arn()))
        except StartifactError:
            return False
        return True

    def _list(self, trial: _Trial) -> None:
        prefix = f"{self._bucket.prefix}{self._request.project or _NO_PROJECT}@"
        if self._request.operation == "projects":
            prefix = self._bucket.prefix
        self._ask(
            trial,
            self._bucket.client.list_objects_v2,
            Bucket=self._bucket.name,
            Prefix=prefix,
            MaxKeys=1,
        )

    def _complete(self, trial: _Trial) -> None:
        # A bucket's policy may demand the condition for artifacts.
        condition = {"IfNoneMatch": "*"} if trial.template == ARTIFACTS else {}
        self._ask(
            trial,
            self._bucket.client.complete_multipart_upload,
            "NoSuchUpload",
            Bucket=self._bucket.name,
            Key=self._key(trial),
            UploadId=self._name,
            MultipartUpload={"Parts": [{"ETag": _WRONG_ETAG, "PartNumber": 1}]},
            **condition,
        )

    def _abort(self, trial: _Trial) -> None:
        self._ask(
            trial,
            self._bucket.client.abort_multipart_upload,
            "NoSuchUpload",
            Bucket=self._bucket.name,
            Key=self._key(trial),
            UploadId=self._name,
        )

    def _delete(self, trial: _Trial) -> None:
        if not self._bucket.is_aws:
            raise _NotTriedError("a store that is not AWS may pass over the condition")
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

    def _parameter(self, trial: _Trial) -> str:
        return trial.resource.partition(":parameter")[2].replace("*", self._name)

    def _get_parameter(self, trial: _Trial) -> None:
        self._ask(
            trial, self._ssm().get_parameter, "ParameterNotFound", Name=self._parameter(trial)
        )

    def _put_parameter(self, trial: _Trial) -> None:
        client = self._ssm()
        if is_custom(client.meta.endpoint_url):
            raise _NotTriedError("a service that is not AWS may pass over the pattern")
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

    def _delete_parameter(self, trial: _Trial) -> None:
        if not trial.resource.endswith("*"):
            raise _NotTriedError("only a deletion would show it")
        self._ask(
            trial, self._ssm().delete_parameter, "ParameterNotFound", Name=self._parameter(trial)
        )
