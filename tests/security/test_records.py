"""Whatever stands in a region: no command does more with it than show it, escaped."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from startifact import Session, errors
from tests.functional.repair.shop import CONTENT, Shop
from tests.security.conftest import Run
from tests.security.texts import CORPUS, STORABLE, hostile_text, is_harmless

# These repeat themselves many times; measuring coverage would double their time.
pytestmark = pytest.mark.no_cover

FACTS = (
    "filename", "staged-at", "repository", "commit", "ref", "run", "actor", "format", "sha256",
    "size", "removed-at", "unknown",
)  # fmt: skip


def commands(shop: Shop, folder: Path) -> list[list[str]]:
    """Return every command that looks at what is stored."""
    (folder / "other").write_bytes(b"other")
    return [
        ["info", shop.project],
        ["info", shop.key, "--json"],
        ["download", shop.key, f"{folder}/back"],
        ["download", shop.key, f"{folder}/in", "--load-filename", "--json"],
        ["versions", shop.project],
        ["verify", shop.project, "--read-data"],
        ["verify", shop.project, "--json"],
        ["repair", shop.project, "--dry-run"],
        ["repair", shop.key, "--json"],
        ["stage", shop.key, f"{folder}/other", "-v"],
        ["stage", shop.key, f"{folder}/other", "--if-exists=keep", "--json"],
    ]


def run_all(run: Run, shop: Shop, folder: Path) -> None:
    for words in commands(shop, folder):
        run(*words, f"--regions={','.join(shop.regions)}")
    assert not [path for path in folder.parent.iterdir() if "evil" in path.name]


@pytest.mark.parametrize("fact", FACTS)
def test_case_28_facts(run: Run, corner_shop: Shop, tmp_path: Path, fact: str) -> None:
    """A fact of ours can hold anything, in one region or in all."""
    shop = corner_shop
    shop.stage()
    record = json.loads(shop.a.document(shop.key))
    for count, text in enumerate(CORPUS):
        document = json.dumps(record | {f"startifact:{fact}": text})
        for place in shop.places[: 1 + count % 3]:
            place.plant(shop.key, CONTENT, document)

        run_all(run, shop, tmp_path)


def test_case_28_metadata(run: Run, corner_shop: Shop, tmp_path: Path) -> None:
    """Keys and values of the user's metadata can hold anything, and reach programs as they are."""
    shop = corner_shop
    shop.stage()
    record = json.loads(shop.a.document(shop.key))
    for text in CORPUS:
        pairs = {text: text, "other": text}
        for place in shop.places:
            place.plant(shop.key, CONTENT, json.dumps(record | pairs))

        run_all(run, shop, tmp_path)
        told = run("info", shop.key, "--json", f"--regions={shop.regions[0]}")

        assert told.json["metadata"] == pairs


def test_file_name(run: Run, corner_shop: Shop, tmp_path: Path) -> None:
    """A saved file name that is restored is shown as it is, and is only ever a name."""
    shop = corner_shop
    shop.stage()
    record = json.loads(shop.a.document(shop.key))
    for number, text in enumerate(STORABLE):
        document = json.dumps(record | {"startifact:filename": f"../{text}"})
        for place in shop.places:
            place.plant(shop.key, CONTENT, document)

        done = run(
            "download", shop.key, tmp_path / f"in{number}", "--load-filename",
            f"--regions={','.join(shop.regions)}",
        )  # fmt: skip

        assert done.code == 7
        assert not (tmp_path / f"in{number}").exists()


@pytest.mark.parametrize(
    "channel",
    [
        lambda text: text,
        lambda text: json.dumps({"version": text, "generation": 1}),
        lambda text: json.dumps({"version": "1.0.0", "generation": 1, text: text, "by": text}),
        lambda text: json.dumps({"version": "1.0.0", "generation": 1, "previous": text}),
    ],
    ids=["text", "version", "more", "previous"],
)
def test_case_28_channel(
    run: Run, corner_shop: Shop, tmp_path: Path, channel: Callable[[str], str]
) -> None:
    """A channel can hold anything."""
    shop = corner_shop
    shop.stage()
    for text in STORABLE:
        data = channel(text).encode(errors="surrogatepass")
        shop.a.plain(shop.latest, data)

        run_all(run, shop, tmp_path)


def test_names_in_a_listing(run: Run, corner_shop: Shop, tmp_path: Path) -> None:
    """What else is in a region can have any name."""
    shop = corner_shop
    shop.stage()
    folder = Path(shop.regions[0].removeprefix("file://"))
    for text in STORABLE:
        name = text.replace("/", "_").replace("\0", "_")[:100]
        (folder / f"{shop.project}@1.0.0{name}").mkdir(exist_ok=True)
        (folder / f"{shop.project}@1.0.0{name}" / "artifact").touch()

    run_all(run, shop, tmp_path)
    done = run("versions", shop.project, "-v", f"--regions={shop.regions[0]}")

    assert done.out.splitlines()[-1] == "1.0.0"
    assert "which is not a version of" in done.err


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(pairs=st.dictionaries(hostile_text, hostile_text, max_size=4), channel=hostile_text)
def test_any_text(
    run: Run, corner_shop: Shop, tmp_path: Path, pairs: dict[str, str], channel: str
) -> None:
    """The same is true of any text at all, in a record and in a channel."""
    shop = corner_shop
    if not Path(shop.regions[0].removeprefix("file://")).exists():
        shop.stage()
        (tmp_path / "record").write_text(shop.a.document(shop.key))
    record = json.loads((tmp_path / "record").read_text())
    facts = {f"startifact:{name}": text for name, text in zip(FACTS, pairs.values(), strict=False)}
    shop.a.plant(shop.key, CONTENT, json.dumps(record | pairs | facts))
    shop.b.plant(shop.key, CONTENT, json.dumps(record | pairs))
    shop.c.plain(shop.latest, channel.encode(errors="surrogatepass"))

    run_all(run, shop, tmp_path)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=hostile_text)
def test_exceptions(corner_shop: Shop, text: str) -> None:
    """The library's exceptions are as harmless as what is printed."""
    shop = corner_shop
    if not Path(shop.regions[0].removeprefix("file://")).exists():
        shop.stage()
    shop.a.plant(shop.key, CONTENT, json.dumps({text: text, "startifact:format": text}))
    shop.b.plant(shop.key, CONTENT, json.dumps({"startifact:format": "1", "startifact:size": text}))
    session = Session(regions=shop.regions[:2])
    found = session.verify(shop.project, read_data=True)
    done = session.repair(shop.project)
    said = [str(d.message) for d in found.differences]
    said += [f"{e}\n{e.hint}" for e in done.refusals]

    with pytest.raises(errors.StartifactError) as caught:
        session.get(shop.project, "1.0.0")

    assert len(said) >= 2
    assert all(map(is_harmless, [*said, str(caught.value)]))
