"""Where a step may read and write.

The container of an action sees two of the runner's folders, the workspace and the temporary one.
What is written elsewhere vanishes with it.
"""

from collections.abc import Iterable
from pathlib import Path

from startifact.action.inputs import Inputs
from startifact.errors import Problems, shown
from startifact.regions.spelling import DirectorySpelling, Spelling, parse_spellings, split_list
from startifact.settings import Runner, Settings


def directories_of(inputs: Inputs, settings: Settings) -> list[DirectorySpelling]:
    """Return the ``file:`` regions that this step uses."""
    spellings: Iterable[Spelling] = ()
    if inputs.regions is not None:
        spellings = parse_spellings(inputs.regions, source="regions")
    elif settings.regions is not None:
        spellings = parse_spellings(split_list(settings.regions), source="STARTIFACT_REGIONS")
    # An organisation configuration names AWS regions alone.
    return [s for s in spellings if isinstance(s, DirectorySpelling)]


def check_places(inputs: Inputs, directories: Iterable[DirectorySpelling], runner: Runner) -> None:
    """Return when the step keeps to folders that outlast its container, or is in none.

    Raises:
        InputError: ``path`` or a ``file:`` region leads elsewhere, be it through a link.

    """
    if not runner.in_container:
        return
    problems = Problems("the input of this step")
    for directory in directories:
        if not _is_kept(directory.path, runner):
            problems.say(
                f"region {shown(directory.text)} is outside the workspace and the runner's "
                "temporary folder, so it would vanish with the container",
                hint="Name a directory in the workspace, for example file:./artifacts",
            )
    if inputs.path is not None and not _is_kept(inputs.path, runner):
        problems.say(
            f"path {shown(str(inputs.path))} is outside the workspace and the runner's temporary "
            "folder, which are all that the container of the action can see",
            hint="Write path relative to the workspace, for example dist.tar.gz",
        )
    problems.raise_if_any()


def for_later_steps(path: Path, runner: Runner) -> str:
    """Return *path* as other steps of the job can use it.

    The workspace has another name outside the container, so a path in it is told relative to it.
    """
    if runner.workspace is not None:
        workspace = runner.workspace.resolve()
        absolute = path.parent.resolve() / path.name
        if absolute.is_relative_to(workspace):
            return str(absolute.relative_to(workspace))
    return str(path)


def _is_kept(path: Path, runner: Runner) -> bool:
    """Say whether *path*, with every link in it followed, is in a folder that the runner mounts."""
    # An older runner does not mount its temporary folder, and then there is none by that name.
    roots = [root.resolve() for root in (runner.workspace, runner.temp) if root and root.is_dir()]
    return any(path.resolve().is_relative_to(root) for root in roots)
