"""Any mixture of damages: what verify finds is mended or refused, and nothing sound is lost."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from semver import Version

from startifact.channels.latest import parse_pointer
from startifact.errors import IntegrityError, NotFoundError
from startifact.model.versions import is_later
from tests.functional.repair.shop import CONTENT, OTHER, Shop, sha256
from tests.support.places import Directory, Place

VERSIONS = ("1.0.0", "1.1.0-rc.1", "2.0.0")


def remove(shop: Shop, place: Place, key: str) -> None:
    place.remove(key)


def break_record(shop: Shop, place: Place, key: str) -> None:
    place.plant(key, CONTENT, "not JSON")


def flip(shop: Shop, place: Place, key: str) -> None:
    shop.rewrite(place, key, b"sugar and wAter\n")


def cut(shop: Shop, place: Place, key: str) -> None:
    shop.rewrite(place, key, b"sugar")


def forge(shop: Shop, place: Place, key: str) -> None:
    shop.forge(place, key, OTHER)


def upgrade(shop: Shop, place: Place, key: str) -> None:
    shop.rewrite(place, key, format="2")


def half(shop: Shop, place: Place, key: str) -> None:
    assert isinstance(place, Directory)
    (place.root / key / "artifact").unlink()


DAMAGES: list[Callable[[Shop, Place, str], None]] = [
    remove, break_record, flip, cut, forge, upgrade, half,
]  # fmt: skip

damages = st.lists(
    st.tuples(st.sampled_from(DAMAGES), st.integers(0, 2), st.sampled_from(VERSIONS)),
    max_size=5,
    unique_by=lambda damage: damage[1:],
)
channels = st.lists(
    st.tuples(st.sampled_from([None, "not JSON", *VERSIONS, "9.0.0"]), st.integers(0, 2)),
    max_size=3,
    unique_by=lambda damage: damage[1],
)


def build(folder: Path) -> Shop:
    roots = [folder / name for name in "abc"]
    shop = Shop([Directory(f"file://{root}", root) for root in roots], folder)
    for version in VERSIONS:
        shop.stage(version, version.encode() + CONTENT)
    return shop


def latest(shop: Shop) -> list[Version | None]:
    found: list[Version | None] = []
    for place in shop.places:
        try:
            found.append(parse_pointer(place.text(shop.latest), where="a test").version)
        except (FileNotFoundError, IntegrityError):
            found.append(None)
    return found


def sound(shop: Shop) -> set[tuple[int, str, str]]:
    """Return every artifact whose bytes are what its record says, wherever it is kept."""
    found = set()
    for number, place in enumerate(shop.places):
        for key, value in place.snapshot().items():
            if key.endswith("/artifact") and isinstance(value, tuple):
                digest = hashlib.sha256(value[2]).hexdigest()
                found.add((number, digest, key.removesuffix("/artifact")))
    return found


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(damaged=damages, moved=channels, keep=st.booleans())
def test_whatever_is_broken(
    clean_environment: None,
    damaged: list[tuple[Callable[[Shop, Place, str], None], int, str]],
    moved: list[tuple[str | None, int]],
    keep: bool,
) -> None:
    """
    A repair ends with regions that compare as equal, or says what it must not do; what it must not
    decide it leaves as it is, no ``latest`` goes back, and no content is gone afterwards.
    """
    with TemporaryDirectory() as folder:
        shop = build(Path(folder))
        for damage, number, version in damaged:
            damage(shop, shop.places[number], shop.at(version))
        for text, number in moved:
            plant_latest(shop, shop.places[number], text)
        before, contents = latest(shop), {digest for _, digest, _ in sound(shop)}
        untouched = shop.snapshot()

        found = shop.verify(read_data=True)
        if keep:
            keep_first(shop)
        foretold = shop.repair(read_data=True, read_only=True)
        done = shop.repair(read_data=True)
        again = shop.verify(read_data=True)

        assert done.failures == {}
        assert done.steps == foretold.steps
        assert bool(again) == (not done.refusals)
        if found:
            assert shop.snapshot() == untouched
        for was, now in zip(before, latest(shop), strict=True):
            assert was is None or (now is not None and not is_later(was, now))
        assert contents <= {digest for _, digest, _ in sound(shop)}


def keep_first(shop: Shop) -> None:
    """Settle one version by its digest; where no region has a sound copy nothing is changed."""
    before, digest = shop.snapshot(), right(shop)
    try:
        shop.repair("1.0.0", keep=digest)
    except NotFoundError:
        kept = {(found, key) for _, found, key in sound(shop)}
        assert (digest.removeprefix("sha256:"), shop.at("1.0.0")) not in kept
        assert shop.snapshot() == before


def plant_latest(shop: Shop, place: Place, text: str | None) -> None:
    """Take ``latest`` away, or put a version or junk there."""
    if text is None:
        place.erase(shop.latest)
    elif text == "not JSON":
        place.write(shop.latest, text)
    else:
        place.write(shop.latest, f'{{"version":"{text}","generation":7}}\n')


def right(shop: Shop) -> str:
    """Return a digest that can be kept, or one that cannot."""
    for place in shop.places:
        try:
            if place.content(shop.at("1.0.0")) == b"1.0.0" + CONTENT:
                return f"sha256:{sha256(b'1.0.0' + CONTENT)}"
        except FileNotFoundError:
            continue
    return f"sha256:{sha256(OTHER)}"
