"""Profiles whose credentials come from somewhere else: roles, codes, and signing in."""

import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest

from startifact.errors import AccessDeniedError, StartifactError
from tests.conftest import AwsAccount
from tests.faults import processes
from tests.faults.rules import when
from tests.support.limits import Session
from tests.support.wire import Answer, Request, Rule, Wire

ROLE = "arn:aws:iam::123456789012:role/deploy"
NOT_AUTHORIZED = (
    "User: arn:aws:iam::1:user/jane is not authorized to perform: sts:AssumeRole on resource: "
    f"{ROLE}"
)
DEVICE = "arn:aws:iam::123456789012:mfa/jane"
START_URL = "https://example.awsapps.com/start"
SOON = 60.0

PROFILES = f"""
[profile role]
role_arn = {ROLE}
source_profile = base

[profile code]
role_arn = {ROLE}
source_profile = base
mfa_serial = {DEVICE}

[profile behind-code]
role_arn = {ROLE}2
source_profile = code

[profile base]
aws_access_key_id = AKIABASEBASEBASEBASE
aws_secret_access_key = base-secret

[profile sso]
sso_session = company
sso_account_id = 123456789012
sso_role_name = Deploy

[profile behind-sso]
role_arn = {ROLE}
source_profile = sso

[sso-session company]
sso_start_url = {START_URL}
sso_region = eu-west-1

[profile old-sso]
sso_start_url = {START_URL}
sso_region = eu-west-1
sso_account_id = 123456789012
sso_role_name = Deploy

[profile nowhere]
role_arn = {ROLE}
source_profile = gone

[profile program]
credential_process = {sys.executable} -c "print(7)"
"""


@pytest.fixture(autouse=True)
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wire: Wire) -> None:
    """Write the profiles, and let no keys in the environment come before them."""
    path = tmp_path / "config"
    path.write_text(PROFILES)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")


def is_role_request(request: Request) -> bool:
    return b"Action=AssumeRole" in request.body


def refusing(status: int, code: str, message: str) -> Rule:
    """Return a rule by which STS refuses."""
    body = (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>"
        "</Error><RequestId>1</RequestId></ErrorResponse>"
    )
    answer = Answer(status, body.encode(), {"Content-Type": "text/xml"})
    return when(is_role_request, lambda request, forward: answer)


def regions_of(account: AwsAccount, profile: str) -> str:
    return ",".join(
        f"s3://{bucket}/team?region={region}&profile={profile}"
        for region, bucket in account.buckets.items()
    )


def refused(account: AwsAccount, profile: str) -> StartifactError:
    """Return the error of a look with *profile*, which says for all regions that it has none."""
    with pytest.raises(StartifactError) as caught:
        Session(regions=regions_of(account, profile)).get("SugarWater", "1.0.0")
    assert caught.value.exit_code == 6, caught.value
    assert caught.value.message.count("there are no usable AWS credentials for") == 3
    assert "s3:" not in str(caught.value.hint)
    return caught.value


# Roles ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "message", "advice"),
    [
        (
            403,
            "AccessDenied",
            NOT_AUTHORIZED,
            "trust policy",
        ),
        (
            403,
            "AccessDenied",
            f"{NOT_AUTHORIZED} with an explicit deny in a service control policy",
            "in the service control policy that denies it",
        ),
        (403, "ExpiredToken", "The security token is expired", "Get new credentials"),
        (403, "InvalidClientTokenId", "The security token is invalid", "Get new credentials"),
        (
            403,
            "RegionDisabledException",
            "STS is not activated in this region",
            "Enable the region",
        ),
        (400, "ValidationError", "DurationSeconds exceeds the maximum", "check the profile"),
    ],
)
def test_role_that_is_refused(
    account: AwsAccount, wire: Wire, status: int, code: str, message: str, advice: str
) -> None:
    """STS refusing a role is trouble with credentials, with its own reason; no region is asked."""
    wire.add(refusing(status, code, message))

    error = refused(account, "role")

    assert "AWS refused sts:AssumeRole" in error.message
    assert code in error.message
    assert message in error.message
    assert advice in str(error.hint)
    assert "try again" not in str(error).lower()
    assert not any(r.service == "s3" for r in wire.requests())


def test_role_that_nobody_gives(account: AwsAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service for credentials that cannot be reached is named as that."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")

    error = refused(account, "role")

    assert "the service that gives them did not answer" in error.message
    assert "Check the network" in str(error.hint)


@pytest.mark.parametrize(
    ("profile", "said"), [("nowhere", 'source_profile "gone"'), ("program", "")]
)
def test_source_that_gives_none(account: AwsAccount, profile: str, said: str) -> None:
    """A source that is not there, or says what cannot be read, is trouble with credentials."""
    assert said in refused(account, profile).message


# Signing in -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "login"), [("sso", "sso"), ("old-sso", "old-sso"), ("behind-sso", "sso")]
)
def test_never_signed_in(account: AwsAccount, profile: str, login: str) -> None:
    """Nobody has signed in: the command that does it, with the profile."""
    error = refused(account, profile)

    assert "nobody is signed in" in error.message
    assert f"Run aws sso login --profile {login}" in str(error.hint)


def test_signed_in_too_long_ago(account: AwsAccount, tmp_path: Path) -> None:
    """Whose session has expired gets the same advice."""
    folder = tmp_path / ".aws" / "sso" / "cache"
    folder.mkdir(parents=True)
    name = hashlib.sha1(START_URL.encode(), usedforsecurity=False).hexdigest()
    (folder / f"{name}.json").write_text(
        json.dumps({"accessToken": "secret-token", "expiresAt": "2020-01-01T00:00:00Z"})
    )

    done = processes.run("info", "A@1.0.0", "--regions", regions_of(account, "old-sso"))

    assert done.returncode == 6
    assert "expired or is otherwise invalid" in done.stderr
    assert "aws sso login --profile old-sso" in done.stderr
    assert "secret-token" not in done.stderr


# Codes ------------------------------------------------------------------------------------------


class AtTerminal:
    """The command line, at a terminal of its own."""

    def __init__(self, *words: str) -> None:
        self._near, self._far = os.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "startifact", *words],
            cwd=processes.ROOT,
            stdin=self._far,
            stdout=self._far,
            stderr=self._far,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.set_blocking(self._near, False)
        self.output = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._near)
        os.close(self._far)

    def wait_for(self, text: str) -> None:
        """Wait until the terminal shows *text*."""
        end = time.monotonic() + SOON
        while text not in self.output:
            assert time.monotonic() < end, self.output
            self._read()
            time.sleep(0.02)

    def type(self, text: str) -> None:
        os.write(self._near, text.encode())

    def wait(self) -> int:
        """Return the exit code, when the command has ended."""
        end = time.monotonic() + SOON
        while (code := self.process.poll()) is None:
            assert time.monotonic() < end, self.output
            self._read()
            time.sleep(0.02)
        self._read()
        return code

    def echoes(self) -> bool:
        """Whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self._far)[3] & termios.ECHO)

    def _read(self) -> None:
        try:
            self.output += os.read(self._near, 65536).decode(errors="replace")
        except OSError:
            return


@pytest.fixture
def terminal(account: AwsAccount) -> Iterator[Callable[[str], AtTerminal]]:
    """Return a function that looks for versions with a profile, at a terminal."""
    opened = []

    def versions(profile: str) -> AtTerminal:
        opened.append(AtTerminal("versions", "A", "--regions", regions_of(account, profile)))
        return opened[-1]

    yield versions
    for each in opened:
        each.__exit__()


@pytest.mark.parametrize("profile", ["code", "behind-code"])
def test_code(wire: Wire, terminal: Callable[[str], AtTerminal], profile: str) -> None:
    """The code is asked for once, before any region is asked, and the terminal is as it was."""
    command = terminal(profile)
    command.wait_for(f"MFA code for {DEVICE}")
    asked_before = wire.requests()
    echoes_meanwhile = command.echoes()
    command.type("123456\n")
    code = command.wait()

    roles = [r for r in wire.requests() if is_role_request(r)]
    assert code == 3, command.output
    assert asked_before == []
    assert not echoes_meanwhile
    assert command.echoes()
    assert [b"TokenCode=123456" in r.body for r in roles].count(True) == 1
    assert command.output.count("MFA code for") == 1


def test_code_and_interrupt(wire: Wire, terminal: Callable[[str], AtTerminal]) -> None:
    """Ctrl-C at the question ends the command, and the terminal shows again what is typed."""
    command = terminal("code")
    command.wait_for("MFA code for")
    while command.echoes():
        time.sleep(0.02)
    command.type("\x03")

    assert command.wait() == 130
    assert command.echoes()
    assert wire.requests() == []
    output = re.sub(r"\x1b\[[0-9;]*m", "", command.output)
    assert "\r\nerror: interrupted" in output  # not behind the question


def test_wrong_code(wire: Wire, terminal: Callable[[str], AtTerminal]) -> None:
    """What STS says of the code is shown for all regions at once, and it is asked for once."""
    text = "MultiFactorAuthentication failed with invalid MFA one time pass code."
    wire.add(refusing(403, "AccessDenied", text))
    command = terminal("code")
    command.wait_for("MFA code for")
    command.type("000000\n")

    assert command.wait() == 6
    assert "MultiFactorAuthentication failed" in " ".join(command.output.split())
    assert "mfa_serial" in command.output
    assert command.output.count("MFA code for") == 1


def test_no_terminal(account: AwsAccount, wire: Wire) -> None:
    """Without a terminal nobody can be asked: that is why there are no credentials, and no bug."""
    done = processes.run(
        "versions", "A", "--regions", regions_of(account, "code"), start_new_session=True
    )

    assert done.returncode == 6
    assert "mfa_serial" in done.stderr
    assert "there is no terminal to ask at" in done.stderr
    assert "bug" not in done.stderr
    assert wire.requests() == []


def test_default_profile(account: AwsAccount, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """The profile of the environment is asked for its code in the same way, in setup too."""
    monkeypatch.setenv("AWS_PROFILE", "code")
    for words in (
        ("versions", "A", "--regions", "us-east-1"),
        ("versions", "A"),
        ("setup", "--regions", "us-east-1", "--bucket-name-param", "/b"),
    ):
        done = processes.run(*words, start_new_session=True)

        assert done.returncode == 6, done.stderr
        assert "there is no terminal to ask at" in done.stderr
    assert wire.requests() == []


def test_own_denial_is_still_a_matter_of_rights(account: AwsAccount, wire: Wire) -> None:
    """With a role that is taken on, what S3 denies is S3's."""
    denial = Answer(403, b"<Error><Code>AccessDenied</Code><Message>No</Message></Error>")
    wire.add(when(lambda r: r.service == "s3", lambda request, forward: denial))

    with pytest.raises(StartifactError) as caught:
        Session(regions=regions_of(account, "role")).versions("A")

    assert caught.value.exit_code == 6
    assert isinstance(caught.value.causes[0], AccessDeniedError)  # type: ignore[attr-defined]
    assert "Allow s3:ListBucket" in str(caught.value.hint)
