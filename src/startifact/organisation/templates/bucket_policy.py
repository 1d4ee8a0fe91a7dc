"""What a bucket's policy denies to all, or to all but two roles, whatever their own policies allow.

Everything is a template, as in `startifact.permissions`, with two more names: ``prune_role`` and
``repair_role``, the ARNs of roles or patterns of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from startifact.permissions import ARTIFACTS, BUCKET, LEGACY_METADATA


class Denial(NamedTuple):
    """A statement of the policy."""

    name: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    reason: str
    conditions: Mapping[str, Mapping[str, tuple[str, ...]]] = {}
    is_for_all_but_resources: bool = False

    def statement(self, names: Mapping[str, str]) -> dict[str, Any]:
        """Return it as a policy has it, with *names* for what its templates name."""
        element = "NotResource" if self.is_for_all_but_resources else "Resource"
        conditions = {
            operator: {key: _one_or_all(values, names) for key, values in keys.items()}
            for operator, keys in self.conditions.items()
        }
        return {
            "Sid": self.name,
            "Effect": "Deny",
            "Principal": "*",
            "Action": _one_or_all(self.actions, names),
            element: _one_or_all(self.resources, names),
            **({"Condition": conditions} if conditions else {}),
        }


_OBJECTS = f"{BUCKET}/*"
_WITH_PREFIX = f"{BUCKET}/{{key_prefix}}*"
# The parts of an upload are no objects and have no condition; its completion makes the object.
_MAKES_AN_OBJECT = {"Bool": {"s3:ObjectCreationOperation": ("true",)}}
_PRUNE = ("{prune_role}",)
_BOTH = ("{prune_role}", "{repair_role}")

DENIALS: tuple[Denial, ...] = (
    Denial(
        "TlsAlone",
        ("s3:*",),
        (BUCKET, _OBJECTS),
        "Nothing is sent or fetched in the clear.",
        {"Bool": {"aws:SecureTransport": ("false",)}},
    ),
    Denial(
        "NothingIsWrittenUnconditionally",
        ("s3:PutObject",),
        (_WITH_PREFIX,),
        "Artifacts, channels and marks are written where nothing is, or in the place of just what "
        "was read before.",
        {"Null": {"s3:if-none-match": ("true",), "s3:if-match": ("true",)}, **_MAKES_AN_OBJECT},
    ),
    Denial(
        "ArtifactsAreNeverReplaced",
        ("s3:PutObject",),
        (ARTIFACTS,),
        "An artifact is written where nothing is. A prune puts a tombstone in its place, and a "
        "repair completes that in each region; nobody else replaces one.",
        {
            "Null": {"s3:if-none-match": ("true",)},
            **_MAKES_AN_OBJECT,
            "ArnNotLike": {"aws:PrincipalArn": _BOTH},
        },
    ),
    Denial(
        "NobodyElseDeletes",
        ("s3:DeleteObject",),
        (_OBJECTS,),
        "repair --keep deletes content that is not kept, and a prune or a repair what the first "
        "Startifact left beside a removed version.",
        {"ArnNotLike": {"aws:PrincipalArn": _BOTH}},
    ),
    Denial(
        "PruneDeletesMetadataAlone",
        ("s3:DeleteObject",),
        (LEGACY_METADATA,),
        "A prune deletes nothing but that.",
        {"ArnLike": {"aws:PrincipalArn": _PRUNE}},
        is_for_all_but_resources=True,
    ),
    Denial(
        "NoVersionIsDeleted",
        ("s3:DeleteObjectVersion",),
        (_OBJECTS,),
        "No command deletes a version of an object; the bucket's lifecycle does, once it is old.",
    ),
    Denial(
        "NothingIsReplicatedIntoIt",
        ("s3:ReplicateObject", "s3:ReplicateDelete"),
        (_OBJECTS,),
        "Where S3 replicates there is no condition: it would replace artifacts and channels.",
    ),
)


def _one_or_all(templates: Sequence[str], names: Mapping[str, str]) -> str | list[str]:
    texts = [template.format_map(names) for template in templates]
    return texts[0] if len(texts) == 1 else texts
