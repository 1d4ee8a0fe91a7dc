"""What is offered in the place of a project, a version or a channel that there is not."""

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact.commands.inputs import InfoInputs
from startifact.commands.running import run as run_command
from startifact.commands.suggestions import suggesting
from startifact.errors import AccessDeniedError, NotFoundError
from tests.support.faulty_region import faulty, session_over
from tests.support.limits import SHORT
from tests.ways_in.cli.conftest import Run

MakeFile = Callable[..., Path]


@pytest.fixture
def staged(run: Run, three: list[Path], make_file: MakeFile) -> None:
    """Stage two projects, and point a channel of one of them at a version."""
    path = make_file()
    for target in ("SugarWater@1.0.8000", "SugarWater@1.0.9000", "SaltWater@2.0.0"):
        assert run("stage", target, path).code == 0
    assert run("promote", "SugarWater@1.0.9000", "prod").code == 0


@pytest.mark.usefixtures("staged")
@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("info SugrWater", "SugarWater"),
        ("download SUGARWATER x", "SugarWater"),
        ("download SugrWater@^1 x", "SugarWater"),
        ("info SugrWater@1.0.9000", "SugarWater"),
        ("info SugrWater@prod", "SugarWater"),
        ("versions SugrWater", "SugarWater"),
        ("versions SaltyWater --json", "SaltWater"),
        ("channels SugrWater", "SugarWater"),
        ("verify SugrWater", "SugarWater"),
        ("repair SugrWater", "SugarWater"),
        ("prune SugrWater --keep-versions 1", "SugarWater"),
        ("copy SugrWater --to memory:there", "SugarWater"),
        ("info SugarWater@1.0.900", "1.0.9000"),
        ("promote SugarWater@v1.0.900 prod", "1.0.9000"),
        ("info SugarWater@prd", "prod"),
        ("rollback SugarWater prodd", "prod"),
        ("versions SugarWater --channel prd", "prod"),
    ],
)
def test_nearest(run: Run, line: str, meant: str) -> None:
    """What is nearest comes first in the hint, and the exit code is that of what is not there."""
    done = run(*shlex.split(line))

    hint = next(x for x in done.err.splitlines() if x.startswith("hint: "))
    assert (done.code, hint.partition(" or ")[0].split()[:3]) == (3, ["hint:", "Perhaps", meant])


@pytest.mark.usefixtures("staged")
@pytest.mark.parametrize(
    "line",
    ["info Lemonade", "info SugarWater@9.8.7-rc.6", "info SugarWater@^7", "info SaltWater@canary"],
)
def test_nothing_near(run: Run, line: str) -> None:
    """Where nothing is near, or the project is there, nothing is offered."""
    done = run(*shlex.split(line))

    assert done.code == 3
    assert "Perhaps" not in done.err


@pytest.mark.parametrize("fault", ["denied", "hanging"])
def test_no_listing(tmp_path: Path, make_file: MakeFile, fault: str) -> None:
    """Where projects cannot be listed, the error stays as it is, and is not waited for."""
    regions = faulty([f"file:{tmp_path / 'a'}"])
    session = session_over(regions, limits=SHORT)
    session.stage("SugarWater", "1.0.0", path=make_file())
    if fault == "denied":
        regions[0].fail("projects", AccessDeniedError("s3:ListBucket is denied"))
    else:
        regions[0].hang("projects")
    inputs = InfoInputs(project="SugrWater", version="latest", min_age=None)

    with pytest.raises(NotFoundError) as caught, suggesting(inputs, session):
        run_command(inputs, session)

    regions[0].release()
    assert caught.value.hint == "Check the project's name and the regions"
