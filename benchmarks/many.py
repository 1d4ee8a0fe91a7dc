"""Cases whose time is the number of versions: listings, and the comparison of all replicas."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from benchmarks import process, tools
from benchmarks.cases import US, Candidate, Case, Figure, Target
from benchmarks.servers import Proxy, Server
from benchmarks.tools import AS_AWS, STARTIFACT

IN_A_DIRECTORY = 50_000
MOST_IN_A_DIRECTORY = 100_000
IN_A_BUCKET = 10_000
VERIFIED = 1_000
PATCHES = 1_000
"""How many versions each minor version has."""

KEYS_OF_A_PAGE = 1_000
KEPT = 20
"""How many versions are kept where the others are to be removed."""

FLAT = Target(Figure.MEMORY, 200)
"""Memory does not grow with the number of versions, but for their names."""


def cases(folder: Path, server: Server, far: Proxy) -> Iterator[Case]:
    """Yield those about a bucket of *server*, which commands reach *far* away.

    What a case needs is stored before its first run, as it may not be asked for.
    """
    many = Many(server, server.at(far.endpoint), folder)
    yield Case(
        f"80 ms: versions of {IN_A_BUCKET:,} in one bucket",
        [many.versions()],
        # A page of all, which is enough for small projects, major versions, minor versions, and the
        # pages of the highest minor version.
        [Target(Figure.BEFORE_FIRST_OUTPUT, 3 + PATCHES // KEYS_OF_A_PAGE), FLAT],
        far,
        first_output=True,
    )
    yield Case(
        f"80 ms: resolve ^1.2 of {IN_A_BUCKET:,} in one bucket", [many.resolve()], [FLAT], far
    )
    plan = replace(many.plan(), runs_once=True)
    yield Case(f"plan a prune of {IN_A_BUCKET:,} in one bucket", [plan], [FLAT], warms_up=False)
    one = many.verify(f"{US}, one at a time", {"BENCH_INVENTORY_WORKERS": "1"})
    one = replace(one, runs_once=True)
    yield Case(
        f"80 ms: verify {VERIFIED:,} versions in one bucket",
        [many.verify(US, {}), one],
        [Target(Figure.WALL, 1 / 8, one.name), Target(Figure.AT_ONCE, 16, is_least=True)],
        far,
    )


def _numbers(count: int) -> list[str]:
    """Return *count* versions, the newest first."""
    return [f"1.{number // PATCHES}.{number % PATCHES}" for number in reversed(range(count))]


def _check_printed(folder: Path, count: int) -> None:
    printed = (folder / "said").read_text(encoding="utf-8").split()
    assert printed == _numbers(count), f"{len(printed):,} lines, or in another order"


def in_directory(folder: Path) -> Iterator[Case]:
    """Yield what is about many versions in a directory, which is removed with the last case."""
    region = Directory(folder)
    yield Case(
        f"versions of {IN_A_DIRECTORY:,} in a directory",
        [region.versions(IN_A_DIRECTORY)],
        [Target(Figure.FIRST_OUTPUT, 0.3)],
        first_output=True,
    )
    count = MOST_IN_A_DIRECTORY
    yield Case(
        f"versions of {count:,} in a directory",
        [region.versions(count)],
        [Target(Figure.FIRST_OUTPUT, 1), FLAT],
        first_output=True,
    )
    yield Case(f"resolve ^1.2 of {count:,} in a directory", [region.resolve(count)], [FLAT])
    plan = replace(region.plan(count), runs_once=True)
    yield Case(f"plan a prune of {count:,} in a directory", [plan], [FLAT], warms_up=False)
    region.remove()


class Directory:
    """Commands about many versions in one directory; as many as a command needs are stored."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._region = folder / "many"
        self._environment = tools.environment(folder)

    def remove(self) -> None:
        """Remove all of them."""
        shutil.rmtree(self._region, ignore_errors=True)

    def versions(self, count: int) -> Candidate:
        """Return the listing."""

        def check(_: int) -> None:
            _check_printed(self._folder, count)

        return self._candidate(count, ["versions", "P"], check)

    def resolve(self, count: int) -> Candidate:
        """Return the question which version a range picks."""

        def check(_: int) -> None:
            said = (self._folder / "said").read_text(encoding="utf-8")
            assert f"P@{_numbers(count)[0]}" in said, said

        return self._candidate(count, ["info", "P@^1.2"], check)

    def plan(self, count: int) -> Candidate:
        """Return the plan of a prune that keeps the newest."""

        def check(_: int) -> None:
            _check_plan(self._folder, count)

        return self._candidate(count, ["prune", "P", "--keep-versions", str(KEPT)], check)

    def _candidate(self, count: int, words: list[str], check: Callable[[int], None]) -> Candidate:
        command = [*STARTIFACT, *words, "--regions", f"file:{self._region}"]

        def prepare(_: int) -> None:
            self._store(count)

        return Candidate(US, lambda _: command, self._environment, prepare, check)

    def _store(self, count: int) -> None:
        """Store *count* versions, where there are others."""
        newest, *others = _numbers(count)
        if (self._region / f"P@{newest}").exists():
            return
        self.remove()
        file = self._folder / "staged"
        file.write_bytes(b"bytes")
        words = ["stage", f"P@{newest}", str(file), "--regions", f"file:{self._region}"]
        process.run([*STARTIFACT, *words], self._environment, self._folder / "said")
        source = self._region / f"P@{newest}"
        stored = {path.name: path.read_bytes() for path in source.iterdir()}
        for number in others:
            artifact = self._region / f"P@{number}"
            artifact.mkdir()
            for name, content in stored.items():
                (artifact / name).write_bytes(content)


def _check_plan(folder: Path, count: int) -> None:
    said = (folder / "said").read_text(encoding="utf-8")
    assert f"{count - KEPT:,}" in said or f"{count - KEPT}" in said, said[-500:]


class Many:
    """Commands about many versions, at *near* as the harness reaches it, *far* as commands do."""

    def __init__(self, near: Server, far: Server, folder: Path) -> None:
        self._near = near
        self._folder = folder
        self._environment = tools.environment(folder)
        self._spelled = ["--regions", far.spec()]

    def versions(self) -> Candidate:
        """Return the listing of one bucket."""

        def prepare(_: int) -> None:
            assert self._listed

        def check(_: int) -> None:
            _check_printed(self._folder, IN_A_BUCKET)

        words = [*AS_AWS, "versions", "listed", *self._spelled]
        return Candidate(US, lambda _: words, self._environment, prepare, check)

    @cached_property
    def _listed(self) -> int:
        """How many versions are stored to be listed; they are, once this is asked for."""
        newest, *others = _numbers(IN_A_BUCKET)
        file = self._folder / "listed"
        file.write_bytes(b"bytes")
        words = ["stage", f"listed@{newest}", str(file), "--regions", self._near.spec()]
        process.run([*AS_AWS, *words], self._environment, self._folder / "said")
        store, bucket = s3_backends[DEFAULT_ACCOUNT_ID]["aws"], self._near.bucket
        first = store.get_object(bucket, f"listed@{newest}")
        assert first is not None
        for number in others:
            stored = store.put_object(bucket, f"listed@{number}", b"bytes")
            stored.set_metadata(first.metadata)
        return 1 + len(others)

    def resolve(self) -> Candidate:
        """Return the question which version a range picks."""

        def prepare(_: int) -> None:
            assert self._listed

        def check(_: int) -> None:
            said = (self._folder / "said").read_text(encoding="utf-8")
            assert f"listed@{_numbers(IN_A_BUCKET)[0]}" in said, said

        words = [*AS_AWS, "info", "listed@^1.2", *self._spelled]
        return Candidate(US, lambda _: words, self._environment, prepare, check)

    def plan(self) -> Candidate:
        """Return the plan of a prune that keeps the newest; nothing delays its requests."""

        def prepare(_: int) -> None:
            assert self._listed

        def check(_: int) -> None:
            _check_plan(self._folder, IN_A_BUCKET)

        words = [*AS_AWS, "prune", "listed", "--keep-versions", str(KEPT)]
        words += ["--regions", self._near.spec()]
        return Candidate(US, lambda _: words, self._environment, prepare, check)

    def verify(self, name: str, environment: dict[str, str]) -> Candidate:
        """Return the comparison of all versions in one bucket, which finds nothing wrong."""

        def prepare(_: int) -> None:
            assert self._verified

        def check(_: int) -> None:
            said = (self._folder / "said").read_text(encoding="utf-8")
            found = f"verified: {VERIFIED} versions in 1 of 1 regions compared, nothing differs"
            assert found in said, said

        words = [*AS_AWS, "verify", "verified", *self._spelled]
        return Candidate(name, lambda _: words, self._environment | environment, prepare, check)

    @cached_property
    def _verified(self) -> int:
        """How many versions are stored to be verified; they are, once this is asked for."""
        newest, *others = _numbers(VERIFIED)
        file = self._folder / "verified"
        file.write_bytes(bytes(1000))
        words = ["stage", f"verified@{newest}", str(file), "--regions", self._near.spec()]
        process.run([*AS_AWS, *words], self._environment, self._folder / "said")
        client, bucket = self._near.client(), self._near.bucket
        record = client.head_object(Bucket=bucket, Key=f"verified@{newest}")["Metadata"]
        put = partial(client.put_object, Bucket=bucket, Body=bytes(1000), Metadata=record)
        with ThreadPoolExecutor(4) as pool:
            keys = [f"verified@{number}" for number in others]
            return 1 + len(list(pool.map(lambda key: put(Key=key), keys)))
