"""How a directory is spelled as a region."""

import os
import re
from collections.abc import Hashable
from pathlib import Path
from urllib.parse import unquote

from startifact.errors import InputError
from startifact.lazy_dataclasses import dataclass
from startifact.regions.directory.region import DirectoryRegion
from startifact.regions.interface import Region
from startifact.regions.spec import OpenContext, RegionKind, RegionSpec, quoted_spec


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectorySpec(RegionSpec):
    """A directory; a relative path starts where the working directory was when it was read."""

    path: Path

    @property
    def store(self) -> Hashable:
        """See `RegionSpec.store`."""
        return os.path.realpath(self.path)

    def open(self, context: OpenContext) -> Region:
        """See `RegionSpec.open`."""
        return DirectoryRegion(self.text, self.path, limits=context.limits)


def _directory(text: str) -> DirectorySpec:
    rest = text.removeprefix("file:")
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        if host not in {"", "localhost"} or not slash:
            raise InputError(
                f"region {quoted_spec(text)} names the host {quoted_spec(host)}",
                hint="Write file:./directory, or file:///directory for an absolute path",
            )
        rest = slash + path
    path_text = unquote(rest)
    if os.name == "nt" and re.match(r"/[A-Za-z]:", path_text):  # pragma: no cover
        path_text = path_text[1:]  # file:///C:/artifacts
    if not path_text or "\0" in path_text:
        raise InputError(
            f"region {quoted_spec(text)} names no directory",
            hint="Write file:./directory, or file:///directory for an absolute path",
        )
    # Absolute from now on: the working directory may change before the region is used.
    return DirectorySpec(text=text, path=Path(path_text).absolute())


DIRECTORY = RegionKind("file:./directory", lambda text: text.startswith("file:"), _directory)
