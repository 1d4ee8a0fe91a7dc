"""Cases whose time is bytes: large files, up and down, against versitygw in memory."""

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks import process, tools
from benchmarks.cases import MIB, US, Candidate, Case, Figure, Point, Target
from benchmarks.servers import Proxy, Server, has_seaweedfs, proxy, seaweedfs, versitygw
from benchmarks.tools import AS_AWS, Peers

BUCKETS = 3
COPIED_MIB = 256
BOTO3 = {"boto3": "classic", "boto3, crt": "crt"}
"""By name, which of its transfer clients a program that uses boto3 takes."""

MOST_MEMORY = Target(Figure.MEMORY, 150)
# The headers of a request are a kilobyte; what is sent again would be a part or more.
SENT_ONCE = 1.005
SENT_ONCE_WHERE_COPIED = 1.02


def cases(folder: Path, mib: int) -> Iterator[Case]:
    """Yield them, with servers that last as long as the next is not asked for.

    Files have *mib* MiB, smaller ones for a plot of all sizes, and a quarter of *mib* where round
    trips take 80 ms.
    """
    stored = folder / "stored"
    stored.mkdir()
    with versitygw(stored, BUCKETS) as server:
        for size in sorted({max(1, mib // share) for share in (64, 16, 4, 1)}):
            large = Large(server, server, folder, size)
            case = large.up(
                f"stage {size} MiB into one bucket", _up_targets() if size == mib else []
            )
            yield replace(case, point=Point("stage", "MiB", size), warms_up=size < mib)
            case = large.down(
                f"download {size} MiB, verified", _down_targets() if size == mib else []
            )
            yield replace(case, point=Point("download", "MiB", size))
        yield replace(large.up_three(f"stage {mib} MiB into three buckets"), warms_up=False)
        with proxy(server, 0.08) as far:
            large = Large(server, server.at(far.endpoint), folder, mib // 4, far)
            sent = Target(Figure.SENT, mib // 4 * SENT_ONCE)
            targets = [Target(Figure.WALL, 1.2, "s5cmd"), MOST_MEMORY, sent]
            case = large.up(f"80 ms: stage {mib // 4} MiB into one bucket", targets)
            yield replace(case, warms_up=False)
            targets = [Target(Figure.WALL, 1.3, "s5cmd"), MOST_MEMORY]
            yield large.down(f"80 ms: download {mib // 4} MiB, verified", targets)
    shutil.rmtree(stored)
    yield from copied(folder, min(mib, COPIED_MIB))


def copied(folder: Path, mib: int) -> Iterator[Case]:
    """Yield those of a store that copies between its buckets, where one is installed."""
    if not has_seaweedfs():
        print("SeaweedFS is not installed: no copies are measured", file=sys.stderr)
        return
    stored = folder / "copied"
    stored.mkdir()
    with seaweedfs(stored, BUCKETS) as server:
        large = Large(server, server, folder, mib)
        yield large.up_copied(f"stage {mib} MiB into three buckets that copy", [MOST_MEMORY])
        # It takes part in what is measured, so that this is no matter of time.
        with proxy(server, 0) as counted:
            large = Large(server, server.at(counted.endpoint), folder, mib, counted)
            sent = Target(Figure.SENT, mib * SENT_ONCE_WHERE_COPIED)
            yield large.up_copied(f"sent: {mib} MiB into three buckets that copy", [sent]).alone()
    shutil.rmtree(stored)


def _up_targets() -> list[Target]:
    return [
        Target(Figure.WALL, 0.65, "s5cmd"),
        Target(Figure.CPU, 2.2 / 2.8, "s5cmd"),
        MOST_MEMORY,
    ]


def _down_targets() -> list[Target]:
    return [
        Target(Figure.WALL, 1.3, "s5cmd"),
        Target(Figure.CPU, 1.9 / 1.05, "s5cmd"),
        MOST_MEMORY,
    ]


def _left_out() -> dict[str, str]:
    return {} if tools.has_curl() else {"curl": "not possible here, because it is not installed"}


class Large:
    """Cases with a file of *mib* MiB, at *near* as the harness reaches it, *far* as commands do."""

    def __init__(
        self, near: Server, far: Server, folder: Path, mib: int, proxy: Proxy | None = None
    ) -> None:
        self._near = near
        self._far = far
        self._folder = folder
        self._proxy = proxy
        self._environment = tools.environment(folder)
        self._file = folder / f"large-{mib}"
        self._target = folder / "back"
        digest = hashlib.sha256()
        with self._file.open("wb") as file:
            for _ in range(mib):
                block = os.urandom(MIB)
                digest.update(block)
                file.write(block)
        self._digest = digest.digest()

    def up(self, name: str, targets: list[Target]) -> Case:
        """Return the case of one bucket."""
        candidates = [self._stage(1), *self._uploads()]
        return Case(name, candidates, targets, self._proxy, left_out=_left_out())

    def up_copied(self, name: str, targets: list[Target]) -> Case:
        """Return the case of three buckets whose store copies, beside one of them."""
        one = self._stage(1, f"{US}, one bucket")
        targets = [Target(Figure.WALL, 1.15, one.name), *targets]
        return Case(name, [self._stage(BUCKETS), one], targets, self._proxy)

    def up_three(self, name: str) -> Case:
        """Return the case of three buckets, beside one, and three of s5cmd at once.

        They are sent the file: versitygw answers to a copied range with the checksum of the whole
        source, and then refuses the whole for being made of these.
        """
        one = self._stage(1, f"{US}, one bucket")
        peers, file = Peers(self._far), str(self._file)
        buckets = list(self._near.buckets.values())
        copies = [" ".join(peers.s5cmd(file, f"s3://{bucket}/s5cmd")) for bucket in buckets]
        started = "".join(f'{copy} & all="$all $!"; ' for copy in copies)
        waited = "for one in $all; do wait $one || failed=1; done; exit $failed"
        command = ["/bin/sh", "-c", f"all=; failed=0; {started}{waited}"]

        def check(_: int) -> None:
            for bucket in buckets:
                self._check_stored(bucket, "s5cmd")

        s5cmd = Candidate("three s5cmd", lambda _: command, self._environment, self._empty, check)
        three = self._stage(BUCKETS, replicate="direct")
        return Case(name, [three, one, s5cmd], [Target(Figure.WALL, 1.15, one.name), MOST_MEMORY])

    def down(self, name: str, targets: list[Target]) -> Case:
        """Return the case of a download; other tools verify nothing, unless they are said to."""
        url, to = Peers(self._far).url("P@1.0.0"), str(self._target)
        peers = Peers(self._far)
        s5cmd = peers.s5cmd(url, to)
        verified = ["/bin/sh", "-c", f"{' '.join(s5cmd)} && sha256sum {to}"]
        commands = [
            ("s5cmd", s5cmd, self._environment),
            ("s5cmd, sha256sum", verified, self._environment),
            ("aws-cli", peers.aws(url, to), self._environment),
            ("rclone", peers.rclone(url, to), self._environment),
            *(
                (name, peers.boto3("download", how, "P@1.0.0", self._target), self._environment)
                for name, how in BOTO3.items()
            ),
        ]
        if tools.has_curl():
            commands.append(("curl", peers.curl("P@1.0.0", "--output", to), self._environment))
        ours = [*AS_AWS, "download", "P@1.0.0", to, "--regions", self._far.spec()]
        return Case(
            name,
            [self._download(n, c, e) for n, c, e in [(US, ours, self._environment), *commands]],
            targets,
            self._proxy,
            left_out=_left_out(),
        )

    def _stage(self, buckets: int, name: str = US, *, replicate: str = "auto") -> Candidate:
        chosen = list(self._near.buckets.values())[:buckets]

        def command(run: int) -> list[str]:
            regions = ",".join(self._far.spec(bucket) for bucket in chosen)
            words = ["stage", f"P@1.0.{run}", str(self._file), "--regions", regions]
            return [*AS_AWS, *words, "--replicate", replicate]

        def check(run: int) -> None:
            for bucket in chosen:
                self._check_stored(bucket, f"P@1.0.{run}")

        return Candidate(name, command, self._environment, self._empty, check)

    def _uploads(self) -> list[Candidate]:
        peers, file = Peers(self._far), str(self._file)
        commands = [
            ("s5cmd", peers.s5cmd(file, peers.url("s5cmd")), "s5cmd"),
            ("aws-cli", peers.aws(file, peers.url("aws")), "aws"),
            ("rclone", peers.rclone(file, peers.url("rclone")), "rclone"),
            *(
                (name, peers.boto3("upload", how, how, self._file), how)
                for name, how in BOTO3.items()
            ),
        ]
        if tools.has_curl():
            commands.append(("curl", peers.curl("curl", "--upload-file", file), "curl"))
        return [self._upload(*command, self._environment) for command in commands]

    def _upload(
        self, name: str, command: list[str], key: str, environment: dict[str, str]
    ) -> Candidate:
        def check(_: int) -> None:
            self._check_stored(self._near.bucket, key)

        return Candidate(name, lambda _: command, environment, self._empty, check)

    def _download(self, name: str, command: list[str], environment: dict[str, str]) -> Candidate:
        def prepare(run: int) -> None:
            self._target.unlink(missing_ok=True)
            if run == 0 and name == US:
                self._empty(run)
                words = ["stage", "P@1.0.0", str(self._file), "--regions", self._near.spec()]
                process.run([*AS_AWS, *words], self._environment, self._folder / "said")

        def check(_: int) -> None:
            with self._target.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
            assert digest == self._digest, f"{name} brought other bytes"

        return Candidate(name, lambda _: command, environment, prepare, check)

    def _empty(self, _: int) -> None:
        """Delete all that is stored, but what shows that the store was tried."""
        client = self._near.client()
        for bucket in self._near.buckets.values():
            for entry in client.list_objects_v2(Bucket=bucket).get("Contents", []):
                client.delete_object(Bucket=bucket, Key=entry["Key"])

    def _check_stored(self, bucket: str, key: str) -> None:
        client = self._near.client()
        body = client.get_object(Bucket=bucket, Key=key)["Body"]
        digest = hashlib.sha256()
        while block := body.read(MIB):
            digest.update(block)
        assert digest.digest() == self._digest, f"{key} in {bucket} has other bytes"
