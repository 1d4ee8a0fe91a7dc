"""Where a step may read and write.

The container of an action sees two of the runner's folders, the workspace and the temporary one.
What is written elsewhere vanishes with it. A step without a container keeps to the same two: it
means the same, and a link in a checkout, which anybody may propose, does not lead it to a file of
the runner's own.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from startifact.action.inputs import StepInputs
from startifact.action.markdown import escaped
from startifact.action.runner import Runner
from startifact.files.archiving.patterns import EXCLUDES
from startifact.problems import Problems
from startifact.regions.directory.spec import DirectorySpec
from startifact.regions.factory import parse_specs
from startifact.regions.spec import RegionSpec, split_list
from startifact.settings import Settings
from startifact.text import quoted

JOB_CONTAINER = Path("/__w")
"""Where a job that runs in a container has the folders of the runner."""

_FILE = re.compile(r"file:(//)?(?=/)")


def to_container_paths(
    inputs: StepInputs, settings: Settings, runner: Runner
) -> tuple[StepInputs, Settings]:
    """Return both with the runner's folders under the names that they have for this step.

    The runner itself translates only values that begin with such a folder, and knows nothing of
    the names that a job's own container has for them.
    """
    if not runner.is_confined:
        return inputs, settings
    names = _other_names(runner)
    if inputs.path is not None:
        inputs = inputs.with_path(Path(_renamed(str(inputs.path), names)))
    inputs = inputs.with_staged(tuple(_renamed_pattern(text, names) for text in inputs.staged))
    if inputs.lock_file is not None:
        inputs = inputs.with_lock_file(Path(_renamed(str(inputs.lock_file), names)))
    inputs = inputs.with_to(tuple(_renamed_region(text, names) for text in inputs.to))
    if inputs.session.regions is not None:
        regions = tuple(_renamed_region(text, names) for text in inputs.session.regions)
        inputs = replace(inputs, session=replace(inputs.session, regions=regions))
    elif settings.regions is not None:
        texts = [_renamed_region(text, names) for text in split_list(settings.regions)]
        settings = replace(settings, regions=" ".join(texts))
    return inputs, settings


def _other_names(runner: Runner) -> dict[Path, Path]:
    """Return what folders are called elsewhere, and here."""
    if runner.folder is None or runner.workspace is None:
        return {}
    names = {folder / runner.folder.name: runner.workspace for folder in _folders(runner.folder)}
    if runner.temp is not None:
        names |= {folder.parent / "_temp": runner.temp for folder in _folders(runner.folder)}
    return {elsewhere: here for elsewhere, here in names.items() if elsewhere != here}


def _folders(folder: Path) -> tuple[Path, Path]:
    return (folder, JOB_CONTAINER / folder.name)


def _renamed(text: str, names: dict[Path, Path]) -> str:
    path = Path(text)
    for elsewhere, here in names.items():
        if path.is_relative_to(elsewhere):
            return str(here / path.relative_to(elsewhere))
    return text


def _renamed_pattern(text: str, names: dict[Path, Path]) -> str:
    path = text.removeprefix(EXCLUDES)
    renamed = _renamed(path, names)
    if renamed == path:
        return text
    ending = "/" if path.endswith("/") else ""  # which says that it is a directory
    return f"{text[: len(text) - len(path)]}{renamed}{ending}"


def _renamed_region(text: str, names: dict[Path, Path]) -> str:
    if (scheme := _FILE.match(text)) is None:
        return text
    path = text[scheme.end() :]
    renamed = _renamed(path, names)
    return text if renamed == path else f"file://{renamed}"


def directories_of(inputs: StepInputs, settings: Settings) -> list[DirectorySpec]:
    """Return the ``file:`` regions that this step uses, but for those that it copies to."""
    specs: Iterable[RegionSpec] = ()
    if inputs.session.regions is not None:
        specs = parse_specs(inputs.session.regions, source="regions")
    elif settings.regions is not None:
        specs = parse_specs(split_list(settings.regions), source="STARTIFACT_REGIONS")
    return _directories(specs)


def directories_to_copy_to(inputs: StepInputs) -> list[DirectorySpec]:
    """Return the ``file:`` regions that this step copies to."""
    return _directories(parse_specs(inputs.to, source="to") if inputs.to else ())


def _directories(specs: Iterable[RegionSpec]) -> list[DirectorySpec]:
    problems = Problems("the input of this step")
    for spec in specs:
        if not spec.outlives_process:
            problems.say(
                f"region {quoted(spec.text)} is in the memory of this step, so what is staged "
                "there would vanish with it",
                hint="Name a directory in the workspace, for example file:./artifacts",
            )
    problems.raise_if_any()
    # An organisation configuration names only AWS regions.
    return [s for s in specs if isinstance(s, DirectorySpec)]


def check_sandbox_paths(
    inputs: StepInputs, directories: Iterable[DirectorySpec], runner: Runner
) -> None:
    """Return when the step keeps to the folders that are its own, or is in no workflow.

    Raises:
        InputError: ``path``, ``lock-file`` or a ``file:`` region leads elsewhere, be it through a
            link.

    """
    if not runner.is_confined:
        return
    problems = Problems("the input of this step")
    directories = tuple(directories)
    # What a pattern stands for is below its first folders, and links are not followed from there.
    staged = [Path(text) for text in inputs.staged if not text.startswith(EXCLUDES)]
    regions = [directory.path for directory in directories]
    for path in (inputs.path, inputs.lock_file, *staged, *regions):
        if path is not None and (elsewhere := _inner_name(path, runner)):
            problems.say(
                f"{quoted(str(path))} has {elsewhere} in its middle, which is a folder of the host",
                hint="Write a path relative to the workspace, without github.workspace",
            )
    for directory in directories:
        if not _is_kept(directory.path, runner):
            why = "so it would vanish with the container"
            if not runner.in_container:
                why = "which are all that a step keeps to"
            problems.say(
                f"region {quoted(directory.text)} is outside the workspace and the runner's "
                f"temporary folder, {why}",
                hint="Name a directory in the workspace, for example file:./artifacts",
            )
    for path in (*([] if inputs.path is None else [inputs.path]), *staged):
        _refuse_outside(path, runner, problems)
    if inputs.lock_file is not None:
        _refuse_outside(inputs.lock_file, runner, problems, "lock-file", "startifact.lock")
    problems.raise_if_any()


def check_written_path(path: Path, runner: Runner) -> None:
    """Return when *path*, which a download writes, is in a folder that is the step's own.

    Its last part may be the name that was saved, which is known only now, and be a link in a
    checkout.

    Raises:
        InputError: It is not.
    """
    problems = Problems("the input of this step")
    if runner.is_confined:
        _refuse_outside(path, runner, problems)
    problems.raise_if_any()


def _refuse_outside(
    path: Path,
    runner: Runner,
    problems: Problems,
    name: str = "path",
    example: str = "dist.tar.gz",
) -> None:
    if _is_kept(path, runner):
        return
    why = "which are all that the container of the action can see"
    if not runner.in_container:
        why = "which are all that a step keeps to"
    problems.say(
        f"{name} {quoted(str(path))} is outside the workspace and the runner's temporary folder, "
        f"{why}",
        hint=f"Write {name} relative to the workspace, for example {example}",
    )


def for_later_steps(path: Path, runner: Runner) -> str:
    """Return *path* as other steps of the job can use it.

    The workspace has another name outside the container, so a path in it is shown relative to it.
    What is in the runner's temporary folder has the name that the host has for it: a container of
    a later step is given it under its own.
    """
    if runner.workspace is not None:
        workspace = runner.workspace.resolve()
        absolute = path.parent.resolve() / path.name
        if absolute.is_relative_to(workspace):
            return absolute.relative_to(workspace).as_posix()
    return str(_on_host(path, runner))


def uri_for_later_steps(uri: str, runner: Runner) -> str:
    """Return the address *uri*, of a file where it is one, as other steps can use it."""
    if not runner.in_container or not uri.startswith("file:"):
        return uri
    return _on_host(Path(unquote(urlsplit(uri).path)), runner).as_uri()


def region_for_later_steps(text: str, runner: Runner) -> str:
    """Return the spelling *text* of a region as other steps can use it."""
    if not runner.in_container:
        return text
    return _renamed_region(text, {here: there for there, here in _host_names(runner)})


def _on_host(path: Path, runner: Runner) -> Path:
    if runner.in_container:
        absolute = path.parent.resolve() / path.name
        for there, here in _host_names(runner):
            if absolute.is_relative_to(here.resolve()):
                return there / absolute.relative_to(here.resolve())
    return path


def _host_names(runner: Runner) -> list[tuple[Path, Path]]:
    """Return what the runner's folders are called on its host, and here."""
    if runner.folder is None:
        return []
    folders = [
        (runner.folder / runner.folder.name, runner.workspace),
        (runner.folder.parent / "_temp", runner.temp),
    ]
    return [(there, here) for there, here in folders if here is not None]


def in_host_names(text: str, runner: Runner) -> str:
    """Return *text*, plain or Markdown, with the host's names of the runner's folders in it."""
    if not runner.in_container:
        return text
    for there, here in _host_names(runner):
        text = _replaced(text, str(here), str(there))
        text = _replaced(text, escaped(str(here)), escaped(str(there)))
    return text


def _replaced(text: str, here: str, there: str) -> str:
    """Return *text* with the path *there* wherever *here* is, or what is below it."""
    whole = re.compile(rf"(?<![\w./-])(file://)?{re.escape(here)}(?![\w-])")
    return whole.sub(lambda found: f"{found[1] or ''}{there}", text)


def _inner_name(path: Path, runner: Runner) -> Path | None:
    """Return the folder of the host that stands in *path*, and not at its beginning."""
    text = f"{path}/"
    return next((n for n in _other_names(runner) if f"{str(n).lstrip('/')}/" in text), None)


def _is_kept(path: Path, runner: Runner) -> bool:
    """Say whether *path*, with every link in it followed, is in a folder that the runner mounts."""
    # An older runner does not mount its temporary folder, and then there is none by that name.
    roots = [root.resolve() for root in (runner.workspace, runner.temp) if root and root.is_dir()]
    # Not by resolve(), which has no answer where links lead round in a circle.
    real = Path(os.path.realpath(path))
    return any(real.is_relative_to(root) for root in roots)
