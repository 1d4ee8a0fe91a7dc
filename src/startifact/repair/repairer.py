"""Mending what a comparison found: filling regions, moving ``latest`` forward, refreshing copies.

Nothing that is stored is lost on the way. Where regions disagree, a person says which content is
right; the others are copied aside before they are deleted.
"""

import contextlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from semver import Version

from startifact.channels.latest import Mover
from startifact.concurrency.fan_out import Failed, Round
from startifact.errors import (
    DeadlineError,
    InputError,
    IntegrityError,
    LocalFileError,
    NewerFormatError,
    NotFoundError,
    RefusedError,
    SeveralRegionsError,
    StartifactError,
    by_region,
    shown,
)
from startifact.files.source import Source
from startifact.model.keys import Key, artifact_key
from startifact.reading.download import Downloader
from startifact.reading.resolution import Copy, Survey
from startifact.regions.interface import Region
from startifact.repair.inventory import Held, Inspection, inspect
from startifact.repair.latest import Forwarder
from startifact.repair.log import Repair, Step, Worksheet
from startifact.repair.quarantine import scratch_folder, set_aside
from startifact.repair.verify import Difference, Kind, agreement, compare
from startifact.staging.region_steps import create


class Repairer:
    """Mends one project in *regions*.

    *required* regions have to hold a version before ``latest`` begins to move to it.
    """

    def __init__(
        self,
        regions: Sequence[Region],
        mover: Mover,
        *,
        required: int,
        dry_run: bool,
        read_data: bool,
    ) -> None:
        self._regions = regions
        self._mover = mover
        self._required = required
        self._read_data = read_data
        self._sheet = Worksheet(dry_run)

    def repair(self, project: str, version: Version | None, keep: str | None) -> Repair:
        """Mend *project*, or one *version* of it; *keep* is the SHA-256 of what is right.

        Raises:
            InputError: *keep* was given without *version*.
            NotFoundError: Every region said that there is nothing, or none has *keep*.
            IntegrityError: What is to be kept has other metadata in every region.
            DeadlineError: The time that was allowed has passed. Its notes say what was done.
        """
        if keep is not None and version is None:
            raise InputError(
                "keep needs one version", hint="Name it, for example SugarWater@1.0.9000"
            )
        # What is kept has been read and compared: a record alone proves nothing.
        read_data = self._read_data or keep is not None
        seen = inspect(self._regions, project, version, read_data=read_data)
        seen.check_found()
        self._sheet.failures.update(seen.failures)
        with self._sheet.noting_what_was_done():
            for one in reversed(seen.versions):  # oldest first, as they were staged
                self._mend_version(seen, one, keep)
            if version is None:
                Forwarder(seen, self._sheet, self._mover, self._required).mend()
        return self._sheet.result(project, [region.name for region in self._regions])

    def _mend_version(self, seen: Inspection, version: Version, keep: str | None) -> None:
        key, held, told = (
            artifact_key(seen.project, version),
            seen.held(version),
            seen.told(version),
        )
        found = compare(seen, version)
        if newer := [h.trouble for h in told.values() if isinstance(h.trouble, NewerFormatError)]:
            self._sheet.refuse(newer[0])
            return
        if keep is not None:
            right = _chosen(key, held, keep, seen.failures)
        elif any(d.kind is not Kind.MISSING for d in found):
            self._sheet.refuse(_disagreement(key, told, found))
            return
        else:
            right = {name: one for name, one in held.items() if one.copy is not None}
        wrong = {name: one for name, one in held.items() if name not in right}
        if not wrong or not right:
            return
        if not any(one.recorded for one in right.values()):
            self._sheet.refuse(_unrecorded(key))
            return
        copies = [one.copy for one in right.values() if one.copy is not None and one.recorded]
        self._replace(seen.project, version, copies, wrong)

    def _replace(
        self, project: str, version: Version, copies: list[Copy], wrong: dict[str, Held]
    ) -> None:
        """Put one of *copies* in the place of what is *wrong* or missing."""
        if self._sheet.dry_run:
            self._put(project, version, copies[0], None, wrong)
            return
        key = artifact_key(project, version)
        with contextlib.ExitStack() as stack:
            try:
                folder = stack.enter_context(scratch_folder())
                # First of all: nothing is set aside for what then cannot be had.
                source = self._fetch(key, copies, folder)
            except DeadlineError:
                raise
            except LocalFileError as e:
                # The next version may be smaller, and what was done is to be told in any case.
                self._sheet.refuse(
                    LocalFileError(f"{key} cannot be brought here: {e}", hint=e.hint)
                )
            except StartifactError as e:
                self._sheet.refuse(e)
            else:
                self._put(project, version, copies[0], source, wrong)

    def _fetch(self, key: Key, copies: list[Copy], folder: Path) -> Source:
        """Bring the artifact here, verified, from whichever region can deliver it."""
        survey = Survey.of(self._regions, key, copies, {})
        path = Downloader(survey, copies[0].record).download(folder / "artifact")
        return Source.scan(path)

    def _put(
        self,
        project: str,
        version: Version,
        copy: Copy,
        source: Source | None,
        wrong: dict[str, Held],
    ) -> None:
        """Take what is *wrong* out of the way, and fill those regions from *source*."""
        key = artifact_key(project, version)
        ready = []
        for region in self._regions:
            if (held := wrong.get(region.name)) is None:
                continue
            how = f"copy {key} aside and delete it"
            if held.stored is None:
                how = f"move what is at {key} aside"
            step = _step(region, key, "set-aside", how)
            job = partial(set_aside, region, project, version, held)
            if held.absent or self._sheet.do(step, job):
                ready.append(region)
        self._fill(project, key, ready, source, copy)

    def _fill(
        self, project: str, key: Key, regions: list[Region], source: Source | None, copy: Copy
    ) -> None:
        """Create the artifact in *regions*, with exactly the record that *copy* has."""
        steps = {r.name: _step(r, key, "fill", f"copy {key} here, verified") for r in regions}
        if source is None:
            for step in steps.values():
                self._sheet.did(step)
            return
        document = str(copy.stored.document)
        jobs = {r.name: partial(create, r, project, key, source, document) for r in regions}
        filled: set[str] = set()
        try:
            with Round(jobs, undo=True) as filling:
                for answer in filling:
                    if isinstance(answer, Failed):
                        self._sheet.failed(answer.name, answer.error)
                    elif answer.value.record.same_content(copy.record):
                        filled.add(answer.name)
                    else:
                        self._sheet.conflict(answer.name, key)
        finally:
            for name, step in steps.items():
                if name in filled:
                    self._sheet.did(step)


def _step(region: Region, key: Key, action: str, message: str) -> Step:
    return Step(region=region.name, key=key, action=action, message=message)


def _chosen(
    key: Key, held: dict[str, Held], keep: str, failures: dict[str, StartifactError]
) -> dict[str, Held]:
    """Return what has the digest to keep, and one and the same metadata, by region."""
    sound = {n: h for n, h in held.items() if h.copy is not None and h.copy.record.sha256 == keep}
    if not sound:
        message, hint = f"no region holds a sound {key} with sha256:{keep}", _VERIFY
        if not failures:
            raise NotFoundError(message, hint=hint)
        lines = by_region(failures.items())
        causes = list(failures.values())
        raise SeveralRegionsError(f"{message}, of those that answered{lines}", causes=causes)
    agreed = agreement(list(sound.values()))
    if agreed is None or agreed.copy is None:
        raise IntegrityError(
            f"regions hold {key} with sha256:{keep}, but with other metadata each",
            hint="Stage the content under a new version",
        )
    most = agreed.copy.record
    recorded = any(one.recorded for one in sound.values())
    return {
        name: one
        for name, one in sound.items()
        if one.copy is not None and one.copy.record.same_content(most) and one.recorded == recorded
    }


_VERIFY = "Choose one of the digests that startifact verify --read-data shows"


def _disagreement(key: Key, held: dict[str, Held], found: list[Difference]) -> RefusedError:
    digests: dict[str, list[Held]] = {}
    for one in held.values():
        if one.copy is not None and one.recorded:
            digests.setdefault(one.copy.record.sha256, []).append(one)
    # Of two that differ in metadata alone, nobody can choose by the digest.
    choices = " or ".join(
        f"startifact repair {key} --keep sha256:{digest}"
        for digest, same in digests.items()
        if agreement(same) is not None
    )
    return RefusedError(
        f"regions disagree about {key}, nothing of it was changed:"
        + "".join(f"\n  {difference.message}" for difference in found),
        hint=f"Find out which is right, then run {choices}"
        if choices
        else "No region has one that could be kept: stage the content under a new version",
    )


def _unrecorded(key: Key) -> RefusedError:
    return RefusedError(
        f"{key} was staged by the first Startifact: it has no digest to copy it by",
        hint="Stage the same file again: that fills the other regions",
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
