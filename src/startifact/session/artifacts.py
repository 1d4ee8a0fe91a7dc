"""What a session does with artifacts: stage, get, compare and repair them."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from semver import Version

from startifact.errors import InputError
from startifact.files.archiving.selection import select
from startifact.files.contents import contents_of, file_name_of
from startifact.model.digest import parse_keep, parse_sha256
from startifact.model.filenames import check_filename, composed
from startifact.model.keys import LATEST, check_project
from startifact.model.metadata import warn_of_secrets
from startifact.model.ranges import Range
from startifact.model.record import check_metadata
from startifact.model.tree import ArchiveKind
from startifact.model.versions import parse_version
from startifact.reading.artifact import Artifact
from startifact.reading.expected import ExpectedBytes, expected_by
from startifact.reading.locking import locked_entry
from startifact.regions.interface import Region
from startifact.regions.spec import split_list
from startifact.repair.inspection import take_inventory, with_removing
from startifact.repair.log import Repair
from startifact.repair.register_inventory import take_registers
from startifact.repair.registers import (
    compare_registers,
    warn_of_yanked,
    warn_of_yanked_version,
)
from startifact.repair.removals import removing_versions
from startifact.repair.repairer import Repairer
from startifact.repair.verify import Verification, verify
from startifact.session.base import SessionBase, selector_of
from startifact.staging.outcomes import (
    IfExists,
    Replicate,
    StageRequest,
    Staging,
    parse_choice,
)
from startifact.staging.stager import Stager


class ArtifactMethods(SessionBase):
    """The methods of `Session` that are about artifacts."""

    def stage(
        self,
        project: str,
        version: Version | str,
        path: str | Path | Sequence[str | Path],
        *,
        archive: ArchiveKind | str | None = None,
        include_hidden: bool = False,
        metadata: Mapping[str, str] | None = None,
        save_filename: bool = False,
        if_exists: IfExists | str = IfExists.FAIL,
        replicate: Replicate | str = Replicate.AUTO,
    ) -> Staging:
        """Make what is at *path* available as *version* of *project* in every region.

        That is a file, byte for byte, or an archive of a directory or of several files, which is
        the same on every machine. Afterwards enough regions hold exactly these bytes with
        *metadata*, and a ``latest`` that is not below *version*. Staging the same content again
        changes nothing that is stored and fills the regions that lack it; an archive of the same
        files is the same content, also where another compressor has made other bytes of them.

        Args:
            project: The project's name, such as ``SugarWater``.
            version: A semantic version, as a `semver.Version` or as text.
            path: The file, a directory or a pattern such as ``dist/*.whl``, or several of them, of
                which those that begin with ``!`` take away from what those before name. What exists
                under a path as it is written is that. It must not change meanwhile.
            archive: Which archive is made, ``tar.gz`` or ``zip``. Without it, one file is staged as
                it is, and anything else as ``tar.gz``.
            include_hidden: Whether names that begin with a dot are staged too, where the path or
                the pattern does not write the dot itself.
            metadata: Strings by string that travel with the artifact, at most 1,024 bytes as JSON.
            save_filename: Whether the file's name is recorded, for `Downloader.download`; of an
                archive it is the name of the directory, or else of the project, with the ending of
                its kind.
            if_exists: What to do where other content is staged under *version* already: ``fail``
                with an error, or ``keep``, which goes on with that content in place of the file's:
                what a majority of all regions holds, or else the only one that there is. Regions
                that lack it are filled with it, and that needs as many as any staging.
            replicate: How an artifact of 64 MiB or more reaches all regions: with ``auto``, Amazon
                S3 copies it from the first region to have it to the others; with ``direct``, every
                region is sent the file at once. What cannot be copied is sent then: where that is
                always so, as between accounts that may not read each other's buckets, ``direct`` is
                sooner.

        Returns:
            What was done, with every region's outcome. In a read-only session, what would be done.

        Raises:
            InputError: An argument is not valid, or two regions are one store; nothing was written.
            AlreadyStagedError: A region holds other content under *version*, and no majority of all
                regions holds exactly this; or one has removed it. It is a `ConflictError`, whose
                ``outcomes`` say what each region holds.
            StagingFailedError: Too few regions succeeded; running again is safe.
            LocalFileError: The file cannot be read, or changed meanwhile.
            IntegrityError: What a region holds under *version* is damaged; nothing was written.
            NewerFormatError: A newer Startifact has staged *version*; nothing was written.
            WrongRegionError: A bucket is in another AWS region than its region says; nothing was
                written.
        """
        checked, exact = check_project(project), parse_version(version)
        stored = check_metadata({} if metadata is None else metadata)
        on_conflict = parse_choice(IfExists, "if_exists", if_exists)
        how = parse_choice(Replicate, "replicate", replicate)
        kind = None if archive is None else parse_choice(ArchiveKind, "archive", archive)
        paths = [path] if isinstance(path, str | Path) else path
        with select(
            [str(p) for p in paths], archive=kind, include_hidden=include_hidden
        ) as selected:
            name = file_name_of(selected, checked)
            filename = check_filename(composed(name)) if save_filename else None
            with contents_of(selected, time=self._settings.source_date_epoch) as contents:
                request = StageRequest(
                    project=checked,
                    version=exact,
                    contents=contents,
                    metadata=stored,
                    filename=filename,
                    origin=self._settings.origin,
                    if_exists=on_conflict,
                    replicate=how,
                    dry_run=self._read_only,
                )
                warn_of_secrets(request.metadata)
                staging = self._stager(self._regions()).stage(request)
        self._downloaders.add(staging.artifact.downloader)
        return staging

    def get(
        self,
        project: str,
        selector: Version | Range | str | None = None,
        *,
        version: Version | Range | str | None = None,
        min_age: timedelta | str | None = None,
        lock_file: str | Path | None = None,
        sha256: str | None = None,
    ) -> Artifact:
        """Return the artifact that *selector* picks.

        Nothing is downloaded yet.

        Args:
            project: The project's name.
            selector: An exact version, as a `semver.Version` or as text, a channel such as
                ``prod``, or a range such as ``^1.2``; without it ``latest``.
            version: The same, by the name that it had in the first Startifact.
            min_age: How long ago what a range picks has to have been staged at least, such as
                ``24h`` or ``7d``.
            lock_file: A lock file, which says what *selector* picks instead: the version, and the
                bytes, that `lock` has recorded there. No others are delivered.
            sha256: The SHA-256 that the bytes have to have, in hexadecimal, with or without
                ``sha256:`` before it. No others are delivered.

        Returns:
            The artifact: its metadata as a mapping, its facts as attributes, and its downloader.

        Raises:
            InputError: *project*, *selector* or *min_age* is not valid, *version* is given beside
                *selector* or *min_age* beside *lock_file*, two regions are one store, or
                *lock_file* is no lock file or has no entry for *selector*.
            LocalFileError: *lock_file* cannot be read.
            NotFoundError: Every region said that there is none, or no version that a range may
                pick.
            RemovedError: It existed, and was removed on purpose.
            SeveralRegionsError: Too few regions answered to know.
            IntegrityError: Regions hold different content and no majority agrees, or they hold
                other bytes than *lock_file* or *sha256* says.
        """
        return self._get(
            project,
            selector,
            version=version,
            min_age=min_age,
            lock_file=lock_file,
            sha256=sha256,
            asks_mark=False,
        )

    def _get(
        self,
        project: str,
        selector: Version | Range | str | None,
        *,
        version: Version | Range | str | None = None,
        min_age: timedelta | str | None = None,
        lock_file: str | Path | None = None,
        sha256: str | None = None,
        asks_mark: bool = True,
    ) -> Artifact:
        """Do what `get` does, by default for who downloads or shows what it returns.

        Then a mark is read in any case, and sooner where it is asked for beside the version. Who
        calls `get` may want neither, and would wait for regions that hang.
        """
        checked = check_project(project)
        if selector is not None and version is not None:
            raise InputError(
                "selector and version are both given, and are the same argument",
                hint="Leave version out",
            )
        given = version if selector is None else selector
        wanted = selector_of(LATEST if given is None else given)
        expected = [] if sha256 is None else [ExpectedBytes(sha256=parse_sha256(sha256))]
        if lock_file is not None:
            entry = locked_entry(Path(lock_file), checked, wanted, min_age=min_age)
            expected.append(expected_by(entry, lock_file))
            wanted = entry.version
        artifact = self._find(checked, wanted, min_age=min_age, asks_mark=asks_mark)
        for one in expected:
            artifact.downloader._expect(one)
        return artifact

    def verify(
        self, project: str, version: Version | str | None = None, *, read_data: bool = False
    ) -> Verification:
        """Compare what all regions hold of *project*, or of one *version* of it.

        Nothing is changed.

        Args:
            project: The project's name.
            version: The only version to compare; by default all of them are, and ``latest``.
            read_data: Whether every byte is read and compared with its record.

        Returns:
            What differs, and why regions could not be compared. It is true when neither is there.

        Raises:
            InputError: An argument is not valid, or two regions are one store.
            NotFoundError: Every region said that there is nothing.
        """
        checked = check_project(project)
        exact = None if version is None else parse_version(version)
        self._mirroring.wait()
        regions, limits = self._regions(), self._limits
        inventory = take_inventory(regions, checked, exact, read_data=read_data, limits=limits)
        removing = removing_versions(regions, checked, exact, limits=limits)
        inventory = with_removing(inventory, removing, limits=limits)
        inventory.check_found()
        failed = inventory.failures
        if exact is not None:
            warn_of_yanked_version(regions, checked, exact, failed_before=failed, limits=limits)
            return verify(inventory)
        registers = take_registers(regions, checked, failed_before=failed, limits=limits)
        warn_of_yanked(registers)
        found = compare_registers(registers, inventory.sound_versions())
        return verify(inventory, found, registers.failures)

    def repair(
        self,
        project: str,
        version: Version | str | None = None,
        *,
        keep: str | None = None,
        read_data: bool = False,
    ) -> Repair:
        """Repair what `verify` finds in *project*, or in one *version* of it.

        Afterwards missing regions are filled from a verified one, ``latest`` is forward
        everywhere and its copies follow, where all regions that answer agree. Where they do not,
        nothing is changed, and the result says what to do. In a read-only session nothing is
        written.

        Args:
            project: The project's name.
            version: The only version to repair; by default all of them are, and ``latest``.
            keep: For one version that regions disagree about, the content that is right:
                ``sha256:`` and its digest, or the ``content:`` name that errors show where only
                metadata or file name differ. Other content is copied aside below
                ``{project}/_quarantine/`` and deleted.
            read_data: Whether every byte is read and compared with its record first.

        Returns:
            The steps that were taken or would be, and what could not be repaired. It is true when
            nothing is left that should be.

        Raises:
            InputError: An argument is not valid, *keep* is given without *version*, or two
                regions are one store.
            NotFoundError: There is nothing to repair, or no region has the content to keep.
            SeveralRegionsError: No region that answered has the content to keep.
            IntegrityError: Regions hold the bytes to keep with other metadata each: name a content.
            DeadlineError: The time that was allowed has passed; its notes say what was done.
        """
        checked = check_project(project)
        exact = None if version is None else parse_version(version)
        name = None if keep is None else parse_keep(keep)
        self._mirroring.wait()
        regions = self._regions()
        repairer = Repairer(
            regions,
            moved_by=self._settings.moved_by,
            required=self._required_regions(),
            dry_run=self._read_only,
            read_data=read_data,
            limits=self._limits,
        )
        return repairer.repair(checked, exact, name)

    def _stager(self, regions: tuple[Region, ...]) -> Stager:
        return Stager(
            regions=regions,
            required=self._required_regions(),
            moved_by=self._settings.moved_by,
            limits=self._limits,
            listed=split_list(self._settings.regions or ""),
            progress=self._progress,
        )
