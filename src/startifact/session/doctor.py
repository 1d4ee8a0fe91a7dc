"""What a session says of its own regions."""

from typing import TYPE_CHECKING

from startifact.errors import AccessDeniedError, ConfigurationError, InputError, UndeterminedError
from startifact.model.examination import ExaminationRequest
from startifact.model.keys import check_project
from startifact.model.selectors import check_channel
from startifact.options import listed
from startifact.regions.interface import Region
from startifact.session.base import SessionBase
from startifact.text import quoted

if TYPE_CHECKING:
    from startifact.organisation.doctor import Diagnosis


class DoctorMethods(SessionBase):
    """The method of `Session` that examines regions."""

    def doctor(
        self,
        project: str | None = None,
        *,
        operation: str = "download",
        channel: str | None = None,
    ) -> "Diagnosis":
        """Examine every region, and say what works, what does not, and what to do about it.

        Nothing is changed, but that a store other than AWS is tried, as before a staging, where
        *operation* writes; not in a read-only session. What may not be read, and is not needed, is
        not known, and no failure.

        Args:
            project: The project whose permissions are tried. Without one, a role that is confined
                to projects is not known to be allowed anything.
            operation: What permissions are tried for: a command, or ``channels-remove``,
                ``copy-from``, ``copy-to`` or ``repair-keep``.
            channel: The channel whose permissions are tried, where *operation* moves one.

        Returns:
            What was found in each region. It is true where nothing is wrong.

        Raises:
            InputError: An argument is not valid.
        """
        # Only here: no other command needs it.
        from startifact.organisation.doctor import diagnose
        from startifact.permissions import OPERATIONS

        if operation not in OPERATIONS:
            raise InputError(
                f"{quoted(operation)} is nothing that permissions are tried for, expected "
                f"{listed(tuple(OPERATIONS), 'or')}"
            )
        request = ExaminationRequest(
            operation=operation,
            project=None if project is None else check_project(project),
            channel=None if channel is None else check_channel(channel),
            may_write=not self.read_only,
        )
        return diagnose(self._regions_to_examine(), request, limits=self._limits)

    def _regions_to_examine(self) -> tuple[Region, ...]:
        """Return the regions, or the one that does not say which they are."""
        try:
            return self._regions()
        except (ConfigurationError, AccessDeniedError, UndeterminedError):
            home = self._selection.open_home()
            if home is None:
                raise
            return home
