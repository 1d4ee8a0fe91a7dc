"""What is known of the versions that have a mark: which are removed, and which are to be.

A removed version keeps its mark for good. Every prune looks at it again, in all regions, as its
tombstone may be lost, or replaced: what says so is the tombstone alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import partial

from semver import Version

from startifact.concurrency.heartbeat import Heartbeat
from startifact.concurrency.worker_pool import run_in_pool
from startifact.errors import NewerFormatError, RegionUnavailableError, StartifactError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.model.keys import Key, artifact_key, artifact_prefix
from startifact.model.record import refuse_newer
from startifact.reading.listing import ask_regions, check_answers, marked_versions
from startifact.regions.interface import Region
from startifact.registers.marks import PruningMark, PruningState, mark_in, mark_register
from startifact.retention.removal import is_removed


@dataclass(slots=True)
class MarkedVersions:
    """What *regions* and their marks say of versions of *project*; those are texts here.

    Regions with *failures* are not asked, and others are added to them.
    """

    regions: Sequence[Region]
    project: str
    failures: dict[str, StartifactError]
    limits: Limits
    removed: set[str] = field(default_factory=set)
    """Those that every region has a tombstone of, and nothing else."""

    marks: dict[str, PruningMark] = field(default_factory=dict)
    """What is said of the removal of all others that are to be removed."""

    removing: dict[str, Version] = field(default_factory=dict)
    """Those whose removal has begun, and is not finished."""

    unknown: dict[str, StartifactError] = field(default_factory=dict)
    """Why it is not known of others whether they are to be removed, or what would be."""

    _left: dict[str, frozenset[Key]] = field(default_factory=dict)
    _silent: dict[str, StartifactError] = field(default_factory=dict)

    def read(self) -> None:
        """List the marks, and look at each version that has one.

        Raises:
            InputError: Two regions are one store.
            SeveralRegionsError: Too few regions answered.
        """
        jobs = {r.name: partial(marked_versions, r, self.project) for r in self._living()}
        listed, failed = ask_regions(jobs, self.limits, None)
        self.failures |= {failure.name: failure.error for failure in failed}
        check_answers(self.regions, self.project, self.failures, all_needed=False)
        marked = {str(version): version for found in listed.values() for version in found}
        if marked:
            self._find_separate_metadata()
        looks = (partial(self._look, text, version) for text, version in marked.items())
        run_in_pool(looks, workers=self.limits.inventory_workers, limits=self.limits)

    def _living(self) -> list[Region]:
        return [region for region in self.regions if region.name not in self.failures]

    def _find_separate_metadata(self) -> None:
        """Learn what the first Startifact left beside artifacts: one listing says it of all."""
        prefix = artifact_prefix(self.project)
        jobs = {r.name: partial(_separate_metadata, r, prefix) for r in self._living()}
        self._left, failed = ask_regions(jobs, self.limits, None)
        self.failures |= {failure.name: failure.error for failure in failed}

    def _look(self, text: str, version: Version) -> None:
        """Learn what regions have of *version*, and where it may not be removed, its mark."""
        key = artifact_key(self.project, version)
        living = self._living()
        jobs = {
            r.name: partial(_is_removed_in, r, key) for r in living if r.name not in self._silent
        }
        said, failed = ask_regions(jobs, self.limits, None)
        # Asked again, each would take seconds for each version.
        self._silent.update(
            (f.name, f.error) for f in failed if isinstance(f.error, RegionUnavailableError)
        )
        if all(said.get(r.name) and key not in self._left.get(r.name, ()) for r in living):
            self.removed.add(text)
            return
        reading = mark_register(self.regions, self.project, version, limits=self.limits).read()
        if not reading.is_known:
            error = reading.unknown(f"cannot tell whether {key} is to be removed")
            if _is_of_regions(reading.failures, self.failures):
                raise error  # and so for every other one, after as many seconds
            self.unknown[text] = error
            return
        pruning = mark_in(reading).pruning
        if pruning is None:
            return
        self.marks[text] = pruning
        if pruning.state is PruningState.REMOVING:
            self.removing[text] = version
            newer = (f.error for f in failed if isinstance(f.error, NewerFormatError))
            if (error_of_format := next(newer, None)) is not None:
                self.unknown[text] = error_of_format


def _is_of_regions(
    failures: Mapping[str, StartifactError], before: Mapping[str, StartifactError]
) -> bool:
    """Say whether a region did not answer at all that did *before*; else it is about one object."""
    return any(
        isinstance(error, RegionUnavailableError) and name not in before
        for name, error in failures.items()
    )


def _is_removed_in(region: Region, key: Key, heartbeat: Heartbeat) -> bool:
    """Say whether *region* has a tombstone at *key*, and no bytes.

    Raises:
        NewerFormatError: A newer Startifact has stored what is there.
    """
    heartbeat.beat()
    stored = region.describe(key)
    if stored is not None:
        refuse_newer(stored.encoded_record, where=f"{key} in {region.name}")
    return is_removed(stored)


def _separate_metadata(region: Region, prefix: str, heartbeat: Heartbeat) -> frozenset[Key]:
    found = []
    for key in region.separate_metadata(prefix):
        heartbeat.beat()
        found.append(key)
    return frozenset(found)
