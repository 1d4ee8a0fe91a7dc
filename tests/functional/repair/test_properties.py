"""Any mixture of damages: what verify finds is repaired or refused, and nothing sound is lost."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from semver import Version

from startifact.channels.record import parse_channel_record
from startifact.errors import IntegrityError, NotFoundError
from startifact.model.versions import is_later
from tests.functional.repair.project_fixture import CONTENT, OTHER, ProjectFixture, sha256
from tests.support.backends import Backend, Directory

VERSIONS = ("1.0.0", "1.1.0-rc.1", "2.0.0")


def remove(fixture: ProjectFixture, backend: Backend, key: str) -> None:
    backend.remove(key)


def break_record(fixture: ProjectFixture, backend: Backend, key: str) -> None:
    backend.plant(key, CONTENT, "not JSON")


def flip(fixture: ProjectFixture, backend: Backend, key: str) -> None:
    fixture.rewrite(backend, key, b"sugar and wAter\n")


def cut(fixture: ProjectFixture, backend: Backend, key: str) -> None:
    fixture.rewrite(backend, key, b"sugar")


def forge(fixture: ProjectFixture, backend: Backend, key: str) -> None:
    fixture.forge(backend, key, OTHER)


def upgrade(fixture: ProjectFixture, backend: Backend, key: str) -> None:
    fixture.rewrite(backend, key, format="2")


def half(fixture: ProjectFixture, backend: Backend, key: str) -> None:
    assert isinstance(backend, Directory)
    (backend.root / key / "artifact").unlink()


DAMAGES: list[Callable[[ProjectFixture, Backend, str], None]] = [
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


def build(folder: Path) -> ProjectFixture:
    roots = [folder / name for name in "abc"]
    fixture = ProjectFixture([Directory(f"file://{root}", root) for root in roots], folder)
    for version in VERSIONS:
        fixture.stage(version, version.encode() + CONTENT)
    return fixture


def latest(fixture: ProjectFixture) -> list[Version | None]:
    found: list[Version | None] = []
    for backend in fixture.backends:
        try:
            found.append(parse_channel_record(backend.text(fixture.latest), where="a test").version)
        except (FileNotFoundError, IntegrityError):
            found.append(None)
    return found


def sound(fixture: ProjectFixture) -> set[tuple[int, str, str]]:
    """Return every artifact whose bytes are what its record says, wherever it is kept."""
    found = set()
    for number, backend in enumerate(fixture.backends):
        for key, value in backend.snapshot().items():
            if key.endswith("/artifact") and isinstance(value, tuple):
                digest = hashlib.sha256(value[2]).hexdigest()
                found.add((number, digest, key.removesuffix("/artifact")))
    return found


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(damaged=damages, channel_versions=channels, keep=st.booleans())
def test_whatever_is_broken(
    clean_environment: None,
    damaged: list[tuple[Callable[[ProjectFixture, Backend, str], None], int, str]],
    channel_versions: list[tuple[str | None, int]],
    keep: bool,
) -> None:
    """
    A repair ends with regions that compare as equal, or says what it must not do; what it must not
    decide it leaves as it is, no ``latest`` goes back, and no content is gone afterwards.
    """
    with TemporaryDirectory() as folder:
        fixture = build(Path(folder))
        for damage, number, version in damaged:
            damage(fixture, fixture.backends[number], fixture.at(version))
        for text, number in channel_versions:
            plant_latest(fixture, fixture.backends[number], text)
        before, contents = latest(fixture), {digest for _, digest, _ in sound(fixture)}
        untouched = fixture.snapshot()

        found = fixture.verify(read_data=True)
        if keep:
            keep_first(fixture)
        foretold = fixture.repair(read_data=True, read_only=True)
        done = fixture.repair(read_data=True)
        again = fixture.verify(read_data=True)

        assert done.failures == {}
        assert done.steps == foretold.steps
        assert bool(again) == (not done.refusals)
        if found:
            assert fixture.snapshot() == untouched
        for was, now in zip(before, latest(fixture), strict=True):
            assert was is None or (now is not None and not is_later(was, now))
        assert contents <= {digest for _, digest, _ in sound(fixture)}


def keep_first(fixture: ProjectFixture) -> None:
    """Repair one version by its digest; where no region has a sound copy nothing is changed."""
    before, digest = fixture.snapshot(), right(fixture)
    try:
        fixture.repair("1.0.0", keep=digest)
    except NotFoundError:
        kept = {(found, key) for _, found, key in sound(fixture)}
        assert (digest.removeprefix("sha256:"), fixture.at("1.0.0")) not in kept
        assert fixture.snapshot() == before


def plant_latest(fixture: ProjectFixture, backend: Backend, text: str | None) -> None:
    """Take ``latest`` away, or put a version or junk there."""
    if text is None:
        backend.erase(fixture.latest)
    elif text == "not JSON":
        backend.write(fixture.latest, text)
    else:
        backend.write(fixture.latest, f'{{"version":"{text}","generation":7}}\n')


def right(fixture: ProjectFixture) -> str:
    """Return a digest that can be kept, or one that cannot."""
    for backend in fixture.backends:
        try:
            if backend.content(fixture.at("1.0.0")) == b"1.0.0" + CONTENT:
                return f"sha256:{sha256(b'1.0.0' + CONTENT)}"
        except FileNotFoundError:
            continue
    return f"sha256:{sha256(OTHER)}"
