"""Errors that are true: absent, forbidden and unreachable are three things, and each is named."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact.errors import NotFoundError, StagingFailedError, StartifactError
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults import processes
from tests.faults.rules import is_artifact, when
from tests.support.faulty_region import ANY, faulty, session_over
from tests.support.limits import Session
from tests.support.wire import Answer, Rule, Wire, error

MakeFile = Callable[..., Path]

HERE, THERE = AWS_REGIONS[:2]

FORBIDDEN: Rule = lambda request, forward: error(403, "AccessDenied", "Access Denied")  # noqa: E731
GONE: Rule = lambda request, forward: None  # noqa: E731
SELECTORS = pytest.mark.parametrize("selector", ["1.0.0", "latest"])


def forbid(wire: Wire, region: str, *methods: str, listing: bool) -> None:
    """Forbid reading in one region, and with *listing* false looking as well."""

    def reads(path: str, query: object) -> bool:
        return "SugarWater" in path or (not listing and "list-type" in str(query))

    wire.add(
        when(
            lambda r: r.region == region and r.method in {"HEAD", "GET"} and reads(r.path, r.query),
            FORBIDDEN,
        )
    )


def caught(work: Callable[[], object]) -> StartifactError:
    """Return the error that *work* ends with."""
    with pytest.raises(StartifactError) as raised:
        work()
    return raised.value


# Reading ----------------------------------------------------------------------------------------


@SELECTORS
def test_absent(account: AwsAccount, wire: Wire, selector: str) -> None:
    """What every region says is not there is not found, and every region is named."""
    error = caught(lambda: Session(regions=AWS_REGIONS).get("SugarWater", selector))

    assert isinstance(error, NotFoundError)
    assert error.exit_code == 3
    assert all(region in error.message for region in AWS_REGIONS)


@SELECTORS
def test_case_18_forbidden(account: AwsAccount, wire: Wire, selector: str) -> None:
    """A refusal in one region is not absence: 6, with the action and the resource to allow."""
    forbid(wire, HERE, listing=False)

    error = caught(lambda: Session(regions=AWS_REGIONS).get("SugarWater", selector))

    name = "SugarWater@1.0.0" if selector == "1.0.0" else "SugarWater/latest"
    arn = f"arn:aws:s3:::{account.buckets[HERE]}"
    assert not isinstance(error, NotFoundError)
    assert error.exit_code == 6
    assert "cannot tell" in error.message
    assert HERE in error.message
    assert f"Allow s3:GetObject on {arn}/team/{name} and s3:ListBucket on {arn}" in str(error.hint)


@SELECTORS
def test_case_18_forbidden_but_listed(account: AwsAccount, wire: Wire, selector: str) -> None:
    """A refusal whose listing shows nothing is absence: S3 refuses what is not there to some."""
    forbid(wire, HERE, listing=True)

    error = caught(lambda: Session(regions=AWS_REGIONS).get("SugarWater", selector))

    assert isinstance(error, NotFoundError)
    assert error.exit_code == 3


@SELECTORS
def test_unreachable(account: AwsAccount, wire: Wire, selector: str) -> None:
    """A region that cannot be reached is not absence either: 5, with the region and the reason."""
    wire.add(when(lambda r: r.region == HERE and r.service == "s3", GONE))

    error = caught(lambda: Session(regions=AWS_REGIONS).get("SugarWater", selector))

    assert not isinstance(error, NotFoundError)
    assert error.exit_code == 5
    assert f"{HERE} did not answer s3:GetObject on arn:aws:s3:::{account.buckets[HERE]}" in str(
        error
    )
    assert "Connection was closed" in error.message


def test_forbidden_parameter(account: AwsAccount, wire: Wire) -> None:
    """A parameter that must not be read is named with the action."""
    denied = Answer(
        400,
        b'{"__type":"AccessDeniedException","Message":"not authorized"}',
        {"Content-Type": "application/x-amz-json-1.1"},
    )
    wire.add(when(lambda r: r.service == "ssm", lambda request, forward: denied))

    error = caught(lambda: Session(regions=HERE).get("SugarWater", "1.0.0"))

    assert error.exit_code == 6
    assert f"{HERE} refused ssm:GetParameter on parameter {account.parameter}" in error.message
    assert f"Allow ssm:GetParameter on parameter {account.parameter}" in str(error.hint)


def test_no_credentials(account: AwsAccount, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials are reported as that, with what to do."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    error = caught(lambda: Session(regions=HERE).get("SugarWater", "1.0.0"))

    assert error.exit_code == 6
    assert f"no usable AWS credentials for {HERE}" in error.message
    assert "AWS_ACCESS_KEY_ID" in str(error.hint)


@pytest.mark.parametrize(
    ("end", "reason", "advice"),
    [
        ("soon", "AWS_CREDENTIAL_EXPIRATION is 'soon', expected a time", "or unset it"),
        ("2026-13-01T00:00:00Z", "AWS_CREDENTIAL_EXPIRATION is '2026-13-01T", "or unset it"),
        ("2099-01-01T00:00:00", "AWS_CREDENTIAL_EXPIRATION is '2099-01-01T", "or unset it"),
        ("2020-01-01T00:00:00Z", "they ended at 2020-01-01T00:00:00Z", "Get new credentials"),
    ],
)
def test_end_of_credentials(
    account: AwsAccount, monkeypatch: pytest.MonkeyPatch, end: str, reason: str, advice: str
) -> None:
    """What the environment says of when credentials end is named where it is why there are none."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "test-token")
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", end)

    error = caught(lambda: Session(regions=HERE).get("SugarWater", "1.0.0"))

    assert error.exit_code == 6
    assert f"no usable AWS credentials for {HERE}: {reason}" in error.message
    assert advice in str(error.hint)
    assert "AWS_CREDENTIAL_EXPIRATION" in str(error.hint)


def test_several_reasons(account: AwsAccount, wire: Wire) -> None:
    """Each of several reasons names its region, and access denied decides the exit code."""
    forbid(wire, HERE, listing=False)
    wire.add(when(lambda r: r.region == THERE, GONE))

    error = caught(lambda: Session(regions=AWS_REGIONS).get("SugarWater", "1.0.0"))

    assert error.exit_code == 6
    assert f"{AWS_REGIONS[2]}: not there" in error.message
    said = f"\n  {HERE} neither shows SugarWater@1.0.0 nor says that it is not there"
    assert said in error.message
    assert f"\n  {THERE} did not answer" in error.message


# Staging ----------------------------------------------------------------------------------------


def test_forbidden_to_stage(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """A refusal to write names the action and the resource, and what ends it: no repetition."""
    wire.add(when(is_artifact, FORBIDDEN))

    error = caught(lambda: Session(regions=HERE).stage("SugarWater", "1.0.0", make_file()))

    arn = f"arn:aws:s3:::{account.buckets[HERE]}/team/SugarWater@1.0.0"
    assert isinstance(error, StagingFailedError)
    assert error.exit_code == 6
    assert f"{HERE} refused s3:PutObject on {arn}" in error.message
    assert f"Allow s3:PutObject on {arn}" in str(error.hint)
    assert "again" not in str(error.hint)


def test_forbidden_to_move(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """Where latest may not be moved, the staging has not succeeded, and says what is stored."""
    moves = when(lambda r: r.method == "PUT" and r.path.endswith("/latest"), FORBIDDEN)
    restore = wire.add(moves)
    session = Session(regions=AWS_REGIONS)

    error = caught(lambda: session.stage("SugarWater", "1.0.0", make_file()))
    restore()
    again = session.stage("SugarWater", "1.0.0", make_file())

    assert error.exit_code == 6
    assert (
        "is stored in 3 of 3 regions, but latest has followed in 0, 2 are needed" in error.message
    )
    assert f"s3:PutObject on arn:aws:s3:::{account.buckets[HERE]}/team/SugarWater/latest" in str(
        error
    )
    assert again.is_latest


def test_two_of_three(
    directories: list[str], make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """Staged in two of three is a success with a warning that names the region and the reason."""
    regions = faulty(directories)
    regions[1].fail(ANY)

    staging = session_over(regions).stage("SugarWater", "1.0.0", make_file())

    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert staging.created
    assert [o.state for o in staging.outcomes] == ["created", "failed", "created"]
    assert str(staging.outcomes[1].error) == f"{directories[1]} fails"
    assert any(text == f"{directories[1]} fails" for text in warnings)


def test_one_of_three(directories: list[str], make_file: MakeFile) -> None:
    """Staged in one of three is an error that says what is where, and that again is safe."""
    regions = faulty(directories)
    for region in regions[1:]:
        region.fail("create")
    session = session_over(regions)

    error = caught(lambda: session.stage("SugarWater", "1.0.0", make_file()))
    for region in regions:
        region.heal()
    again = session.stage("SugarWater", "1.0.0", make_file())

    assert isinstance(error, StagingFailedError)
    assert error.exit_code == 5
    assert "SugarWater@1.0.0 is staged in 1 of 3 regions, 2 are needed" in error.message
    assert f"{directories[0]}: created" in error.message
    assert f"\n  {directories[1]} fails" in error.message
    assert "Running the same staging again is safe" in str(error.hint)
    assert [o.state for o in again.outcomes] == ["present", "created", "created"]


@pytest.mark.parametrize(("failing", "code"), [([1], 0), ([1, 2], 5)])
def test_on_the_command_line(
    directories: list[str], make_file: MakeFile, failing: list[int], code: int
) -> None:
    """People see the same on standard error, with the exit code of it."""
    words = ("stage", "SugarWater@1.0.0", make_file(), "--regions", ",".join(directories))

    done = processes.run(*words, faults=[[number, "fail", "create"] for number in failing])

    assert done.returncode == code
    for number in failing:
        assert f"{directories[number]} fails" in done.stderr
    assert ("Running the same staging again is safe" in done.stderr) == (code == 5)
    assert ("warning" in done.stderr.lower()) == (code == 0)


# Garbage ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"", {}),
        Answer(200, b"<html>proxy</html>", {"Content-Type": "text/html"}),
        Answer(200, b"<Wrong", {"Content-Type": "application/xml", "ETag": '"x"'}),
        Answer(200, b"", {"Content-Length": "many", "ETag": '"x"'}, cut_after=0),
        Answer(500, b"\xff\xfe", {}),
        Answer(302, b"", {"Location": "http://127.0.0.1:9/"}),
        Answer(407, b"proxy", {}),
        Answer(200, b"\x00" * 5000, {"Last-Modified": "never"}),
    ],
    ids=["empty", "html", "xml", "length", "500", "302", "407", "zeros"],
)
@pytest.mark.represented_by("empty", "xml", "length", "302", "zeros")
def test_answers_that_make_no_sense(
    account: AwsAccount, wire: Wire, make_file: MakeFile, tmp_path: Path, answer: Answer
) -> None:
    """Whatever a region answers, an error says which region, and the others are enough."""
    path = make_file()
    Session(regions=AWS_REGIONS).stage("SugarWater", "1.0.0", path)
    wire.add(when(lambda r: r.region == HERE, lambda request, forward: answer))
    session = Session(regions=AWS_REGIONS)

    downloaded = session.get("SugarWater", "1.0.0").downloader.download(tmp_path / "back")
    staging = session.stage("SugarWater", "2.0.0", path)
    got = caught(lambda: Session(regions=HERE).get("SugarWater", "1.0.0"))
    listing = caught(lambda: Session(regions=HERE).versions("SugarWater"))

    assert downloaded.read_bytes() == path.read_bytes()
    assert [o.state for o in staging.outcomes] == ["failed", "created", "created"]
    for found in (got, listing):
        assert not isinstance(found, NotFoundError)
        assert found.exit_code in {2, 5, 6, 7}
        assert HERE in str(found)
