"""What a command loads before it begins: not what it does not need."""

import ast
import gc
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.archives import tar_file, tar_of
from tests.ways_in.cli.conftest import Run

MakeFile = Callable[..., Path]

LOADED = (
    "import json, sys\n"
    "from startifact.cli import main\n"
    "try:\n"
    "    code = main()\n"
    "finally:\n"
    "    names = [m for m in sys.modules if m.split('.')[0] in {'boto3', 'botocore', 'yaml'}]\n"
    "    names += [m for m in sys.modules if m.startswith('startifact.regions.aws.')]\n"
    "    print(json.dumps(names), file=sys.stderr)\n"
    "sys.exit(code)\n"
)

COLLECTED = (
    "import atexit, gc, json, sys\n"
    "from startifact.__main__ import run\n"
    "import startifact.limits\n"
    "before = [s['collections'] for s in gc.get_stats()]\n"
    "def say():\n"
    "    after = [s['collections'] for s in gc.get_stats()]\n"
    "    counts = [b - a for a, b in zip(before, after)]\n"
    "    loaded = [name in sys.modules for name in ('botocore', 'boto3')]\n"
    "    print(json.dumps([counts, loaded]), file=sys.stderr)\n"
    "atexit.register(say)\n"
    "run()\n"
)

ALL = (
    "import sys\n"
    "from startifact.cli import main\n"
    "try:\n"
    "    code = main()\n"
    "finally:\n"
    "    print(list(sys.modules), file=sys.stderr)\n"
    "sys.exit(code)\n"
)

# What a command line is read with, and help or an error is shown with.
PARSING = {
    "startifact",
    "startifact.cli",
    "startifact.cli.arguments",
    "startifact.cli.colours",
    "startifact.cli.console",
    "startifact.cli.legacy",
    "startifact.concurrency",
    "startifact.concurrency.deadline",
    "startifact.concurrency.signals",
    "startifact.definitions",
    "startifact.errors",
    "startifact.hints",
    "startifact.lazy_dataclasses",
    "startifact.limits",
    "startifact.options",
    "startifact.text",
    "startifact.version",
}
SLOW = {
    "datetime",
    "hashlib",
    "json.decoder",
    "logging",
    "pathlib",
    "semver",
    "traceback",
    "urllib",
}

# None of these imports the SDK.
LIGHT = {
    "startifact.regions.aws.configuration_loader",
    "startifact.regions.aws.endpoint",
    "startifact.regions.aws.spec",
    "startifact.regions.aws.web_identity",
}


def test_version(start: Run) -> None:
    """--version loads neither the SDK nor YAML."""
    done = start("--version", command=("-c", LOADED))

    assert done.code == 0
    assert set(json.loads(done.err)) <= LIGHT


@pytest.mark.parametrize(
    "words", [["--help"], ["stage", "--help"], ["--version"], ["stage"], []], ids=" ".join
)
def test_help(start: Run, words: list[str]) -> None:
    """Help, the version and words that are not understood need nothing of what commands do."""
    done = start(*words, command=("-c", ALL))

    loaded = set(ast.literal_eval(done.err.splitlines()[-1]))
    assert {name for name in loaded if name.partition(".")[0] == "startifact"} == PARSING
    assert loaded & SLOW == set()


def test_completion(start: Run) -> None:
    """What a shell runs when it starts needs nothing of what other commands do."""
    done = start("completion", "bash", command=("-c", ALL))

    loaded = set(ast.literal_eval(done.err.splitlines()[-1]))
    own = {"startifact.cli.completion"}
    assert {name for name in loaded if name.partition(".")[0] == "startifact"} == PARSING | own


def test_directories(start: Run, three: list[Path], make_file: MakeFile) -> None:
    """Staging into directories loads neither the SDK nor YAML."""
    make_file()

    done = start("stage", "SugarWater@1.0.0", "dist.tar.gz", "-m", "a=b", command=("-c", LOADED))

    assert done.code == 0
    assert set(json.loads(done.err.splitlines()[-1])) <= LIGHT


def test_archives(start: Run, three: list[Path], make_file: MakeFile) -> None:
    """What reads archives is loaded by who extracts one, and by nobody else."""
    make_file(tar_of(tar_file("x")))
    assert start("stage", "SugarWater@1.0.0", "dist.tar.gz").code == 0
    download = ("download", "SugarWater")
    readers = {"tarfile", "zipfile", "startifact.files.extraction.extraction"}

    plain = start(*download, "back", command=("-c", ALL))
    extracted = start(*download, "out", "--extract", command=("-c", ALL))

    loaded = [set(ast.literal_eval(done.err.splitlines()[-1])) for done in (plain, extracted)]
    assert (plain.code, extracted.code) == (0, 0)
    assert loaded[0] & readers == set()
    assert {"tarfile", "startifact.files.extraction.extraction"} <= loaded[1]


def test_staging_collects_nothing(start: Run, account: object, make_file: MakeFile) -> None:
    """A small staging, the SDK's models and all, ends before the collector looks at anything."""
    make_file()

    done = start("stage", "SugarWater@1.0.0", "dist.tar.gz", command=("-c", COLLECTED))

    collections, has_sdk = json.loads(done.err.splitlines()[-1])
    assert (done.code, collections) == (0, [0, 0, 0])
    assert has_sdk == [True, False]  # botocore does it alone: boto3 takes another 20 ms


def test_programs_keep_their_collector(run: Run, three: list[Path], make_file: MakeFile) -> None:
    """Only a process of our own collects rarely: not one that calls the command line."""
    before = gc.get_threshold()

    assert run("stage", "SugarWater@1.0.0", make_file()).code == 0
    assert gc.get_threshold() == before
    assert gc.isenabled()
