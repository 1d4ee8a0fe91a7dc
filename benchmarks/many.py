"""Cases whose time is the number of versions: listings, and the comparison of all replicas."""

import shutil
from collections.abc import Iterator
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
IN_A_BUCKET = 10_000
VERIFIED = 1_000
PATCHES = 1_000
"""How many versions each minor version has."""

KEYS_OF_A_PAGE = 1_000


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
        [Target(Figure.BEFORE_FIRST_OUTPUT, 3 + PATCHES // KEYS_OF_A_PAGE)],
        far,
        first_output=True,
    )
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
    """Yield the listing of a directory, which is removed when the next case is asked for."""
    region = folder / "many"

    def prepare(run: int) -> None:
        if run == 0:
            for number in _numbers(IN_A_DIRECTORY):
                artifact = region / f"P@{number}"
                artifact.mkdir(parents=True)
                for name in ("artifact", "metadata.json"):
                    (artifact / name).touch()

    def check(_: int) -> None:
        _check_printed(folder, IN_A_DIRECTORY)

    words = [*STARTIFACT, "versions", "P", "--regions", f"file:{region}"]
    ours = Candidate(US, lambda _: words, tools.environment(folder), prepare, check)
    yield Case(
        f"versions of {IN_A_DIRECTORY:,} in a directory",
        [ours],
        [Target(Figure.FIRST_OUTPUT, 0.3)],
        first_output=True,
    )
    shutil.rmtree(region, ignore_errors=True)


class Many:
    """Commands about many versions, at *near* as the harness reaches it, *far* as commands do."""

    def __init__(self, near: Server, far: Server, folder: Path) -> None:
        self._near = near
        self._folder = folder
        self._environment = tools.environment(folder)
        self._spelled = ["--regions", far.spec()]

    def versions(self) -> Candidate:
        """Return the listing of one bucket."""

        def prepare(run: int) -> None:
            if run == 0:
                store = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
                for number in _numbers(IN_A_BUCKET):
                    store.put_object(self._near.bucket, f"listed@{number}", b"")

        def check(_: int) -> None:
            _check_printed(self._folder, IN_A_BUCKET)

        words = [*AS_AWS, "versions", "listed", *self._spelled]
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
