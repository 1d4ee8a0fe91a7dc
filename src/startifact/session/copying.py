"""What a session does to bring an artifact into the regions of another one."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from semver import Version

from startifact.errors import ConflictError, InputError, RemovedError, StartifactError
from startifact.files.contents import PlainFile
from startifact.files.temporary import needs_room, sweep, temporary_folder
from startifact.hints import as_hint
from startifact.model.keys import LATEST, artifact_key, check_project
from startifact.model.ranges import Range
from startifact.reading.artifact import Artifact
from startifact.registers.marks import Mark, Yank, known_mark, mark_register
from startifact.session.base import SessionBase, selector_of
from startifact.session.retention import RetentionMethods
from startifact.staging.content import NEVER_CHANGES
from startifact.staging.outcomes import StageRequest, Staging
from startifact.text import quoted

if TYPE_CHECKING:
    from startifact.session import Session

_TO_VERIFY = "verified in the temporary folder before it is copied"
_COPY_ANOTHER = "Copy another version"
_NEVER_CHANGES = as_hint(
    "A staged version never changes: copy another version, or find out why this one was staged "
    "with other content there"
)


class CopyMethods(SessionBase):
    """The methods of `Session` that reach the regions of another session."""

    def copy(
        self,
        project: str,
        selector: Version | Range | str | None,
        to: "Session",
        *,
        min_age: timedelta | str | None = None,
    ) -> Staging:
        """Make the artifact that *selector* picks available in every region of *to*.

        It is brought here and verified, and then staged there as it was staged first: the same
        bytes under the same version, with its metadata, file name, time and origin. Where it was
        yanked when all of it was here, it is yanked there too; where it was yanked there
        already, that stays as it is. Copying again changes nothing that is stored.

        Args:
            project: The project's name.
            selector: An exact version, a channel or a range; ``None`` for ``latest``.
            to: The session whose regions get it. Where that one is read-only, nothing is written.
            min_age: How long ago what a range picks has to have been staged at least.

        Returns:
            What was done in the regions of *to*, or would be, the yank included.

        Raises:
            InputError: An argument is not valid, or *to* is this very session.
            NotFoundError: There is no such version here.
            RemovedError: A region here says that it was removed, or is being removed.
            AlreadyStagedError: A region of *to* holds other content under this version.
            StagingFailedError: Too few regions of *to* succeeded; running again is safe.
            IntegrityError: No region delivers what its record says.
            SeveralRegionsError: Too few regions answered to know, whether it was yanked included,
                or none delivered it; nothing was written. Or *to* may not yank it.
            UndeterminedError: It was copied, and is not known to be yanked in the regions of *to*;
                running again is safe.
            LocalFileError: There is no room for it in the temporary folder.
        """
        if not isinstance(to, CopyMethods):
            raise InputError(
                f"to is {quoted(to)}, expected a session",
                hint="Make one with the regions to copy to, such as Session(regions=...)",
            )
        if to is self:
            raise InputError(
                "the session to copy to is the one to copy from",
                hint="Give a session with other regions",
            )
        wanted = selector_of(LATEST if selector is None else selector)
        artifact = self._find(check_project(project), wanted, min_age=min_age, asks_mark=True)
        record = artifact.downloader._record
        sweep()
        with temporary_folder() as folder:
            if artifact._yank_unknown is not None:
                self._mark_to_copy(artifact)  # it insists: bytes that may not be copied take longer
            with needs_room(why=_TO_VERIFY):
                path = artifact.downloader.download(folder / "artifact")
            _refuse_removed(artifact)
            mark = self._mark_to_copy(artifact)  # it may have been yanked meanwhile
            try:
                staging = to._stager(to._regions()).stage(
                    StageRequest(
                        project=artifact.project,
                        version=artifact.version,
                        contents=PlainFile(path),
                        metadata=record.metadata,
                        filename=record.filename,
                        archive=record.archive,
                        tree=record.tree,
                        origin=record.origin,
                        staged_at=record.staged_at or None,
                        dry_run=to.read_only,
                    )
                )
            except ConflictError as e:
                if e.next_step == NEVER_CHANGES:
                    e.next_step = _NEVER_CHANGES
                raise
        to._downloaders.add(staging.artifact.downloader)
        return staging if mark.yanked is None else _yank_too(to, staging, mark.yanked.reason)

    def _mark_to_copy(self, artifact: Artifact) -> Mark:
        """Return what is said of *artifact* now.

        Raises:
            RemovedError: It is being removed.
            SeveralRegionsError: Too few regions answered.
        """
        project, version = artifact.project, artifact.version
        register = mark_register(self._regions(), project, version, limits=self._limits)
        key = artifact_key(project, version)
        try:
            return known_mark(register.read(), key, hint=_COPY_ANOTHER)
        except StartifactError as e:
            e.add_note("nothing was written")
            raise


def _refuse_removed(artifact: Artifact) -> None:
    """Return unless *artifact* is going away, whatever most regions hold."""
    outcomes = artifact.downloader.outcomes()
    names = [o.region for o in outcomes if isinstance(o.error, RemovedError)]
    if names:
        raise RemovedError(f"{artifact} was removed in {', '.join(names)}", hint=_COPY_ANOTHER)


def _yank_too(to: RetentionMethods, staging: Staging, reason: str) -> Staging:
    """Yank what *staging* staged for *reason*, unless it is yanked there, and return both."""
    artifact = staging.artifact
    yanker = to._yanker()
    if staging.dry_run:
        yank = yanker.found(artifact.project, artifact.version)
        would_be = Yank(reason=reason, at="", yanked_by="")
        return replace(staging, yank=yank or would_be, yanked_already=yank is not None)
    try:
        done = yanker.yank(artifact.project, artifact.version, reason, replaces=False)
        return replace(staging, yank=done.yank, yanked_already=not done.changed)
    except StartifactError as e:
        e.add_note(
            f"{artifact} was copied, and is not known to be yanked there: copying it again is safe"
        )
        raise
