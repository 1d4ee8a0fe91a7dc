"""The IAM policy for whoever sets an account up."""

from collections.abc import Iterable, Mapping

from startifact.model.configuration import DEFAULT_PARAMETER
from startifact.organisation.policy import check_length, document_of, statement_of
from startifact.organisation.policy_request import (
    ACCOUNT,
    ANY,
    NAME,
    PolicyRequest,
    check_request,
)
from startifact.permissions import BOOTSTRAP_PERMISSIONS, When


def bootstrap_policy(
    name: str | None,
    *,
    regions: Iterable[str] = (),
    buckets: Mapping[str, str] | None = None,
    account: str | None = None,
    partition: str | None = None,
    configuration_parameter: str = DEFAULT_PARAMETER,
    bucket_name_param: str | None = None,
    kms_keys: Iterable[str] = (),
) -> dict[str, object]:
    """Return the IAM policy that allows ``startifact bootstrap`` with this *name*.

    CloudFormation acts with the permissions of whoever runs it, so that they are in it too. Whoever
    may make roles of these names may give them any permission.

    Args:
        name: What the names of all that is made begin with.
        regions: AWS regions. Without any, all.
        buckets: The name of each region's bucket, where *name* does not say it.
        account: The number of the account.
        partition: ``aws``, ``aws-us-gov`` or ``aws-cn``. Without it, that of the regions.
        configuration_parameter: The SSM parameter with the organisation configuration.
        bucket_name_param: The SSM parameter with a bucket's name.
        kms_keys: The ARNs of the keys of the buckets, where they have keys of their own.

    Returns:
        The policy, as `json.dumps` takes it.

    Raises:
        InputError: There is no such policy.
    """
    own = name or NAME
    request = PolicyRequest(
        operations=("setup",),  # what is checked of it is checked for this one too
        regions=tuple(dict.fromkeys(regions)),
        buckets=dict(buckets or {}),
        account=account,
        partition=partition,
        configuration_parameter=configuration_parameter,
        bucket_name_param=bucket_name_param or f"/{own}/bucket",
        kms_keys=tuple(dict.fromkeys(kms_keys)),
    )
    check_request(request)
    given = request.choices()
    named = dict.fromkeys([*request.buckets.values(), f"{own}-{account or ACCOUNT}-{ANY}"])
    choices = {**given, "name": (own,), "bucket": tuple(named)}
    iam_policy = document_of(
        statement_of(permission, choices)
        for permission in BOOTSTRAP_PERMISSIONS
        if permission.when is not When.KMS or request.kms_keys
    )
    check_length(iam_policy)
    return iam_policy
