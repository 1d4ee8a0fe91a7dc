"""What a session does so that versions are not used any more."""

from semver import Version

from startifact.model.clock import now
from startifact.model.keys import check_project
from startifact.model.versions import parse_version
from startifact.retention.yanking import Yanker, Yanking
from startifact.session.base import SessionBase


class RetentionMethods(SessionBase):
    """The methods of `Session` that take versions out of use."""

    def yank(self, project: str, version: Version | str, reason: str) -> Yanking:
        """Take *version* of *project* out of the choice of ranges.

        Afterwards no range picks it, and no channel is promoted to it unless that is told to. What
        asks for it by its number, and a channel that points at it, keep working, with a warning.
        Yanking again for the same reason changes nothing.

        Args:
            project: The project's name.
            version: The version, which has to be staged.
            reason: What is wrong with it, in at most 500 characters; everybody who gets it reads
                that.

        Returns:
            What was done, and which channels point at it. In a read-only session, what would be.

        Raises:
            InputError: An argument is not valid, or two regions are one store.
            NotFoundError: There is no such version.
            RemovedError: It was removed.
            SeveralRegionsError: Too few regions answered. Nothing was changed.
            UndeterminedError: It may have been yanked, or not.
        """
        return self._yanker().yank(check_project(project), parse_version(version), reason)

    def unyank(self, project: str, version: Version | str) -> Yanking:
        """Take *version* of *project* back into the choice of ranges.

        Args:
            project: The project's name.
            version: The version, which has to be staged.

        Returns:
            What was done. In a read-only session, what would be.

        Raises:
            InputError, NotFoundError, RemovedError, SeveralRegionsError, UndeterminedError: As
                `yank`.
        """
        return self._yanker().unyank(check_project(project), parse_version(version))

    def _yanker(self) -> Yanker:
        return Yanker(
            regions=self._regions(),
            moved_by=self._settings.moved_by,
            now=now,
            limits=self._limits,
            dry_run=self._read_only,
        )
