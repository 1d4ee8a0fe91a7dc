"""Comparing regions: what differs between them, and within each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from semver import Version

from startifact.channels import highest
from startifact.errors import NotFoundError, RemovedError, StartifactError
from startifact.inspection import Held, Inspection, View
from startifact.names import LATEST, artifact_key, channel_key
from startifact.record import Record
from startifact.versions import is_later


class Kind(StrEnum):
    """What is wrong with one thing in one region."""

    MISSING = "missing"
    DIFFERENT = "different"
    DAMAGED = "damaged"
    LATEST_MISSING = "latest-missing"
    LATEST_BEHIND = "latest-behind"
    LATEST_DANGLING = "latest-dangling"
    LATEST_DAMAGED = "latest-damaged"
    COPY_DIFFERS = "copy-differs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing in one region that is not as it should be, in words."""

    kind: Kind
    region: str
    key: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a comparison of all regions found. It is true when nothing differs and all answered."""

    project: str
    versions: tuple[Version, ...]
    differences: tuple[Difference, ...]
    failures: dict[str, StartifactError]
    """Why regions could not be compared, by region."""

    def __bool__(self) -> bool:
        return not self.differences and not self.failures


def verify(inspection: Inspection) -> Verification:
    """Return how the regions in *inspection* differ.

    Raises:
        NotFoundError: Every region said that there is nothing.
    """
    if not inspection.failures and not inspection.versions:
        raise NotFoundError(
            f"nothing of {inspection.project} is staged in "
            + ", ".join(view.region.name for view in inspection.views),
            hint="Check the project's name and the regions",
        )
    differences = [d for v in inspection.versions for d in compare(inspection, v)]
    if not inspection.whole and not inspection.failures and _nowhere(inspection):
        raise NotFoundError(
            f"{artifact_key(inspection.project, inspection.versions[0])} is staged in no region",
            hint="Check the project, the version and the regions",
        )
    if inspection.whole:
        for view in inspection.views:
            differences += _compare_latest(inspection, view)
    return Verification(
        project=inspection.project,
        versions=inspection.versions,
        differences=tuple(differences),
        failures=inspection.failures,
    )


def _nowhere(inspection: Inspection) -> bool:
    version = str(inspection.versions[0])
    return all(view.held[version].absent for view in inspection.views)


def compare(inspection: Inspection, version: Version) -> list[Difference]:
    """Return what is wrong with *version*, region by region."""
    key = artifact_key(inspection.project, version)
    held = {view.region.name: view.held[str(version)] for view in inspection.views}
    agreed = agreement(list(held.values()))
    differences = []
    for name, one in held.items():
        if (found := _compare_one(one, agreed)) is not None:
            kind, message = found
            differences.append(
                Difference(kind=kind, region=name, key=key, message=f"{name}: {message}")
            )
    return differences


def _compare_one(one: Held, agreed: Record | None) -> tuple[Kind, str] | None:
    if one.absent:
        return Kind.MISSING, "it is not there"
    if isinstance(one.trouble, RemovedError):
        return (Kind.DIFFERENT, "it was removed here") if agreed else None
    if one.trouble is not None:
        return Kind.DAMAGED, str(one.trouble)
    if one.copy is None:
        return None
    record = one.copy.record
    if not record.sha256 and agreed is not None and record.size == agreed.size:
        return None  # of the first Startifact: there is no digest to compare
    if agreed is not None and record.same_content(agreed):
        return None
    if agreed is None:
        return Kind.DIFFERENT, f"it is sha256:{record.sha256}, and regions do not agree"
    return (
        Kind.DIFFERENT,
        f"it is sha256:{record.sha256}, most regions hold sha256:{agreed.sha256}; it differs in "
        + " and ".join(agreed.differences(record)),
    )


def agreement(held: Sequence[Held]) -> Record | None:
    """Return the record that more sound copies have than any other, or ``None``."""
    records = [one.copy.record for one in held if one.copy is not None]
    recorded = [record for record in records if record.sha256] or records
    votes = Counter(record.content for record in recorded).most_common(2)
    if not votes or (len(votes) > 1 and votes[0][1] == votes[1][1]):
        return None
    return next(record for record in recorded if record.content == votes[0][0])


def _compare_latest(inspection: Inspection, view: View) -> list[Difference]:
    """Return what is wrong with one region's ``latest``."""
    found: list[tuple[Kind, str]] = []
    latest, target = view.latest, target_of(inspection)
    pointer = latest.pointer
    if latest.trouble is not None:
        found.append((Kind.LATEST_DAMAGED, str(latest.trouble)))
    elif pointer is None:
        if target is not None:
            found.append((Kind.LATEST_MISSING, f"it is not there, expected {target}"))
    else:
        if target is not None and is_later(target, pointer.version):
            found.append((Kind.LATEST_BEHIND, f"it is {pointer.version}, expected {target}"))
        if not _sound(view, pointer.version):
            found.append(
                (Kind.LATEST_DANGLING, f"it is {pointer.version}, which is not complete there")
            )
        if view.region.publishes and latest.shown != str(pointer.version):
            shown = latest.shown or "not there"
            found.append((Kind.COPY_DIFFERS, f"its copy is {shown}, expected {pointer.version}"))
    key = channel_key(inspection.project, LATEST)
    return [
        Difference(
            kind=kind, region=view.region.name, key=key, message=f"{view.region.name}: {message}"
        )
        for kind, message in found
    ]


def target_of(inspection: Inspection) -> Version | None:
    """Return where ``latest`` should be in every region; ``None`` for nowhere.

    A version that regions disagree about moves nothing, but where it was moved to it stays.
    """
    pointers = [v.latest.pointer.version for v in inspection.views if v.latest.pointer is not None]
    sound = [
        version
        for version in inspection.versions
        if all(d.kind is Kind.MISSING for d in compare(inspection, version))
        and any(_sound(view, version) for view in inspection.views)
    ]
    return highest([*pointers, *sound]) if pointers or sound else None


def _sound(view: View, version: Version) -> bool:
    held = view.held.get(str(version))
    return held is not None and held.copy is not None
