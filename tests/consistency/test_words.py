"""Words that had to be explained do not come back, in code, tests, messages or documents."""

import re
import tokenize
from pathlib import Path

import pytest

from tests.support.runner_step import PROJECT

# Each with the field's own term, which stands in its place. These are refused everywhere: in prose,
# in names and as a part of a name.
WORDS = {
    "ledger": "StagingState, record_…",
    "sight": "RegionSnapshot",
    "glimpse": "early replica",
    "worksheet": "RepairLog",
    "forwarder": "LatestRepairer",
    "mover": "ChannelWriter",
    "misshapen": "UnexpectedFileType",
    "misplaced": "WrongRegion",
    "survey": "Resolution",
    "settle": "resolve, decide",
    "verdict": "vote",
    "uncomparable": "IndeterminateContent",
    "told": "reported, shown, named, distinguished",
    "hostile": "unsafe",
    "mend": "repair",
    "mended": "repaired",
    "mending": "repairing, repair",
    "cloud": "AwsAccount, AWS",
    "patience": "idle time-out, wait",
    "hurry": "what is true then, such as is_late",
    "publish": "stage; mirror for SSM",
    "published": "staged; mirrored for SSM",
    "run limited": "WorkerPool",
    "prepare to write": "preflight",
    "ascii controls": "escape_nonprintable",
    "without secrets": "redact",
    "carry out": "execute, run",
    "carried out": "executed, run",
    "as seen here": "to_container_path",
    "take down": "fail_region in tests, record in the code",
    "taken down": "failed in tests, recorded in the code",
    "none such": "plain English, such as 'there is none'",
    "waited for no more": "no longer waited for",
    "by whom": "who",
}

# These are good English words, and bad names: they are refused as a whole name in Python.
NAMES = {
    "Round": "FanOut",
    "alone": "run_one, or what is by itself",
    "Watch": "Heartbeat",
    "moved": "beat, or what has moved",
    "Answered": "Success",
    "Failed": "Failure",
    "saw": "record_…",
    "spent": "record_…",
    "wrote": "record_…",
    "compared": "record_…, verification",
    "look": "inspect",
    "Copy": "Replica; mirror for SSM",
    "Held": "ReplicaStatus",
    "held": "what is held, such as content or connections",
    "hold": "record_…, or what waits for what",
    "View": "RegionInventory",
    "Inspection": "ProjectInventory",
    "Kind": "FindingKind, ValueKind",
    "Difference": "Finding",
    "Order": "StageRequest",
    "did": "RepairLog",
    "floor": "highest_known",
    "Pointer": "ChannelRecord",
    "ChannelState": "StoredChannel",
    "by": "moved_by",
    "publishes": "has_mirror",
    "place": "store, sandbox path",
    "admit": "check_project",
    "peers": "configured_regions",
    "beside": "legacy_metadata",
    "Spelling": "RegionSpec",
    "Inside": "NoFollowDirectory",
    "document": "encoded_record",
    "DOCUMENT": "ENCODED_RECORD",
    "pairs": "metadata",
    "PAIRS": "METADATA",
    "stall": "idle_timeout",
    "GRACE": "a field of Limits",
    "WINDOW": "quorum_wait_seconds in Limits",
    "seen": "what was seen, such as requests or versions",
    "shown": "quoted, or what is shown",
    "agreement": "consistency",
    "Shelf": "StoreState",
    "shelf": "state",
    "Shop": "ProjectFixture",
}

# "Told to" and "told apart" are plain English; only "told" for "reported" was in the way.
PLAIN = re.compile(
    r"told (?:\w+ )?to\b|told apart|CloudFormation|GovCloud|Google Cloud Storage|Enterprise Cloud"
    r"|aws lambda publish-version"
)

FILES = [
    *(
        path
        for folder in ("src", "tests", "docs", "scripts", "composite")
        for path in sorted((PROJECT / folder).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and path != Path(__file__)
    ),
    # The changelog is not among them: it says what something was called before.
    *(PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "action.yml")),
]


def pattern(word: str) -> str:
    """Return what matches *word* in prose and in names: ``a_word``, ``ItsWord``, ``words``."""
    first, rest = word[0], word[1:].replace(" ", "[ _-]?")
    return rf"(?:(?<![A-Za-z])[{first}{first.upper()}]|{first.upper()})(?i:{rest}s?)(?![a-z])"


def uses(text: str, word: str) -> list[str]:
    """Return each line of *text* that has *word*, with its number."""
    search = re.compile(pattern(word)).search
    if not search(text):  # as almost always: reading line by line takes ten times as long
        return []
    lines = enumerate(text.splitlines(), 1)
    return [f"{n}: {line.strip()}" for n, line in lines if search(PLAIN.sub("", line))]


def names_in(path: Path) -> list[tuple[str, int]]:
    """Return each name in the Python file *path*, with its line."""
    with path.open("rb") as file:
        tokens = list(tokenize.tokenize(file.readline))
    return [(token.string, token.start[0]) for token in tokens if token.type == tokenize.NAME]


@pytest.fixture(scope="module")
def texts() -> dict[str, tuple[str, str]]:
    """Return the text of each file, by its path in the project, and both in small letters."""
    found = {}
    for path in FILES:
        name = path.relative_to(PROJECT).as_posix()
        text = path.read_text(encoding="utf-8", errors="replace")
        found[name] = (text, f"{name}\n{text}".lower())
    return found


@pytest.mark.parametrize("word", WORDS)
def test_word_is_gone(word: str, texts: dict[str, tuple[str, str]]) -> None:
    """No file has the word, in its text or its name."""
    found = []
    for name, (text, small) in texts.items():
        if word.partition(" ")[0] not in small:  # as almost always: the pattern takes far longer
            continue
        found += [f"{name}:{use}" for use in uses(f"{text}\n", word)]
        found += [name] if uses(name, word) else []

    assert not found, f"say {WORDS[word]} instead of {word!r}:\n" + "\n".join(found)


def test_names_are_gone() -> None:
    """Nothing in Python has one of the names, which say something only in a sentence."""
    found = [
        f"{path.relative_to(PROJECT).as_posix()}:{line}: say {NAMES[name]} instead of {name!r}"
        for path in FILES
        if path.suffix == ".py"
        for name, line in names_in(path)
        if name in NAMES
    ]

    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "text",
    ["a Mover", "movers", "_mover", "ChannelMover", "MOVERS", "move_mover()", "mover.move"],
)
def test_refused(text: str) -> None:
    """The word is found by itself, in a name, and in the plural."""
    assert uses(text, "mover")


@pytest.mark.parametrize("text", ["remover", "move", "moved"])
def test_part_of_another_word(text: str) -> None:
    """A longer word that happens to end like it is another word."""
    assert not uses(text, "mover")


@pytest.mark.parametrize("text", ["take_down", "take down", "TakeDown", "takedown"])
def test_two_words(text: str) -> None:
    """Two words are found however they are joined."""
    assert uses(text, "take down")


@pytest.mark.parametrize("text", ["is told to stop", "told one to stop", "are told apart"])
def test_plain_english(text: str) -> None:
    """Who is asked to do something is told to; what is not the same is told apart."""
    assert not uses(text, "told")
    assert uses(f"{text}, and why is told", "told")
