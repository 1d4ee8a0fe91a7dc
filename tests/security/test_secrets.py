"""Credentials are in no output, whatever a command is reported, asked, or answered."""

import io
import logging
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from startifact.cli import main
from startifact.errors import StagingFailedError
from tests.conftest import AWS_REGIONS, AwsAccount, percent
from tests.functional.repair.project_fixture import CONTENT, OTHER
from tests.security.answers import answering, as_xml
from tests.support.limits import SHORT, Session
from tests.support.runner_step import Step
from tests.support.wire import Answer, Forward, Request, Rule, Wire, error
from tests.ways_in.action.conftest import Call

ID = "AKIARECOGNISABLEKEYX"
SECRET = "recognisable/secret+access/key/0123456789"
TOKEN = "IQoJRecognisableSessionToken" + "aB3/+" * 60 + "=="
PASSWORD = "hunter2-of-the-proxy"

Regions = list[str]


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put credentials that can be recognised into the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)


@pytest.fixture
def regions(account: AwsAccount, wire: Wire, credentials: None) -> Regions:
    """Return an AWS region and a bucket, asked with those credentials."""
    bucket = account.buckets["eu-west-1"]
    return ["us-east-1", f"s3://{bucket}/p?region=eu-west-1&endpoint={percent(wire.endpoint)}"]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Return what the library logs, all of it, as a program would that logs everything of it."""
    stream, logger = io.StringIO(), logging.getLogger("startifact")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield stream
    logger.removeHandler(handler)
    logger.setLevel(level)


def signatures(wire: Wire) -> set[str]:
    """Return every signature that was sent."""
    sent = (r.headers.get("authorization", "") for r in wire.requests())
    return {found for text in sent for found in re.findall(r"Signature=([0-9a-f]{64})", text)}


def assert_no_secret(text: str, wire: Wire) -> None:
    """Fail when any of the credentials, or what was made of them, is in *text*."""
    for secret in (ID, SECRET, TOKEN, TOKEN[:40], TOKEN[-40:], PASSWORD, *signatures(wire)):
        assert secret not in text
    assert "Signature=" not in text
    assert "Credential=" not in text


def echo(code: str, status: int) -> Rule:
    """Return a rule that refuses, and says all that it was sent."""

    def refuse(request: Request, forward: Forward) -> Answer | None:
        headers = " ".join(f"{name}: {value}" for name, value in request.headers.items())
        token = request.headers.get("x-amz-security-token", "")
        said = f"{token} {ID} {request.headers.get('authorization', '')} {headers}"
        if request.service == "ssm":
            body = f'{{"__type": "{code}", "message": "{said}"}}'
            return Answer(400, body.encode(), {"Content-Type": "application/x-amz-json-1.1"})
        return error(status, code, as_xml(said))

    return refuse


def cut(request: Request, forward: Forward) -> Answer | None:
    """Cut every connection."""
    return None


def go_on(request: Request, forward: Forward) -> Answer | None:
    """Let everything work."""
    return forward()


RULES: dict[str, Rule] = {
    "all well": go_on,
    "forbidden": echo("AccessDenied", 403),
    "unknown key": echo("InvalidAccessKeyId", 403),
    "wrong signature": echo("SignatureDoesNotMatch", 403),
    "expired": echo("ExpiredToken", 400),
    "malformed": echo("InvalidToken", 400),
    "trouble": echo("InvalidRequest", 400),
    "cut": cut,
    "garbled": answering(Answer(200, b"<not XML", {"ETag": ID})),
}


def commands(folder: Path) -> list[list[str]]:
    (folder / "file").write_bytes(CONTENT)
    (folder / "other").write_bytes(OTHER)
    return [
        ["stage", "P@1.0.0", f"{folder}/file", "-m", "lang=dotnet"],
        ["stage", "P@1.0.0", f"{folder}/other"],
        ["download", "P", f"{folder}/back"],
        ["info", "P@1.0.0", "--json"],
        ["versions", "P"],
        ["verify", "P", "--read-data"],
        ["repair", "P", "--json"],
    ]


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_command_line(
    rule: Rule,
    regions: Regions,
    wire: Wire,
    log: io.StringIO,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """No command shows credentials, however much it is asked to tell, and whatever fails."""
    wire.add(rule)
    options = [f"--regions={','.join(regions)}", "-v", "--traceback", "--deadline=6"]
    codes = [main([*words, *options], limits=SHORT) for words in commands(tmp_path)]

    out, err = capfd.readouterr()
    assert_no_secret(out + err + log.getvalue(), wire)
    assert wire.requests(), "nothing was sent"
    assert ID in wire.requests()[0].headers["authorization"]
    assert (codes == [0, 4, 0, 0, 0, 0, 0]) == (rule is go_on)


@pytest.mark.parametrize("rule", ["all well", "forbidden", "wrong signature", "garbled"])
def test_action(
    rule: str, regions: Regions, wire: Wire, log: io.StringIO, step: Step, call: Call
) -> None:
    """Nor does the action, with debug logging switched on, anywhere that it writes."""
    wire.add(RULES[rule])
    common = {"project": "P", "regions": " ".join(regions)}

    for inputs in (
        {"command": "stage", "version": "1.0.0", "path": step.file(CONTENT)},
        {"command": "download", "version": "latest", "path": "back"},
        {"command": "verify"},
        {"command": "repair"},
    ):
        done = call({"RUNNER_DEBUG": "1"}, **common, **inputs)

        assert (done.exit_code == 0) == (rule == "all well")
        assert_no_secret(done.stdout + done.stderr, wire)
    assert_no_secret(step.summary.read_text() + step.output.read_text() + log.getvalue(), wire)


def test_exceptions(regions: Regions, wire: Wire, tmp_path: Path) -> None:
    """An exception says none of it, and neither do those that it came from, as they are shown."""
    (tmp_path / "file").write_bytes(CONTENT)
    wire.add(RULES["unknown key"])

    with pytest.raises(StagingFailedError) as caught:
        Session(regions=regions).stage("P", "1.0.0", tmp_path / "file")

    said = "\n".join(f"{e}\n{e.hint}" for e in (caught.value, *caught.value.causes))
    assert "did not accept the AWS credentials" in said
    assert_no_secret(said + repr(caught.value), wire)


def test_a_session_shows_none(regions: Regions, wire: Wire, tmp_path: Path) -> None:
    """What can be printed of a session's results holds no credentials."""
    (tmp_path / "file").write_bytes(CONTENT)
    session = Session(regions=regions)

    staging = session.stage("P", "1.0.0", tmp_path / "file")
    found = session.verify("P")

    assert_no_secret(f"{session!r} {staging!r} {found!r} {staging.artifact!r}", wire)


@pytest.fixture
def nobody() -> Iterator[int]:
    """Return a port on loopback at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])


def run_apart(words: list[str], **environment: str) -> str:
    """Return everything that a process of its own writes."""
    done = subprocess.run(
        [sys.executable, "-m", "startifact", *words, "-v", "--traceback", "--deadline=20"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode not in {0, 1, 2}, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "environment",
    [
        lambda port: {},
        lambda port: {
            "HTTP_PROXY": f"http://joe:{PASSWORD}@127.0.0.1:{port}",
            "HTTPS_PROXY": f"http://joe:{PASSWORD}@127.0.0.1:{port}",
            "NO_PROXY": "",
            "no_proxy": "",
        },
    ],
    ids=["refused", "proxy"],
)
def test_nobody_listens(
    environment: Callable[[int], dict[str, str]], nobody: int, wire: Wire, credentials: None
) -> None:
    """A store or a proxy that cannot be reached is reported without its password."""
    region = f"s3://bucket?region=us-east-1&endpoint={percent(f'http://127.0.0.1:{nobody}')}"

    said = run_apart(["info", "P@1.0.0", f"--regions={region}"], **environment(nobody))

    assert "did not answer" in said
    assert_no_secret(said, wire)


def test_profile(
    regions: Regions, wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Credentials that come from a file are as secret as those of the environment."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    lines = ["[team]", f"aws_access_key_id={ID}", f"aws_secret_access_key={SECRET}"]
    (tmp_path / "credentials").write_text("\n".join([*lines, f"aws_session_token={TOKEN}", ""]))
    wire.add(RULES["forbidden"])

    said = run_apart(
        ["info", "P@1.0.0", f"--regions={regions[1]}&profile=team"],
        AWS_SHARED_CREDENTIALS_FILE=str(tmp_path / "credentials"),
    )

    assert "Allow s3:GetObject" in said
    assert_no_secret(said, wire)


LOGGERS = """
import logging, sys
import boto3, botocore, urllib3

def state():
    names = ["", "botocore", "boto3", "urllib3", "botocore.auth", "botocore.endpoint"]
    loggers = [logging.getLogger(name or None) for name in names]
    return [(x.name, x.level, [type(h) for h in x.handlers], x.disabled, x.propagate)
            for x in loggers] + [logging.root.manager.disable]

before = state()
from pathlib import Path
import startifact
from startifact import Session
imported = state()
folder, *regions = sys.argv[1:]
session = Session(regions=regions)
session.stage("P", "1.0.0", Path(folder) / "file")
session.get("P").downloader.download(Path(folder) / "back")
session.verify("P")
session.repair("P")
used = state()
try:
    Session(regions=["s3://no-such-bucket-here?region=us-east-1"]).versions("P")
except startifact.errors.StartifactError:
    pass
assert before == imported == used == state(), (before, imported, used, state())
print("unchanged")
"""


def test_other_loggers(regions: Regions, tmp_path: Path) -> None:
    """Using the library changes no logger but its own: what signs requests stays unlogged."""
    (tmp_path / "file").write_bytes(CONTENT)

    done = subprocess.run(
        [sys.executable, "-c", LOGGERS, str(tmp_path), *AWS_REGIONS],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "unchanged\n"), done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize("words", [["-v"], ["-v", "--traceback"], []])
def test_commands_leave_other_loggers(
    regions: Regions, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No option of a command makes the SDK tell what it sends."""
    (tmp_path / "file").write_bytes(CONTENT)
    names = [None, "botocore", "boto3", "urllib3"]
    before = [(n, logging.getLogger(n).level, list(logging.getLogger(n).handlers)) for n in names]

    code = main(["stage", "P@1.0.0", f"{tmp_path}/file", f"--regions={regions[1]}", *words])

    after = [(n, logging.getLogger(n).level, list(logging.getLogger(n).handlers)) for n in names]
    assert code == 0
    assert before == after
