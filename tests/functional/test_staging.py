"""Staging: the same again, other content, and regions that are down."""

import json
import logging
import os
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from semver import Version

from startifact import IfExists, Progress
from startifact.errors import (
    AlreadyStagedError,
    ConflictError,
    InputError,
    IntegrityError,
    LocalFileError,
    NewerFormatError,
    StagingFailedError,
    StartifactError,
)
from startifact.reading.outcomes import State
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.support.backends import Backend, Directory
from tests.support.limits import PART, SMALL_PARTS, Session
from tests.support.messages import message_of

MakeFile = Callable[..., Path]

KEY = "SugarWater@1.0.0"

AWS_AND_FILES = pytest.mark.parametrize("backends", ["aws", "file"], indirect=True)
FILES = pytest.mark.parametrize("backends", ["file"], indirect=True)


def session(backends: list[Backend], **arguments: bool | int | str) -> Session:
    """Return a session with all *backends*."""
    return Session(regions=[backend.spec for backend in backends], **arguments)  # type: ignore[arg-type]


def snapshots(backends: list[Backend]) -> list[dict[str, object]]:
    """Return what is stored in each of *backends*."""
    return [backend.snapshot() for backend in backends]


# What a staging says -------------------------------------------------------------------------


def test_outcomes(backends: list[Backend], make_file: MakeFile) -> None:
    """A staging says what happened in each region, in the configured order, and where it is."""
    staging = session(backends).stage("SugarWater", "1.0.0", make_file())

    assert staging.created
    assert staging.is_latest
    assert not staging.dry_run
    assert [o.region for o in staging.outcomes] == [backend.spec for backend in backends]
    for outcome in staging.outcomes:
        assert outcome.state is State.CREATED
        assert outcome.location is not None
        assert outcome.location.key.endswith(KEY)
        assert outcome.location.region == outcome.region
        assert outcome.latest == Version(1)
        assert outcome.error is None
        assert outcome.seconds > 0


def test_artifact(backends: list[Backend], make_file: MakeFile) -> None:
    """What staging returns is the artifact that getting it returns."""
    here = session(backends)

    staged = here.stage(
        "SugarWater", Version(1, 0, 0), make_file(b"sugar"), metadata={"a": "b"}
    ).artifact

    assert staged == here.get("SugarWater") == here.get("SugarWater", Version(1))
    assert staged.project == "SugarWater"
    assert staged.size == 5
    assert staged.filename is None
    assert staged.staged_at_text.endswith("Z")
    assert staged.downloader.region == backends[0].spec
    assert str(staged) == KEY


def test_object_versions(account: AwsAccount, make_file: MakeFile) -> None:
    """In a bucket that keeps versions the object's own version is reported."""
    account.s3("us-east-1").put_bucket_versioning(
        Bucket=account.buckets["us-east-1"], VersioningConfiguration={"Status": "Enabled"}
    )
    here = Session()

    staging = here.stage("SugarWater", "1.0.0", make_file())

    head = account.s3("us-east-1").head_object(
        Bucket=account.buckets["us-east-1"], Key=f"team/{KEY}"
    )
    versions = [outcome.object_version for outcome in staging.outcomes]
    assert versions == [head["VersionId"], None, None]
    assert here.get("SugarWater").downloader.object_version == head["VersionId"]


def test_facts_of_a_workflow(
    directories: list[str], make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a workflow the run that staged an artifact is recorded, and shown to whoever gets it."""
    for name, value in {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "org/repo",
        "GITHUB_SHA": "a" * 40,
        "GITHUB_REF": "refs/tags/v1.0.0",
        "GITHUB_RUN_ID": "42",
        "GITHUB_ACTOR": "somebody",
    }.items():
        monkeypatch.setenv(name, value)
    Session(regions=directories).stage("SugarWater", "1.0.0", make_file())
    monkeypatch.delenv("GITHUB_ACTIONS")

    artifact = Session(regions=directories).get("SugarWater")

    assert artifact.repository == "org/repo"
    assert artifact.commit == "a" * 40
    assert artifact.ref == "refs/tags/v1.0.0"
    assert artifact.run == "https://github.com/org/repo/actions/runs/42"
    assert artifact.actor == "somebody"
    assert len(artifact) == 0


def test_facts_that_do_not_fit(
    directories: list[str],
    make_file: MakeFile,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Facts for which the metadata leaves no room are left out, and that is reported."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_REF", "refs/heads/" + "x" * 800)

    with caplog.at_level(logging.WARNING, "startifact"):
        Session(regions=directories).stage(
            "SugarWater", "1.0.0", make_file(), metadata={"k": "x" * 1016}
        )

    assert "the metadata leaves no room for these facts: ref" in caplog.text
    assert Session(regions=directories).get("SugarWater")["k"] == "x" * 1016


def test_progress(backends: list[Backend], make_file: MakeFile) -> None:
    """Progress comes for each region, never falls, and ends at the whole."""
    reported: list[Progress] = []
    specs, size = [backend.spec for backend in backends], PART + PART // 8

    Session(regions=specs, progress=reported.append, limits=SMALL_PARTS).stage(
        "SugarWater", "1.0.0", make_file(os.urandom(size))
    )

    for spec in specs:
        done = [p.done for p in reported if p.region == spec]
        assert done == sorted(done)
        assert done[-1] == size
    hashed = [p.done for p in reported if (p.verb, p.region) == ("hash", "")]
    assert hashed == sorted(hashed)
    assert hashed[-1] == size
    assert {(p.verb, p.region) for p in reported} == {
        ("hash", ""),
        *(("stage", spec) for spec in specs),
    }
    assert {(p.artifact, p.total) for p in reported} == {(KEY, size)}


# The same again ------------------------------------------------------------------------------


def test_same_again(backends: list[Backend], make_file: MakeFile) -> None:
    """The same content again is no error, creates nothing, and stores nothing twice."""
    arguments = {"metadata": {"lang": "dotnet"}, "save_filename": True}
    first = session(backends).stage("SugarWater", "1.0.0", make_file(), **arguments)  # type: ignore[arg-type]
    before = snapshots(backends)

    again = session(backends).stage("SugarWater", "v1.0.0", make_file(), **arguments)  # type: ignore[arg-type]

    assert not again.created
    assert again.is_latest
    assert [o.state for o in again.outcomes] == [State.PRESENT] * 3
    assert again.artifact == first.artifact
    assert snapshots(backends) == before


@FILES
def test_when_it_was_staged(backends: list[Backend], make_file: MakeFile) -> None:
    """The time is that of the staging, in UTC, and anybody can read it."""
    before = datetime.now(UTC)
    staged = session(backends).stage("SugarWater", "1.0.0", make_file()).artifact
    after = datetime.now(UTC)

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", staged.staged_at_text)
    assert staged.staged_at is not None
    assert before <= staged.staged_at <= after
    assert staged.staged_at.tzinfo is UTC


@FILES
def test_each_region_is_named_once(backends: list[Backend], make_file: MakeFile) -> None:
    """A conflict has a line for each region: it holds the same, other content or nothing."""
    session(backends[:1]).stage("SugarWater", "1.0.0", make_file(b"one"))
    session(backends[1:2]).stage("SugarWater", "1.0.0", make_file(b"two"))

    with pytest.raises(AlreadyStagedError) as caught:
        session(backends).stage("SugarWater", "1.0.0", make_file(b"two"))

    _, ours, *lines = caught.value.message.split("\n")
    assert ours.startswith("  this attempt: sha256:")
    assert [line.split(": ")[0] for line in lines] == [f"  {p.spec}" for p in backends]
    assert lines[0].endswith("3 bytes; differs in the bytes")
    assert lines[1].endswith("3 bytes")
    assert lines[2].endswith(": absent")


@FILES
def test_outcomes_of_a_conflict(backends: list[Backend], make_file: MakeFile) -> None:
    """A conflict has every region's outcome, with what is other content and why one failed."""
    other = session(backends[:1]).stage("SugarWater", "1.0.0", make_file(b"one")).artifact
    session(backends[1:2]).stage("SugarWater", "1.0.0", make_file(b"two"))
    backends[2].fail_region()

    with pytest.raises(ConflictError) as caught:
        session(backends).stage("SugarWater", "1.0.0", make_file(b"two"))

    different, present, failed = caught.value.outcomes
    assert [o.region for o in caught.value.outcomes] == [backend.spec for backend in backends]
    assert (different.state, present.state, failed.state) == ("different", "present", "failed")
    assert message_of(different.error) == f"sha256:{other.sha256}, 3 bytes; differs in the bytes"
    assert present.error is None
    assert failed.region in str(failed.error)
    assert f"\n  {failed.error}" in caught.value.message
    assert different.location is not None
    assert present.location is not None


@FILES
def test_same_again_with_metadata_in_another_order(
    backends: list[Backend], make_file: MakeFile
) -> None:
    """The order of the metadata is no content."""
    here = session(backends)
    here.stage("SugarWater", "1.0.0", make_file(), metadata={"a": "1", "b": "2"})

    assert not here.stage("SugarWater", "1.0.0", make_file(), metadata={"b": "2", "a": "1"}).created


@AWS_AND_FILES
def test_same_again_from_elsewhere(
    backends: list[Backend], make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who staged first stays on record: facts are no content."""
    first = session(backends).stage("SugarWater", "1.0.0", make_file())
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_ACTOR", "somebody")

    again = session(backends).stage("SugarWater", "1.0.0", make_file())

    assert not again.created
    assert again.artifact.actor is None
    assert again.artifact.staged_at == first.artifact.staged_at


@AWS_AND_FILES
def test_region_without_the_version_is_filled(backends: list[Backend], make_file: MakeFile) -> None:
    """A region that lacks the version gets it on a re-run, with the facts the others have."""
    first = session(backends[:2]).stage("SugarWater", "1.0.0", make_file(), metadata={"a": "b"})
    before = snapshots(backends[:2])

    again = session(backends).stage("SugarWater", "1.0.0", make_file(), metadata={"a": "b"})

    assert not again.created
    assert [o.state for o in again.outcomes] == [State.PRESENT, State.PRESENT, State.CREATED]
    assert backends[2].encoded_record(KEY) == backends[0].encoded_record(KEY)
    assert backends[2].content(KEY) == backends[0].content(KEY)
    assert backends[2].latest("SugarWater") == "1.0.0"
    assert snapshots(backends[:2]) == before
    assert session(backends[2:]).get("SugarWater") == first.artifact


@AWS_AND_FILES
def test_missing_channel_is_made_again(backends: list[Backend], make_file: MakeFile) -> None:
    """A staging that ended before its channels moved is brought to its end by a re-run."""
    session(backends).stage("SugarWater", "1.0.0", make_file())
    for backend in backends:
        backend.erase("SugarWater/latest")
    if isinstance(backends[0], Directory):
        again = session(backends).stage("SugarWater", "1.0.0", make_file())

        assert not again.created
        assert again.is_latest
        assert [backend.latest("SugarWater") for backend in backends] == ["1.0.0"] * 3
    else:  # the copy in SSM stands for a channel that is not there
        assert str(session(backends).get("SugarWater").version) == "1.0.0"


# Other content -------------------------------------------------------------------------------


def test_other_bytes(backends: list[Backend], make_file: MakeFile) -> None:
    """Other bytes are refused with both digests, and nothing is written anywhere."""
    first = session(backends).stage("SugarWater", "1.0.0", make_file(b"one")).artifact
    before = snapshots(backends)

    with pytest.raises(AlreadyStagedError) as caught:
        session(backends).stage("SugarWater", "1.0.0", make_file(b"two"))

    assert caught.value.exit_code == 4
    assert "SugarWater@1.0.0 is already staged with other content" in caught.value.message
    assert f"sha256:{first.sha256}, 3 bytes; differs in the bytes" in caught.value.message
    assert (
        "this attempt: sha256:3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"
        in (caught.value.message)
    )
    assert caught.value.hint == (
        "A staged version never changes: stage under a new version, or set if_exists='keep' to use "
        "what is there"
    )
    assert snapshots(backends) == before


@pytest.mark.parametrize("holder", [0, 1, 2])
@AWS_AND_FILES
def test_other_bytes_in_one_region_only(
    backends: list[Backend], make_file: MakeFile, holder: int
) -> None:
    """Other bytes that a single region holds keep the others from being written to."""
    session([backends[holder]]).stage("SugarWater", "1.0.0", make_file(b"one"))
    before = snapshots(backends)

    with pytest.raises(AlreadyStagedError, match="already staged with other content"):
        session(backends).stage("SugarWater", "1.0.0", make_file(b"two"))

    assert snapshots(backends) == before
    assert all(before[i] == {} for i in range(3) if i != holder)


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"metadata": {"a": "c"}}, "differs in the metadata ('a')"),
        ({}, "differs in the metadata ('a')"),
        (
            {"metadata": {"a": "b"}, "save_filename": True},
            "differs in the file name (none instead of 'dist.tar.gz')",
        ),
    ],
)
@FILES
def test_other_metadata(
    backends: list[Backend], make_file: MakeFile, changes: dict[str, object], difference: str
) -> None:
    """The same bytes with other metadata or another saved file name are other content."""
    session(backends).stage("SugarWater", "1.0.0", make_file(), metadata={"a": "b"})
    before = snapshots(backends)

    with pytest.raises(AlreadyStagedError) as caught:
        session(backends).stage("SugarWater", "1.0.0", make_file(), **changes)  # type: ignore[arg-type]

    assert difference in caught.value.message
    assert snapshots(backends) == before


@AWS_AND_FILES
def test_regions_that_disagree(backends: list[Backend], make_file: MakeFile) -> None:
    """Regions that disagree are reported by a staging of what one of them has; nothing moves."""
    session(backends[:1]).stage("SugarWater", "1.0.0", make_file(b"one"))
    session(backends[1:2]).stage("SugarWater", "1.0.0", make_file(b"two"))
    before = snapshots(backends)

    with pytest.raises(AlreadyStagedError) as caught:
        session(backends).stage("SugarWater", "1.0.0", make_file(b"one"))

    for backend in backends[:2]:
        assert f"\n  {backend.spec}: sha256:" in caught.value.message
    assert snapshots(backends) == before


@AWS_AND_FILES
def test_keep(backends: list[Backend], make_file: MakeFile) -> None:
    """With keep, what is there is reported and left as it is."""
    first = session(backends).stage("SugarWater", "1.0.0", make_file(b"one"), metadata={"a": "b"})
    before = snapshots(backends)

    kept = session(backends).stage("SugarWater", "1.0.0", make_file(b"two"), if_exists="keep")

    assert not kept.created
    assert kept.is_latest
    assert kept.artifact == first.artifact
    assert [o.state for o in kept.outcomes] == [State.PRESENT] * 3
    assert snapshots(backends) == before


def test_kept_under_another_name(
    directories: list[str], make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """What is kept, and what this attempt would have had instead, are told apart."""
    here = Session(regions=directories)
    here.stage("SugarWater", "1.0.0", make_file(), save_filename=True)

    here.stage("SugarWater", "1.0.0", make_file(), if_exists="keep")

    assert "this attempt (sha256:" in caplog.text
    assert "differs in the file name (none instead of 'dist.tar.gz')" in caplog.text


@FILES
def test_keep_what_one_region_has(backends: list[Backend], make_file: MakeFile) -> None:
    """With keep, a region that lacks what is kept is filled with it."""
    session(backends[:1]).stage("SugarWater", "1.0.0", make_file(b"one"))

    kept = session(backends).stage(
        "SugarWater", "1.0.0", make_file(b"two"), if_exists=IfExists.KEEP
    )

    assert [o.state for o in kept.outcomes] == [State.PRESENT, State.CREATED, State.CREATED]
    assert backends[0].keys() == backends[1].keys() == backends[2].keys()


@FILES
def test_keep_creates(backends: list[Backend], make_file: MakeFile) -> None:
    """With keep, a version that is not there is staged."""
    assert session(backends).stage("SugarWater", "1.0.0", make_file(), if_exists="keep").created


@FILES
def test_keep_of_regions_that_disagree(backends: list[Backend], make_file: MakeFile) -> None:
    """With keep, regions that disagree are an error all the same: which one would it be?"""
    session(backends[:1]).stage("SugarWater", "1.0.0", make_file(b"one"))
    session(backends[1:2]).stage("SugarWater", "1.0.0", make_file(b"two"))

    with pytest.raises(AlreadyStagedError):
        session(backends).stage("SugarWater", "1.0.0", make_file(b"three"), if_exists="keep")


def planted(backends: list[Backend], encoded_record: str) -> None:
    """Put an artifact with *encoded_record* into the second of *backends*."""
    backends[1].plant(KEY, b"sugar", encoded_record)


@pytest.mark.parametrize(
    ("encoded_record", "error", "code", "message"),
    [
        ("nonsense", IntegrityError, 7, "the record of SugarWater@1.0.0 in .* is damaged"),
        (
            '{"startifact:format":"1","startifact:sha256":"'
            + "0" * 64
            + '","startifact:size":"6"}',
            IntegrityError,
            7,
            "has 5 bytes, 6 were recorded",
        ),
        ('{"startifact:format":"2"}', NewerFormatError, 2, "a newer Startifact is needed"),
        (
            '{"startifact:format":"1","startifact:removed-at":"2026-01-01T00:00:00Z"}',
            AlreadyStagedError,
            4,
            "was removed at '2026-01-01T00:00:00Z'",
        ),
    ],
)
@AWS_AND_FILES
def test_what_cannot_be_compared(
    backends: list[Backend],
    make_file: MakeFile,
    encoded_record: str,
    error: type[StartifactError],
    code: int,
    message: str,
) -> None:
    """What a region holds and cannot be read may be other content: nothing is written."""
    planted(backends, encoded_record)
    before = snapshots(backends)

    with pytest.raises(error, match=message) as caught:
        session(backends).stage("SugarWater", "1.0.0", make_file(b"sugar"))

    assert caught.value.exit_code == code
    assert snapshots(backends) == before


# Regions that are down -----------------------------------------------------------------------


def test_one_of_three_down(
    backends: list[Backend], make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """With one region of three down staging succeeds, and warns of that region."""
    backends[1].fail_region()

    with caplog.at_level(logging.WARNING, "startifact"):
        staging = session(backends).stage("SugarWater", "1.0.0", make_file())

    assert staging.created
    assert staging.is_latest
    assert [o.state for o in staging.outcomes] == [State.CREATED, State.FAILED, State.CREATED]
    assert staging.outcomes[1].error is not None
    assert staging.outcomes[1].error.exit_code == 5
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert warnings[0].startswith(f"{backends[1].spec} ")


def test_back_again(backends: list[Backend], make_file: MakeFile) -> None:
    """A region that is back is filled by the same staging, with the facts of the first time."""
    backends[1].fail_region()
    first = session(backends).stage("SugarWater", "1.0.0", make_file(), metadata={"a": "b"})
    backends[1].restore_region()
    before = snapshots([backends[0], backends[2]])

    again = session(backends).stage("SugarWater", "1.0.0", make_file(), metadata={"a": "b"})

    assert not again.created
    assert again.artifact == first.artifact
    assert [o.state for o in again.outcomes] == [State.PRESENT, State.CREATED, State.PRESENT]
    assert [backend.latest("SugarWater") for backend in backends] == ["1.0.0"] * 3
    assert backends[1].encoded_record(KEY) == backends[0].encoded_record(KEY)
    assert snapshots([backends[0], backends[2]]) == before


def test_two_of_three_down(backends: list[Backend], make_file: MakeFile) -> None:
    """With two regions of three down staging fails, says why, and that running again is safe."""
    backends[0].fail_region()
    backends[1].fail_region()

    with pytest.raises(StagingFailedError) as caught:
        session(backends).stage("SugarWater", "1.0.0", make_file())

    assert caught.value.exit_code == 5
    assert "SugarWater@1.0.0 is staged in 1 of 3 regions, 2 are needed:" in caught.value.message
    for backend in backends[:2]:
        assert f"\n  {backend.spec} " in caught.value.message
    assert f"\n  {backends[2].spec}: created" in caught.value.message
    assert caught.value.hint is not None
    assert "Running the same staging again is safe" in caught.value.hint
    assert [o.state for o in caught.value.outcomes] == [State.FAILED, State.FAILED, State.CREATED]
    assert "SugarWater/latest" not in backends[2].keys()  # noqa: SIM118


@AWS_AND_FILES
def test_two_back_again(backends: list[Backend], make_file: MakeFile) -> None:
    """After a staging that failed, running it again does what was missing."""
    backends[0].fail_region()
    backends[1].fail_region()
    with pytest.raises(StagingFailedError):
        session(backends).stage("SugarWater", "1.0.0", make_file())
    backends[1].restore_region()
    backends[0].restore_region()

    again = session(backends).stage("SugarWater", "1.0.0", make_file())

    assert again.is_latest
    assert [o.state for o in again.outcomes] == [State.CREATED, State.CREATED, State.PRESENT]
    assert [backend.latest("SugarWater") for backend in backends] == ["1.0.0"] * 3


@FILES
def test_all_required(backends: list[Backend], make_file: MakeFile) -> None:
    """Whoever requires all regions is failed by one that is down."""
    backends[2].fail_region()

    with pytest.raises(StagingFailedError, match="is staged in 2 of 3 regions, 3 are needed"):
        session(backends, required_regions="all").stage("SugarWater", "1.0.0", make_file())


@FILES
def test_one_required(
    backends: list[Backend], make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever requires fewer than a majority is warned, and may stage to one of three."""
    backends[1].fail_region()
    backends[2].fail_region()

    with caplog.at_level(logging.WARNING, "startifact"):
        staging = session(backends, required_regions=1).stage("SugarWater", "1.0.0", make_file())

    assert staging.created
    assert "1 of 3 regions is less than a majority: latest may be read as it was before" in (
        caplog.text
    )


@FILES
def test_two_regions_need_both(backends: list[Backend], make_file: MakeFile) -> None:
    """Of two regions both are needed."""
    backends[1].fail_region()

    with pytest.raises(StagingFailedError, match="is staged in 1 of 2 regions, 2 are needed"):
        session(backends[:2]).stage("SugarWater", "1.0.0", make_file())


# A part of the list --------------------------------------------------------------------------


def test_part_of_the_organisation(
    account: AwsAccount, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """Staging to a part of what the organisation configures warns, and names the rest."""
    with caplog.at_level(logging.WARNING, "startifact"):
        staging = Session(regions=["us-east-1"]).stage("SugarWater", "1.0.0", make_file())

    assert staging.created
    assert "not staged to these configured regions: eu-west-1, ap-southeast-2" in caplog.text
    assert account.keys("eu-west-1") == []


def test_part_of_the_environment(
    directories: list[str],
    make_file: MakeFile,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Staging to a part of the regions in the environment warns, and names the rest."""
    monkeypatch.setenv("STARTIFACT_REGIONS", " ".join(directories))

    with caplog.at_level(logging.WARNING, "startifact"):
        Session(regions=directories[:2]).stage("SugarWater", "1.0.0", make_file())

    assert f"not staged to these configured regions: {directories[2]}" in caplog.text


def test_part_and_others(
    account: AwsAccount, make_file: MakeFile, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A region of another kind in the list does not hide that a part is left out."""
    session = Session(regions=["us-east-1", "eu-west-1", f"file:{tmp_path}/a"])

    with caplog.at_level(logging.WARNING, "startifact"):
        session.stage("SugarWater", "1.0.0", make_file())

    assert "not staged to these configured regions: ap-southeast-2" in caplog.text


def test_whole_list(
    account: AwsAccount, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """Staging to all that is configured, or to quite other regions, warns of nothing."""
    with caplog.at_level(logging.WARNING, "startifact"):
        Session().stage("SugarWater", "1.0.0", make_file())
        Session(regions=list(reversed(AWS_REGIONS))).stage("SugarWater", "1.0.0", make_file())

    assert caplog.text == ""


def test_other_list(
    directories: list[str],
    make_file: MakeFile,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Staging to regions of which none is configured is no part of the list."""
    monkeypatch.setenv("STARTIFACT_REGIONS", directories[0])

    with caplog.at_level(logging.WARNING, "startifact"):
        Session(regions=directories[1:]).stage("SugarWater", "1.0.0", make_file())

    assert caplog.text == ""


# Read-only -----------------------------------------------------------------------------------


def test_read_only(backends: list[Backend], make_file: MakeFile) -> None:
    """A read-only session writes nothing, and says what it would do."""
    here = session(backends, read_only=True)

    staging = here.stage("SugarWater", "1.0.0", make_file())

    assert here.read_only
    assert staging.dry_run
    assert not staging.created
    assert staging.is_latest
    assert [o.state for o in staging.outcomes] == [State.WOULD_CREATE] * 3
    assert all(o.location is not None for o in staging.outcomes)
    assert snapshots(backends) == [{}, {}, {}]
    for backend in backends:
        wire = getattr(backend, "wire", None)
        assert wire is None or wire.writes() == []


@AWS_AND_FILES
def test_read_only_of_what_is_not_there(
    backends: list[Backend], make_file: MakeFile, tmp_path: Path
) -> None:
    """What a read-only session would stage is known, but is nowhere to be had."""
    artifact = session(backends, read_only=True).stage("SugarWater", "1.0.0", make_file()).artifact

    assert artifact.size > 0
    for call in (
        lambda: artifact.downloader.bucket,
        lambda: artifact.downloader.download(tmp_path / "x"),
    ):
        with pytest.raises(StartifactError, match="is not staged") as caught:
            call()
        assert caught.value.exit_code == 3
    assert not (tmp_path / "x").exists()


@AWS_AND_FILES
def test_read_only_of_what_is_there(backends: list[Backend], make_file: MakeFile) -> None:
    """What is there already would be left as it is; an older version would not be the latest."""
    session(backends[:2]).stage("SugarWater", "1.0.0", make_file(b"one"))
    before = snapshots(backends)
    here = session(backends, read_only=True)

    same = here.stage("SugarWater", "1.0.0", make_file(b"one"))
    older = here.stage("SugarWater", "0.9.0", make_file(b"old"))
    newer = here.stage("SugarWater", "2.0.0", make_file(b"new"))

    assert [o.state for o in same.outcomes] == [State.PRESENT, State.PRESENT, State.WOULD_CREATE]
    assert same.is_latest
    assert not older.is_latest
    assert newer.is_latest
    assert snapshots(backends) == before


@FILES
def test_read_only_of_other_content(backends: list[Backend], make_file: MakeFile) -> None:
    """A read-only session refuses what a staging would refuse."""
    session(backends).stage("SugarWater", "1.0.0", make_file(b"one"))

    with pytest.raises(AlreadyStagedError):
        session(backends, read_only=True).stage("SugarWater", "1.0.0", make_file(b"two"))


@FILES
def test_read_only_of_too_few_regions(backends: list[Backend], make_file: MakeFile) -> None:
    """A read-only session fails where a staging could not succeed."""
    backends[0].fail_region()
    backends[1].fail_region()

    with pytest.raises(StagingFailedError) as caught:
        session(backends, read_only=True).stage("SugarWater", "1.0.0", make_file())

    assert (
        "SugarWater@1.0.0 could be staged in 1 of 3 regions, 2 are needed" in caught.value.message
    )


@FILES
def test_read_only_of_just_enough_regions(backends: list[Backend], make_file: MakeFile) -> None:
    """A read-only session succeeds where a staging could, and knows what it could not ask."""
    session(backends[:1]).stage("SugarWater", "1.0.0", make_file())
    backends[1].fail_region()

    staging = session(backends, read_only=True).stage("SugarWater", "1.0.0", make_file())

    names = [backend.spec for backend in backends]
    downloader = staging.artifact.downloader
    answers = downloader.outcomes()
    states = [State.PRESENT, State.FAILED, State.WOULD_CREATE]
    assert [o.state for o in staging.outcomes] == states
    assert list(downloader.failures()) == [names[1]]
    assert [answer.region for answer in answers] == names
    assert answers[1].error is staging.outcomes[1].error
    assert (answers[2].state, answers[2].error) == (State.ABSENT, None)
    assert downloader.region == names[0]


@FILES
def test_read_only_of_what_may_be_there(backends: list[Backend], make_file: MakeFile) -> None:
    """What would be staged is not called absent while a region has not answered."""
    backends[1].fail_region()
    artifact = session(backends, read_only=True).stage("SugarWater", "1.0.0", make_file()).artifact

    with pytest.raises(StartifactError) as caught:
        _ = artifact.downloader.bucket

    assert caught.value.exit_code == 5
    assert f"\n  {backends[1].spec} " in caught.value.message


# Many at once --------------------------------------------------------------------------------


@AWS_AND_FILES
def test_many_stage_the_same(backends: list[Backend], make_file: MakeFile) -> None:
    """Of many that stage the same content at once all succeed, with one outcome."""
    path = make_file(os.urandom(1000))
    sessions = [session(backends) for _ in range(4)]
    barrier = threading.Barrier(4)

    def stage(here: Session) -> object:
        barrier.wait()
        return here.stage("SugarWater", "1.0.0", path).artifact.sha256

    with ThreadPoolExecutor(4) as pool:
        digests = set(pool.map(stage, sessions))

    assert len(digests) == 1
    assert [backend.latest("SugarWater") for backend in backends] == ["1.0.0"] * 3
    assert all(backend.leftovers() == [] for backend in backends)


@AWS_AND_FILES
def test_many_stage_different_bytes(backends: list[Backend], make_file: MakeFile) -> None:
    """Of many that stage different bytes at once at most one succeeds."""
    barrier = threading.Barrier(4)

    def stage(n: int) -> str | None:
        path = make_file(bytes([n]) * 1000, f"file-{n}")
        here = session(backends)
        barrier.wait()
        try:
            return here.stage("SugarWater", "1.0.0", path).artifact.sha256
        except AlreadyStagedError:
            return None

    with ThreadPoolExecutor(4) as pool:
        winners = [digest for digest in pool.map(stage, range(4)) if digest]

    assert len(winners) <= 1
    if winners:
        assert session(backends).get("SugarWater").sha256 == winners[0]


@AWS_AND_FILES
def test_one_session_in_many_threads(backends: list[Backend], make_file: MakeFile) -> None:
    """One session may be used by many threads at once."""
    here = session(backends)
    paths = [make_file(bytes([n]) * 100, f"file-{n}") for n in range(8)]

    def work(n: int) -> bool:
        staged = here.stage("SugarWater", f"1.{n}.0", paths[n]).artifact
        back = here.get("SugarWater", f"1.{n}.0")
        copy = back.downloader.download(paths[n].with_suffix(".back"))
        return staged == back and copy.read_bytes() == paths[n].read_bytes()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))

    assert str(here.get("SugarWater").version) == "1.7.0"
    assert [backend.latest("SugarWater") for backend in backends] == ["1.7.0"] * 3


@pytest.mark.parametrize("during", ["hash", "stage"])
def test_file_that_changes(directories: list[str], make_file: MakeFile, during: str) -> None:
    """A file that changes while it is staged is local trouble, and nothing is stored."""
    path = make_file(b"x" * (9 * 1024 * 1024))

    def rewrite(progress: Progress) -> None:
        if progress.verb == during:
            path.write_bytes(b"y" * (9 * 1024 * 1024))

    with pytest.raises(StartifactError, match="changed while it was being staged") as caught:
        Session(regions=directories, progress=rewrite).stage("SugarWater", "1.0.0", path)

    assert caught.value.exit_code == 9
    for spec in directories:
        assert list(Path(spec.removeprefix("file://")).glob("*")) == []


def test_file_that_changes_late(
    backends: list[Backend], make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a region has stored the file before it changes, the version is said to be used up."""
    path = make_file(b"x" * (PART + 1))
    here = Session(regions=[backend.spec for backend in backends], limits=SMALL_PARTS)
    first, *others = here._regions()
    stored = threading.Event()
    create = first.create

    def create_first(*arguments: Any) -> None:
        create(*arguments)
        stored.set()

    vars(first)["create"] = create_first
    for region in others:
        vars(region)["create"] = partial(changed_first, region.create, stored, path)

    with pytest.raises(LocalFileError, match="changed while it was being staged") as caught:
        here.stage("SugarWater", "1.0.0", path)

    assert caught.value.exit_code == 9
    assert f"{backends[0].spec} had stored {KEY} as it was before" in caught.value.message
    assert "under a new version" in str(caught.value.hint)
    assert [backend.snapshot() == {} for backend in backends] == [False, True, True]


def changed_first(
    create: Callable[..., object], stored: threading.Event, path: Path, *arguments: Any
) -> None:
    """Change the file before *create*, once the first region's answer must have been seen."""
    assert stored.wait(30)
    time.sleep(0.5)
    path.write_bytes(b"y" * (PART + 1))
    create(*arguments)


def test_record_on_disk(directories: list[str], make_file: MakeFile) -> None:
    """Regions of one staging hold the same record, byte for byte."""
    Session(regions=directories).stage(
        "SugarWater", "1.0.0", make_file(), metadata={"b": "ü", "a": ""}
    )

    roots = [Path(s.removeprefix("file://")) for s in directories]
    texts = {(root / KEY / "metadata.json").read_text() for root in roots}
    assert len(texts) == 1
    assert list(json.loads(texts.pop()))[:3] == ["a", "b", "startifact:format"]


def test_one_region_is_enough(directories: list[str], make_file: MakeFile) -> None:
    """A list of one region is a list."""
    staging = Session(regions=directories[0]).stage("SugarWater", "1.0.0", make_file())

    assert staging.created
    assert Session(regions=directories[:1]).regions == (directories[0],)


def test_lists_of_regions(
    directories: list[str], account: AwsAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regions come from the argument, else the environment, else the configuration."""
    text = f" {directories[0]},\n{directories[1]} "

    configured = Session().regions
    monkeypatch.setenv("STARTIFACT_REGIONS", text)
    from_environment = Session().regions
    from_argument = Session(regions=directories[2]).regions

    assert configured == AWS_REGIONS
    assert from_environment == tuple(directories[:2])
    assert from_argument == (directories[2],)


def test_mixed_regions(account: AwsAccount, directories: list[str], make_file: MakeFile) -> None:
    """Regions of all kinds can be mixed."""
    bucket = account.buckets["us-east-1"]
    here = Session(regions=["eu-west-1", f"s3://{bucket}/p", directories[0]])

    staging = here.stage("SugarWater", "1.0.0", make_file(b"mix"))

    assert [o.state for o in staging.outcomes] == [State.CREATED] * 3
    assert here.get("SugarWater") == staging.artifact


def test_two_directories_that_become_one(tmp_path: Path, make_file: MakeFile) -> None:
    """Two directories that are one by the time they are looked at are refused."""
    here = Session(regions=[f"file:{tmp_path}/a", f"file:{tmp_path}/b"])
    (tmp_path / "a").mkdir()
    (tmp_path / "b").symlink_to(tmp_path / "a")

    with pytest.raises(InputError, match="are one store"):
        here.stage("SugarWater", "1.0.0", make_file())

    assert list((tmp_path / "a").iterdir()) == []
