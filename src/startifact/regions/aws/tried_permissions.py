"""Which permissions an operation needs in a region, and whether they are there.

IAM is not asked what it would allow (``iam:SimulatePrincipalPolicy``): few may ask it, and it does
not know the policies of buckets.
"""

import re
from collections.abc import Iterator, Mapping

from startifact.errors import StartifactError
from startifact.hints import Command, Hint, Option, Part
from startifact.model.aws_regions import partition_of
from startifact.model.bucket_options import BucketOptions
from startifact.model.configuration import DEFAULT_PARAMETER
from startifact.model.examination import (
    Check,
    ExaminationRequest,
    failed,
    not_tried,
    ok,
    unknown,
)
from startifact.permissions import Permission, When, permissions_of
from startifact.regions.aws import advice
from startifact.regions.aws.asking import Asking, code_behind, is_denied
from startifact.regions.aws.bucket import Bucket
from startifact.regions.aws.configuration_loader import ConfigurationLoader, store_configuration
from startifact.regions.aws.permission_trials import (
    NO_PROJECT,
    NotTriedError,
    Trial,
    Trials,
    said_in,
)
from startifact.regions.aws.trouble import said_by_aws
from startifact.text import joined

_LEFT_OUT = frozenset({When.FIRST, When.OTHER_STORE, When.TO_ROLE})


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
    trials: dict[str, list[Trial]] = {}
    for permission in permissions_of(request.operation):
        if _is_left_out(permission, loader, kms_key, bucket.options):
            continue
        for action in permission.actions:
            for template in permission.resources:
                trial = Trial(action, template, template.format_map(values))
                trials.setdefault(action, []).append(trial)
    trials_here = Trials(bucket, asking, request, loader)
    permissions = _Permissions(trials_here, request, loader, bucket.options.bucket_owner)
    for action, of_action in trials.items():
        yield permissions.check(action, list(dict.fromkeys(of_action)))


def _is_left_out(
    permission: Permission,
    loader: ConfigurationLoader | None,
    kms_key: str | None,
    options: BucketOptions,
) -> bool:
    """Say whether *permission* is not needed here, or takes something away."""
    of_ssm = all(action.startswith("ssm:") for action in permission.actions)
    return (
        permission.is_denial
        or permission.when in _LEFT_OUT
        or (permission.when is When.KMS and kms_key is None)
        or (permission.when is When.TAGS and not options.object_tags)
        or (permission.when is When.LOCK and options.object_lock_mode is None)
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
        "project": request.project or NO_PROJECT,
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


def printing_policy(
    request: ExaminationRequest, loader: ConfigurationLoader | None
) -> tuple[Part, ...]:
    """Return what prints all that the operation of *request* needs."""
    parameter = DEFAULT_PARAMETER if loader is None else loader.parameter
    options = (
        Option("project", request.project),
        Option("channel", request.channel),
        Option("configuration-parameter", None if parameter == DEFAULT_PARAMETER else parameter),
    )
    given = tuple(option for option in options if option.value is not None)
    return Command("policy", request.operation, given), " prints all that it needs"


class _Permissions:
    """Says of actions in one region whether they are allowed."""

    def __init__(
        self,
        trials: Trials,
        request: ExaminationRequest,
        loader: ConfigurationLoader | None,
        owner: str | None,
    ) -> None:
        self._trials = trials
        self._request = request
        self._loader = loader
        self._owner = owner

    def check(self, action: str, trials: list[Trial]) -> Check:
        """Return whether *action* is allowed on all its resources."""
        allowed, untried = [], []
        denials: list[tuple[Trial, StartifactError]] = []
        doubts: list[str] = []
        for trial in trials:
            try:
                self._trials.run(trial)
            except NotTriedError as e:
                untried.append(str(e))
            except StartifactError as e:
                if code_behind(e).startswith("KMS."):
                    return failed(action, e.message, e.next_step)
                if is_denied(e):
                    denials.append((trial, e))
                else:
                    doubts.append(e.message)
            else:
                allowed.append(_short(trial.resource))
        if denials:
            return self._denied(action, denials)
        if doubts:
            return unknown(action, joined(dict.fromkeys(doubts)))
        if untried and not allowed:
            return not_tried(action, joined(dict.fromkeys(untried)))
        rest = f"; not tried: {joined(dict.fromkeys(untried))}" if untried else ""
        return ok(action, f"allowed on {joined(allowed)}{rest}")

    def _denied(self, action: str, denials: list[tuple[Trial, StartifactError]]) -> Check:
        said = said_in(denials[0][1])
        where = joined(_short(trial.resource) for trial, _ in denials)
        found = f"denied on {where}: {said_by_aws(said)}"
        if self._request.project is not None or not self._is_of_project(action):
            resources = " and ".join(trial.resource for trial, _ in denials)
            allow = advice.for_denial(action, resources, said)
            if action.startswith("s3:"):
                allow += advice.or_other_owner(self._owner)
            step = Hint.of(allow, ". ", *printing_policy(self._request, self._loader))
            return failed(action, found, step)
        name_it = Hint.of(
            "It may be allowed for some projects: name the one that is meant, as in ",
            Command("doctor", "SugarWater", (Option("for", self._request.operation),)),
        )
        return unknown(action, found, name_it)

    def _is_of_project(self, action: str) -> bool:
        """Say whether a policy may allow *action* for some projects alone."""
        return any(
            "{project}" in template or action == "s3:ListBucket"
            for permission in permissions_of(self._request.operation)
            if action in permission.actions
            for template in permission.resources
        )


def _short(arn: str) -> str:
    """Return what is in the bucket, or which parameter it is."""
    rest = re.sub(r"^arn:[^:]*:(?:s3:::[^/]*/?|ssm:[^:]*:[^:]*:parameter)", "", arn)
    return rest or "the bucket"
