"""The policies of examples/iam are made of the table of permissions, and allow what they should."""

import io
import itertools
import json
import re
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from startifact.limits import Limits
from startifact.model.bucket_options import NO_OPTIONS
from startifact.permissions import PERMISSIONS
from startifact.permissions import PROBE as PROBE_KEYS
from startifact.regions.aws.probe import check_conditions, check_deletion
from startifact.regions.aws.probe_requests import METADATA
from tests.consistency.reader import IAM
from tests.support.iam import listed
from tests.support.runner_step import PROJECT


def test_policies_are_generated() -> None:
    """All policies among the examples are made of the table, and have no other actions."""
    actions = {action for permission in PERMISSIONS for action in permission.actions}
    generator = (PROJECT / "scripts" / "generate.py").read_text(encoding="utf-8")

    assert [path.name for path in IAM.iterdir() if f'"{path.stem}": ' not in generator] == []
    for path in (path for path in IAM.glob("*.json") if not path.name.startswith("trust")):
        for statement in json.loads(path.read_text(encoding="utf-8"))["Statement"]:
            assert set(listed(statement["Action"])) <= actions


PROBE = {
    "put_object": "s3:PutObject",
    "create_multipart_upload": "s3:PutObject",
    "upload_part": "s3:PutObject",
    "complete_multipart_upload": "s3:PutObject",
    "abort_multipart_upload": "s3:AbortMultipartUpload",
    "head_object": "s3:GetObject",
    "get_object": "s3:GetObject",
}


class Store:
    """A store that honours conditions, and takes down which requests are made of which keys."""

    meta = types.SimpleNamespace(region_name="us-east-1")

    def __init__(self) -> None:
        self.requests: set[tuple[str, str]] = set()
        self._etags: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        def answer(**given: Any) -> dict[str, Any]:
            key = str(given["Key"])
            with self._lock:
                self.requests.add((name, key))
                there = self._etags.get(key)
                if there and ("IfNoneMatch" in given or given.get("IfMatch", there) != there):
                    raise ClientError({"Error": {"Code": "PreconditionFailed"}}, name)
                if name in {"put_object", "complete_multipart_upload"}:
                    self._etags[key] = str(next(self._numbers))
                etag = self._etags.get(key, "")
            return {
                "UploadId": str(next(self._numbers)),
                "ETag": etag,
                "Metadata": METADATA,
                "Body": io.BytesIO(),
            }

        return answer


@pytest.mark.parametrize(
    ("trial", "names", "needed"),
    [
        (check_conditions, {"Probe"}, set(PROBE.values())),
        (check_deletion, {"Probe", "ProbeDeletion"}, {"s3:PutObject", "s3:DeleteObject"}),
    ],
)
def test_permissions_of_the_probe(
    trial: Callable[[Any, str], None], names: set[str], needed: set[str]
) -> None:
    """What the table says of a store other than AWS is what is asked of one.

    It is asked to delete as well, which it may refuse to a staging. A repair stages, too.
    """
    store = Store()
    bucket: Any = types.SimpleNamespace(
        client=store,
        name="B",
        region="one",
        full=lambda key: f"team/{key}",
        limits=Limits(),
        options=NO_OPTIONS,
    )

    trial(bucket, "SugarWater")

    rows = [permission for permission in PERMISSIONS if permission.name in names]
    actions = {action for permission in rows for action in permission.actions}
    asked = {PROBE.get(request, "s3:DeleteObject") for request, _ in store.requests}
    assert asked - {"s3:DeleteObject"} == needed - {"s3:DeleteObject"}
    assert needed <= actions
    assert {resource for permission in rows for resource in permission.resources} == {PROBE_KEYS}
    assert all(key.startswith("team/SugarWater/_probe/") for _, key in store.requests)


@pytest.mark.parametrize("path", sorted(IAM.glob("*.json")), ids=lambda path: path.stem)
def test_policies_name_the_account(path: Path) -> None:
    """The name of a bucket says nothing of whose it is: the policies do."""
    for statement in json.loads(path.read_text(encoding="utf-8"))["Statement"]:
        resources = statement.get("Resource", [])
        buckets = [r for r in [resources, *resources] if str(r).startswith("arn:aws:s3:")]
        condition = statement.get("Condition", {}).get("StringEquals", {})
        is_denial = statement["Effect"] == "Deny"  # whose they are is no reason to allow it
        assert not buckets or is_denial or condition == {"aws:ResourceAccount": "123456789012"}


def test_trust_policies() -> None:
    """Both trust policies hold the audience, and one repository in its own form of sub."""
    subjects = []
    for name in ("trust", "trust-older-repository"):
        encoded_record = json.loads((IAM / f"{name}.json").read_text(encoding="utf-8"))
        (statement,) = encoded_record["Statement"]
        condition, issuer = statement["Condition"], "token.actions.githubusercontent.com"
        assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        assert statement["Principal"]["Federated"].endswith(f":oidc-provider/{issuer}")
        assert condition["StringEquals"] == {f"{issuer}:aud": "sts.amazonaws.com"}
        subjects.append(condition["StringLike"][f"{issuer}:sub"])

    assert re.fullmatch(r"repo:\w+@\w+/\w+@\w+:ref:refs/tags/v\*", subjects[0])
    assert re.fullmatch(r"repo:\w+/\w+:ref:refs/tags/v\*", subjects[1])
