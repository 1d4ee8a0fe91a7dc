"""Staging, downloading, showing and listing from a shell."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import AWS_REGIONS, AwsAccount
from tests.ways_in.cli.conftest import Run, tree

MakeFile = Callable[..., Path]

FACTS = [
    "project",
    "version",
    "metadata",
    "filename",
    "sha256",
    "sha256-base64",
    "size",
    "archive",
    "tree",
    "bucket",
    "key",
    "region",
    "uri",
    "object-version",
    "staged-at",
    "repository",
    "commit",
    "ref",
    "run",
    "actor",
]


def test_round_trip(start: Run, three: list[Path], make_file: MakeFile, tmp_path: Path) -> None:
    """A file is staged and brought back, and each command prints what one wants to pipe."""
    make_file(b"sugar and water\n")

    staged = start("stage", "SugarWater@1.0.9000", "dist.tar.gz", "-m", "lang=dotnet")
    again = start("stage", "SugarWater@1.0.9000", "dist.tar.gz", "--metadata", "lang=dotnet")
    downloaded = start("download", "SugarWater", "new/back.tar.gz")
    listed = start("versions", "SugarWater")

    assert (staged.code, staged.out) == (0, "SugarWater@1.0.9000\n")
    assert staged.err.startswith("staged SugarWater@1.0.9000\n")
    assert (again.code, again.out) == (0, "SugarWater@1.0.9000\n")
    assert again.err.startswith("SugarWater@1.0.9000 is staged already\n")
    assert (downloaded.code, downloaded.out) == (0, "new/back.tar.gz\n")
    assert (tmp_path / "new" / "back.tar.gz").read_bytes() == b"sugar and water\n"
    assert (listed.code, listed.out, listed.err) == (0, "1.0.9000\n", "")


def test_aws(start: Run, account: AwsAccount, make_file: MakeFile, tmp_path: Path) -> None:
    """The same commands work with the regions that an organisation has configured."""
    make_file(b"sugar and water\n")

    staged = start("stage", "SugarWater@1.0.9000", "dist.tar.gz", "--json")
    downloaded = start("download", "SugarWater@latest", "back", "--regions", "eu-west-1")

    # A slow machine shows before how far the staging is.
    assert staged.code == 0
    assert "staged SugarWater@1.0.9000" in staged.err.splitlines()
    assert staged.json["bucket"] == account.buckets["us-east-1"]
    assert staged.json["uri"] == f"s3://{account.buckets['us-east-1']}/team/SugarWater@1.0.9000"
    assert [x["region"] for x in staged.json["locations"]] == list(AWS_REGIONS)
    assert account.latest("eu-west-1", "SugarWater") == "1.0.9000"
    assert (downloaded.code, downloaded.out) == (0, "back\n")
    assert (tmp_path / "back").read_bytes() == b"sugar and water\n"


def test_configuration_parameter(run: Run, account: AwsAccount, make_file: MakeFile) -> None:
    """An organisation configuration under another name is used when it is named."""
    parameter = f"{account.parameter}-other"
    text = account.ssm().get_parameter(Name=account.parameter)["Parameter"]["Value"]
    value = json.dumps({**json.loads(text), "bucket_key_prefix": "other/"})
    account.ssm().put_parameter(Name=parameter, Value=value, Type="String")

    done = run(
        "stage", "SugarWater@1.0.0", make_file(), "--json", "--regions", "us-east-1",
        "--configuration-parameter", parameter,
    )  # fmt: skip

    assert done.json["key"] == "other/SugarWater@1.0.0"


def test_json_of_stage(run: Run, three: list[Path], make_file: MakeFile) -> None:
    """With --json, a staging is one object with the facts, the outcomes and nothing else."""
    content = b"sugar and water\n"

    done = run(
        "stage", "SugarWater@1.0.0", make_file(content), "--json", "--save-filename", "-m", "a=b"
    )

    assert list(done.json) == [*FACTS, "created", "is-latest", "dry-run", "locations"]
    assert done.json["metadata"] == {"a": "b"}
    assert done.json["filename"] == "dist.tar.gz"
    assert done.json["sha256"] == hashlib.sha256(content).hexdigest()
    assert len(done.json["sha256-base64"]) == 44
    assert done.json["size"] == len(content)
    assert done.json["key"] == "SugarWater@1.0.0"
    assert done.json["bucket"] == str(three[0])
    assert (done.json["created"], done.json["is-latest"], done.json["dry-run"]) == (
        True,
        True,
        False,
    )
    assert [x["outcome"] for x in done.json["locations"]] == ["created"] * 3
    assert list(done.json["locations"][0]) == [
        "region",
        "bucket",
        "key",
        "object-version",
        "uri",
        "outcome",
    ]


CHOICE = ["held-by-majority", "yanked", "yank-is-known", "passed-over"]


def test_json_of_the_others(
    run: Run, three: list[Path], make_file: MakeFile, tmp_path: Path
) -> None:
    """With --json, download, info and versions print one object each."""
    run("stage", "SugarWater@1.0.0", make_file())
    run("stage", "SugarWater@1.1.0", make_file())

    download = run("download", "SugarWater", tmp_path / "back", "--json")
    info = run("info", "SugarWater@1.0.0", "--json")
    versions = run("versions", "SugarWater", "--json")

    assert list(download.json) == [*FACTS, *CHOICE, "path", "locations"]
    assert download.json["path"] == str(tmp_path / "back")
    assert list(info.json) == [*FACTS, *CHOICE, "locations"]
    assert info.json["version"] == "1.0.0"
    assert [x["outcome"] for x in info.json["locations"]] == ["present"] * 3
    assert versions.json == {"project": "SugarWater", "versions": ["1.1.0", "1.0.0"]}


def test_info(
    run: Run, three: list[Path], make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Info prints the facts, the metadata and the regions on standard output."""
    for name, value in {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "octo/sugar",
        "GITHUB_RUN_ID": "7",
        "GITHUB_SHA": "abc",
    }.items():
        monkeypatch.setenv(name, value)
    run("stage", "SugarWater@1.0.0", make_file(), "-m", "lang=dotnet", "--save-filename")

    done = run("info", "SugarWater")

    lines = done.out.splitlines()
    assert (done.code, done.err) == (0, "")
    assert lines[0] == "SugarWater@1.0.0"
    assert "  size        16 bytes" in lines
    assert "  file name   dist.tar.gz" in lines
    assert "  repository  octo/sugar" in lines
    assert "  run         https://github.com/octo/sugar/actions/runs/7" in lines
    assert lines[lines.index("metadata") + 1] == "  lang  dotnet"
    assert len(lines[lines.index("regions") + 1 :]) == 3


def test_yank_that_is_not_known(
    run: Run, three: list[Path], make_file: MakeFile, tmp_path: Path
) -> None:
    """Where too few regions say whether it was yanked, that is said to people and to programs."""
    run("stage", "SugarWater@1.0.0", make_file())
    known = run("info", "SugarWater", "--json").json
    for folder in three[:2]:
        (folder / "SugarWater" / "_yanked").mkdir()
        (folder / "SugarWater" / "_yanked" / "1.0.0").write_text("not JSON")

    info, data = run("info", "SugarWater"), run("info", "SugarWater", "--json").json
    done = run("download", "SugarWater", tmp_path / "back")

    assert (info.code, done.code) == (0, 0)
    assert (known["yanked"], known["yank-is-known"]) == (None, True)
    assert (data["yanked"], data["yank-is-known"]) == (None, False)
    said = "it is not known whether SugarWater@1.0.0 was yanked: 1 of 3 regions know it"
    assert f"  yanked     {said}" in info.out
    assert f"warning: {said}" in done.err


def test_info_without_metadata(run: Run, three: list[Path], make_file: MakeFile) -> None:
    """Where there is no metadata, info has no heading for it."""
    run("stage", "SugarWater@1.0.0", make_file())

    done = run("info", "SugarWater")

    assert "metadata" not in done.out.splitlines()


def test_region_that_is_down(
    run: Run, three: list[Path], make_file: MakeFile, tmp_path: Path
) -> None:
    """A region that fails is named by every command, and the others are enough."""
    three[1].parent.mkdir()
    three[1].write_text("not a directory")

    staged = run("stage", "SugarWater@1.0.0", make_file())
    staged_json = run("stage", "SugarWater@1.0.0", make_file(), "--json")
    info = run("info", "SugarWater")
    downloaded = run("download", "SugarWater", tmp_path / "back")

    assert [x.code for x in (staged, staged_json, info, downloaded)] == [0, 0, 0, 0]
    name = f"file://{three[1]}"
    assert f"warning: {name} failed to " in staged.err
    assert f"  {name}  failed" in staged.err
    location = staged_json.json["locations"][1]
    assert (location["region"], location["outcome"], location["uri"]) == (name, "failed", None)
    assert location["error"]
    assert f"  {name}  failed   {name} failed to" in info.out
    assert f"warning: {name} failed to " in downloaded.err


def test_filling_a_region(run: Run, three: list[Path], make_file: MakeFile) -> None:
    """Staging again after a region was down says that it has it now."""
    three[1].parent.mkdir()
    three[1].write_text("not a directory")
    run("stage", "SugarWater@1.0.0", make_file())
    three[1].unlink()

    done = run("stage", "SugarWater@1.0.0", make_file())

    assert done.err.startswith(
        "SugarWater@1.0.0 was staged already; regions that lacked it have it now\n"
    )


def test_older_version(run: Run, three: list[Path], make_file: MakeFile) -> None:
    """Staging an older version says that latest stays where it is."""
    run("stage", "SugarWater@2.0.0", make_file())

    done = run("stage", "SugarWater@1.0.0", make_file())
    dry = run("stage", "SugarWater@1.1.0", make_file(), "--dry-run")

    assert "  latest points at another version\n" in done.err
    assert "  latest would stay where it is\n" in dry.err


def test_dry_run(run: Run, three: list[Path], make_file: MakeFile) -> None:
    """A dry run says what would be done, and writes nothing."""
    text = run("stage", "SugarWater@1.0.0", make_file(), "--dry-run")
    data = run("stage", "SugarWater@1.0.0", make_file(), "--dry-run", "--json")

    assert (text.code, text.out) == (0, "SugarWater@1.0.0\n")
    assert text.err.startswith("dry run, nothing is written: SugarWater@1.0.0 would be staged\n")
    assert "  latest would move to it\n" in text.err
    assert (data.json["dry-run"], data.json["created"]) == (True, False)
    assert (data.json["bucket"], data.json["uri"]) == (None, None)
    assert [x["outcome"] for x in data.json["locations"]] == ["would-create"] * 3
    assert not three[0].parent.exists()


def test_dry_run_with_a_region_that_is_down(
    run: Run, three: list[Path], make_file: MakeFile
) -> None:
    """Before anything is staged, no region holds it, and the one that fails does not either."""
    three[0].parent.mkdir()
    three[0].write_text("not a directory")

    done = run("stage", "SugarWater@1.0.0", make_file(), "--dry-run", "--json")

    assert (done.code, done.json["region"]) == (0, None)
    assert done.json["locations"][0]["outcome"] == "failed"


def test_if_exists_keep(run: Run, three: list[Path], make_file: MakeFile) -> None:
    """With --if-exists keep, other content is no error, and what is there is what is reported."""
    run("stage", "SugarWater@1.0.0", make_file(b"first"))

    done = run("stage", "SugarWater@1.0.0", make_file(b"second"), "--if-exists", "keep", "--json")

    assert done.code == 0
    assert done.json["created"] is False
    assert done.json["sha256"] == hashlib.sha256(b"first").hexdigest()


def test_load_filename(run: Run, three: list[Path], make_file: MakeFile, tmp_path: Path) -> None:
    """The saved name is restored in the folder, and the path that was written is printed."""
    run("stage", "SugarWater@1.0.0", make_file(), "--save-filename")

    done = run("download", "SugarWater@1.0.0", tmp_path / "folder", "--load-filename")

    assert done.out == f"{tmp_path}/folder/dist.tar.gz\n"
    assert tree(tmp_path / "folder") == ["dist.tar.gz"]


def test_file_name_that_is_not_utf8(
    start: Run, three: list[Path], make_file: MakeFile, tmp_path: Path
) -> None:
    """A path is printed byte for byte on standard output, and escaped for people."""
    make_file()
    start("stage", "SugarWater@1.0.0", "dist.tar.gz")
    name = os.fsdecode(b"b\xe4ck")

    done = start("download", "SugarWater", name)

    assert (done.code, done.out) == (0, f"{name}\n")
    assert "is at 'b\\udce4ck': " in done.err
    assert (tmp_path / name).is_file()


def test_versions_newest_first(run: Run, three: list[Path], make_file: MakeFile) -> None:
    """Versions are listed by precedence, the newest first."""
    for version in ("1.9.0", "1.10.0", "1.10.0-rc.1"):
        run("stage", f"SugarWater@{version}", make_file())

    done = run("versions", "SugarWater")

    assert done.out.split() == ["1.10.0", "1.10.0-rc.1", "1.9.0"]


def test_regions_option_wins(run: Run, three: list[Path], make_file: MakeFile) -> None:
    """--regions is used in place of STARTIFACT_REGIONS, and the difference is warned of."""
    done = run("stage", "SugarWater@1.0.0", make_file(), "--regions", f"file://{three[0]}")

    assert done.code == 0
    assert (three[0] / "SugarWater@1.0.0").is_dir()
    assert not three[1].exists()
    assert done.err.startswith("warning: SugarWater@1.0.0: not staged to ")


def test_artifact_of_the_first_startifact(run: Run, account: AwsAccount, tmp_path: Path) -> None:
    """An artifact without a recorded digest is shown without one, and comes with a warning."""
    account.s3().put_object(
        Bucket=account.buckets["us-east-1"], Key="team/SugarWater@1.0.0", Body=b"old"
    )

    info = run("info", "SugarWater@1.0.0", "--regions", "us-east-1", "--json")
    done = run("download", "SugarWater@1.0.0", tmp_path / "back", "--regions", "us-east-1")

    assert (info.json["sha256"], info.json["sha256-base64"]) == (None, None)
    assert info.json["staged-at"] is None
    assert "no recorded digest" in done.err
    assert "warning: SugarWater@1.0.0 was staged by the first Startifact" in done.err


@pytest.mark.parametrize("command", ["stage", "download", "info", "versions", "setup"])
def test_help(run: Run, command: str) -> None:
    """Every command explains itself, and takes the options that are common to all."""
    done = run(command, "--help")

    assert done.code == 0
    assert done.out.startswith(f"usage: startifact {command} ")
    for option in ("--regions", "--json", "--verbose", "--quiet", "--deadline"):
        assert option in done.out


def test_slash_at_the_end_of_a_path(
    run: Run, three: list[Path], make_file: MakeFile, tmp_path: Path
) -> None:
    """A path that ends with a slash is a directory: made for a saved name, and else refused."""
    assert run("stage", "SugarWater@1.0.0", make_file(), "--save-filename").code == 0
    assert run("stage", "SugarWater@1.1.0", make_file(b"no name")).code == 0

    made = run("download", "SugarWater@1.0.0", f"{tmp_path}/new/")
    asked = run("download", "SugarWater@1.0.0", f"{tmp_path}/asked/", "--load-filename")
    refused = run("download", "SugarWater@1.1.0", f"{tmp_path}/other/")
    no_artifact = run("stage", "SugarWater@1.0.1", f"{make_file()}/")

    assert (made.code, asked.code, refused.code, no_artifact.code) == (0, 0, 2, 2)
    assert (tmp_path / "new" / "dist.tar.gz").is_file()
    assert (tmp_path / "asked" / "dist.tar.gz").is_file()
    assert made.out == f"{tmp_path}/new/dist.tar.gz\n"
    assert "SugarWater@1.1.0 was staged without its file name" in refused.err
    assert "--save-filename" in refused.err
    assert not (tmp_path / "other").exists()
    assert "dist.tar.gz/' ends as a directory does, and is none" in no_artifact.err


def test_metadata_that_looks_like_a_secret(
    run: Run, three: list[Path], make_file: MakeFile
) -> None:
    """A key that looks like a secret's is warned of, without its value; others are not."""
    assert three
    secret = run(
        *("stage", "SugarWater@1.0.0", make_file(), "-m", "apiToken=s3cr3t", "-m", "lang=c"),
        *("-m", "db.password=s3cr3t"),
    )
    plain = run("stage", "SugarWater@1.0.1", make_file(), "-m", "tokenizer=x", "-m", "author=y")

    assert (secret.code, plain.code) == (0, 0)
    assert "the metadata 'apiToken', 'db.password' looks like a secret" in secret.err
    assert "s3cr3t" not in secret.err
    assert "looks like a secret" not in plain.err


def test_copy(run: Run, three: list[Path], make_file: MakeFile, tmp_path: Path) -> None:
    """A version is copied to other regions, and a dry run writes nothing there."""
    run("stage", "SugarWater@1.0.0", make_file())
    there = f"file:{tmp_path / 'there'}"

    dry = run("copy", "SugarWater@1.0.0", "--to", there, "--dry-run")
    assert dry.code == 0
    assert not (tmp_path / "there").exists()
    done = run("copy", "SugarWater@^1", "--to", there)

    assert (done.code, done.out) == (0, "SugarWater@1.0.0\n")
    assert "staged SugarWater@1.0.0" in done.err
    assert run("info", "SugarWater", "--regions", there).code == 0


def test_copy_of_a_yanked_version(
    run: Run, three: list[Path], make_file: MakeFile, tmp_path: Path
) -> None:
    """That the copy is yanked too is said, with the reason, to people and to programs."""
    run("stage", "SugarWater@1.0.0", make_file())
    words = ["copy", "SugarWater@1.0.0", "--to", f"file:{tmp_path / 'there'}"]
    plain = run(*words, "--json").json
    run("yank", "SugarWater@1.0.0", "--reason", "It loses orders")

    dry = run(*words, "--dry-run")
    done, facts = run(*words), run(*words, "--json").json
    again, dry_again = run(*words), run(*words, "--dry-run")

    assert plain["yanked"] is None
    already = "  it is yanked already, which stays as it is: 'It loses orders'"
    assert already in again.err.splitlines()
    assert already in dry_again.err.splitlines()
    assert (plain["yanked-already"], facts["yanked-already"]) == (False, True)
    said = "yanked, as where it was copied from: 'It loses orders'"
    assert f"  it would be {said}" in dry.err.splitlines()
    assert f"  it is {said}" in done.err.splitlines()
    assert facts["yanked"]["reason"] == "It loses orders"
    assert facts["yanked"]["at"] > facts["staged-at"]
    assert "yanked" not in run("stage", "SugarWater@1.0.0", make_file(), "--json").json


def test_copy_to_regions_of_the_same_parameter(
    run: Run,
    three: list[Path],
    make_file: MakeFile,
    account: AwsAccount,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The organisation configuration is that of the regions copied from, unless another is named.

    How many regions are required is said of those that are copied to.
    """
    monkeypatch.setenv("STARTIFACT_PARAMETER", "/of-nobody")
    run("stage", "SugarWater@1.0.0", make_file())
    words = ["copy", "SugarWater", "--to", "us-east-1", "--required-regions=1"]

    neither = run(*words)
    same = run(*words, "--configuration-parameter", account.parameter)
    other = run(*words, "--to-configuration-parameter", account.parameter)
    too_many = run(*words, "--required-regions=2")

    assert (neither.code, same.code, other.code, too_many.code) == (2, 0, 0, 2), same.err
    assert "ssm:GetParameter" in neither.err or "/of-nobody" in neither.err
    assert str(three[0]) not in same.err
    assert account.latest("us-east-1", "SugarWater") == "1.0.0"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--to", "nowhere"], "to is not valid: region 'nowhere' is not a region"),
        (["--to", ""], "to is not valid: it names no region"),
        (["--to", "us-east-1", "--to-role", "copier"], "to-role is 'copier', which is not the ARN"),
        (
            ["--to", "file:x", "--to-role", "arn:aws:iam::123456789012:role/copier"],
            "none of the regions to copy to needs credentials of AWS: 'file:x'\nhint: Leave out --",
        ),
        (
            ["--to", "file:x,file:y", "--to-profile", "partner"],
            "to-profile is given, and none of the regions to copy to needs credentials of AWS",
        ),
        (
            ["--to", "file:x,s3://bucket", "--to-configuration-parameter", "/theirs"],
            "to copy to has an organisation configuration: 'file:x', 's3://bucket'\nhint: Leave ",
        ),
    ],
)
def test_copy_refused(run: Run, three: list[Path], words: list[str], what: str) -> None:
    """What cannot be copied to is refused in the words of the option."""
    done = run("copy", "SugarWater@1.0.0", *words)

    assert done.code == 2
    assert what in done.err


def test_copy_with_a_profile_that_is_not_there(
    run: Run, three: list[Path], make_file: MakeFile
) -> None:
    """A profile that is not configured is bad input."""
    run("stage", "SugarWater@1.0.0", make_file())

    done = run("copy", "SugarWater", "--to", "us-east-1", "--to-profile", "nobody")

    assert done.code == 2
    assert "there is no profile 'nobody'" in done.err
