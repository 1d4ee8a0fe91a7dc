"""What a debugger, a notebook or a failing test shows of what Startifact returns."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from semver import Version

from startifact import (
    ConfigurationLoader,
    Finding,
    FindingKind,
    RegionOutcome,
    Repair,
    Session,
    Settings,
    State,
    Step,
    Verification,
)
from startifact.errors import AccessDeniedError, InputError, RefusedError
from tests.support.faulty_region import faulty, session_over

MakeFile = Callable[..., Path]

SHA256 = "4eb9ac597489bb667813bff9a0fdce541dfbd605e4061deb5da649f8830f871f"
BYTES = "16 bytes, sha256:4eb9ac597489"


def test_artifact(directories: list[str], make_file: MakeFile) -> None:
    """Project, version, size, the digest's beginning and the regions, in one line."""
    artifact = Session(regions=directories).stage("SugarWater", "1.0.0", make_file()).artifact
    a, b, c = directories
    facts = f"SugarWater@1.0.0: {BYTES}, known in 3 of 3 regions: '{a}', '{b}', '{c}'"

    assert artifact.sha256 == SHA256
    assert repr(artifact) == f"<Artifact {facts}>"
    assert repr(artifact.downloader) == f"<Downloader {facts}>"
    assert str([artifact, artifact]).count("SugarWater@1.0.0") == 2


def test_artifact_of_many_regions(tmp_path: Path, make_file: MakeFile) -> None:
    """Of many regions there are ten, and how many more."""
    regions = [f"file://{tmp_path}/{number}" for number in range(32)]
    artifact = Session(regions=regions).stage("SugarWater", "1.0.0", make_file()).artifact

    assert repr(artifact).endswith(f"'{regions[9]}', 22 more>")
    assert "known in 32 of 32 regions" in repr(artifact)
    assert "\n" not in repr(artifact)


def test_artifact_does_not_wait(directories: list[str], make_file: MakeFile) -> None:
    """No region is asked, and none that has not answered is waited for; nor is another thread."""
    Session(regions=directories).stage("SugarWater", "1.0.0", make_file())
    regions = faulty(directories)
    regions[2].hang("describe")
    artifact = session_over(regions).get("SugarWater", "1.0.0")
    asked = [len(region.calls) for region in regions]
    waiting = threading.Thread(
        target=artifact.downloader._resolution.wait_for_one_more, daemon=True
    )
    waiting.start()

    displayed = repr(artifact)

    assert waiting.is_alive()
    assert [len(region.calls) for region in regions] == asked
    regions[2].release()
    a, b, _ = directories
    assert f"known in 2 of 3 regions: '{a}', '{b}'" in displayed


def test_staging(directories: list[str], make_file: MakeFile) -> None:
    """What was done, and how each region came out."""
    a, b, c = directories
    Session(regions=[b]).stage("SugarWater", "1.0.0", make_file())

    first = Session(regions=[a]).stage("SugarWater", "2.0.0", make_file())
    filled = Session(regions=directories).stage("SugarWater", "1.0.0", make_file())
    dry = Session(regions=directories, read_only=True).stage("SugarWater", "3.0.0", make_file())

    assert repr(first) == (
        f"<Staging SugarWater@2.0.0: created, latest, {BYTES}, regions: '{a}' created>"
    )
    assert repr(filled) == (
        f"<Staging SugarWater@1.0.0: existed, {BYTES}, "
        f"regions: '{a}' created, '{b}' present, '{c}' created>"
    )
    assert repr(dry).startswith(f"<Staging SugarWater@3.0.0: dry run, latest, {BYTES}, regions: ")


def test_region_outcome() -> None:
    """State, channel and error, the error's text quoted and redacted."""
    error = AccessDeniedError("it said\n\x1b[31m secret_access_key=abcdefghijk no")
    outcome = RegionOutcome(
        region="eu-west-1", state=State.FAILED, latest=Version(1, 2, 3), error=error
    )

    assert repr(outcome) == (
        "<RegionOutcome 'eu-west-1' failed, latest 1.2.3, "
        "AccessDeniedError 'it said\\n\\x1b[31m *** no'>"
    )


def test_verification_and_repair() -> None:
    """How much was compared, what differs where, and what failed."""
    finding = Finding(kind=FindingKind.MISSING, region="a", key="P@1.0.0", message="a: it is gone")
    found = Verification(
        project="P",
        versions=(Version(1), Version(2)),
        differences=(finding, finding),
        failures={"b": AccessDeniedError("no\nno")},
    )
    step = Step(region="a", key="P@1.0.0", action="fill", message="copy")
    done = Repair(
        project="P",
        steps=(step, step),
        refusals=(RefusedError("no"),),
        failures={"b": AccessDeniedError("no")},
        dry_run=False,
    )
    nothing = Repair(project="P", steps=(), refusals=(), failures={}, dry_run=False)
    well = Verification(project="P", versions=(), differences=(), failures={})

    assert repr(found) == (
        "<Verification 'P': 2 versions compared, differences: missing in 'a', failed: 'b'>"
    )
    assert repr(done) == "<Repair 'P': 2 steps in 'a', 1 refused, failed: 'b'>"
    assert (repr(nothing), repr(well)) == (
        "<Repair 'P': no steps>",
        "<Verification 'P': 0 versions compared>",
    )
    one = Verification(project="P", versions=(Version(1),), differences=(), failures={})
    assert repr(one) == "<Verification 'P': 1 version compared>"


def test_session(directories: list[str]) -> None:
    """The regions as they were spelled, and whether it writes."""
    a, b, c = directories

    assert repr(Session(regions=directories)) == f"<Session regions: '{a}', '{b}', '{c}'>"
    assert repr(Session(regions=[a], read_only=True)) == f"<Session regions: '{a}', read-only>"
    assert (
        repr(Session(settings=Settings(regions=f"{a} {b}"))) == f"<Session regions: '{a}', '{b}'>"
    )


def test_session_reads_no_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """What only the configuration names is not read for it."""

    def load(self: ConfigurationLoader, region: str) -> None:
        raise AssertionError

    monkeypatch.setattr(ConfigurationLoader, "load", load)
    session = Session(settings=Settings(aws_region="eu-west-1"))

    assert repr(session) == "<Session regions of the configuration in 'eu-west-1'>"
    assert repr(Session(settings=Settings())) == "<Session no regions>"


def test_session_shows_no_password() -> None:
    """What is not a region, and may hold a password, is not shown."""
    regions = "s3://bucket?endpoint=https%3A%2F%2Fuser%3Ahunter2%40host"
    session = Session(settings=Settings(regions=regions))

    assert repr(session) == "<Session what STARTIFACT_REGIONS names>"
    with pytest.raises(InputError):
        _ = session.regions


def test_loader() -> None:
    """The parameter it reads."""
    assert repr(ConfigurationLoader("/team")) == "<ConfigurationLoader '/team'>"
