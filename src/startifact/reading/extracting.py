"""Extracting an artifact: it is brought, verified, and only then looked into."""

from collections.abc import Callable
from pathlib import Path

from startifact.files.destination import local_errors
from startifact.files.extraction.extraction import Extraction, check_room, extract_archive
from startifact.files.extraction.extraction_bounds import Bounds
from startifact.files.extraction.extraction_folder import destination_of, extraction_folder


def extract_downloaded(
    bring: Callable[[Path], object],
    path: Path,
    *,
    name: str,
    size: int,
    overwrite: bool,
    max_members: int | None,
    max_bytes: int | str | None,
    max_ratio: int | None,
) -> Extraction:
    """Extract what *bring* puts into a file, once it is verified, into the directory *path*.

    See `Downloader.extract` for what may go wrong; *name* stands for the artifact, of *size* bytes,
    in messages.
    """
    bounds = Bounds.of(max_members, max_bytes, max_ratio)
    destination = destination_of(path)
    with extraction_folder(destination) as folder:
        with local_errors(path):
            check_room(folder, size, f"{name} has {size:,} bytes")
        bring(folder / "artifact")
        return extract_archive(
            folder / "artifact",
            folder,
            destination,
            asked=path,
            name=name,
            bounds=bounds,
            overwrite=overwrite,
        )
