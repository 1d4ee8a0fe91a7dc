"""Bad input: each with its own message, before anything is sent or written."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from startifact.errors import (
    AccessDeniedError,
    ConfigurationError,
    InputError,
    LocalFileError,
    SeveralRegionsError,
    StagingFailedError,
    StartifactError,
)
from startifact.hints import in_workflow
from tests.conftest import AwsAccount, percent
from tests.support.backends import Backend, is_root
from tests.support.limits import ConfigurationLoader, Session
from tests.support.wire import Answer, Forward, Request, Wire

MakeFile = Callable[..., Path]


def staged(backends: list[Backend], **changes: Any) -> StartifactError:
    """Return why a staging that is right but for *changes* is refused, and nothing is sent."""
    arguments = {"project": "SugarWater", "version": "1.0.0"} | changes
    session = Session(regions=[backend.spec for backend in backends])

    with pytest.raises(StartifactError) as caught:
        session.stage(**arguments)

    for backend in backends:
        assert backend.snapshot() == {}
        wire: Wire | None = getattr(backend, "wire", None)
        assert wire is None or wire.requests() == []
    return caught.value


@pytest.mark.parametrize("project", ["foo\n", "..", "foo/bar", "x" * 200, "größe"])
def test_case_29_projects(backends: list[Backend], make_file: MakeFile, project: str) -> None:
    """A project that is no legal name is refused with the rule."""
    error = staged(backends, project=project, path=make_file())

    assert isinstance(error, InputError)
    assert error.message.startswith("project ")
    assert error.message.endswith("is not a legal name")
    assert "\n" not in error.message
    assert error.hint == (
        "Use 1 to 128 letters, digits, dots, dashes and underscores, "
        "beginning with a letter or a digit"
    )


def test_no_project(backends: list[Backend], make_file: MakeFile) -> None:
    """An empty project is refused as empty."""
    error = staged(backends, project="", path=make_file())

    assert error.message == "project is empty"
    assert error.hint == "Name the project, for example SugarWater"


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_partial_version(backends: list[Backend], make_file: MakeFile, version: str) -> None:
    """A partial version is refused with what YAML does to versions."""
    error = staged(backends, version=version, path=make_file())

    assert error.message == f"version '{version}' is not a semantic version"
    assert error.hint == (
        "Give all three numbers. In YAML, quote versions: an unquoted 1.10 arrives as 1.1"
    )


@pytest.mark.parametrize("version", ["01.0.0", "1.0.0\n", "latest", "^1.0.0"])
def test_case_29_versions(backends: list[Backend], make_file: MakeFile, version: str) -> None:
    """What is no semantic version is refused with the form of one."""
    error = staged(backends, version=version, path=make_file())

    assert isinstance(error, InputError)
    assert error.message == f"version {version!r} is not a semantic version"
    assert error.hint is not None
    assert "MAJOR.MINOR.PATCH" in error.hint


def test_version_with_v(backends: list[Backend], make_file: MakeFile) -> None:
    """A leading v is no part of the version."""
    session = Session(regions=[backend.spec for backend in backends])

    staging = session.stage("SugarWater", "v1.0.0", make_file())

    assert str(staging.artifact.version) == "1.0.0"
    assert all("SugarWater@1.0.0" in backend.keys() for backend in backends)  # noqa: SIM118
    assert session.get("SugarWater", "v1.0.0") == staging.artifact


def test_missing_file(backends: list[Backend], tmp_path: Path) -> None:
    """A file that is not there is reported by its path."""
    error = staged(backends, path=tmp_path / "nope.tar.gz")

    assert isinstance(error, InputError)
    assert error.message == f"there is no file '{tmp_path}/nope.tar.gz'"


def test_empty_file(backends: list[Backend], make_file: MakeFile) -> None:
    """An empty file is refused."""
    error = staged(backends, path=make_file(b""))

    assert isinstance(error, InputError)
    assert error.message.endswith("dist.tar.gz' is empty")
    assert error.hint == "Check the step that should have written it"


def test_directory(backends: list[Backend], tmp_path: Path) -> None:
    """A directory without a file is refused."""
    (tmp_path / "dist").mkdir()

    error = staged(backends, path=tmp_path / "dist")

    assert isinstance(error, InputError)
    assert error.message.endswith("dist' has no file in it")
    assert error.hint == "Check the step that should have written it"


def test_pipe(backends: list[Backend], tmp_path: Path) -> None:
    """A pipe is refused, and nobody waits for its other end."""
    os.mkfifo(tmp_path / "pipe")

    error = staged(backends, path=tmp_path / "pipe")

    assert isinstance(error, InputError)
    assert error.message.endswith("pipe' is not a regular file")
    assert error.hint == (
        "Let something write to a file first, and name that, or in a shell pipe it in and name -"
    )


@pytest.mark.skipif(is_root(), reason="root may read every file")
def test_unreadable_file(backends: list[Backend], make_file: MakeFile) -> None:
    """A file that must not be read is local trouble."""
    path = make_file()
    path.chmod(0)

    error = staged(backends, path=path)

    assert isinstance(error, LocalFileError)
    assert "Permission denied" in error.message


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        (["lang=dotnet"], "expected a mapping of strings to strings"),
        ("lang=dotnet", "expected a mapping of strings to strings"),
        ({"lang": ["dotnet"]}, "value of 'lang': got ['dotnet'], expected a string"),
        ({"lang": 5}, "value of 'lang': got 5, expected a string"),
        ({"lang": "\ud800"}, "value of 'lang': got '\\ud800', expected valid Unicode"),
        ({"startifact:sha256": "x"}, "key: got 'startifact:sha256', expected another name"),
        ({"big": "x" * 1015}, "it takes 1,025 bytes as ASCII JSON, 1,024 are allowed"),
    ],
)
def test_metadata(
    backends: list[Backend], make_file: MakeFile, metadata: object, problem: str
) -> None:
    """Metadata that cannot be stored is refused with what is wrong."""
    error = staged(backends, path=make_file(), metadata=metadata)

    assert isinstance(error, InputError)
    assert error.message.startswith("metadata is not valid: ")
    assert error.message.endswith(problem)


def test_file_name_to_save(backends: list[Backend], make_file: MakeFile) -> None:
    """A file name that no other system could restore is refused, where it is to be saved."""
    error = staged(backends, path=make_file(name="a:b"), save_filename=True)

    assert isinstance(error, InputError)
    assert "file name 'a:b' has one of" in error.message
    assert error.hint == "Rename the file"


def test_if_exists(backends: list[Backend], make_file: MakeFile) -> None:
    """An unknown word is refused with those that are known."""
    error = staged(backends, path=make_file(), if_exists="overwrite")

    assert isinstance(error, InputError)
    assert error.message == "if_exists is 'overwrite', expected fail or keep"


@pytest.mark.parametrize("selector", ["Prod", "~>1.0", "1.0.0.0", "new est", ">=1 <"])
def test_selector(backends: list[Backend], selector: str) -> None:
    """A selector that is neither an exact version, a channel nor a range is refused."""
    session = Session(regions=[backend.spec for backend in backends])

    with pytest.raises(InputError) as caught:
        session.get("SugarWater", selector)

    assert repr(selector) in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("project", ["..", "", "foo\n"])
def test_project_to_get(wire: Wire, project: str) -> None:
    """An illegal project is refused before the configuration is looked for."""
    session = Session()

    with pytest.raises(InputError, match="project"):
        session.get(project)
    with pytest.raises(InputError, match="project"):
        session.versions(project)

    assert wire.requests() == []


# Regions -------------------------------------------------------------------------------------


def test_case_29_regions() -> None:
    """All that is wrong with a list of regions is reported at once."""
    with pytest.raises(InputError) as caught:
        Session(regions="eu-wst, s3://B, eu-west-1, eu-west-1")

    assert caught.value.message.startswith("regions is not valid:")
    assert "region 'eu-wst' is not a region" in caught.value.message
    assert "bucket: got 'B'" in caught.value.message
    assert "region 'eu-west-1' is there twice" in caught.value.message
    assert caught.value.hint is not None
    assert "Name every region, bucket and directory once" in caught.value.hint


def test_password_in_an_endpoint() -> None:
    """An endpoint with a password in it is refused, and the password is nowhere in the message."""
    with pytest.raises(InputError) as caught:
        Session(regions=["s3://bucket?endpoint=https://me:hunter2@s3.example"])

    assert "it has a user or password in it" in caught.value.message
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("regions", ["", "  ,\n", []])
def test_no_regions(regions: str | list[str]) -> None:
    """A list of no regions is refused with the three spellings."""
    with pytest.raises(InputError, match="it names no region") as caught:
        Session(regions=regions)

    assert caught.value.hint is not None
    assert "file:./directory" in caught.value.hint


def test_regions_nowhere(make_file: MakeFile) -> None:
    """Where nobody names regions the three ways to name some are reported."""
    with pytest.raises(InputError, match="no regions are named") as caught:
        Session().stage("SugarWater", "1.0.0", make_file())

    assert caught.value.hint is not None
    for way in ("Set regions", "STARTIFACT_REGIONS", "AWS_REGION"):
        assert way in caught.value.hint


def test_illegal_regions_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, make_file: MakeFile
) -> None:
    """A mistake in the environment is reported with the variable it is in."""
    monkeypatch.setenv("STARTIFACT_REGIONS", "eu-wst")

    with pytest.raises(InputError, match="STARTIFACT_REGIONS is not valid: region 'eu-wst'"):
        Session().stage("SugarWater", "1.0.0", make_file())


@pytest.mark.parametrize("required", ["most", "0", "33", 4])
def test_required_regions(required: str | int) -> None:
    """A number of required regions that cannot be is refused at once."""
    with pytest.raises(InputError, match="required regions is") as caught:
        Session(regions="file:./a file:./b file:./c", required_regions=required)

    assert "Set required_regions='all'" in str(caught.value.hint)


def test_required_regions_without_a_list(wire: Wire) -> None:
    """What is no number is refused before the list is looked up."""
    with pytest.raises(InputError, match="required regions is 'most', expected majority, all or"):
        Session(required_regions="most")

    assert wire.requests() == []


def test_more_required_than_configured(account: AwsAccount, make_file: MakeFile) -> None:
    """More required regions than are configured are refused before anything is written."""
    with pytest.raises(InputError, match="a number from 1 to 3"):
        Session(required_regions=4).stage("SugarWater", "1.0.0", make_file())

    assert account.keys("us-east-1") == []


def test_case_29_two_regions_of_one_bucket(
    account: AwsAccount, wire: Wire, make_file: MakeFile
) -> None:
    """Two regions whose configuration names one bucket are refused: a majority would be none.

    Where S3 says in which region the bucket is, the error says that; see test_wrong_region.py.
    """
    bucket = account.buckets["us-east-1"]
    account.ssm("eu-west-1").put_parameter(
        Name=account.bucket_parameter, Value=bucket, Overwrite=True
    )
    with pytest.raises(ConfigurationError, match=f"{bucket} is in us-east-1, expected in eu-west"):
        Session().stage("SugarWater", "1.0.0", make_file())

    def silent(request: Request, forward: Forward) -> Answer | None:
        answer = forward()
        headers = {n: v for n, v in answer.headers.items() if n.lower() != "x-amz-bucket-region"}
        return replace(answer, headers=headers)

    wire.add(silent)
    with pytest.raises(InputError, match="regions us-east-1 and eu-west-1 are one store") as caught:
        Session().stage("SugarWater", "1.0.0", make_file())

    assert caught.value.hint == "Give each region a bucket or directory of its own"
    assert not wire.writes()
    assert account.keys("us-east-1") == []
    assert account.keys("ap-southeast-2") == []


def test_region_and_bucket_that_are_one(account: AwsAccount, make_file: MakeFile) -> None:
    """An AWS region and the spelling of its bucket are one store."""
    endpoint = percent(account.endpoint)
    bucket = account.buckets["us-east-1"]
    session = Session(regions=["us-east-1", f"s3://{bucket}/elsewhere?endpoint={endpoint}"])

    with pytest.raises(InputError, match="are one store"):
        session.stage("SugarWater", "1.0.0", make_file())

    assert account.keys("us-east-1") == []


def test_project_that_ssm_reserves(account: AwsAccount, make_file: MakeFile) -> None:
    """Without a prefix, a project that begins with aws is refused before anything is written."""
    for region in account.buckets:
        account.configure(region, f'{{"bucket_name_param": "{account.bucket_parameter}"}}')
    session = Session(regions=list(account.buckets))

    with pytest.raises(InputError, match="project 'aws-x' begins with aws or ssm") as caught:
        session.stage("aws-x", "1.0.0", make_file())

    assert caught.value.hint is not None
    assert "set parameter_name_prefix" in caught.value.hint
    assert account.keys("us-east-1") == []


def test_project_that_ssm_reserves_with_a_prefix(account: AwsAccount, make_file: MakeFile) -> None:
    """With a prefix, a project may begin with aws."""
    staging = Session().stage("aws-x", "1.0.0", make_file())

    assert staging.created
    assert account.parameter_value("eu-west-1", "aws-x") == "1.0.0"


# The organisation configuration --------------------------------------------------------------


def failure(call: Callable[[], object]) -> StartifactError:
    """Return why *call* fails."""
    with pytest.raises(StartifactError) as caught:
        call()
    return caught.value


def test_no_configuration(
    account: AwsAccount, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no configuration, the parameter, the region and two ways out are reported."""
    monkeypatch.setenv("STARTIFACT_PARAMETER", "/nobody-made-this")

    for error in (
        failure(lambda: Session().stage("SugarWater", "1.0.0", make_file())),
        failure(lambda: Session(regions=["us-east-1"]).stage("SugarWater", "1.0.0", make_file())),
        failure(lambda: Session(regions=["us-east-1"]).get("SugarWater")),
        failure(lambda: Session(regions=["us-east-1"]).get("SugarWater", "1.0.0")),
        failure(lambda: Session(regions=["us-east-1"]).versions("SugarWater")),
        failure(lambda: ConfigurationLoader().load("us-east-1")),
    ):
        assert error.exit_code == 2
        assert "there is no organisation configuration in /nobody-made-this in us-east-1" in str(
            error
        )
        assert error.hint is not None
        assert "startifact setup" in error.hint
        assert "s3://bucket" in error.hint
    assert account.keys("us-east-1") == []


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("no JSON", ["it is not JSON"]),
        ("[]", ["it is not a JSON object"]),
        (
            '{"bucket_name_param": 5, "bucket_key_prefix": "..", "regions": ["x"]}',
            ["bucket_name_param: got 5", "bucket_key_prefix: got '..'", "regions[0]: got 'x'"],
        ),
    ],
)
def test_illegal_configuration(
    account: AwsAccount, make_file: MakeFile, text: str, problems: list[str]
) -> None:
    """A configuration that is not valid is refused with all its problems."""
    account.configure("us-east-1", text)

    error = failure(lambda: Session().stage("SugarWater", "1.0.0", make_file()))

    assert isinstance(error, ConfigurationError)
    assert f"the organisation configuration in {account.parameter} in us-east-1" in error.message
    for problem in problems:
        assert problem in error.message
    assert all(account.keys(region) == [] for region in account.buckets)


def test_configuration_without_regions(account: AwsAccount) -> None:
    """A configuration that names no regions is reported, where no one else names any."""
    account.configure("us-east-1", f'{{"bucket_name_param": "{account.bucket_parameter}"}}')

    with pytest.raises(ConfigurationError, match="in us-east-1 names no regions") as caught:
        Session().get("SugarWater")

    assert caught.value.hint is not None
    assert "STARTIFACT_REGIONS" in caught.value.hint


def test_no_bucket_parameter(account: AwsAccount, make_file: MakeFile) -> None:
    """Where the parameter with the bucket's name is missing, it is named."""
    account.configure("us-east-1", '{"bucket_name_param": "/not/there"}')
    session = Session(regions=["us-east-1"])

    error = failure(lambda: session.stage("SugarWater", "1.0.0", make_file()))

    assert isinstance(error, StagingFailedError)
    assert error.exit_code == 2
    assert "there is no parameter /not/there in us-east-1" in error.message


@pytest.mark.parametrize("value", ["Not A Bucket", "s3://bucket", "x", "a\nb"])
def test_bucket_parameter_with_something_else(
    account: AwsAccount, make_file: MakeFile, value: str
) -> None:
    """A parameter that holds no bucket's name is reported with what it holds."""
    account.ssm().put_parameter(Name=account.bucket_parameter, Value=value, Overwrite=True)
    session = Session(regions=["us-east-1"])

    error = failure(lambda: session.stage("SugarWater", "1.0.0", make_file()))

    assert error.exit_code == 2
    assert f"holds {value!r}, expected the name of a bucket" in error.message


def test_no_bucket(account: AwsAccount, make_file: MakeFile) -> None:
    """A bucket that does not exist is reported by its name, by whatever is asked of it."""
    account.ssm().put_parameter(Name=account.bucket_parameter, Value="not-there", Overwrite=True)
    session = Session(regions=["us-east-1"])

    for error in (
        failure(lambda: session.stage("SugarWater", "1.0.0", make_file())),
        failure(lambda: session.get("SugarWater", "1.0.0")),
        failure(lambda: session.get("SugarWater")),
        failure(lambda: session.versions("SugarWater")),
    ):
        assert error.exit_code == 2
        assert "there is no bucket" in error.message
        assert "not-there" in error.message


def test_configuration_parameter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A parameter that SSM cannot have is refused at once."""
    monkeypatch.setenv("STARTIFACT_PARAMETER", "a b")

    for make in (Session, ConfigurationLoader, lambda: ConfigurationLoader("a b")):
        with pytest.raises(InputError, match="configuration parameter 'a b' is not the name"):
            make()


# Credentials ---------------------------------------------------------------------------------


def test_no_credentials(
    backends: list[Backend], make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without credentials nothing is written, and the ways to give some are reported."""
    if not hasattr(backends[0], "wire"):
        pytest.skip("a directory needs no credentials")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    session = Session(regions=[backend.spec for backend in backends])

    for error in (
        failure(lambda: session.stage("SugarWater", "1.0.0", make_file())),
        failure(lambda: session.get("SugarWater")),
        failure(lambda: session.get("SugarWater", "1.0.0")),
        failure(lambda: session.versions("SugarWater")),
    ):
        assert isinstance(error, SeveralRegionsError)
        assert isinstance(error.causes[0], AccessDeniedError)
        assert error.exit_code == 6
        assert "there are no usable AWS credentials for" in error.message
        assert error.hint is not None
        assert "AWS_ACCESS_KEY_ID" in error.hint
        assert "aws-actions/configure-aws-credentials" not in error.hint
        assert error.next_step is not None
        assert "aws-actions/configure-aws-credentials" in error.next_step.text(in_workflow)
    assert all(backend.snapshot() == {} for backend in backends)


def test_no_profile(
    account: AwsAccount, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A profile that does not exist is reported by its name."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    for spec in ("us-east-1", f"s3://{account.buckets['us-east-1']}"):
        session = Session(regions=[spec])
        error = failure(partial(session.get, "SugarWater", "1.0.0"))
        assert error.exit_code == 6
        assert "there is no such AWS profile" in error.message
        assert "nobody" in error.message
        assert error.hint is not None
        assert "AWS_PROFILE" in error.hint


@pytest.mark.parametrize(
    ("text", "exit_code", "named"),
    [
        # Getting credentials reads the file, and says that there are none.
        ("[profile x", 6, "{path}"),
        # The SDK trips over a value where it expects settings.
        ("[default]\ns3 = nonsense\n", 2, "s3 = 'nonsense'"),
    ],
    ids=["not parsed", "no settings"],
)
def test_wrong_configuration_file(
    account: AwsAccount,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    text: str,
    exit_code: int,
    named: str,
) -> None:
    """What is wrong in the SDK's own file is said, with the file where the SDK names it."""
    path = tmp_path / "config"
    path.write_text(text)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))

    for spec in ("us-east-1", f"s3://{account.buckets['us-east-1']}"):
        session = Session(regions=[spec])
        error = failure(partial(session.get, "SugarWater", "1.0.0"))
        assert error.exit_code == exit_code
        assert named.format(path=path) in error.message
        assert error.hint is not None
        assert "the AWS configuration file" in error.hint


def test_profile_in_a_spelling(account: AwsAccount) -> None:
    """A profile that a spelling names and that does not exist is reported by its name."""
    session = Session(regions=[f"s3://{account.buckets['us-east-1']}?profile=nobody"])

    error = failure(lambda: session.get("SugarWater", "1.0.0"))

    assert error.exit_code == 6
    assert "The config profile (nobody) could not be found" in error.message


@pytest.mark.parametrize(
    "act",
    [
        lambda session: list(session.list_versions("SugarWater", where="lang=dotnet")),
        lambda session: list(session.list_versions("SugarWater", where={"lang": 1})),
        lambda session: list(session.list_versions("SugarWater", limit="3")),
        lambda session: session.copy("SugarWater", "1.0.0", "file:./there"),
        lambda session: session.prune("SugarWater", older_than="1s", yes="false"),
        lambda session: session.promote("SugarWater", "9.9.9", "latest"),
    ],
    ids=["where", "value", "limit", "copy", "yes", "latest"],
)
def test_wrong_types(directories: list[str], act: Callable[[Any], object]) -> None:
    """What has another type than is documented is refused in words, before anything is asked."""
    with pytest.raises(InputError):
        act(Session(regions=directories))
