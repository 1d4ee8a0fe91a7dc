"""Results are plain values: they go to other processes, and can be copied."""

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import pytest
from semver import Version

from startifact import (
    Artifact,
    Configuration,
    Downloader,
    Finding,
    FindingKind,
    Location,
    LockChange,
    LockCheck,
    LockEntry,
    LockFinding,
    Origin,
    Progress,
    RegionOutcome,
    Repair,
    Session,
    Staging,
    State,
    Step,
    Verification,
    errors,
)
from startifact.errors import ConflictError, SetupFailedError, StagingFailedError
from startifact.model.record import Record
from startifact.organisation.setup import RegionSetup, SetupState
from tests.support.faulty_region import faulty, session_over

T = TypeVar("T")
MakeFile = Callable[..., Path]


def pickled(value: T) -> T:
    return pickle.loads(pickle.dumps(value))  # type: ignore[no-any-return]


COPIES = pytest.mark.parametrize("copied", [pickled, copy.deepcopy, copy.copy])

METADATA = MappingProxyType({"a": "b"})
LOCATION = Location(region="a", bucket="b", key="P@1.0.0", uri="s3://b/P@1.0.0")
OUTCOME = RegionOutcome(
    region="a",
    state=State.CREATED,
    seconds=1.5,
    location=LOCATION,
    object_version="v",
    latest=Version(1, 0, 0, "rc.1", "build"),
)
STEP = Step(region="a", key="P@1.0.0", action="fill", message="copy")
ENTRY = LockEntry(project="P", selector="^1", version=Version(1), sha256="0" * 64, size=1)
FINDING = Finding(kind=FindingKind.MISSING, region="a", key="P@1.0.0", message="a: gone")

VALUES = [
    LOCATION,
    OUTCOME,
    STEP,
    FINDING,
    Progress(verb="stage", artifact="P@1.0.0", region="a", done=1, total=2),
    Record(sha256="0" * 64, size=1, staged_at="now", metadata=METADATA, origin=Origin(ref="r")),
    Record(sha256="", size=1, staged_at="", md5="1" * 32),
    Verification(project="P", versions=(Version(1),), differences=(FINDING,), failures={}),
    RegionOutcome(region="a", state=State.FAILED, error=errors.AccessDeniedError("no", hint="try")),
    Verification(
        project="P", versions=(), differences=(), failures={"a": errors.AccessDeniedError("no")}
    ),
    LockCheck(
        lock_file="x",
        entries=(ENTRY,),
        differences=(LockFinding(entry=ENTRY, error=errors.IntegrityError("other")),),
        failures=(),
    ),
    LockChange(before=None, after=ENTRY, dry_run=False),
    Repair(project="P", steps=(STEP,), refusals=(), failures={}, dry_run=True),
    Configuration(
        bucket_name_param="/b", bucket_key_prefix="", parameter_name_prefix="", regions=("a",)
    ),
]


@COPIES
@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values(value: object, copied: Callable[[object], object]) -> None:
    """A result is equal after it has been to another process, or has been copied."""
    again = copied(value)

    assert again == value
    assert type(again) is type(value)
    assert repr(again) == repr(value)


def test_metadata_of_a_record_cannot_be_changed() -> None:
    """It cannot after it has been pickled, as it could not before."""
    record = pickled(Record(sha256="", size=1, staged_at="", metadata=METADATA, md5="1"))

    assert record.md5 == "1"
    with pytest.raises(TypeError):
        record.metadata["a"] = "c"  # type: ignore[index]


SAMPLES: dict[type[errors.StartifactError], Callable[[], errors.StartifactError]] = {
    errors.SeveralRegionsError: lambda: errors.SeveralRegionsError(
        "several", causes=[errors.AccessDeniedError("no", hint="try")], kind=errors.NotFoundError
    ),
    errors.RegionsFailedError: lambda: errors.RegionsFailedError(
        "few", said=[("a", errors.AccessDeniedError("no"))], again="Run it again"
    ),
    errors.DifferencesError: lambda: errors.DifferencesError(2, target="P", lines=["a", "b"]),
    errors.ArchivedError: lambda: errors.ArchivedError("message"),
    errors.BugError: lambda: errors.BugError(ZeroDivisionError("x"), hint="report it"),
    errors.StoppedError: lambda: errors.StoppedError("stopped", exit_code=130, work="command"),
    StagingFailedError: lambda: StagingFailedError("few", outcomes=[OUTCOME]),
    ConflictError: lambda: ConflictError("other", hint=None, outcomes=[OUTCOME], removed=True),
    SetupFailedError: lambda: SetupFailedError(
        "setup",
        outcomes=[
            RegionSetup(region="a", state=SetupState.FAILED, error=errors.AccessDeniedError("no"))
        ],
    ),
}


def _below(cls: type[errors.StartifactError]) -> Iterator[type[errors.StartifactError]]:
    for one in cls.__subclasses__():
        yield one
        yield from _below(one)


def _sample(cls: type[errors.StartifactError]) -> errors.StartifactError:
    return SAMPLES[cls]() if cls in SAMPLES else cls("message", hint="hint")


@COPIES
def test_errors(copied: Callable[[BaseException], BaseException]) -> None:
    """Every error keeps its message, hint, exit code, notes and what else it says."""
    ours = [cls for cls in _below(errors.StartifactError) if not cls.__name__.startswith("_")]
    assert len(ours) > 15
    for error in [errors.StartifactError("first"), *map(_sample, ours)]:
        error.add_note("a note")

        again = copied(error)

        assert type(again) is type(error)
        assert (str(again), again.args) == (str(error), error.args)
        assert (again.message, again.hint) == (error.message, error.hint)
        assert repr(vars(again)) == repr(vars(error)) != "{}"
        assert again.__notes__ == ["a note"]
        assert (again, hash(again)) == (error, hash(error))
        assert isinstance(again, errors.StartifactError)
        assert again.exit_code == error.exit_code


@pytest.fixture
def staging(regions: list[str], make_file: MakeFile) -> Staging:
    """Return a staging into regions of each kind in turn."""
    return Session(regions=regions).stage(
        "SugarWater", "1.0.0", make_file(), metadata={"lang": "dotnet"}, save_filename=True
    )


def check_same(again: Artifact, artifact: Artifact) -> None:
    """Check that all that can be read of *again* is what it is in *artifact*."""
    assert again == artifact
    assert hash(again) == hash(artifact)
    assert dict(again) == dict(artifact) == {"lang": "dotnet"}
    for name, value in vars(Artifact).items():
        if isinstance(value, property) and name not in {"downloader", "_record"}:
            assert getattr(again, name) == getattr(artifact, name)
    for name, value in vars(Downloader).items():
        if isinstance(value, property):
            assert getattr(again.downloader, name) == getattr(artifact.downloader, name)
    assert again.downloader.locations() == artifact.downloader.locations()
    assert again.downloader.outcomes() == artifact.downloader.outcomes()
    assert again.downloader.failures() == artifact.downloader.failures() == {}
    assert again.downloader.seconds() == artifact.downloader.seconds()
    assert repr(again) == repr(artifact)
    assert isinstance(again.downloader, Downloader)


def test_staging(staging: Staging, regions: list[str], tmp_path: Path) -> None:
    """A staging and its artifact keep all they say; to download, the artifact is got again."""
    again = pickled(staging)

    assert again == staging
    assert repr(again) == repr(staging)
    check_same(again.artifact, staging.artifact)
    assert [location.region for location in again.artifact.downloader.locations()] == regions
    with pytest.raises(errors.InputError, match=r"SugarWater@1\.0\.0 cannot be downloaded") as got:
        again.artifact.downloader.download(tmp_path / "back")
    assert "Session.get" in str(got.value.hint)
    check_same(pickled(again.artifact), staging.artifact)  # and once more


def test_artifact_that_was_got(staging: Staging, regions: list[str]) -> None:
    """An artifact that was got, and not staged, is the same."""
    artifact = Session(regions=regions).get("SugarWater")
    artifact.downloader.outcomes()

    check_same(pickled(artifact), artifact)


def test_deep_copy_downloads(staging: Staging, tmp_path: Path) -> None:
    """A copy in the same process has the same session."""
    again = copy.deepcopy(staging.artifact)

    check_same(again, staging.artifact)
    assert again.downloader.download(tmp_path / "back").read_bytes() == b"sugar and water\n"


def test_region_that_failed(directories: list[str], make_file: MakeFile) -> None:
    """Why a region did not say what it holds goes along."""
    Session(regions=directories).stage("SugarWater", "1.0.0", make_file())
    regions = faulty(directories)
    regions[0].fail("describe", errors.AccessDeniedError("no", hint="ask"))
    artifact = session_over(regions).get("SugarWater", "1.0.0")

    again = pickled(artifact).downloader

    assert [outcome.state for outcome in again.outcomes()] == ["failed", "present", "present"]
    assert again.outcomes()[0].error is not None
    assert again.failures()[directories[0]].message == "no"
    assert again.region == directories[1]


def test_artifact_that_is_nowhere(directories: list[str], make_file: MakeFile) -> None:
    """What a dry run would have staged is in no region, and says so."""
    session = Session(regions=directories, read_only=True)
    again = pickled(session.stage("SugarWater", "1.0.0", make_file()).artifact)

    assert again.size == 16
    with pytest.raises(errors.NotFoundError, match=r"SugarWater@1\.0\.0"):
        _ = again.downloader.uri


def test_another_process(directories: list[str], make_file: MakeFile, tmp_path: Path) -> None:
    """It is read where nothing of Startifact has been imported, and without the SDK."""
    staging = Session(regions=directories).stage("SugarWater", "1.0.0", make_file())
    path = tmp_path / "staging.pickle"
    path.write_bytes(pickle.dumps(staging))
    program = (
        "import pickle, sys\n"
        "staging = pickle.load(open(sys.argv[1], 'rb'))\n"
        "print(repr(staging), 'boto3' in sys.modules)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.stdout, done.stderr) == (f"{staging!r} False\n", "")
