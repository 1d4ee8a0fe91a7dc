"""Whatever stands in a region: no command does more with it than show it, escaped."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from startifact import errors
from tests.functional.repair.project_fixture import CONTENT, ProjectFixture
from tests.security.conftest import Run
from tests.security.texts import CORPUS, STORABLE, is_harmless, unsafe_text
from tests.support.limits import Session

# These repeat themselves many times; measuring coverage would double their time.
pytestmark = pytest.mark.no_cover

FACTS = (
    "filename", "staged-at", "repository", "commit", "ref", "run", "actor", "format", "sha256",
    "size", "removed-at", "unknown",
)  # fmt: skip


def commands(fixture: ProjectFixture, folder: Path) -> list[list[str]]:
    """Return every command that looks at what is stored."""
    (folder / "other").write_bytes(b"other")
    return [
        ["info", fixture.project],
        ["info", fixture.key, "--json"],
        ["download", fixture.key, f"{folder}/back"],
        ["download", fixture.key, f"{folder}/in", "--load-filename", "--json"],
        ["versions", fixture.project],
        ["verify", fixture.project, "--read-data"],
        ["verify", fixture.project, "--json"],
        ["repair", fixture.project, "--dry-run"],
        ["repair", fixture.key, "--json"],
        ["stage", fixture.key, f"{folder}/other", "-v"],
        ["stage", fixture.key, f"{folder}/other", "--if-exists=keep", "--json"],
    ]


def run_all(run: Run, fixture: ProjectFixture, folder: Path) -> None:
    for words in commands(fixture, folder):
        run(*words, f"--regions={','.join(fixture.regions)}")
    assert not [path for path in folder.parent.iterdir() if "evil" in path.name]


@pytest.mark.parametrize("fact", FACTS)
@pytest.mark.represented_by("filename", "unknown")
def test_case_28_facts(run: Run, file_project: ProjectFixture, tmp_path: Path, fact: str) -> None:
    """A fact of ours can hold anything, in one region or in all."""
    fixture = file_project
    fixture.stage()
    record = json.loads(fixture.a.encoded_record(fixture.key))
    for count, text in enumerate(CORPUS):
        encoded_record = json.dumps(record | {f"startifact:{fact}": text})
        for backend in fixture.backends[: 1 + count % 3]:
            backend.plant(fixture.key, CONTENT, encoded_record)

        run_all(run, fixture, tmp_path)


def test_case_28_metadata(run: Run, file_project: ProjectFixture, tmp_path: Path) -> None:
    """Keys and values of the user's metadata can hold anything, and reach programs as they are."""
    fixture = file_project
    fixture.stage()
    record = json.loads(fixture.a.encoded_record(fixture.key))
    for text in CORPUS:
        metadata = {text: text, "other": text}
        for backend in fixture.backends:
            backend.plant(fixture.key, CONTENT, json.dumps(record | metadata))

        run_all(run, fixture, tmp_path)
        reported = run("info", fixture.key, "--json", f"--regions={fixture.regions[0]}")

        assert reported.json["metadata"] == metadata


def test_file_name(run: Run, file_project: ProjectFixture, tmp_path: Path) -> None:
    """A saved file name that is restored is shown as it is, and is only ever a name."""
    fixture = file_project
    fixture.stage()
    record = json.loads(fixture.a.encoded_record(fixture.key))
    for number, text in enumerate(STORABLE):
        encoded_record = json.dumps(record | {"startifact:filename": f"../{text}"})
        for backend in fixture.backends:
            backend.plant(fixture.key, CONTENT, encoded_record)

        done = run(
            "download", fixture.key, tmp_path / f"in{number}", "--load-filename",
            f"--regions={','.join(fixture.regions)}",
        )  # fmt: skip

        assert done.code == 7
        assert not (tmp_path / f"in{number}").exists()


@pytest.mark.parametrize(
    "channel",
    [
        lambda text: text,
        pytest.param(
            lambda text: json.dumps({"version": text, "generation": 1}),
            marks=pytest.mark.exhaustive,
        ),
        lambda text: json.dumps({"version": "1.0.0", "generation": 1, text: text, "by": text}),
        pytest.param(
            lambda text: json.dumps({"version": "1.0.0", "generation": 1, "previous": text}),
            marks=pytest.mark.exhaustive,
        ),
    ],
    ids=["text", "version", "more", "previous"],
)
def test_case_28_channel(
    run: Run, file_project: ProjectFixture, tmp_path: Path, channel: Callable[[str], str]
) -> None:
    """A channel can hold anything."""
    fixture = file_project
    fixture.stage()
    for text in STORABLE:
        data = channel(text).encode(errors="surrogatepass")
        fixture.a.plain(fixture.latest, data)

        run_all(run, fixture, tmp_path)


def test_names_in_a_listing(run: Run, file_project: ProjectFixture, tmp_path: Path) -> None:
    """What else is in a region can have any name."""
    fixture = file_project
    fixture.stage()
    folder = Path(fixture.regions[0].removeprefix("file://"))
    for text in STORABLE:
        name = text.replace("/", "_").replace("\0", "_")[:100]
        (folder / f"{fixture.project}@1.0.0{name}").mkdir(exist_ok=True)
        (folder / f"{fixture.project}@1.0.0{name}" / "artifact").touch()

    run_all(run, fixture, tmp_path)
    done = run("versions", fixture.project, "-v", f"--regions={fixture.regions[0]}")

    assert done.out.splitlines()[-1] == "1.0.0"
    assert "which is not a version of" in done.err


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(metadata=st.dictionaries(unsafe_text, unsafe_text, max_size=4), channel=unsafe_text)
def test_any_text(
    run: Run, file_project: ProjectFixture, tmp_path: Path, metadata: dict[str, str], channel: str
) -> None:
    """The same is true of any text at all, in a record and in a channel."""
    fixture = file_project
    if not Path(fixture.regions[0].removeprefix("file://")).exists():
        fixture.stage()
        (tmp_path / "record").write_text(fixture.a.encoded_record(fixture.key))
    record = json.loads((tmp_path / "record").read_text())
    facts = {
        f"startifact:{name}": text for name, text in zip(FACTS, metadata.values(), strict=False)
    }
    fixture.a.plant(fixture.key, CONTENT, json.dumps(record | metadata | facts))
    fixture.b.plant(fixture.key, CONTENT, json.dumps(record | metadata))
    fixture.c.plain(fixture.latest, channel.encode(errors="surrogatepass"))

    run_all(run, fixture, tmp_path)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=unsafe_text)
def test_exceptions(file_project: ProjectFixture, text: str) -> None:
    """The library's exceptions are as harmless as what is printed."""
    fixture = file_project
    if not Path(fixture.regions[0].removeprefix("file://")).exists():
        fixture.stage()
    fixture.a.plant(fixture.key, CONTENT, json.dumps({text: text, "startifact:format": text}))
    fixture.b.plant(
        fixture.key, CONTENT, json.dumps({"startifact:format": "1", "startifact:size": text})
    )
    session = Session(regions=fixture.regions[:2])
    found = session.verify(fixture.project, read_data=True)
    done = session.repair(fixture.project)
    said = [str(d.message) for d in found.differences]
    said += [f"{e}\n{e.hint}" for e in done.refusals]

    with pytest.raises(errors.StartifactError) as caught:
        session.get(fixture.project, "1.0.0")

    assert len(said) >= 2
    assert all(map(is_harmless, [*said, caught.value.message]))
