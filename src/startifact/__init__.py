"""Stage build artifacts as semantic versions in your own AWS account, and get exactly those bytes
back.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from startifact import errors
    from startifact.channels.overview import ChannelMove, ChannelOverview
    from startifact.channels.promotion import Promotion
    from startifact.concurrency.deadline import deadline
    from startifact.concurrency.progress import Progress, ProgressCallback
    from startifact.files.archiving.members import Member
    from startifact.files.archiving.selected_members import ArchiveCounts
    from startifact.files.parts import Part
    from startifact.files.source import Source
    from startifact.hints import ByWayIn, Command, Hint, Option
    from startifact.limits import Limits, RetryLimits
    from startifact.model.configuration import Configuration
    from startifact.model.examination import Check, CheckState, ExaminationRequest
    from startifact.model.keys import Key
    from startifact.model.links import LinkRequest, SignedLink
    from startifact.model.lock_file import LockEntry
    from startifact.model.ranges import Range
    from startifact.model.record import Origin
    from startifact.model.tree import ArchiveKind, MemberType
    from startifact.organisation.doctor import Diagnosis, RegionDiagnosis
    from startifact.organisation.policy import policy
    from startifact.organisation.trust import trust_policy
    from startifact.reading.artifact import Artifact, PassedOver
    from startifact.reading.download import Downloader
    from startifact.reading.linking import Link
    from startifact.reading.locking import LockChange, LockCheck, LockFinding
    from startifact.reading.outcomes import RegionOutcome, State
    from startifact.reading.version_entries import VersionEntry
    from startifact.regions.aws.configuration_loader import ConfigurationLoader
    from startifact.regions.aws.web_identity import WebIdentity
    from startifact.regions.interface import Location, Mirror, Region, StoredArtifact, StoredChannel
    from startifact.regions.pages import Page
    from startifact.registers.marks import Yank
    from startifact.repair.log import Repair, Step
    from startifact.repair.verify import Finding, FindingKind, Verification
    from startifact.retention.plan import (
        KeptVersion,
        PlannedRemoval,
        PlanState,
        PruneOutcome,
        Pruning,
    )
    from startifact.retention.yanking import Yanking
    from startifact.session import Session
    from startifact.settings import Settings
    from startifact.staging.outcomes import IfExists, Replicate, Staging
    from startifact.version import __version__

__all__ = [
    "ArchiveCounts",
    "ArchiveKind",
    "Artifact",
    "ByWayIn",
    "ChannelMove",
    "ChannelOverview",
    "Check",
    "CheckState",
    "Command",
    "Configuration",
    "ConfigurationLoader",
    "Diagnosis",
    "Downloader",
    "ExaminationRequest",
    "Finding",
    "FindingKind",
    "Hint",
    "IfExists",
    "KeptVersion",
    "Key",
    "Limits",
    "Link",
    "LinkRequest",
    "Location",
    "LockChange",
    "LockCheck",
    "LockEntry",
    "LockFinding",
    "Member",
    "MemberType",
    "Mirror",
    "Option",
    "Origin",
    "Page",
    "Part",
    "PassedOver",
    "PlanState",
    "PlannedRemoval",
    "Progress",
    "ProgressCallback",
    "Promotion",
    "PruneOutcome",
    "Pruning",
    "Range",
    "Region",
    "RegionDiagnosis",
    "RegionOutcome",
    "Repair",
    "Replicate",
    "RetryLimits",
    "Session",
    "Settings",
    "SignedLink",
    "Source",
    "Staging",
    "State",
    "Step",
    "StoredArtifact",
    "StoredChannel",
    "Verification",
    "VersionEntry",
    "WebIdentity",
    "Yank",
    "Yanking",
    "__version__",
    "deadline",
    "errors",
    "policy",
    "trust_policy",
]

_HOMES = {
    "ArchiveCounts": "files.archiving.selected_members",
    "ArchiveKind": "model.tree",
    "Artifact": "reading.artifact",
    "ByWayIn": "hints",
    "ChannelMove": "channels.overview",
    "ChannelOverview": "channels.overview",
    "Check": "model.examination",
    "CheckState": "model.examination",
    "Command": "hints",
    "Configuration": "model.configuration",
    "ConfigurationLoader": "regions.aws.configuration_loader",
    "Diagnosis": "organisation.doctor",
    "Downloader": "reading.download",
    "ExaminationRequest": "model.examination",
    "Finding": "repair.verify",
    "FindingKind": "repair.verify",
    "Hint": "hints",
    "IfExists": "staging.outcomes",
    "KeptVersion": "retention.plan",
    "Key": "model.keys",
    "Limits": "limits",
    "Link": "reading.linking",
    "LinkRequest": "model.links",
    "Location": "regions.interface",
    "LockChange": "reading.locking",
    "LockCheck": "reading.locking",
    "LockEntry": "model.lock_file",
    "LockFinding": "reading.locking",
    "Member": "files.archiving.members",
    "MemberType": "model.tree",
    "Mirror": "regions.interface",
    "Option": "hints",
    "Origin": "model.record",
    "Page": "regions.pages",
    "Part": "files.parts",
    "PassedOver": "reading.artifact",
    "PlanState": "retention.plan",
    "PlannedRemoval": "retention.plan",
    "Progress": "concurrency.progress",
    "ProgressCallback": "concurrency.progress",
    "Promotion": "channels.promotion",
    "PruneOutcome": "retention.plan",
    "Pruning": "retention.plan",
    "Range": "model.ranges",
    "Region": "regions.interface",
    "RegionDiagnosis": "organisation.doctor",
    "RegionOutcome": "reading.outcomes",
    "Repair": "repair.log",
    "Replicate": "staging.outcomes",
    "RetryLimits": "limits",
    "Session": "session",
    "Settings": "settings",
    "SignedLink": "model.links",
    "Source": "files.source",
    "Staging": "staging.outcomes",
    "State": "reading.outcomes",
    "Step": "repair.log",
    "StoredArtifact": "regions.interface",
    "StoredChannel": "regions.interface",
    "Verification": "repair.verify",
    "VersionEntry": "reading.version_entries",
    "WebIdentity": "regions.aws.web_identity",
    "Yank": "registers.marks",
    "Yanking": "retention.yanking",
    "__version__": "version",
    "deadline": "concurrency.deadline",
    "policy": "organisation.policy",
    "trust_policy": "organisation.trust",
}


# Hidden from type checkers, to whom it would say that every name is there, misspelled ones too.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Return a public name, whose module is imported when it is asked for.

        A process imports this first of all, and has to see signals before it imports the rest.
        """
        if name == "errors":
            return import_module("startifact.errors")
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found: object = getattr(import_module(f"startifact.{_HOMES[name]}"), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
