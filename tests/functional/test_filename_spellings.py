"""File names that Unicode can spell in two ways: composed (NFC) and decomposed (NFD)."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact.errors import AlreadyStagedError
from tests.support.backends import Directory
from tests.support.limits import Session

MakeFile = Callable[..., Path]

KEY = "SugarWater@1.0.0"
NFC, NFD = "gel\u00e9.txt", "gele\u0301.txt"
FILENAME = "startifact:filename"


@pytest.fixture
def backends(directories: list[str]) -> list[Directory]:
    """Return what is behind three regions."""
    return [Directory(spec, Path(spec.removeprefix("file://"))) for spec in directories]


def spell(backend: Directory, name: str) -> str:
    """Store the name in the record of *backend* as *name*, and return the record."""
    record = json.dumps({**json.loads(backend.encoded_record(KEY)), FILENAME: name})
    backend.plant(KEY, backend.content(KEY), record)
    return record


def test_name_is_stored_composed(
    directories: list[str], backends: list[Directory], make_file: MakeFile
) -> None:
    """Whatever the system that stages writes, the composed spelling is what is stored."""
    staging = Session(regions=directories).stage(
        "SugarWater", "1.0.0", make_file(name=NFD), save_filename=True
    )

    assert staging.artifact.filename == NFC
    assert [json.loads(b.encoded_record(KEY))[FILENAME] for b in backends] == [NFC] * 3


@pytest.mark.parametrize(("first", "again"), [(NFC, NFD), (NFD, NFC)])
def test_same_file_from_another_system(
    directories: list[str], make_file: MakeFile, first: str, again: str
) -> None:
    """The same file, spelled as another system spells it, is the same content."""
    session = Session(regions=directories)
    session.stage("SugarWater", "1.0.0", make_file(name=first), save_filename=True)

    staging = session.stage("SugarWater", "1.0.0", make_file(name=again), save_filename=True)

    assert not staging.created


def test_filled_region_has_the_record_as_it_is(
    directories: list[str], backends: list[Directory], make_file: MakeFile
) -> None:
    """Where a record has the decomposed spelling, staging again fills regions with that record."""
    session = Session(regions=directories)
    session.stage("SugarWater", "1.0.0", make_file(name=NFC), save_filename=True)
    records = [spell(backend, NFD) for backend in backends]
    backends[1].remove(KEY)

    session.stage("SugarWater", "1.0.0", make_file(name=NFC), save_filename=True)

    assert backends[1].encoded_record(KEY) == records[0]


def test_repair_has_the_record_as_it_is(
    directories: list[str], backends: list[Directory], make_file: MakeFile
) -> None:
    """Two spellings are no difference for verify and repair, which fills with what is stored."""
    session = Session(regions=directories)
    session.stage("SugarWater", "1.0.0", make_file(name=NFC), save_filename=True)
    record = spell(backends[0], NFD)
    backends[2].remove(KEY)

    assert [d.kind for d in session.verify("SugarWater", "1.0.0").differences] == ["missing"]
    assert session.repair("SugarWater")
    assert session.verify("SugarWater")
    assert backends[2].encoded_record(KEY) == record


def test_spellings_do_not_split_the_vote(
    directories: list[str],
    backends: list[Directory],
    make_file: MakeFile,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Regions that spell the name differently agree, and readers are not warned."""
    Session(regions=directories).stage(
        "SugarWater", "1.0.0", make_file(name=NFC), save_filename=True
    )
    spell(backends[0], NFD)
    backends[2].remove(KEY)

    artifact = Session(regions=directories[:2]).get("SugarWater", "1.0.0")

    assert [o.state for o in artifact.downloader.outcomes()] == ["present", "present"]
    assert caplog.messages == []


def test_file_has_one_name_whichever_region_serves_it(
    directories: list[str], backends: list[Directory], make_file: MakeFile, tmp_path: Path
) -> None:
    """What is downloaded has the composed spelling, also where a record has the other one."""
    Session(regions=directories).stage(
        "SugarWater", "1.0.0", make_file(name=NFC), save_filename=True
    )
    spell(backends[0], NFD)

    for directory in directories[:2]:
        artifact = Session(regions=directory).get("SugarWater", "1.0.0")
        path = artifact.downloader.download(tmp_path / "new", load_filename=True)

        assert (artifact.filename, path.name) == (NFC, NFC)
    assert [path.name for path in (tmp_path / "new").iterdir()] == [NFC]


@pytest.mark.parametrize(
    ("first", "again", "expected"),
    [
        ("p\u0430y.txt", "pay.txt", "('pay.txt' instead of 'p\\u0430y.txt')"),
        ("a\u00a0b.txt", "a b.txt", "('a b.txt' instead of 'a\\xa0b.txt')"),
        ("gel\u00e9.txt", "other.txt", "('other.txt' instead of 'gel\u00e9.txt')"),
    ],
)
def test_names_that_look_alike_are_escaped(
    directories: list[str], make_file: MakeFile, first: str, again: str, expected: str
) -> None:
    """Where two names look the same, the message says what is different; others stay readable."""
    session = Session(regions=directories)
    session.stage("SugarWater", "1.0.0", make_file(name=again), save_filename=True)

    with pytest.raises(AlreadyStagedError) as caught:
        session.stage("SugarWater", "1.0.0", make_file(name=first), save_filename=True)

    assert f"the file name {expected}" in caught.value.message


def test_metadata_is_compared_as_it_is_written(directories: list[str], make_file: MakeFile) -> None:
    """Metadata in another spelling is other content, and the message shows the difference."""
    session = Session(regions=directories)
    metadata = {"drink": "gel\u00e9", "gel\u00e9": "x", "lang": "a"}
    session.stage("SugarWater", "1.0.0", make_file(), metadata=metadata)

    with pytest.raises(AlreadyStagedError) as caught:
        session.stage(
            "SugarWater",
            "1.0.0",
            make_file(),
            metadata={"drink": "gele\u0301", "gele\u0301": "x", "lang": "b"},
        )

    text = caught.value.message
    assert "'drink': 'gel\\xe9' instead of 'gele\\u0301'" in text
    assert "'gel\\xe9'," in text
    assert "'gele\\u0301'," in text
    assert "'lang')" in text
