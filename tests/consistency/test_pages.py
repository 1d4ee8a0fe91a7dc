"""What a page has its reader run works as written, and writes what stands there.

A page's shell blocks are run one after the other, and its Python after them, where before_pages.py
has made what the page takes for granted. A block of text behind them is what they write.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.consistency.before_pages import BEFORE, BETWEEN, CONTENT, ON_AWS, REGIONS
from tests.consistency.documents import blocks_of, is_run, output_of
from tests.consistency.reader import programs, reader_account, run

__all__ = ["programs", "reader_account"]


def expected(text: str) -> str:
    """Return the pattern for an output that is shown: ``...`` is any text, alone any lines."""
    lines = seconds(text).splitlines()
    known = [re.escape(line).replace(r"\.\.\.", ".*") + r"\n" for line in lines]
    return "".join(r"(?:.*\n)*?" if x == r".*\n" else x for x in known)


def seconds(text: str) -> str:
    """Return *text* with all times it took set to nothing."""
    return re.sub(r"\d+\.\d s", "0.0 s", text)


@pytest.mark.parametrize("page", BEFORE)
def test_shell_and_python(
    page: str,
    programs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """What a page has its reader run works as written, and writes what stands there."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("STARTIFACT_REGIONS", ", ".join(REGIONS))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    for name in ("dist.txt", "dist.tar.gz"):
        Path(name).write_bytes(CONTENT)
    if page in ON_AWS:
        request.getfixturevalue("reader_account")
    BEFORE[page]()
    shell = [block for block in blocks_of(page, "shell") if is_run(block)]
    scripts = [BETWEEN.get((page, n), "") + block.text for n, block in enumerate(shell)]

    ran = run(programs, folder, *scripts)
    for block, output in zip(shell, ran.outputs, strict=True):
        quoted = output_of(block)
        is_so = quoted is None or re.fullmatch(expected(quoted.text), seconds(output)) is not None
        assert is_so, f"{block.name} writes:\n{output}"
    run_python(page, folder, ran.regions)
    for block in blocks_of(page, "toml"):
        assert (folder / "startifact.lock").read_text(encoding="utf-8") == block.text


def run_python(page: str, folder: Path, regions: str) -> None:
    """Run the Python of *page*, one block after the other in one process."""
    texts = [block.text for block in blocks_of(page, "python")]
    if not texts:
        return
    shutil.copy(folder / "dist.txt", folder / "dist.tar.gz")
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(texts)],
        cwd=folder,
        env={**os.environ, "STARTIFACT_REGIONS": regions},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_python_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first lines of Python print what they should."""
    monkeypatch.setenv("STARTIFACT_REGIONS", f"file://{tmp_path}/one")
    (tmp_path / "dist.tar.gz").write_bytes(CONTENT)
    first = blocks_of("docs/python.md", "python")[0].text

    done = subprocess.run(
        [sys.executable, "-c", first],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "1.0.9000 dotnet\n"), done.stderr
    assert (tmp_path / "download.tar.gz").read_bytes() == CONTENT
