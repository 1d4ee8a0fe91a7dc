"""Which files paths and patterns name, and what their names in the archive are."""

import logging
import os
import pickle
import socket
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact import Staging
from startifact.errors import InputError, LocalFileError
from tests.functional.archives.conftest import Stage, build, members_of

Back = Callable[[Staging], Path]


# What is named -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "paths",
    [
        ["dist", "!build/out/secret"],
        ["build/out", "!dist/secret"],
        ["build/out", "!dist/s*"],
        ["dist/**", "!build/out/**/secret"],
        ["build/../dist", "!bin/../build/out/secret"],
        ["dist/*", "!dist/../out/secret"],
        ["build/out", "!deep/out/secret"],
    ],
)
def test_taken_away_by_way_of_a_link(
    paths: list[str], here: Path, stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """What a link leads to is the same place, whichever line goes by the link."""
    build(here, {"build/out/app": "app", "build/out/app2": "app", "build/out/secret": "secret"})
    build(here, {"dist": "-> build/out", "deep": "-> build", "bin": None})

    with caplog.at_level(logging.WARNING, "startifact"):
        assert members_of(stage(paths)) == ["app", "app2"]
    assert not caplog.text


def test_link_that_is_taken_away(here: Path, stage: Stage) -> None:
    """A link is taken away as what it is, not what it leads to."""
    build(here, {"build/a": "a", "build/b": "b", "l": "-> build"})

    assert members_of(stage([".", "!l"])) == ["build", "build/a", "build/b"]
    assert members_of(stage(["build", "l", "!l"])) == ["build/a", "build/b"]


@pytest.mark.parametrize(
    ("line", "warned"),
    [
        ("!d/nothing", True),
        ("!d/*.pyc", True),
        ("!d/**/c", True),
        ("!other", True),
        ("!d/a", False),
        ("!**/a", False),
        ("!d/.*", False),
        ("!d/.h/x", False),
    ],
)
def test_nothing_taken_away(
    line: str, warned: bool, here: Path, stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """A line that takes nothing away is a warning: it may be a mistake."""
    build(here, {"d/a": "a", "d/b": "b", "d/e": "e", "d/.h/x": "x", "other": "o"})

    with caplog.at_level(logging.WARNING, "startifact"):
        stage(["d", line, "!d/e", "!d/e/*"])

    assert (f"nothing matches '{line}'" in caplog.text) == warned
    assert caplog.text.count("nothing matches") == warned


@pytest.mark.parametrize("path", ["dist/a.whl", "dist/*.whl", "d*/a.*", Path("dist/a.whl")])
def test_one_file(path: str | Path, here: Path, stage: Stage, back: Back) -> None:
    """One file, or the only match of a pattern, is staged byte for byte, under its own name."""
    build(here, {"dist/a.whl": b"\0wheel", "dist/b.txt": "text"})

    staging = stage(path, save_filename=True)

    assert back(staging).read_bytes() == b"\0wheel"
    assert staging.artifact.filename == "a.whl"
    assert (staging.archive_counts, staging.artifact.archive, staging.artifact.tree) == (None,) * 3


@pytest.mark.parametrize(
    ("paths", "members"),
    [
        ("dist", ["a.whl", "lib", "lib/b.whl", "lib/c.txt", "lib/empty"]),
        ("dist/", ["a.whl", "lib", "lib/b.whl", "lib/c.txt", "lib/empty"]),
        ("./dist/../dist", ["a.whl", "lib", "lib/b.whl", "lib/c.txt", "lib/empty"]),
        ("dist/*", ["a.whl", "lib", "lib/b.whl", "lib/c.txt", "lib/empty"]),
        ("dist/**", ["a.whl", "lib", "lib/b.whl", "lib/c.txt", "lib/empty"]),
        ("dist/*/", ["lib", "lib/b.whl", "lib/c.txt", "lib/empty"]),
        ("dist/*/**", ["lib", "lib/b.whl", "lib/c.txt", "lib/empty"]),
        ("dist/**/*.whl", ["a.whl", "lib/b.whl"]),
        ("**/*.whl", ["dist/a.whl", "dist/lib/b.whl"]),
        (["dist/a.whl", "dist/lib/c.txt"], ["a.whl", "lib/c.txt"]),
        (["dist/a.whl", "dist/lib"], ["a.whl", "lib/b.whl", "lib/c.txt", "lib/empty"]),
        (["dist/a.whl", "other/x"], ["dist/a.whl", "other/x"]),
        (["dist/lib/*.whl", "dist/*.whl"], ["a.whl", "lib/b.whl"]),
        (["dist", "!dist/lib"], ["a.whl"]),
        (["dist", "!dist/lib/**"], ["a.whl"]),
        (["dist", "!**/*.whl"], ["lib", "lib/c.txt", "lib/empty"]),
        (["dist/**/*.whl", "!dist/lib", "dist/lib/*.txt"], ["a.whl", "lib/c.txt"]),
        (["!dist/lib", "dist"], ["a.whl", "lib", "lib/b.whl", "lib/c.txt", "lib/empty"]),
    ],
)
def test_several(paths: str | list[str], members: list[str], here: Path, stage: Stage) -> None:
    """Names begin in the directory, or in the folder that all paths have before any pattern."""
    build(
        here,
        {
            "dist/a.whl": "a",
            "dist/lib/b.whl": "b",
            "dist/lib/c.txt": "c",
            "dist/lib/empty": None,
            "other/x": "x",
        },
    )
    staging = stage(paths, archive="tar.gz") if members == ["a.whl"] else stage(paths)

    assert members_of(staging) == members
    assert staging.artifact.archive == "tar.gz"


@pytest.mark.parametrize("name", ["a*b", "[x]", "?", "[x"])
def test_what_exists_is_itself(name: str, here: Path, stage: Stage, back: Back) -> None:
    """A path that exists as it is written is that path, and no pattern."""
    build(here, {name: "this", "axb": "x", "x": "y"})

    assert back(stage(name)).read_bytes() == b"this"


def test_archive_of_one_file(here: Path, stage: Stage) -> None:
    """One file is in an archive where that is asked for."""
    build(here, {"dist/handler.py": "def handler(): ...", "dist/x": ""})

    staging = stage("dist/handler.py", archive="zip")

    assert members_of(staging) == ["handler.py"]
    assert staging.artifact.archive == "zip"


@pytest.mark.parametrize(
    ("paths", "options", "name"),
    [
        ("dist", {}, "dist.tar.gz"),
        ("dist/lib/", {"archive": "zip"}, "lib.zip"),
        (".", {}, "SugarWater.tar.gz"),
        ("dist/*", {}, "SugarWater.tar.gz"),
        (["dist", "!dist/a"], {}, "dist.tar.gz"),
        (["dist/a", "dist/lib"], {"archive": "zip"}, "SugarWater.zip"),
    ],
)
def test_saved_name(
    paths: str | list[str], options: dict[str, str], name: str, here: Path, stage: Stage
) -> None:
    """The saved name is the directory's where it has one that is the same everywhere."""
    build(here, {"dist/a": "a", "dist/lib/b": "b"})

    assert stage(paths, save_filename=True, **options).artifact.filename == name


# Hidden files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "members"),
    [
        (".", ["a", "d", "d/x"]),
        ("**/*", ["a", "d", "d/x"]),
        (".github", ["ci.yml"]),
        (".github/*", ["ci.yml"]),
        (".*/*", [".github/ci.yml"]),
        ("d/.*", [".env"]),
        ("**/.env", [".env", "d/.env"]),
        (["d", "!d/x", "d/.env"], [".env"]),
    ],
)
def test_hidden_files(path: str, members: list[str], here: Path, stage: Stage) -> None:
    """Hidden names are left out, but for those that the path writes with their dot."""
    build(
        here,
        {
            "a": "",
            "d/x": "x",
            ".github/ci.yml": "c",
            ".github/.old": "o",
            ".env": "e",
            "d/.env": "",
        },
    )

    assert members_of(stage(path, archive="tar.gz")) == members


def test_include_hidden(here: Path, stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """They are staged where that is asked for; else it is said that some are left out."""
    build(here, {"d/x": "x", "d/.env": "e", "d/.git/HEAD": "h"})

    with caplog.at_level(logging.INFO):
        assert members_of(stage("d")) == ["x"]
    assert "hidden files are left out: " in caplog.text
    assert "d/.env', '" in caplog.text
    assert members_of(stage("d", include_hidden=True)) == [".env", ".git", ".git/HEAD", "x"]


def test_only_hidden(here: Path, stage: Stage) -> None:
    """Where there is nothing else, the error names one and the option."""
    build(here, {"d/.env": "e"})

    with pytest.raises(InputError, match=r"'d' has only hidden files, such as '.*/d/\.env'") as e:
        stage("d")
    assert e.value.hint == "To stage hidden files, set include_hidden=True"


# Nothing to stage --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("dist/*.wheel", "nothing matches 'dist/*.wheel': '{here}/dist' has 'a.whl', 'b.txt'"),
        ("dst/*", "nothing matches 'dst/*': there is no folder 'dst', and '{here}' has {names}"),
        ("empty/*", "nothing matches 'empty/*': '{here}/empty' has nothing in it"),
        ("empty", "'empty' has no file in it"),
        ("other", "'other' has no file in it"),
        (["dist/*", "!dist"], "'dist/*' has no file that is not taken away by another line"),
        (["xx", "xx"], "'xx' has no file in it, only links"),
        (["xx", "yy"], "'xx', 'yy' has no file in it, only links"),
        (["xx", "z/*"], "'xx', 'z/*' has no file in it, only links"),
        ("x*", "'x*' has no file in it, only links"),
        ("emp*", "'emp*' has no file in it"),
        (["dist/c", "x/*", "dist/*.wheel"], "there is no file 'dist/c'"),
        (
            ["dist/*.wheel", "dst/*"],
            (
                "nothing matches 'dist/*.wheel': '{here}/dist' has 'a.whl', 'b.txt'\n"
                "nothing matches 'dst/*': there is no folder 'dst', and '{here}' has {names}"
            ),
        ),
        (["!dist"], "'!dist' only takes away"),
        ([], "no path is given"),
        ("", "a path is empty"),
        (["dist/*", " "], "a path is empty"),
        (["dist/a.whl", "nope"], "there is no file 'nope'"),
        ("a\0b", "'a\\x00b' is not a path"),
        ("!\ud800", "'\\ud800' is not a path"),
    ],
)  # fmt: skip
def test_nothing(path: str | list[str], message: str, here: Path, stage: Stage) -> None:
    """Nothing to stage is an error that says where was looked, and what is there."""
    build(here, {"dist/a.whl": "a", "dist/b.txt": "b", "empty": None, "other/folder/x": None})
    build(here, {"xx": "-> dist", "yy": "-> dist/a.whl"})

    with pytest.raises(InputError) as caught:
        stage(path)
    names = "'dist', 'empty', 'other', 'xx', 'yy'"
    assert caught.value.message == message.format(here=here, names=names)


def test_nothing_is_said_once(here: Path, stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """What the error says of each pattern no warning says before it."""
    build(here, {"dist/a.whl": "a"})

    with pytest.raises(InputError, match=r"nothing matches 'b\*'.*\nnothing matches 'c\*'"):
        stage(["b*", "c*", "!d*"])

    assert not caplog.records


def test_paths_that_are_not_there(here: Path, stage: Stage) -> None:
    """Each is named, and so is what cannot be archived of those that are there."""
    build(here, {"d/a": "a", "d/out": "-> /etc", "e": "e"})

    with pytest.raises(InputError) as absent:
        stage(["e", "d/aa", "nope", "./d/aa"])
    with pytest.raises(InputError) as both:
        stage(["nope", "d", "*.whl"])

    assert absent.value.message == "there is no file 'd/aa'\nthere is no file 'nope'"
    assert absent.value.hint == (
        "Check the path; a relative one starts at the working directory. There is 'a'"
    )
    assert both.value.message == (
        "there is no file 'nope'\n'nope', 'd', '*.whl' has 1 thing that cannot be archived:\n"
        f"  '{here}/d/out' is a link that leads out, to '/etc'"
    )
    assert both.value.refused_members == ((f"{here}/d/out", "is a link that leads out, to '/etc'"),)


@pytest.mark.parametrize(("path", "takes_away"), [("pipe", False), ("p*", True), (".", True)])
def test_what_to_do_about_it(path: str, takes_away: bool, here: Path, stage: Stage) -> None:
    """The only path that is given cannot be taken away from itself."""
    build(here, {"part": "a"})
    os.mkfifo(here / "pipe")

    with pytest.raises(InputError, match=r"'.*/pipe' is a pipe") as caught:
        stage(path, archive="zip")
    assert caught.value.hint == (
        "Take them away with a path that begins with !" if takes_away else "Name something else"
    )


def test_what_to_do_about_all_of_it(here: Path, stage: Stage) -> None:
    """What to do about each kind of trouble is said once."""
    build(here, {"d/A": "a", "d/a": "a", "d/B": "b", "d/b": "b", "d/l": "-> a", "d/k": "-> a"})
    os.mkfifo(here / "d" / "pipe")

    with pytest.raises(InputError, match="has 5 things") as caught:
        stage("d", archive="zip")
    assert caught.value.hint == (
        "Let a link be a file, or set archive='tar.gz'. Rename one of them: some disks take upper "
        "and lower case, or the two spellings of an accented letter, for the same. Take them away "
        "with a path that begins with !"
    )


def test_names_that_are_like_it(here: Path, stage: Stage) -> None:
    """Where a file is not there, the hint has names that are like its own."""
    build(here, {"dist/app-1.0.tar.gz": "a", "dist/other": "b"})

    with pytest.raises(InputError, match=r"there is no file 'dist/app-1\.1\.tar\.gz'") as caught:
        stage("dist/app-1.1.tar.gz")
    assert caught.value.hint is not None
    assert caught.value.hint.endswith("There is 'app-1.0.tar.gz'")


def test_pattern_beside_others(here: Path, stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """A pattern that matches nothing beside one that does is a warning."""
    build(here, {"dist/a.whl": "a", "dist/b.whl": "b"})

    assert members_of(stage(["dist/*.whl", "dist/*.zip"])) == ["a.whl", "b.whl"]
    assert "nothing matches 'dist/*.zip'" in caplog.text


# What cannot be staged ---------------------------------------------------------------------------


def test_links(here: Path, stage: Stage) -> None:
    """A link that stays inside is a link in a tar, also one that leads to nothing."""
    build(
        here,
        {
            "out/secret": "s",
            "d/a": "a",
            "d/lib/up": "-> ../a",
            "d/folder": "-> lib",
            "d/self": "-> self",
            "d/nowhere": "-> lib/none",
            "d/through": "-> folder/up",
        },
    )

    staging = stage("d")

    assert members_of(staging) == ["a", "folder", "lib", "lib/up", "nowhere", "self", "through"]
    with tarfile.open(staging.artifact.downloader.download(here / "archive")) as archive:
        assert {m.name: m.linkname for m in archive if m.issym()} == {
            "folder": "lib", "lib/up": "../a", "nowhere": "lib/none", "self": "self",
            "through": "folder/up",
        }  # fmt: skip
    staging.artifact.downloader.extract(here / "back")
    assert (here / "back" / "through").read_text() == "a"


@pytest.mark.parametrize(
    "target", ["../out/secret", "/etc/passwd", "..", "lib/../../out", "round/.."]
)
def test_links_that_lead_out(target: str, here: Path, stage: Stage) -> None:
    """A link that leads out of the directory is refused, be it through another link."""
    build(here, {"out/secret": "s", "d/lib/a": "a", "d/round": "-> .", "d/x": f"-> {target}"})

    with pytest.raises(InputError, match=rf"'d' has 1 thing .*\n  '{here}/d/x' is a link that lea"):
        stage("d")


@pytest.mark.skipif(os.sep != "/", reason="Windows has no such names")
def test_what_could_not_be_extracted(here: Path, stage: Stage) -> None:
    """What an extraction would refuse is refused before; a backslash alone is none of it."""
    files = {"d/dev\\x2d": "a", "d/a\nb": "a", "d/x\\..\\c": "a", "d/C:d": "a", "d/lib/deep/e": "a"}
    build(here, {**files, "d/link": "-> lib/deep", "d/up": "-> link/../e", "d/x2": "-> LINK/../e"})

    with pytest.raises(InputError) as caught:
        stage("d")

    assert caught.value.message.split("\n") == [
        "'d' has 5 things that cannot be archived:",
        f"  '{here}/d/C:d' begins with a drive letter",
        f"  '{here}/d/a\\nb' has a control character in it",
        f"  '{here}/d/up' is a link that leads up again behind 'link', which is a link",
        f"  '{here}/d/x2' is a link that leads up again behind 'LINK', which is a link",
        f"  '{here}/d/x\\\\..\\\\c' has .. in it",
    ]


def test_all_at_once(here: Path, stage: Stage) -> None:
    """Everything that cannot be a member is named in one error."""
    build(here, {"d/a": "a", "d/out": "-> /etc", "d/B": "", "d/b": ""})
    os.mkfifo(here / "d" / "pipe")
    (here / "d" / os.fsdecode(b"\xff")).write_text("x")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("d/socket")

        with pytest.raises(InputError) as caught:
            stage("d")

    assert caught.value.message.split("\n") == [
        "'d' has 5 things that cannot be archived:",
        f"  '{here}/d/b' would be the same file as 'B' on some systems",
        f"  '{here}/d/out' is a link that leads out, to '/etc'",
        f"  '{here}/d/pipe' is a pipe",
        f"  '{here}/d/socket' is a socket",
        f"  '{here}/d/\\udcff' has a name that is not UTF-8",
    ]


def test_many_at_once(here: Path, stage: Stage) -> None:
    """However many they are, each is named, in the message and for programs."""
    names = [f"{i:04}-{'long' * 50}" for i in range(1500)]
    build(here, {"d/a": "a", **{f"d/{name}/{name}": "-> /" for name in names}})

    with pytest.raises(InputError, match=r"'d' has 1,500 things") as caught:
        stage("d")

    paths = [f"{here}/d/{name}/{name}" for name in names]
    why = "is a link that leads out, to '/'"
    assert caught.value.message.split("\n")[1:] == [f"  '{path}' {why}" for path in paths]
    assert caught.value.refused_members == tuple((path, why) for path in paths)
    assert pickle.loads(pickle.dumps(caught.value)) == caught.value


def test_links_in_a_zip(here: Path, stage: Stage) -> None:
    """A zip has no links: the error says what has."""
    build(here, {"d/a": "a", "d/x": "-> a"})

    with pytest.raises(InputError, match="is a link to 'a', and zip keeps no links") as caught:
        stage("d", archive="zip")
    assert caught.value.hint == "Let a link be a file, or set archive='tar.gz'"


@pytest.mark.parametrize(
    "names",
    [
        ("a", "A"),
        ("ä", "a\u0308"),
        ("Ä/x", "a\u0308/y"),
        ("lib", "LIB/x"),
        ("straße", "STRASSE"),
        ("x", "x\u200d"),
    ],
)
def test_names_that_fall_together(names: tuple[str, str], here: Path, stage: Stage) -> None:
    """Two names that are one file on some disk are refused, folders of members included."""
    build(here, {f"d/{name}": "x" for name in names})
    if len(list((here / "d").iterdir())) == 1:
        pytest.skip("this disk takes them for the same")

    with pytest.raises(InputError, match=r"would be the same file as '.*' on some systems"):
        stage("d/**/*")


def test_a_link_by_itself(here: Path, stage: Stage, back: Back) -> None:
    """A link that is named is followed; one that a pattern finds alone has to stay inside."""
    build(here, {"out/f": "f", "out/g/h": "h", "d/f": "-> ../out/f", "g": "-> out/g", "e/l": "-> x",
                 "e/x": "x"})  # fmt: skip

    assert back(stage("d/f")).read_bytes() == b"f"
    assert members_of(stage("g")) == ["h"]
    assert back(stage("e/l*")).read_bytes() == b"x"
    with pytest.raises(InputError, match=r"is a link that leads out, to '\.\./out/f'"):
        stage("d/*")


def test_links_are_not_followed(here: Path, stage: Stage) -> None:
    """No pattern goes through a link, and several names that a shell made of one do not either."""
    build(here, {"d/real/f": "f", "d/link": "-> real", "d/round": "-> .", "d/z": "z"})

    assert members_of(stage("d/**/f", archive="tar.gz")) == ["real/f"]
    assert members_of(stage("d/*/f", archive="tar.gz")) == ["real/f"]
    expected = ["link", "real/f", "round", "z"]
    assert members_of(stage(["d/real", "d/link", "d/round", "d/z"])) == expected


def test_unreadable(tmp_path: Path, here: Path, stage: Stage) -> None:
    """What may not be read is named, all of it, with the exit code of local trouble."""
    build(here, {"d/a": "a", "d/b": "b", "d/c/x": "x"})
    if os.geteuid() == 0:
        pytest.skip("root may read everything; test_determinism has another user")
    for name in ("a", "c"):
        (here / "d" / name).chmod(0)

    with pytest.raises(LocalFileError, match="'d' has 2 things"):
        stage("d")
    (here / "d" / "c").chmod(0o700)
