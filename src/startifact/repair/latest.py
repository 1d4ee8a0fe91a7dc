"""Mending ``latest``: forward where it is behind or lost, and its copies after it. Never back."""

from dataclasses import dataclass, field
from functools import partial

from semver import Version

from startifact.channels.latest import Mover
from startifact.concurrency.fan_out import Watch, alone
from startifact.errors import (
    IntegrityError,
    NewerFormatError,
    RefusedError,
    RemovedError,
    StartifactError,
    UndeterminedError,
)
from startifact.model.keys import LATEST, Key, artifact_key, channel_key
from startifact.model.quorum import required_to_read
from startifact.model.record import Record
from startifact.model.versions import is_later
from startifact.reading.resolution import Copy, describe
from startifact.repair.inventory import Inspection, View
from startifact.repair.log import Step, Worksheet
from startifact.repair.quarantine import move_latest_aside
from startifact.repair.verify import is_disputed, is_sound, target_of


@dataclass(slots=True)
class Forwarder:
    """Mends the ``latest`` of one project in every region that *seen* tells of.

    *required* regions have to hold a version before ``latest`` begins to move to it.
    """

    seen: Inspection
    sheet: Worksheet
    mover: Mover
    required: int
    _refused: set[str] = field(default_factory=set)
    _found: dict[Key, Record] = field(default_factory=dict)

    def mend(self) -> None:
        """Mend every region's ``latest`` that can be mended."""
        target = target_of(self.seen)
        for view in self.seen.views:
            if view.region.name in self.sheet.failures:
                continue
            if target is not None:
                self._mend_one(view, target)
            elif view.latest.trouble is not None:
                self._refuse(
                    RefusedError(
                        f"{view.latest.trouble}; there is no version that it could point at",
                        hint="Stage a version, then run this again",
                    )
                )

    def _mend_one(self, view: View, target: Version) -> None:
        pointer = view.latest.pointer
        if pointer is None or is_later(target, pointer.version):
            if self._is_disputed(target):
                return  # nothing moves to it; why has been said of the version
            stop = self._too_few(target) or (self._uncertain(target) if pointer is None else None)
            if stop is not None:
                self._refuse(stop)
            elif self._holds(view, target):
                if not self._is_disputed(target):  # that may have come out only now
                    self._move(view, target)
            else:
                self._refuse_dangling(view, target, "cannot be")
            return
        here = pointer.version
        if not self._holds(view, here):
            self._refuse_dangling(view, here, "is")
        if view.region.publishes and view.latest.shown != str(here):
            step = self._step(view, "refresh-copy", f"copy {self._key} to where others read it")
            self.sheet.do(step, lambda _: self.mover.copy(view.region, self.seen.project))

    def _move(self, view: View, target: Version) -> None:
        region = view.region
        damaged = view.latest.state if view.latest.trouble is not None else None
        if view.latest.trouble is not None and damaged is None:  # what is there is no text at all
            aside = self._step(view, "set-aside", f"move what is at {self._key} aside")
            if not self.sheet.do(aside, partial(move_latest_aside, region, self.seen.project)):
                return

        def move(watch: Watch) -> None:
            watch.moved()
            if damaged is not None:
                self.mover.replace_damaged(region, self.seen.project, target, damaged)
            else:
                self.mover.advance(region, self.seen.project, target)
            self.mover.copy(region, self.seen.project)

        self.sheet.do(self._step(view, "move-latest", f"move {self._key} to {target}"), move)

    def _too_few(self, target: Version) -> StartifactError | None:
        """Return why no ``latest`` must begin to move to *target*, or ``None``."""
        if str(target) in map(str, self.seen.pointers()):
            return None
        holders = sum(self._holds(view, target) for view in self.seen.views)
        if holders >= self.required:
            return None
        return UndeterminedError(
            f"{artifact_key(self.seen.project, target)} is complete in {holders} of {self._count} "
            f"regions, {self.required} are needed before {LATEST} moves to it",
            hint="Run this again when the other regions answer",
        )

    def _uncertain(self, target: Version) -> StartifactError | None:
        """Return why a ``latest`` that was lost may have been higher than *target*, or ``None``."""
        later = [v for v in self.seen.versions if is_later(v, target)]
        disputed = next((v for v in later if is_disputed(self.seen, v)), None)
        if disputed is None or len(self.seen.pointers()) >= required_to_read(self._count):
            return None
        key = artifact_key(self.seen.project, disputed)
        return RefusedError(
            f"{self._key} is not known in enough regions, and may have been {disputed}, which "
            "regions disagree about",
            hint=f"Settle {key} first, then run this again",
        )

    def _holds(self, view: View, version: Version) -> bool:
        """Say whether *version* is in a region, or in a dry run would be by now."""
        region, key = view.region, artifact_key(self.seen.project, version)
        if self.sheet.has_done(region.name, key, "fill"):
            return True
        if self.sheet.dry_run:
            return is_sound(view, version)
        try:
            copy = alone(region.name, lambda _: describe(region, key))
        except (IntegrityError, NewerFormatError, RemovedError):
            return False
        except StartifactError as e:
            self.sheet.failed(region.name, e)
            return False
        if copy is not None and not self._is_disputed(version):
            self._compare(copy, key, version)
        return copy is not None

    def _compare(self, copy: Copy, key: Key, version: Version) -> None:
        """See whether regions agree; they may have ceased to since they were looked at.

        Of a version that was staged since versions were listed, some regions were looked at.
        """
        if key not in self._found:
            seen = [view.held.get(str(version)) for view in self.seen.views]
            known = [one.copy.record for one in seen if one is not None and one.copy is not None]
            self._found[key] = next((r for r in known if r.sha256), copy.record)
        first = self._found[key]
        if first.sha256 and copy.record.sha256 and not first.same_content(copy.record):
            self.sheet.conflict(copy.region.name, key)

    def _refuse_dangling(self, view: View, version: Version, what: str) -> None:
        name = view.region.name
        if name in self.sheet.failures:
            return
        if self._is_disputed(version):
            return  # why has been said of the version, which is what has to be settled
        held = any(is_sound(v, version) for v in self.seen.views)
        self._refuse(
            RefusedError(
                f"{self._key} in {name} {what} {version}, which "
                + ("is not complete there" if held else "no region that answered holds"),
                hint=f"{LATEST} never goes back: stage {version} again, or a later version",
            )
        )

    def _refuse(self, error: StartifactError) -> None:
        """Refuse once what stops several regions."""
        if str(error) not in self._refused:
            self._refused.add(str(error))
            self.sheet.refuse(error)

    def _is_disputed(self, version: Version) -> bool:
        if artifact_key(self.seen.project, version) in self.sheet.conflicts:
            return True
        known = str(version) in map(str, self.seen.versions)
        return known and is_disputed(self.seen, version)

    def _step(self, view: View, action: str, message: str) -> Step:
        return Step(region=view.region.name, key=self._key, action=action, message=message)

    @property
    def _key(self) -> Key:
        return channel_key(self.seen.project, LATEST)

    @property
    def _count(self) -> int:
        return len(self.seen.views) + len(self.seen.failures)
