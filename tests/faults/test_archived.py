"""Copies in an archive: told apart from those that can be delivered, by every command."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact.errors import ArchivedError, StartifactError
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults import processes
from tests.faults.rules import when
from tests.faults.store_rules import archived
from tests.support.limits import Session
from tests.support.wire import Request, Wire

MakeFile = Callable[..., Path]
HERE, *OTHERS = AWS_REGIONS
ONGOING = 'ongoing-request="true"'
DONE = 'ongoing-request="false", expiry-date="Fri, 27 Nov 2026 00:00:00 GMT"'


def archive(wire: Wire, *regions: str, **how: str) -> None:
    """Archive the artifacts, and nothing else, in *regions*."""

    def is_there(request: Request) -> bool:
        return request.region in regions and "@" in request.path

    wire.add(when(is_there, archived(**how)))


@pytest.fixture
def staged(account: AwsAccount, wire: Wire, make_file: MakeFile) -> Session:
    """Stage a version in three regions, and return the session."""
    session = Session(regions=AWS_REGIONS)
    session.stage("SugarWater", "1.0.0", make_file())
    return session


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"storage_class": "GLACIER"}, "archived (GLACIER)"),
        ({"storage_class": "DEEP_ARCHIVE"}, "archived (DEEP_ARCHIVE)"),
        (
            {"storage_class": "GLACIER", "restore": ONGOING},
            "archived (GLACIER), and is being restored",
        ),
        (
            {"storage_class": "INTELLIGENT_TIERING", "archive_status": "ARCHIVE_ACCESS"},
            "archived (ARCHIVE_ACCESS)",
        ),
    ],
)
def test_looking(staged: Session, wire: Wire, how: dict[str, str], text: str) -> None:
    """An archived copy is neither present nor as it should be, and says why."""
    archive(wire, HERE, **how)

    outcome, *others = staged.get("SugarWater", "1.0.0").downloader.outcomes()
    verification = staged.verify("SugarWater")

    assert outcome.state == "archived"
    assert outcome.location is not None
    assert isinstance(outcome.error, ArchivedError)
    assert text in outcome.error.message
    assert "Restore it" in str(outcome.error.hint)
    assert [o.state for o in others] == ["present", "present"]
    (difference,) = verification.differences
    assert (difference.kind, difference.region) == ("archived", HERE)
    assert text in difference.message
    assert not verification


def test_check_of_a_lock_file(staged: Session, wire: Wire, tmp_path: Path) -> None:
    """A locked version can be had while one copy is in no archive, and not when all are."""
    lock_file = tmp_path / "startifact.lock"
    staged.lock("SugarWater", "1.0.0", lock_file=lock_file)

    archive(wire, HERE, storage_class="GLACIER")
    one = staged.check_lock(lock_file=lock_file)
    archive(wire, *OTHERS, storage_class="GLACIER")
    every = staged.check_lock(lock_file=lock_file)

    assert one
    (difference,) = every.differences
    assert isinstance(difference.error, ArchivedError)
    assert difference.error.message == (
        f"SugarWater@1.0.0 is only in an archive, in {', '.join(AWS_REGIONS)}"
    )
    assert every.failures == ()


@pytest.mark.parametrize(
    "how",
    [
        {"storage_class": "GLACIER", "restore": DONE},
        {"storage_class": "GLACIER_IR"},
        {"storage_class": "STANDARD_IA"},
        {"storage_class": "INTELLIGENT_TIERING"},
    ],
)
def test_what_can_be_read(staged: Session, wire: Wire, how: dict[str, str]) -> None:
    """What is restored, or only stored more cheaply, is present."""
    archive(wire, *AWS_REGIONS, **how)

    outcomes = staged.get("SugarWater", "1.0.0").downloader.outcomes()

    assert {o.state for o in outcomes} == {"present"}
    assert staged.verify("SugarWater", read_data=True)


def test_downloading(staged: Session, wire: Wire, tmp_path: Path) -> None:
    """A region that can deliver serves, and archived copies are not asked for their bytes."""
    archive(wire, *OTHERS)
    downloader = staged.get("SugarWater", "1.0.0").downloader

    path = downloader.download(tmp_path / "back")

    reads = [r for r in wire.requests() if r.method == "GET" and "@" in r.path and r.query == {}]
    assert path.read_bytes() == b"sugar and water\n"
    assert {r.region for r in reads} <= {HERE}
    assert downloader.region == HERE


def test_nothing_to_download(staged: Session, wire: Wire, tmp_path: Path) -> None:
    """Where every copy is archived, that is the error: exit 10, the regions, and what to do."""
    archive(wire, *AWS_REGIONS)

    with pytest.raises(StartifactError) as caught:
        staged.get("SugarWater", "1.0.0").downloader.download(tmp_path / "back")

    assert caught.value.exit_code == 10
    assert all(region in caught.value.message for region in AWS_REGIONS)
    assert "InvalidObjectState" in caught.value.message
    assert "Restore it" in str(caught.value.hint)
    assert "try again" not in str(caught.value).lower()
    assert not (tmp_path / "back").exists()


def test_restored_since(staged: Session, wire: Wire, tmp_path: Path) -> None:
    """A copy that was archived when it was looked at is asked all the same, last of all."""
    restore = wire.add(when(lambda r: "@" in r.path, archived()))
    downloader = staged.get("SugarWater", "1.0.0").downloader
    downloader.outcomes()
    restore()

    assert downloader.download(tmp_path / "back").read_bytes() == b"sugar and water\n"


def test_staging(
    staged: Session, wire: Wire, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """The same content again is the same by its record, and what is archived is said."""
    archive(wire, HERE)

    staging = staged.stage("SugarWater", "1.0.0", make_file())

    assert [o.state for o in staging.outcomes] == ["archived", "present", "present"]
    assert not staging.created
    (warning,) = (r.getMessage() for r in caplog.records if "archived" in r.getMessage())
    assert f"SugarWater@1.0.0 in {HERE}" in warning


def test_repairing(account: AwsAccount, staged: Session, wire: Wire) -> None:
    """A repair names the archived copy and leaves it; a missing one is filled from another."""
    missing = OTHERS[0]
    account.s3(missing).delete_object(Bucket=account.buckets[missing], Key="team/SugarWater@1.0.0")
    archive(wire, HERE)

    repair = staged.repair("SugarWater")

    (refusal,) = repair.refusals
    assert [(s.region, s.action) for s in repair.steps] == [(missing, "fill")]
    assert isinstance(refusal, ArchivedError)
    assert f"SugarWater@1.0.0 in {HERE}" in refusal.message
    assert not repair
    (left,) = staged.verify("SugarWater").differences
    assert left.kind == "archived"


def test_repairing_from_archives_alone(account: AwsAccount, staged: Session, wire: Wire) -> None:
    """Where no copy can be read, the repair says so: exit 10."""
    account.s3(HERE).delete_object(Bucket=account.buckets[HERE], Key="team/SugarWater@1.0.0")
    archive(wire, *OTHERS)

    repair = staged.repair("SugarWater")

    of_version = [r for r in repair.refusals if "SugarWater@1.0.0" in r.message.partition("\n")[0]]
    assert not any(step.action == "fill" for step in repair.steps)
    assert {r.exit_code for r in of_version if isinstance(r, ArchivedError)} == {10}
    assert any("no region could deliver" in r.message for r in of_version)


@pytest.mark.parametrize(("command", "code"), [("info", 0), ("verify", 8), ("repair", 10)])
def test_on_the_command_line(
    account: AwsAccount, staged: Session, wire: Wire, command: str, code: int
) -> None:
    """Text and JSON of each command say it."""
    archive(wire, HERE)
    words = (command, "SugarWater@1.0.0", "--regions", ",".join(AWS_REGIONS))

    text = processes.run(*words)
    as_json = processes.run(*words, "--json")

    assert text.returncode == as_json.returncode == code, text.stderr
    assert "archived (GLACIER)" in text.stdout + text.stderr
    facts = json.loads(as_json.stdout)
    if command == "info":
        assert [x["outcome"] for x in facts["locations"]] == ["archived", "present", "present"]
        assert facts["region"] != HERE
        assert "archived (GLACIER)" in facts["locations"][0]["error"]
    else:
        assert "archived (GLACIER)" in as_json.stdout


@pytest.mark.usefixtures("staged")
def test_what_to_do_about_archived_copies(account: AwsAccount, wire: Wire) -> None:
    """Where copies are archived and nothing else is wrong, no repair is proposed."""
    regions = ("--regions", ",".join(AWS_REGIONS))
    archive(wire, HERE, storage_class="GLACIER")
    archived_alone = processes.run("verify", "SugarWater", *regions)
    gone = Session(regions=AWS_REGIONS).get("SugarWater", "1.0.0").downloader.key
    bucket = account.buckets[OTHERS[0]]
    account.s3(OTHERS[0]).delete_object(Bucket=bucket, Key=gone)
    both = processes.run("verify", "SugarWater", *regions)

    assert (archived_alone.returncode, both.returncode) == (8, 8)
    for done in (archived_alone, both):
        assert "aws s3api restore-object" in done.stderr
    assert "startifact repair" not in archived_alone.stderr
    assert "startifact repair SugarWater fixes what can be fixed. Restore it" in both.stderr
