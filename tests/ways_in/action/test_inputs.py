"""What a workflow may write under ``with:``, and what it is reported about the rest."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from startifact.action.inputs import INPUTS, StepInputs
from startifact.commands.inputs import DownloadInputs, RepairInputs, SessionInputs, StageInputs
from startifact.definitions import ValueKind, WayIn
from startifact.errors import InputError
from startifact.options import commands_of, listed
from tests.support.runner_step import ACTION
from tests.support.step_inputs import value_of

STAGE = {"command": "stage", "project": "SugarWater", "version": "1.0.0", "path": "dist.tar.gz"}
DOWNLOAD = {"command": "download", "project": "SugarWater", "path": "dist.tar.gz"}
INFO = {"command": "info", "project": "SugarWater"}
VERSIONS = {"command": "versions", "project": "SugarWater"}
VERIFY = {"command": "verify", "project": "SugarWater"}
REPAIR = {"command": "repair", "project": "SugarWater"}
ROLE = "arn:aws:iam::123456789012:role/stage"
DIGEST = f"sha256:{'0' * 64}"


def session_inputs(**given: Any) -> SessionInputs:
    """Return a session's options where only what is *given* was written."""
    flags = {name for name, option in INPUTS.items() if option.kind is ValueKind.FLAG}
    defaults = {
        field.name: False if name in flags else INPUTS[name].default or None
        for field in dataclasses.fields(SessionInputs)
        if (name := field.name.replace("_", "-"))
    }
    return SessionInputs(**{**defaults, **given})


def read(*parts: dict[str, str], **inputs: str) -> StepInputs:
    """Return the inputs of a step, as the runner would hand them over."""
    given = {name: value for part in parts for name, value in part.items()}
    given |= {name.replace("_", "-"): value for name, value in inputs.items()}
    declared = {name: str(i["default"]) for name, i in ACTION["inputs"].items()}
    return StepInputs.from_environment(
        {f"INPUT_{name.upper()}": value for name, value in (declared | given).items()}
    )


def refusal(*parts: dict[str, str], **inputs: str) -> str:
    """Return what is reported to a step with such inputs."""
    with pytest.raises(InputError) as caught:
        read(*parts, **inputs)
    return f"{caught.value}\n{caught.value.hint}"


def test_everything_that_can_be_written() -> None:
    """Every input arrives as what it means."""
    inputs = read(
        command="stage",
        project="SugarWater",
        version="v1.0.9000",
        path="out/dist.tar.gz\n\n # not this\n  !out/x",
        archive="zip",
        include_hidden="True",
        metadata="lang: dotnet\nsize: 1.10",
        save_filename="TRUE",
        regions="us-east-1, eu-west-1\nfile:./here",
        configuration_parameter="/team/startifact",
        required_regions="all",
        if_exists="keep",
        replicate="direct",
        dry_run="True",
        role_to_assume="arn:aws:iam::123456789012:role/team/stage",
        aws_region="eu-west-1",
        audience="https://example",
        role_session_name="stage@42",
        role_duration="900",
        provenance="FALSE",
        summary="False",
        deadline="2.5",
    )

    assert inputs == StepInputs(
        command=StageInputs(
            project="SugarWater",
            version="1.0.9000",
            path=("out/dist.tar.gz", "!out/x"),
            archive="zip",
            include_hidden=True,
            metadata={"lang": "dotnet", "size": "1.10"},
            save_filename=True,
            if_exists="keep",
            replicate="direct",
        ),
        session=session_inputs(
            regions=("us-east-1", "eu-west-1", "file:./here"),
            configuration_parameter="/team/startifact",
            required_regions="all",
            dry_run=True,
        ),
        role_to_assume="arn:aws:iam::123456789012:role/team/stage",
        aws_region="eu-west-1",
        audience="https://example",
        role_session_name="stage@42",
        role_duration=900,
        provenance=False,
        summary=False,
        deadline=2.5,
    )


def test_defaults() -> None:
    """What is not written has the default of action.yml, declared or not."""
    staging = StageInputs(
        project="SugarWater",
        version="1.0.0",
        path=("dist.tar.gz",),
        archive=None,
        include_hidden=False,
        metadata={},
        save_filename=False,
        if_exists="fail",
        replicate="auto",
    )
    repair = RepairInputs(project="SugarWater", version=None, read_data=False, keep=None)
    expected = StepInputs(
        command=DownloadInputs(
            project="SugarWater",
            version="latest",
            min_age=None,
            path=Path("dist.tar.gz"),
            load_filename=False,
            lock_file=None,
            sha256=None,
            extract=False,
            overwrite=False,
            max_members=None,
            max_extracted_size=None,
            max_ratio=None,
        ),
        session=session_inputs(
            regions=None, configuration_parameter=None, required_regions="majority", dry_run=False
        ),
        role_to_assume=None,
        aws_region=None,
        audience="sts.amazonaws.com",
        role_session_name="startifact",
        role_duration=3600,
        provenance=True,
        summary=True,
        deadline=None,
    )
    bare = {f"INPUT_{name.upper()}": value for name, value in DOWNLOAD.items()}

    assert (read(STAGE).command, read(REPAIR).command) == (staging, repair)
    assert read(DOWNLOAD) == expected
    assert StepInputs.from_environment(bare) == expected


def test_defaults_are_those_of_action_yml() -> None:
    """The defaults in the code are the ones that action.yml declares."""
    declared = {name: i["default"] for name, i in ACTION["inputs"].items()}

    assert declared == {name: option.default for name, option in INPUTS.items()}


@pytest.mark.parametrize("blank", ["", " ", "\n", " \t\r\n"])
@pytest.mark.parametrize("name", sorted(set(INPUTS) - {"command", "project", "path"}))
def test_blank_is_the_default(name: str, blank: str) -> None:
    """An input that an expression left blank means what it means when it is left out."""
    assert read(DOWNLOAD, {name: blank}) == read(DOWNLOAD)


def test_white_space_is_trimmed() -> None:
    """White space around a value, as a block scalar leaves it, does not count."""
    inputs = read(
        STAGE,
        version="  1.2.3\n",
        project=" SugarWater\n",
        path="dist.tar.gz\r\n",
        dry_run=" true ",
    )

    assert (value_of(inputs, "version"), value_of(inputs, "project")) == ("1.2.3", "SugarWater")
    assert inputs.staged == ("dist.tar.gz",)
    assert inputs.session.dry_run


def test_indented_metadata() -> None:
    """A YAML mapping whose lines are all indented stays a mapping."""
    assert value_of(read(STAGE, metadata="  a: 1\n  b: no\n"), "metadata") == {"a": "1", "b": "no"}


@pytest.mark.parametrize("text", ["true", "True", "TRUE"])
def test_true(text: str) -> None:
    """These, and only these, switch an input on."""
    assert value_of(read(STAGE, save_filename=text), "save-filename") is True


@pytest.mark.parametrize("text", ["false", "False", "FALSE"])
def test_false(text: str) -> None:
    """These switch an input off, even where the command does not use it."""
    inputs = read(INFO, save_filename=text, load_filename=text, dry_run=text, summary=text)

    assert not inputs.summary


@pytest.mark.parametrize(
    "name", ["save-filename", "load-filename", "dry-run", "read-data", "provenance", "summary"]
)
@pytest.mark.parametrize("text", ["yes", "1", "tRuE", "no", "${{ true }}"])
def test_neither_true_nor_false(name: str, text: str) -> None:
    """Anything else is refused, with the input's name and what is allowed."""
    message = refusal(STAGE, {name: text})

    assert f"{name}: got '{text}'" in message
    assert "true, True, TRUE, false, False or FALSE" in message


@pytest.mark.parametrize(
    ("name", "text", "allowed"),
    [
        ("command", "upload", listed(commands_of(WayIn.ACTION), "or")),
        ("command", "Stage", listed(commands_of(WayIn.ACTION), "or")),
        ("if-exists", "ignore", "fail or keep"),
    ],
)
def test_choices(name: str, text: str, allowed: str) -> None:
    """A value that is none of the allowed ones is refused, and they are listed."""
    assert f"{name}: got '{text}', expected {allowed}" in refusal(STAGE, {name: text})


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (INFO, "command"),
        (INFO, "project"),
        (STAGE, "version"),
        (STAGE, "path"),
        (DOWNLOAD, "path"),
    ],
)
def test_what_is_needed(part: dict[str, str], name: str) -> None:
    """An input that the command cannot do without is asked for by its name."""
    message = refusal(part, {name: " "})

    assert f"{name} is missing" in message or f"{name} is empty" in message


@pytest.mark.parametrize(
    ("part", "name", "text"),
    [
        (DOWNLOAD, "metadata", "a=b"),
        (DOWNLOAD, "save-filename", "true"),
        (DOWNLOAD, "if-exists", "keep"),
        (DOWNLOAD, "required-regions", "all"),
        (DOWNLOAD, "dry-run", "true"),
        (STAGE, "load-filename", "true"),
        (INFO, "path", "dist.tar.gz"),
        (INFO, "load-filename", "true"),
        (INFO, "provenance", "false"),
        (INFO, "read-data", "true"),
        (VERSIONS, "version", "1.0.0"),
        (VERIFY, "keep", DIGEST),
        (VERIFY, "dry-run", "true"),
        (STAGE, "keep", DIGEST),
    ],
)
def test_what_makes_no_sense(part: dict[str, str], name: str, text: str) -> None:
    """An input that the command would ignore is refused, and both are named."""
    message = refusal(part, {name: text})

    assert f"{name} is set, but the command {part['command']} does not use it" in message


@pytest.mark.parametrize(
    ("inputs", "reported"),
    [
        ({"project": ".."}, "project '..' is not a legal name"),
        ({"project": "x" * 200}, "is not a legal name"),
        ({"version": "1.0"}, "version '1.0' is not a semantic version"),
        ({"version": "1.1"}, "In YAML, quote versions"),
        ({"version": "01.0.0"}, "version '01.0.0' is not a semantic version"),
        ({"version": "latest"}, "version 'latest' is not a semantic version"),
        ({"metadata": "a=1\nb"}, "metadata is not valid"),
        ({"metadata": "a=1\na=2"}, "key 'a' is there twice"),
        ({"metadata": "startifact:x=1"}, "Keys that begin with startifact: are reserved"),
        ({"metadata": f"a={'x' * 1024}"}, "metadata is not valid: it takes"),
        ({"regions": "ftp://x"}, "regions is not valid: region 'ftp://x' is not a region"),
        ({"regions": "us-east-1,us-east-1"}, "region 'us-east-1' is there twice"),
        ({"regions": ","}, "regions is not valid: it names no region"),
        ({"required-regions": "most"}, "required regions is 'most', expected majority, all or"),
        ({"required-regions": "0"}, "required regions is '0'"),
        ({"regions": "file:a file:b", "required-regions": "3"}, "a number from 1 to 2"),
        ({"configuration-parameter": "/a b"}, "configuration-parameter '/a b' is not the name"),
        ({"role-to-assume": "stage"}, "role-to-assume is 'stage', which is not the ARN of a role"),
        ({"role-to-assume": "arn:aws:iam::12345678901:role/x"}, "is not the ARN of a role"),
        ({"role-to-assume": f"{ROLE}\nx"}, "is not the ARN of a role"),
        ({"aws-region": "us-east-1, eu-west-1"}, "which is not an AWS region"),
        ({"aws-region": "virginia"}, "aws-region is 'virginia', which is not an AWS region"),
        ({"role-to-assume": ROLE, "audience": "a b"}, "audience is 'a b'"),
        ({"role-to-assume": ROLE, "role-session-name": "a/b"}, "role-session-name is 'a/b'"),
        ({"role-to-assume": ROLE, "role-session-name": "x" * 65}, "2 to 64 letters"),
        ({"role-to-assume": ROLE, "role-duration": "899"}, "role-duration is '899'"),
        ({"role-to-assume": ROLE, "role-duration": "43201"}, "from 900 to 43200"),
        ({"role-to-assume": ROLE, "role-duration": "1h"}, "role-duration is '1h'"),
        ({"deadline": "soon"}, "deadline is 'soon', expected a number of seconds"),
        ({"deadline": "0"}, "deadline is '0', expected a number of seconds"),
        ({"deadline": "nan"}, "deadline is 'nan', expected a number of seconds"),
        ({"audience": "x"}, "audience is set, but role-to-assume is not"),
        ({"role-session-name": "xy"}, "role-session-name is set, but role-to-assume is not"),
        ({"role-duration": "900"}, "role-duration is set, but role-to-assume is not"),
    ],
)
def test_values_that_are_not_valid(inputs: dict[str, str], reported: str) -> None:
    """A value that cannot be right is refused before anything is sent, by the input's name."""
    assert reported in refusal(STAGE, inputs)


@pytest.mark.parametrize("part", [VERIFY, REPAIR])
@pytest.mark.parametrize("version", ["", "v1.0.0"])
def test_comparing_takes_a_version_or_none(part: dict[str, str], version: str) -> None:
    """Comparing and repairing are about one version, or without it about the whole project."""
    assert value_of(read(part, version=version), "version") == (version.removeprefix("v") or None)


@pytest.mark.parametrize(
    ("inputs", "reported"),
    [
        ({"version": "latest"}, "version 'latest' is not a semantic version"),
        ({"keep": DIGEST}, "keep is set, but version is not"),
        ({"keep": "0" * 64, "version": "1.0.0"}, "expected sha256: and 64 hexadecimal digits"),
    ],
)
def test_repairs_that_are_not_valid(inputs: dict[str, str], reported: str) -> None:
    """What cannot be repaired is refused before anything is sent."""
    assert reported in refusal(REPAIR, inputs)


def test_what_to_keep() -> None:
    """A repair of one version may say which content is right."""
    inputs = read(REPAIR, version="1.0.0", keep=DIGEST, read_data="true", provenance="false")

    assert (value_of(inputs, "keep"), value_of(inputs, "read-data")) == (DIGEST, True)
    assert not inputs.provenance


@pytest.mark.parametrize("selector", ["1.1", "~>1.2", "Prod", "x y"])
def test_selectors_that_are_not_known(selector: str) -> None:
    """Downloads take an exact version, a channel or a range, and say so."""
    message = refusal(DOWNLOAD, version=selector)

    assert any(text in message for text in ("1.0.9000", "In YAML, quote versions", "Write ~1.2"))


def test_all_problems_at_once() -> None:
    """Several problems are reported together, so that one run is enough to see them."""
    message = refusal(
        STAGE, project="..", version="1.1", path="", regions="x", dry_run="yes", if_exists="no"
    )

    for name in ("project", "version", "path", "regions", "dry-run", "if-exists"):
        assert f"\n  {name}" in message


@pytest.mark.parametrize(
    ("given", "reported"),
    [
        ("DRY_RUN", "'dry_run' is not an input, did you mean dry-run?"),
        ("IF_EXIST", "'if_exist' is not an input, did you mean if-exists?"),
        ("SAVE-FILE-NAME", "'save-file-name' is not an input, did you mean save-filename?"),
        ("BUCKET", "'bucket' is not an input\n"),
    ],
)
def test_no_such_input(given: str, reported: str) -> None:
    """A name that is no input is refused, since what it was meant to say would not be done."""
    message = refusal(STAGE, {given: "true"})

    assert reported in message
    assert "under with:" in message


def test_no_such_inputs_beside_other_problems() -> None:
    """They are reported with everything else."""
    message = refusal(STAGE, {"DRY_RUN": "true", "KEEPS": "x"}, version="1.1")

    assert all(f"\n  {text}" in message for text in ("'dry_run'", "'keeps'", "version"))


def test_inputs_of_every_container_action() -> None:
    """The two that the runner itself knows are nobody's mistake, and neither is a blank one."""
    read(STAGE, {"ENTRYPOINT": "/x", "ARGS": "a b", "DRY_RUN": " "})


def test_other_problems_beside_an_unknown_command() -> None:
    """Where the command is not known, what does not depend on it is checked all the same."""
    arguments: dict[str, Any] = {"command": "upload", "version": "1.1", "summary": "maybe"}

    message = refusal(STAGE, arguments)

    assert "command: got" in message
    assert "summary: got" in message
    assert "version '1.1'" not in message


def test_regions_as_a_list_of_yaml() -> None:
    """A list with dashes is reported as one, instead of each dash."""
    message = refusal(STAGE, regions="- us-east-1\n- eu-west-1")

    assert "list with dashes" in message
    assert "without dashes" in message
    assert "'-' is not a region" not in message


def test_comments() -> None:
    """Regions and metadata may have comments; a # within a value is part of it."""
    inputs = read(
        STAGE,
        regions="# where\nus-east-1 # the first\n\n  # eu-central-1\nfile:./a#b\n",
        metadata="# what\ncolor=#fff\n  # lang=rust\nlang=c # and more\n",
    )

    assert inputs.session.regions == ("us-east-1", "file:./a#b")
    assert isinstance(inputs.command, StageInputs)
    assert inputs.command.metadata == {"color": "#fff", "lang": "c # and more"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# what\ncolor: '#fff'\nlang: c # and more", {"color": "#fff", "lang": "c"}),
        ('# what\n{"hash": "9876="}', {"hash": "9876="}),
        ("# nothing", {}),
        ("# a=b", {}),
    ],
)
def test_comments_in_other_metadata(text: str, expected: dict[str, str]) -> None:
    """A mapping has YAML's own comments, and comments alone are no metadata."""
    inputs = read(STAGE, metadata=text)

    assert isinstance(inputs.command, StageInputs)
    assert inputs.command.metadata == expected


def test_region_that_is_nearly_a_bucket() -> None:
    """A bucket's bare name is no region, and what to write in its place is said."""
    said = refusal(INFO, regions="my-artifacts, eu-west-1")

    assert "region 'my-artifacts' is not a region, did you mean 's3://my-artifacts'?" in said


def test_version_that_is_nearly_one() -> None:
    """What a version got wrong, and what it would be, is said."""
    assert "did you mean 1.2.3? " in refusal(STAGE, version="refs/tags/v1.2.3")
    assert "did you mean 1.0.0-rc.1? " in refusal(DOWNLOAD, version="1.0rc1")
