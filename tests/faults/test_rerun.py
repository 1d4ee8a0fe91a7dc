"""A staging that was killed, or never heard the answer, is run again and completes."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from startifact.cli import main
from startifact.errors import (
    AlreadyStagedError,
    ExistsError,
    IntegrityError,
    RegionUnavailableError,
    StartifactError,
)
from startifact.files.source import Source
from startifact.model.keys import Key, quarantine_key
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults import processes
from tests.faults.conftest import Served
from tests.faults.rules import is_completion, is_copy, is_part, lost, when
from tests.support.backends import Backend, Directory
from tests.support.faulty_region import faulty, session_over
from tests.support.limits import PART, SMALL_PARTS, Session, short_limits
from tests.support.messages import message_of
from tests.support.wire import Answer, Forward, Request, Rule, Wire

MakeFile = Callable[..., Path]

MIB = 1024 * 1024
KEY, LATEST = Key("SugarWater@1.0.0"), Key("SugarWater/latest")
PARTS = PART + 1

STEPS: dict[str, Callable[[Request], bool]] = {
    "artifact": lambda r: r.service == "s3" and r.method == "PUT" and r.path.endswith(KEY),
    "channel": lambda r: r.service == "s3" and r.method == "PUT" and r.path.endswith(LATEST),
    "copy": lambda r: r.operation == "PutParameter",
}
PART_STEPS: dict[str, Callable[[Request], bool]] = {
    "upload": lambda r: r.path.endswith(KEY) and "uploads" in r.query,
    "part": lambda r: r.path.endswith(KEY) and "partNumber" in r.query,
    "completion": lambda r: r.path.endswith(KEY) and r.method == "POST" and "uploadId" in r.query,
}


def of(region: str, condition: Callable[[Request], bool]) -> Callable[[Request], bool]:
    """Return *condition* for requests to one region."""
    return lambda request: request.region == region and condition(request)


class Killer:
    """Kills a process once the server has done what was asked, before the answer is passed on.

    One that *is_asked* to end gets the answer while it does.
    """

    def __init__(self, *, is_asked: bool = False) -> None:
        self.process: processes.Process | None = None
        self._is_asked = is_asked

    def rule(self, request: Request, forward: Forward) -> Answer | None:
        """Let the server do it."""
        answer = forward()
        assert self.process is not None
        if self._is_asked:
            self.process.terminate()
            time.sleep(0.3)
            return answer
        self.process.kill()
        self.process.wait()
        return None


def kill_after(wire: Wire, condition: Callable[[Request], bool], path: Path) -> int:
    """Stage in a process that is killed after the first request of that kind."""
    killer = Killer()
    go_on = wire.add(when(condition, killer.rule, times=1))
    words = ("stage", KEY, path, "--regions", ",".join(AWS_REGIONS))
    # The trial of the store comes before all these steps, and one round of it is as good as three.
    with processes.start(*words, limits={"probe_rounds": 1, "part_bytes": PART}) as process:
        killer.process = process
        process.communicate(timeout=60)
    go_on()
    return process.returncode


def complete(account: AwsAccount, served: Served, content: bytes) -> None:
    """Fail unless every region has it all, stored once."""
    session = Session(regions=AWS_REGIONS)
    assert session.verify("SugarWater", read_data=True)
    for region, bucket in account.buckets.items():
        body = account.s3(region).get_object(Bucket=bucket, Key=f"team/{KEY}")["Body"]
        assert body.read() == content
        assert account.keys(region) == [f"team/{LATEST}", f"team/{KEY}"]
        assert served.stored(KEY, region) == 1
        assert served.stored(LATEST, region) == 1


@pytest.mark.sweep
@pytest.mark.parametrize("region", AWS_REGIONS)
@pytest.mark.parametrize("step", STEPS)
def test_case_08_killed_after_a_step(
    account: AwsAccount, wire: Wire, served: Served, make_file: MakeFile, step: str, region: str
) -> None:
    """Killed after any step in any region, a staging that is run again ends with 0, all there."""
    path = make_file()
    code = kill_after(wire, of(region, STEPS[step]), path)

    again = main(["stage", KEY, str(path), "--regions", ",".join(AWS_REGIONS)])

    assert code == -9
    assert again == 0
    complete(account, served, path.read_bytes())
    assert [served.copied(region) for region in AWS_REGIONS] == [1, 1, 1]


@pytest.mark.parametrize("step", PART_STEPS)
@pytest.mark.represented_by("part", "completion")
def test_case_08_killed_after_a_step_of_an_upload_in_parts(
    account: AwsAccount, wire: Wire, served: Served, make_file: MakeFile, step: str
) -> None:
    """Killed while parts are sent, a staging that is run again sends them again, and completes."""
    path = make_file(os.urandom(PARTS))
    code = kill_after(wire, of("eu-west-1", PART_STEPS[step]), path)

    words = ["stage", KEY, str(path), "--regions", ",".join(AWS_REGIONS)]
    again = main(words, limits=SMALL_PARTS)

    assert code == -9
    assert again == 0
    complete(account, served, path.read_bytes())


COPY_STEPS: dict[str, Callable[[Wire], Callable[[Request], bool]]] = {
    "another region waits": lambda _: lambda r: is_part(r) and not is_copy(r),
    "an upload has begun": lambda wire: lambda r: "uploads" in r.query and has_been_sent(wire),
    "a part was copied": lambda _: is_copy,
    "a copy was completed": lambda wire: lambda r: is_completion(r) and has_been_copied(wire),
}


def has_been_sent(wire: Wire) -> bool:
    """Say whether a region has been sent the file."""
    return any(map(is_completion, wire.requests()))


def has_been_copied(wire: Wire) -> bool:
    """Say whether a part has been copied: whatever is completed from then on is a copy."""
    return any(map(is_copy, wire.requests()))


def uploads(account: AwsAccount) -> set[str]:
    """Return the uploads that were neither completed nor aborted, in any region."""
    return {
        upload["UploadId"]
        for region, bucket in account.buckets.items()
        for upload in account.s3(region).list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    }


@pytest.mark.parametrize("is_asked", [False, True], ids=["killed", "asked to end"])
@pytest.mark.parametrize("step", COPY_STEPS)
@pytest.mark.represented_by("a part was copied-killed", "a copy was completed-asked to end")
def test_case_08_killed_while_regions_copy(
    account: AwsAccount,
    wire: Wire,
    served: Served,
    is_aws: None,
    make_file: MakeFile,
    step: str,
    *,
    is_asked: bool,
) -> None:
    """Killed in the middle of a copy, or while one waits for another, it is run again.

    Who is killed leaves its upload to the bucket's lifecycle rule; who is asked to end aborts it.
    """
    path, killer = make_file(os.urandom(PARTS)), Killer(is_asked=is_asked)
    go_on = wire.add(when(COPY_STEPS[step](wire), killer.rule, times=1))
    words = ("stage", KEY, path, "--regions", ",".join(AWS_REGIONS))
    limits = {"copy_bytes": MIB, "part_bytes": PART}
    with processes.start(*words, limits=limits, is_aws=True) as process:
        killer.process = process
        process.communicate(timeout=60)
    wire.wait_until_quiet()
    go_on()
    begun = [r.region for r in wire.requests() if "uploads" in r.query]
    left = uploads(account)

    staging = Session(regions=AWS_REGIONS, limits=short_limits(**limits)).stage(
        "SugarWater", "1.0.0", path
    )

    assert process.returncode == (143 if is_asked else -9)
    assert len(begun) == 1 or step != "another region waits"
    assert not (is_asked and left)
    assert not [outcome for outcome in staging.outcomes if outcome.error]
    complete(account, served, path.read_bytes())
    assert uploads(account) == left


@pytest.mark.sweep
@pytest.mark.parametrize("times", [1, None], ids=["once", "always"])
@pytest.mark.parametrize("step", [*STEPS, "completion"])
def test_cases_03_and_04_lost_answers(
    account: AwsAccount,
    wire: Wire,
    served: Served,
    make_file: MakeFile,
    step: str,
    times: int | None,
) -> None:
    """A write whose answer is lost, once or always, is found by looking; nothing is stored twice.

    Where every answer is lost the SDK has tried again before: 412, or 404 NoSuchUpload.
    """
    condition = {**STEPS, **PART_STEPS}[step]
    path = make_file(os.urandom(PARTS) if step == "completion" else b"small")
    restore = wire.add(when(of("eu-west-1", condition), lost, times=times))

    staging = Session(regions=AWS_REGIONS, limits=SMALL_PARTS).stage("SugarWater", "1.0.0", path)
    restore()
    again = Session(regions=AWS_REGIONS, limits=SMALL_PARTS).stage("SugarWater", "1.0.0", path)

    assert staging.created
    assert staging.is_latest
    assert [str(o.latest) for o in staging.outcomes] == ["1.0.0"] * 3
    assert not again.created
    complete(account, served, path.read_bytes())
    for region, bucket in account.buckets.items():
        assert not account.s3(region).list_multipart_uploads(Bucket=bucket).get("Uploads")


def test_case_04_no_such_upload_after_completion(
    account: AwsAccount, wire: Wire, served: Served, make_file: MakeFile
) -> None:
    """An upload that S3 has forgotten, because it was completed, is found to be there."""
    path = make_file(os.urandom(PARTS))

    def forget(request: Request, forward: Forward) -> Answer | None:
        forward()
        return Answer(404, b"<Error><Code>NoSuchUpload</Code><Message>gone</Message></Error>")

    restore = wire.add(when(of("eu-west-1", PART_STEPS["completion"]), forget))

    staging = Session(regions=AWS_REGIONS, limits=SMALL_PARTS).stage("SugarWater", "1.0.0", path)
    restore()

    assert [o.error for o in staging.outcomes] == [None] * 3
    complete(account, served, path.read_bytes())


# Directories --------------------------------------------------------------------------------


def whole(directories: list[str]) -> None:
    """Fail unless every region has it all, and ``latest`` was moved once."""
    assert Session(regions=directories).verify("SugarWater", read_data=True)
    for region in faulty(directories):
        channel = region.read_channel(LATEST)
        assert channel is not None
        assert json.loads(channel.text)["generation"] == 1


def artifacts(directories: list[str]) -> dict[str, object]:
    """Return what is stored at the version's key, with its inodes and times."""
    roots = [Path(spec.removeprefix("file://")) for spec in directories]
    return {
        f"{root}/{name}": stamp
        for root, spec in zip(roots, directories, strict=True)
        if root.exists()
        for name, stamp in Directory(spec, root).snapshot().items()
        if name.startswith(KEY)
    }


@pytest.mark.sweep(2)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("operation", ["create", "write_channel"])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_case_08_killed_in_a_directory(
    directories: list[str], make_file: MakeFile, number: int, operation: str, *, after: bool
) -> None:
    """Killed before or after any write to any directory, a staging is run again and completes."""
    words = ("stage", KEY, make_file(), "--regions", ",".join(directories))
    killed = processes.run(*words, faults=[[number, "die", operation, {"after": after}]])
    before = artifacts(directories)

    again = processes.run(*words)

    assert killed.returncode == -9
    assert again.returncode == 0, again.stderr
    whole(directories)
    assert before.items() <= artifacts(directories).items()


def kill_while_it_copies(words: Sequence[str | Path], root: Path) -> None:
    """Run a staging, and kill it when it has begun to copy to *root*, its second region."""
    with processes.start(*words, faults=[[1, "drip", 60]]) as process:
        while not list(root.glob(".startifact-*/artifact")):
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
        process.communicate(timeout=60)


def test_case_08_killed_while_it_copies(directories: list[str], make_file: MakeFile) -> None:
    """Killed in the middle of a copy, a staging has shown nothing of it, and is run again."""
    root = Path(directories[1].removeprefix("file://"))
    words = ("stage", KEY, make_file(os.urandom(4 * MIB)), "--regions", ",".join(directories))
    kill_while_it_copies(words, root)
    keys = list(faulty(directories)[1].keys("SugarWater@"))

    again = processes.run(*words)

    assert keys == []
    assert again.returncode == 0, again.stderr
    whole(directories)


@pytest.mark.parametrize(("hours", "stays"), [(23, True), (25, False)], ids=["lately", "yesterday"])
def test_what_killed_processes_left_is_removed_a_day_later(
    directories: list[str], make_file: MakeFile, tmp_path: Path, hours: int, *, stays: bool
) -> None:
    """A staging removes what one that was killed has left, once nobody can be at work in it."""
    root = Path(directories[1].removeprefix("file://"))
    words = ("stage", KEY, make_file(), "--regions", ",".join(directories))
    kill_while_it_copies(words, root)
    (left,) = root.glob(".startifact-*")
    others = root / ".startifact-mine" / "artifact"
    others.parent.mkdir()
    others.touch()
    elsewhere = tmp_path / "elsewhere" / left.name
    elsewhere.mkdir(parents=True)
    (root / "SugarWater" / "_quarantine").parent.mkdir(exist_ok=True)
    (root / "SugarWater" / "_quarantine").symlink_to(elsewhere.parent)
    for path in (left, left / "artifact", others, others.parent, elsewhere):
        os.utime(path, (time.time() - hours * 3600,) * 2)

    processes.run(*words)
    source, region = Source.scan(make_file()), faulty(directories)[1].inner
    with pytest.raises(IntegrityError):
        region.create(quarantine_key("SugarWater", "1.0.0", "0"), source, "{}", lambda _: None)

    assert left.exists() == stays
    assert others.exists()
    assert elsewhere.exists()
    (root / "SugarWater" / "_quarantine").unlink()
    whole(directories)


@pytest.mark.parametrize("operation", ["create", "write_channel", "describe", "read_channel"])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_lost_answer_of_a_directory(
    directories: list[str], make_file: MakeFile, number: int, operation: str
) -> None:
    """Where all answers of one kind are lost, running again fills and moves what is missing."""
    path = make_file()
    regions = faulty(directories)
    regions[number].lose(operation)
    session_over(regions).stage("SugarWater", "1.0.0", path)
    before = artifacts(directories)

    again = Session(regions=directories).stage("SugarWater", "1.0.0", path)

    assert not again.created
    whole(directories)
    assert before.items() <= artifacts(directories).items()


@pytest.mark.parametrize("operation", ["create", "write_channel"])
def test_lost_answer_is_found_by_looking(
    directories: list[str], make_file: MakeFile, operation: str
) -> None:
    """A write of which no answer came has been done, and whoever looks at it says so."""
    regions = faulty(directories)
    regions[1].lose(operation)

    staging = session_over(regions).stage("SugarWater", "1.0.0", make_file())

    assert [o.state for o in staging.outcomes] == ["created"] * 3
    assert [o.error for o in staging.outcomes] == [None] * 3
    assert [str(o.latest) for o in staging.outcomes] == ["1.0.0"] * 3
    whole(directories)


@pytest.mark.parametrize(
    ("error", "said"), [(None, "that it is stored"), (ExistsError(KEY), "that it exists")]
)
def test_write_that_cannot_be_seen(
    directories: list[str], make_file: MakeFile, error: Exception | None, said: str
) -> None:
    """A region that says of a version that it is there, and does not show it, has not got it."""
    regions = faulty(directories)
    regions[1].stale("describe")
    if error is not None:
        regions[1].fail("create", error)

    staging = session_over(regions).stage("SugarWater", "1.0.0", make_file())

    assert [o.state for o in staging.outcomes] == ["created", "failed", "created"]
    assert message_of(staging.outcomes[1].error) == (
        f"{directories[1]} said of {KEY} {said}, and then that it is not there"
    )


def test_write_that_fails(directories: list[str], make_file: MakeFile) -> None:
    """Where a write was not done, what the region said of it is why it failed."""
    regions = faulty(directories)
    regions[1].fail("create", RegionUnavailableError("out of order"))

    staging = session_over(regions).stage("SugarWater", "1.0.0", make_file())

    assert [o.state for o in staging.outcomes] == ["created", "failed", "created"]
    assert message_of(staging.outcomes[1].error) == "out of order"
    assert staging.outcomes[1].location is None
    assert staging.outcomes[1].latest is None
    assert regions[1].read_channel(LATEST) is None


def test_somebody_else_was_first(directories: list[str], make_file: MakeFile) -> None:
    """Whoever finds, when it writes, that somebody else has staged the same has created nothing."""
    path = make_file()
    first = Session(regions=directories).stage("SugarWater", "1.0.0", path)
    regions = faulty(directories)
    for region in regions:
        region.stale("describe", nth=1)

    second = session_over(regions).stage("SugarWater", "1.0.0", path)

    assert not second.created
    assert second.is_latest
    assert [o.state for o in second.outcomes] == ["present"] * 3
    assert second.artifact.staged_at == first.artifact.staged_at


# Rebuilt ------------------------------------------------------------------------------------


def test_rebuilt_bytes(backends: list[Backend], make_file: MakeFile) -> None:
    """Other bytes under a version that two of three regions hold are refused, and nothing written.

    The region that was down could take them; with ``keep`` it gets the version that exists.
    """
    first, second = b"first build", b"second build"
    regions = [backend.spec for backend in backends]
    backends[2].fail_region()
    Session(regions=regions).stage("SugarWater", "1.0.0", make_file(first))
    backends[2].restore_region()
    before = [backend.snapshot() for backend in backends]

    with pytest.raises(AlreadyStagedError) as caught:
        Session(regions=regions).stage("SugarWater", "1.0.0", make_file(second))
    after_it = [backend.snapshot() for backend in backends]
    kept = Session(regions=regions).stage(
        "SugarWater", "1.0.0", make_file(second), if_exists="keep"
    )

    assert caught.value.exit_code == 4
    assert hashlib.sha256(first).hexdigest() in caught.value.message
    assert hashlib.sha256(second).hexdigest() in caught.value.message
    assert not kept.created
    assert kept.artifact.sha256 == hashlib.sha256(first).hexdigest()
    assert after_it == before
    assert not before[2]
    assert [backend.snapshot() for backend in backends[:2]] == before[:2]
    assert [backend.content(KEY) for backend in backends] == [first] * 3
    assert backends[2].encoded_record(KEY) == backends[0].encoded_record(KEY)


def test_rebuilt_bytes_on_the_command_line(directories: list[str], make_file: MakeFile) -> None:
    """The exit code is 4 and both digests are reported; with ``--if-exists keep`` it is 0."""
    words = ("stage", KEY, make_file(b"first"), "--regions", ",".join(directories))
    processes.run(*words, faults=[[2, "fail", "*"]])
    make_file(b"second")

    refused = processes.run(*words)
    assert list(faulty(directories)[2].keys("SugarWater@")) == []
    kept = processes.run(*words, "--if-exists", "keep", "--json")

    assert refused.returncode == 4
    for content in (b"first", b"second"):
        assert hashlib.sha256(content).hexdigest() in refused.stderr
    assert kept.returncode == 0
    assert json.loads(kept.stdout)["created"] is False
    assert list(faulty(directories)[2].keys("SugarWater@")) == [KEY]


def test_only_what_is_missing_is_done_again(
    account: AwsAccount, wire: Wire, served: Served, make_file: MakeFile
) -> None:
    """A region that was down is filled with the others' record, and theirs is not written again."""
    path = make_file()
    session = Session(regions=AWS_REGIONS)
    cut: Rule = when(of("eu-west-1", lambda _: True), lambda *_: None)
    restore = wire.add(cut)
    first = session.stage("SugarWater", "1.0.0", path)
    restore()

    again = session.stage("SugarWater", "1.0.0", path)

    assert [o.state for o in first.outcomes] == ["created", "failed", "created"]
    assert isinstance(first.outcomes[1].error, StartifactError)
    assert [o.state for o in again.outcomes] == ["present", "created", "present"]
    assert again.artifact.staged_at == first.artifact.staged_at
    complete(account, served, path.read_bytes())
