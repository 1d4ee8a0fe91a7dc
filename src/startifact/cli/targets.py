"""What commands are about: ``PROJECT``, or ``PROJECT@`` and a version or selector."""

from startifact.errors import InputError
from startifact.text import quoted


def split_target(target: str) -> tuple[str, str | None]:
    """Return the project in *target*, and what follows the first ``@`` if there is one."""
    project, at, selector = target.partition("@")
    return project, selector if at else None


def split_version(target: str) -> tuple[str, str]:
    """Return project and version in *target*.

    Raises:
        InputError: There is no version in it.
    """
    project, version = split_target(target)
    if version is None:
        raise InputError(
            f"{quoted(target)} names no version",
            hint="Write PROJECT@VERSION, for example SugarWater@1.0.9000",
        )
    return project, version
