"""What a command loads before it begins: not what it does not need."""

import json
from collections.abc import Callable
from pathlib import Path

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


def test_directories(start: Run, three: list[Path], make_file: MakeFile) -> None:
    """Staging into directories loads neither the SDK nor YAML."""
    make_file()

    done = start("stage", "SugarWater@1.0.0", "dist.tar.gz", "-m", "a=b", command=("-c", LOADED))

    assert done.code == 0
    assert set(json.loads(done.err.splitlines()[-1])) <= LIGHT
