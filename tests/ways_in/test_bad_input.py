"""Bad input: Python, a shell and a workflow refuse it in the same words, and write nothing."""

import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from startifact.definitions import ValueKind
from startifact.errors import StartifactError, with_notes
from startifact.options import OPTIONS
from tests.support.command import run_inside
from tests.support.limits import Session
from tests.support.runner_step import Step
from tests.ways_in.action.conftest import Call, call, directories, step

__all__ = ["call", "directories", "step"]

Refused = tuple[int, str]
"""The exit code, and the message without the hint, as all ways in have it."""

SPELLINGS = {
    r"^the input of this step is not valid: ": "",  # where several problems may stand
    r"\bkeep_versions\b": "keep-versions",
    r"\bmin-age\b": "the minimum age",
    r"'([0-9]+)', expected a whole": r"\1, expected a whole",
    r"(?<='lang')(, expected (KEY=VALUE|a mapping of texts)|: it is neither .* mapping)$": "",
    r"\n +": "\n",
}
"""What each way in writes in its own way, and how it is compared: options, numbers, pairs, lines.
"""


class Bad(NamedTuple):
    """What a command is asked for, and why it does not do it."""

    command: str
    version: str | None
    options: Mapping[str, str]
    """By the names of `startifact.options`."""

    code: int
    said: tuple[str, ...]
    """What was asked, and what was got or expected."""


def promote(channel: str, *said: str, version: str = "1.0.0", code: int = 2, **options: str) -> Bad:
    """Return a promotion that is refused."""
    given = {name.replace("_", "-"): value for name, value in options.items()}
    return Bad("promote", version, {"channel": channel, **given}, code, said)


LONG = "a" * 64
BAD = {
    "channel is a version": promote("1.0.0", "channel '1.0.0' is not a legal name"),
    "channel is a version with a v": promote("v1.0.0", "channel 'v1.0.0' is not a legal name"),
    "channel is a part of a version": promote("v1", "channel 'v1' can be read as a range"),
    "channel is a range": promote("^1.2", "channel '^1.2' is not a legal name"),
    "channel is x": promote("x", "channel 'x' can be read as a range"),
    "channel is latest": promote("latest", "latest"),
    "channel in upper case": promote("Prod", "channel 'Prod' is not a legal name"),
    "channel of 64 characters": promote(LONG, f"channel '{LONG}' is not a legal name"),
    "rollback of latest": Bad("rollback", None, {"channel": "latest"}, 2, ("latest",)),
    "rollback of a version": Bad("rollback", None, {"channel": "1.0.0"}, 2, ("channel '1.0.0'",)),
    "removal of latest": Bad("channels", None, {"remove": "latest"}, 2, ("latest",)),
    "removal of a range": Bad("channels", None, {"remove": "^1"}, 2, ("channel '^1'",)),
    "list of a channel": Bad("versions", None, {"channel": "Prod"}, 2, ("channel 'Prod'",)),
    "expect both": promote(
        "prod", "prod", "'1.0.0'", "contradict each other", expect="1.0.0", expect_none="true"
    ),
    "expect another": promote(
        "prod", "prod", "it is 1.0.0", "1.1.0", version="1.1.0", code=4, expect="1.1.0"
    ),
    "expect none": promote("prod", "it is 1.0.0", version="1.1.0", code=4, expect_none="true"),
    "range that contradicts itself": Bad("info", ">2 <1", {}, 3, (">2 <1", "1.1.0")),
    "range too high": Bad("download", "^3", {"path": "back"}, 3, ("^3", "1.1.0")),
    "range too low": promote("prod", "<0.1", "0.5.0", version="<0.1", code=3),
    "range to list": Bad("versions", None, {"range": ">=3"}, 3, (">=3", "2.0.0-rc.1")),
    "range to prune": Bad(
        "prune", None, {"range": ">=3", "keep-versions": "1"}, 3, (">=3", "2.0.0-rc.1")
    ),
    "range that is no range": Bad("info", "=>1", {}, 2, ("=>1",)),
    "range that others read otherwise": Bad("info", "~>1.2", {}, 2, ("~>1.2",)),
    "part of a version": Bad("info", "1.1", {}, 2, ("1.1",)),
    "range that is a channel": Bad("versions", None, {"range": "prod"}, 2, ("prod",)),
    "keep no version": Bad(
        "prune", None, {"keep-versions": "0"}, 2, ("keep-versions is 0, expected a whole number",)
    ),
    "limit of none": Bad("versions", None, {"limit": "0"}, 2, ("limit is 0, expected a whole",)),
    "prune all": Bad("prune", None, {"older-than": "0s", "yes": "true"}, 2, ("SugarWater",)),
    "prune without a condition": Bad("prune", None, {"yes": "true"}, 2, ("nothing says",)),
    "no pair": Bad("versions", None, {"where": "lang"}, 2, ("where is not valid: got 'lang'",)),
    "age of one version": Bad("info", "1.0.0", {"min-age": "1d"}, 2, ("1.0.0",)),
    "age that is none": Bad("info", "^1", {"min-age": "old"}, 2, ("'old'",)),
    "link for too long": Bad("link", "1.0.0", {"expires": "8d"}, 2, ("'8d'", "from 1s to 7d")),
    "link to a directory": Bad("link", "1.0.0", {}, 2, ("SugarWater@1.0.0", "only a bucket")),
    "no point in time": Bad("versions", None, {"since": "old"}, 2, ("'old'",)),
    "no reason": Bad("yank", "1.0.0", {"reason": "x" * 501}, 2, ("500 characters",)),
    "yank of what there is not": Bad("yank", "3.0.0", {"reason": "x"}, 3, ("SugarWater@3.0.0",)),
    "tombstone": promote("prod", "SugarWater@0.9.0", "was removed at", version="0.9.0", code=3),
    "tombstone to go back to": Bad(
        "rollback", None, {"channel": "prod", "to": "0.9.0"}, 3, ("SugarWater/prod", "0.9.0")
    ),
    "one region of three": promote(
        "prod", "SugarWater@0.5.0 is complete in 1 of 3", "2 are needed", version="0.5.0", code=5
    ),
    "other list of regions": promote(
        "prod", "SugarWater@1.0.0 is complete in 1 of 3", "2 are needed", code=5, regions="c d e"
    ),
}

CONTRADICTIONS = {
    "dry run of a list": Bad(
        "channels", None, {"dry-run": "true"}, 2, ("a dry run", "no channel is to be taken away")
    ),
    "expectation of a list": Bad(
        "channels", None, {"expect": "1.0.0"}, 2, ("expected", "no channel is to be taken away")
    ),
    "history of a removal": Bad(
        "channels",
        None,
        {"remove": "prod", "history": "true"},
        2,
        ("the moves of channels are asked for", "a channel is to be taken away"),
    ),
    "dry run of a check": Bad(
        "lock", None, {"check": "true", "dry-run": "true"}, 2, ("a dry run", "to check")
    ),
    "age of a check": Bad(
        "lock", None, {"check": "true", "min-age": "1d"}, 2, ("a minimum age", "to check")
    ),
    "update and check": Bad(
        "lock", None, {"check": "true", "update": "true"}, 2, ("update and check are both given",)
    ),
}
"""Options that would be ignored beside others. In Python these are arguments of other methods."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of three regions in which is what `BAD` is about."""
    root = tmp_path_factory.mktemp("template")
    file = root / "file"
    file.write_bytes(b"sugar")
    regions = [f"file:{root}/regions/{name}" for name in "abc"]
    with Session(regions=regions) as session, Session(regions=regions[:1]) as one:
        for version in ("0.9.0", "1.0.0", "1.1.0", "2.0.0-rc.1"):
            session.stage("SugarWater", version, file)
        session.promote("SugarWater", "1.0.0", "prod")
        for _ in range(2):
            session.prune("SugarWater", version_range="<1", older_than="0s", grace="0s", yes=True)
        one.stage("SugarWater", "0.5.0", file)
    return root / "regions"


@pytest.fixture
def root(
    step: Step, template: Path, directories: list[str], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Make a copy of the template the regions of all ways in, and return what may be written."""
    shutil.copytree(template, step.temp / "regions")
    monkeypatch.chdir(step.workspace)
    monkeypatch.setenv("STARTIFACT_REGIONS", " ".join(directories))
    return step.temp.parent


_PROMISED = re.compile(rb'"promised":\[[^]]*\],')


def written(root: Path) -> dict[str, bytes]:
    """Return all files below *root* but those that the runner has for every step.

    Of a channel without what is promised, which no reader sees: an expectation is looked at only
    when that stands.
    """
    return {
        str(path): _PROMISED.sub(b"", path.read_bytes())
        for path in root.rglob("*")
        if path.is_file() and "_runner_file_commands" not in path.parts
    }


def options_of(bad: Bad, root: Path) -> dict[str, str]:
    """Return the options of *bad*, with the regions where they are."""
    options = dict(bad.options)
    if names := options.get("regions"):
        options["regions"] = " ".join(f"file://{root}/_temp/regions/{n}" for n in names.split())
    return options


def value_in_python(name: str, text: str) -> object:
    match OPTIONS[name].kind:
        case ValueKind.FLAG:
            return text == "true"
        case ValueKind.COUNT | ValueKind.NUMBER:
            return int(text)
        case _:
            return text


def in_python(bad: Bad, options: dict[str, str]) -> Refused:
    regions = options.pop("regions", None)
    options.pop("path", None)  # it is said only after the artifact was got
    values = {OPTIONS[n].argument: value_in_python(n, text) for n, text in options.items()}
    with Session(regions=regions) as session:
        methods: dict[str, Callable[..., Any]] = {
            "versions": session.list_versions,
            "channels": session.remove_channel,
            "info": session.get,
            "download": session.get,
        }
        method = methods.get(bad.command) or getattr(session, bad.command)
        about = ["SugarWater", *([] if bad.version is None else [bad.version])]
        if OPTIONS["channel"].is_positional_in(bad.command):
            about.append(str(values.pop("channel")))
        with pytest.raises(StartifactError) as caught:
            list(method(*about, **values))
    return caught.value.exit_code, alike(with_notes(caught.value.message, caught.value))


def in_a_shell(bad: Bad, options: dict[str, str], capfd: pytest.CaptureFixture[str]) -> Refused:
    about = f"SugarWater@{bad.version}" if bad.version else "SugarWater"
    words = [bad.command, about]
    for name, text in options.items():
        if OPTIONS[name].is_positional_in(bad.command):
            words.append(text)
        else:
            words.append(
                f"--{name}" if OPTIONS[name].kind is ValueKind.FLAG else f"--{name}={text}"
            )
    done = run_inside(capfd, words)
    assert done.out == ""
    _, _, said = done.err.rpartition("error: ")
    return done.code, alike(said.partition("\nhint: ")[0].strip())


def in_a_workflow(bad: Bad, options: dict[str, str], call: Call) -> Refused:
    about = {"entries": "SugarWater"} if bad.command == "lock" else {"project": "SugarWater"}
    about |= {"version": bad.version} if bad.version else {}
    done = call({}, command=bad.command, **about, **options)
    (said,) = done.errors
    assert done.outputs["exit-code"] == str(done.exit_code)
    return done.exit_code, alike(said.partition("\nHint: ")[0])


def alike(message: str) -> str:
    """Return *message* as all ways in have it."""
    for spelling, shared in SPELLINGS.items():
        message = re.sub(spelling, shared, message)
    return message


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_bad_input(root: Path, bad: Bad, capfd: pytest.CaptureFixture[str], call: Call) -> None:
    """The three ways in end alike, name what was asked, got and expected, and write nothing."""
    before = written(root)

    refused = [
        in_python(bad, options_of(bad, root)),
        in_a_shell(bad, options_of(bad, root), capfd),
        in_a_workflow(bad, options_of(bad, root), call),
    ]

    (code, said), *others = refused
    assert others == [(code, said)] * 2
    assert code == bad.code
    assert [text for text in bad.said if text not in said] == []
    assert written(root) == before


@pytest.mark.parametrize("bad", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_contradictions(
    root: Path, bad: Bad, capfd: pytest.CaptureFixture[str], call: Call
) -> None:
    """A shell and a workflow refuse an option that would do nothing beside the others."""
    before = written(root)

    shell = in_a_shell(bad, options_of(bad, root), capfd)
    workflow = in_a_workflow(bad, options_of(bad, root), call)

    assert shell == workflow
    assert shell[0] == bad.code
    assert [text for text in bad.said if text not in shell[1]] == []
    assert written(root) == before
