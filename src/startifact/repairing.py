"""Mending what a comparison found: filling regions, moving ``latest`` forward, refreshing copies.

Nothing that is stored is lost on the way. Where regions disagree, a person says which content is
right; the others are copied aside before they are deleted.
"""

import logging
import secrets
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from semver import Version

from startifact.channels import Mover
from startifact.downloading import Downloader
from startifact.errors import (
    AlreadyStagedError,
    InputError,
    IntegrityError,
    NotFoundError,
    RegionUnavailableError,
    StartifactError,
    shown,
)
from startifact.inspection import Held, Inspection, View, inspect
from startifact.names import LATEST, Key, artifact_key, channel_key, quarantine_key
from startifact.parallel import Failed, Round, Watch, alone
from startifact.regional import create
from startifact.regions.interface import ExistsError, Region
from startifact.source import Source
from startifact.survey import Copy, Survey, describe
from startifact.verifying import Kind, agreement, compare, target_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that a repair did, or in a dry run would do, in one region."""

    region: str
    key: str
    action: str
    """``set-aside``, ``fill``, ``move-latest`` or ``refresh-copy``."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What a repair did. It is true when nothing is left to do that could be done.

    ``refusals`` are the things that must not be mended without a person's word, each an error that
    says why; ``failures`` are regions that did not answer or did not take a step.
    """

    project: str
    steps: tuple[Step, ...]
    refusals: tuple[StartifactError, ...]
    failures: dict[str, StartifactError]
    dry_run: bool

    def __bool__(self) -> bool:
        return not self.refusals and not self.failures


class Repairer:
    """Mends one project in *regions*."""

    def __init__(
        self, regions: Sequence[Region], mover: Mover, *, dry_run: bool, read_data: bool
    ) -> None:
        self._regions = regions
        self._mover = mover
        self._dry_run = dry_run
        self._read_data = read_data
        self._steps: list[Step] = []
        self._refusals: list[StartifactError] = []
        self._failures: dict[str, StartifactError] = {}

    def repair(self, project: str, version: Version | None, keep: str | None) -> Repair:
        """Mend *project*, or one *version* of it; *keep* is the SHA-256 of what is right.

        Raises:
            InputError: *keep* was given without *version*.
            NotFoundError: Every region said that there is nothing, or none has *keep*.
        """
        if keep is not None and version is None:
            raise InputError(
                "keep needs one version", hint="Name it, for example SugarWater@1.0.9000"
            )
        # What is kept or copied has been read and compared: a record alone proves nothing.
        read_data = self._read_data or keep is not None
        seen = inspect(self._regions, project, version, read_data=read_data)
        self._failures.update(seen.failures)
        if not seen.failures and all(h.absent for view in seen.views for h in view.held.values()):
            raise NotFoundError(f"nothing of {project} is staged that could be repaired")
        for one in reversed(seen.versions):  # oldest first, as they were staged
            self._mend_version(seen, one, keep)
        if version is None:
            self._mend_latest(seen)
        return Repair(
            project=project,
            steps=tuple(self._steps),
            refusals=tuple(self._refusals),
            failures=self._failures,
            dry_run=self._dry_run,
        )

    def _mend_version(self, seen: Inspection, version: Version, keep: str | None) -> None:
        key = artifact_key(seen.project, version)
        held = {view.region.name: (view.region, view.held[str(version)]) for view in seen.views}
        differences = compare(seen, version)
        missing = {d.region for d in differences if d.kind is Kind.MISSING}
        copies = [h.copy for _, h in held.values() if h.copy is not None]
        if keep is not None:
            copies = _chosen(key, copies, keep)
            others = held.keys() - {copy.region.name for copy in copies} - missing
            for name in sorted(others):
                action = partial(self._set_aside, seen.project, version, *held[name])
                if self._step(name, key, "set-aside", f"copy {key} aside, delete it", action):
                    missing.add(name)
        elif any(d.kind is not Kind.MISSING for d in differences):
            self._refusals.append(_refusal(key, copies, [d.message for d in differences]))
            return
        if missing and copies:
            self._fill(seen.project, key, [held[name][0] for name in sorted(missing)], copies)

    def _fill(self, project: str, key: Key, regions: list[Region], copies: list[Copy]) -> None:
        """Copy a verified artifact into *regions*, with exactly the record it has elsewhere."""
        recorded = [copy for copy in copies if copy.stored.document]
        if not recorded:
            self._refusals.append(
                IntegrityError(
                    f"{key} was staged by the first Startifact: it has no digest to copy it by",
                    hint="Stage the same file again: that fills the other regions",
                )
            )
            return
        document = str(recorded[0].stored.document)
        if self._dry_run:
            for region in regions:
                self._did(region.name, key, "fill", f"copy {key} here")
            return
        with tempfile.TemporaryDirectory(prefix="startifact-") as folder:
            survey = Survey.of(self._regions, key, recorded, {})
            path = Downloader(survey, recorded[0].record).download(Path(folder) / "artifact")
            source = Source.scan(path)
            jobs = {r.name: partial(create, r, project, key, source, document) for r in regions}
            with Round(jobs, undo=True) as filling:
                for answer in filling:
                    if isinstance(answer, Failed):
                        self._failures[answer.name] = answer.error
                    elif answer.value.record.same_content(recorded[0].record):
                        self._did(answer.name, key, "fill", f"copied {key} here")
                    else:
                        self._refusals.append(
                            AlreadyStagedError(f"{answer.name} has other content of {key} by now")
                        )

    def _set_aside(
        self, project: str, version: Version, region: Region, held: Held, watch: Watch
    ) -> None:
        """Keep a copy of what is stored in a place of its own, then delete just that."""
        key, stored = artifact_key(project, version), held.stored
        if stored is None:
            raise held.trouble or RegionUnavailableError(f"{key} has gone from {region.name}")
        aside = quarantine_key(project, version, secrets.token_hex(8))
        with tempfile.TemporaryDirectory(prefix="startifact-") as folder:
            path = Path(folder) / "artifact"
            with path.open("wb") as file:
                for block in region.read(key, stored, 0, stored.size):
                    file.write(block)
                    watch.moved(len(block))
            try:
                region.create(aside, Source.scan(path), stored.document or "", watch.moved)
            except ExistsError as e:
                raise RegionUnavailableError(f"{region.name} could not keep {aside}") from e
            if not region.delete(key, stored):
                raise RegionUnavailableError(f"{key} changed in {region.name} meanwhile")

    def _mend_latest(self, seen: Inspection) -> None:
        target = target_of(seen)
        for view in seen.views:
            if view.region.name not in self._failures and target is not None:
                self._mend_one_latest(seen, view, target)

    def _mend_one_latest(self, seen: Inspection, view: View, target: Version) -> None:
        region, latest = view.region, view.latest
        key = channel_key(seen.project, LATEST)
        here = None if latest.pointer is None else latest.pointer.version
        if here is None or str(here) != str(target):
            self._move(seen, view, target)
        elif not self._complete(seen, region, here):
            self._refusals.append(
                IntegrityError(
                    f"{key} in {region.name} is {here}, which no region holds",
                    hint=f"{LATEST} never goes back: stage {here} again, or a later version",
                )
            )
        elif region.publishes and latest.shown != str(here):
            message = f"set the copy of {key} to {here}"
            self._step(
                region.name,
                key,
                "refresh-copy",
                message,
                lambda _: region.publish(seen.project, LATEST, str(here)),
            )

    def _move(self, seen: Inspection, view: View, target: Version) -> None:
        region, state = view.region, view.latest.state
        key = channel_key(seen.project, LATEST)
        if not self._complete(seen, region, target):
            self._refusals.append(
                IntegrityError(f"{key} in {region.name} cannot be {target}: it is not there")
            )
            return

        def move(watch: Watch) -> None:
            watch.moved()
            if view.latest.trouble is not None and state is not None:
                self._mover.replace_damaged(region, seen.project, target, state)
            else:
                self._mover.advance(region, seen.project, target)
            self._mover.publish(region, seen.project)

        self._step(region.name, key, "move-latest", f"move {key} to {target}", move)

    def _complete(self, seen: Inspection, region: Region, version: Version) -> bool:
        """Say whether *version* is in *region*, or in a dry run would be by now."""
        key = artifact_key(seen.project, version)
        if self._dry_run:
            filled = any(s.region == region.name and s.key == key for s in self._steps)
            view = next(v for v in seen.views if v.region is region)
            held = view.held.get(str(version))
            return filled or (held is not None and held.copy is not None)
        try:
            return alone(region.name, lambda _: describe(region, key)) is not None
        except StartifactError:
            return False

    def _step(
        self, region: str, key: str, action: str, message: str, do: Callable[[Watch], None]
    ) -> bool:
        """Do one thing in one region, unless nothing is to be written; say whether it is done."""
        if not self._dry_run:
            try:
                alone(region, do)
            except StartifactError as e:
                self._failures[region] = e
                return False
        self._did(region, key, action, message)
        return True

    def _did(self, region: str, key: str, action: str, message: str) -> None:
        self._steps.append(Step(region=region, key=key, action=action, message=message))


def _chosen(key: Key, copies: list[Copy], keep: str) -> list[Copy]:
    """Return the copies that have the digest to keep."""
    sound = [copy for copy in copies if copy.record.sha256 == keep]
    if not sound:
        raise NotFoundError(
            f"no region that answered holds {key} with sha256:{keep}",
            hint="Choose one of the digests that startifact verify shows",
        )
    record = agreement([Held(copy=copy) for copy in sound])
    if record is None:
        raise IntegrityError(
            f"regions hold {key} with sha256:{keep}, but with other metadata each",
            hint="Stage the content under a new version",
        )
    return [copy for copy in sound if copy.record.same_content(record)]


def _refusal(key: Key, copies: list[Copy], messages: list[str]) -> AlreadyStagedError:
    digests = dict.fromkeys(copy.record.sha256 for copy in copies if copy.record.sha256)
    choices = " or ".join(f"startifact repair {key} --keep sha256:{digest}" for digest in digests)
    return AlreadyStagedError(
        f"regions disagree about {key}, nothing of it was changed:"
        + "".join(f"\n  {message}" for message in messages),
        hint=f"Find out which is right, then run {choices}" if choices else None,
    )


def parse_keep(text: str) -> str:
    """Return the digest in *text*, which is written ``sha256:`` and 64 hexadecimal digits.

    Raises:
        InputError: It is not.
    """
    digest = text.removeprefix("sha256:").lower()
    hexadecimal = not set(digest) - set("0123456789abcdef")
    if text.startswith("sha256:") and len(digest) == 64 and hexadecimal:
        return digest
    raise InputError(f"keep is {shown(text)}, expected sha256: and 64 hexadecimal digits")
