"""A session that is closed has ended what it began, and says so to whoever uses it again."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.client import BaseClient

from startifact import ConfigurationLoader, Session, State
from startifact.errors import InputError, NotFoundError
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.support.faulty_region import faulty, session_over

MakeFile = Callable[..., Path]


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that gets the service of each of the SDK's clients that is closed."""
    services: list[str] = []
    close = BaseClient.close

    def count(self: BaseClient) -> None:
        services.append(self.meta.service_model.service_name)
        close(self)

    monkeypatch.setattr(BaseClient, "close", count)
    return services


def test_nothing_works_afterwards(directories: list[str], make_file: MakeFile) -> None:
    """Every question to a closed session is an error that says why."""
    with Session(regions=directories) as session:
        session.stage("SugarWater", "1.0.0", make_file())
    questions: list[Callable[[], object]] = [
        lambda: session.stage("SugarWater", "2.0.0", make_file()),
        lambda: session.get("SugarWater"),
        lambda: session.versions("SugarWater"),
        lambda: session.verify("SugarWater"),
        lambda: session.repair("SugarWater"),
        lambda: session.regions,
    ]

    for ask in questions:
        with pytest.raises(InputError, match="this session is closed"):
            ask()
    assert repr(session).endswith(", closed>")
    session.close()  # once more does no harm
    assert [str(v) for v in Session(regions=directories).versions("SugarWater")] == ["1.0.0"]


def test_what_is_known_stays_known(regions: list[str], make_file: MakeFile, tmp_path: Path) -> None:
    """Artifacts and results keep all they say; what cannot be had any more says why."""
    with Session(regions=regions) as session:
        staging = session.stage("SugarWater", "1.0.0", make_file(), metadata={"a": "b"})
        artifact = session.get("SugarWater")
        known = artifact.downloader.outcomes()

    assert artifact == staging.artifact
    assert dict(artifact) == {"a": "b"}
    assert artifact.downloader.outcomes() == known
    assert artifact.downloader.region == regions[0]
    for one in (artifact, staging.artifact):
        with pytest.raises(InputError, match=r"the session that SugarWater@1\.0\.0 was got with"):
            one.downloader.download(tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_regions_that_have_not_answered(directories: list[str], make_file: MakeFile) -> None:
    """They are no longer waited for, and what they answer later changes nothing."""
    Session(regions=directories).stage("SugarWater", "1.0.0", make_file())
    regions = faulty(directories)
    regions[2].hang("describe")
    with session_over(regions) as session:
        artifact = session.get("SugarWater", "1.0.0")

    began = time.monotonic()
    states = [outcome.state for outcome in artifact.downloader.outcomes()]
    took = time.monotonic() - began
    regions[2].release()
    time.sleep(0.2)

    assert states == [State.PRESENT, State.PRESENT, State.FAILED]
    assert took < 0.5
    assert [outcome.state for outcome in artifact.downloader.outcomes()] == states


def test_an_error_leaves_it(directories: list[str]) -> None:
    """An exception passes, and the session is closed all the same."""
    session = Session(regions=directories)

    def use() -> None:
        with session as entered:
            assert entered is session
            session.get("SugarWater")

    with pytest.raises(NotFoundError):
        use()

    assert repr(session).endswith(", closed>")


def test_clients(account: AwsAccount, make_file: MakeFile, closed: list[str]) -> None:
    """The SDK's clients are closed with the session that made them."""
    with Session(regions=list(AWS_REGIONS)) as session:
        session.stage("SugarWater", "1.0.0", make_file())
        assert closed == []

    assert sorted(closed) == ["s3"] * 3 + ["ssm"] * 3


def test_loader_that_was_handed_in(
    account: AwsAccount, make_file: MakeFile, closed: list[str]
) -> None:
    """A loader belongs to whoever made it; closed, it can be used again."""
    with ConfigurationLoader() as loader:
        for _ in range(2):
            with Session(regions=["us-east-1"], configuration_loader=loader) as session:
                session.stage("SugarWater", "1.0.0", make_file())
        assert closed == []

    assert sorted(closed) == ["s3", "ssm"]
    with Session(regions=["eu-west-1"], configuration_loader=loader) as session:
        session.stage("SugarWater", "1.0.0", make_file())
    loader.close()
    loader.close()
    assert sorted(closed) == ["s3", "s3", "ssm", "ssm"]


def test_closing_needs_no_sdk(directories: list[str]) -> None:
    """A session that never made a client closes nothing."""
    session = Session(regions=["us-east-1"])

    session.close()

    assert session._selection._loader._clients is None
