"""The page of what is stored shows what the code writes and reads, byte for byte."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact import Session
from startifact.channels.record import parse_channel_record
from startifact.channels.targets import TargetCodec
from startifact.errors import ExpectationError
from startifact.model import keys
from startifact.model.configuration import parse_configuration, to_json
from startifact.model.record import decode, encode, encode_tombstone
from startifact.model.tree import TreeDigest
from startifact.registers.marks import MarkCodec
from startifact.registers.record import parse_record, record_text
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.consistency.reader import IAM
from tests.support.runner_step import PROJECT
from tests.support.wire import Wire

PAGE = (PROJECT / "docs" / "storage.md").read_text(encoding="utf-8")

WRITTEN_AGAIN: dict[str, Callable[[str], str]] = {
    "Artifacts": lambda text: encode(decode(text, where="here"))[0],
    "The channel `latest`": lambda text: parse_channel_record(text, where="here").to_json(),
    "Other channels": lambda text: record_text(
        parse_record(text, TargetCodec(), where="here"), TargetCodec()
    ),
    "Yanked versions": lambda text: record_text(
        parse_record(text, MarkCodec(), where="here"), MarkCodec()
    ),
    "Pruned versions": lambda text: record_text(
        parse_record(text, MarkCodec(), where="here"), MarkCodec()
    ),
    "Tombstones": lambda text: encode_tombstone(
        removed_at=json.loads(text)["startifact:removed-at"],
        removed_by=json.loads(text)["startifact:removed-by"],
    ),
    "Parameters in SSM": lambda text: to_json(parse_configuration(text, source="here")),
}


def examples(heading: str) -> list[str]:
    """Return what is shown as JSON below *heading*."""
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"```json\n(.*?)\n```", section, re.DOTALL)


@pytest.mark.parametrize("heading", WRITTEN_AGAIN)
def test_examples_are_what_the_code_writes(heading: str) -> None:
    """What is read from an example is written as the example is."""
    (example,) = examples(heading)

    assert WRITTEN_AGAIN[heading](example).rstrip("\n") == example


def test_keys() -> None:
    """The keys of the page are those that the code makes."""
    made = [
        keys.artifact_key("PROJECT", "VERSION"),
        keys.channel_key("PROJECT", keys.LATEST),
        keys.channel_key("PROJECT", "CHANNEL"),
        keys.mark_key("PROJECT", "VERSION"),
        keys.quarantine_key("PROJECT", "VERSION", "ID"),
        keys.probe_key("PROJECT", "..."),
        keys.channel_parameter("PREFIX", "PROJECT", "CHANNEL"),
    ]

    assert [key for key in made if f"| `{key}` |" not in PAGE] == []


def test_tree() -> None:
    """The list of members has the digest that the page says, and is written as it is shown."""
    (lines,) = re.findall(r"```jsonl\n(.*?)```", PAGE, re.DOTALL)
    tree, again = TreeDigest(), []
    for line in lines.splitlines():
        member = json.loads(line)
        again.append(json.dumps(member, separators=(",", ":"), sort_keys=True))
        match member["type"]:
            case "file":
                mode, size = int(member["mode"], 8), member["size"]
                tree.add_file(member["path"], mode=mode, size=size, sha256=member["sha256"])
            case "directory":
                tree.add_directory(member["path"])
            case "link":
                tree.add_link(member["path"], target=member["target"])

    assert again == lines.splitlines()
    assert f"Its digest is `{tree.hexdigest()}`" in PAGE


@pytest.mark.parametrize("count", [1, 3])
def test_events_of_a_promotion(
    count: int, account: AwsAccount, wire: Wire, make_file: Callable[..., Path]
) -> None:
    """A channel is written as often as the page says, of which each write is an event."""
    assert account.buckets
    session = Session(regions=list(AWS_REGIONS[:count]))
    session.stage("SugarWater", "1.0.0", make_file())

    def writes(act: Callable[[], object]) -> list[str]:
        wire.log.clear()
        act()
        return [r.region for r in wire.writes() if r.path.endswith("/SugarWater/prod")]

    session.stage("SugarWater", "1.1.0", make_file())
    creating = writes(lambda: session.promote("SugarWater", "1.1.0", "prod"))
    moving = writes(lambda: session.promote("SugarWater", "1.0.0", "prod"))
    failing = writes(lambda: _expect_in_vain(session))

    assert sorted(creating) == sorted([*session.regions] * 2)
    assert sorted(moving) == sorted([*session.regions] * (1 if count == 1 else 2))
    assert sorted(failing) == sorted([*session.regions] * (0 if count == 1 else 1))


def _expect_in_vain(session: Session) -> None:
    with pytest.raises(ExpectationError):
        session.promote("SugarWater", "1.0.0", "prod", expect="2.0.0")


def test_rules_of_events() -> None:
    """The rules are for keys and parameters that the policies name, in buckets named so."""
    rules = [json.loads(text) for text in examples("What EventBridge sees")]
    policies = "".join(path.read_text(encoding="utf-8") for path in IAM.glob("*.json"))

    assert [rule["source"] for rule in rules] == [["aws.s3"], ["aws.ssm"], ["aws.s3"]]
    for rule in rules:
        detail = rule["detail"]
        (name,) = detail.get("name") or detail["object"]["key"]
        text = name["prefix"] if isinstance(name, dict) else name
        assert f"{text.removeprefix('/')}" in policies
