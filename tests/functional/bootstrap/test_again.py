"""Running it again: after success, after a stop at any point, and with other options."""

import json

import pytest

from tests.faults.rules import lost, starting
from tests.functional.bootstrap.conftest import (
    AP,
    EU,
    NAME,
    US,
    Bootstrap,
    EmptyAccount,
    failed_checks,
    planned,
)
from tests.support.wire import Answer, Forward, Request

REPOSITORY = "ORG@1/REPO@2"
WRITES = ("CreateChangeSet", "ExecuteChangeSet")


def is_write(request: Request) -> bool:
    """Say whether a stack, or what is beside it, is to be changed."""
    return request.operation in {*WRITES, "PutParameter"}


def cut(request: Request, forward: Forward) -> Answer | None:
    """Do nothing, and say nothing."""
    return None


def test_nothing_to_do(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """It writes nothing, asks for nothing that was given before, and is a success."""
    bootstrap("--github", REPOSITORY, "--project", "Web-*", "--channel", "beta")
    before = empty.writes()

    done = bootstrap("--json")

    assert done.code == 0
    assert {action for lines in planned(done).values() for action, _, _ in lines} == {"unchanged"}
    assert done.json["roles"]["parameters"]["Promote1Subjects"].endswith(":environment:beta")
    assert "everything is there already" in done.err
    assert empty.writes() == before
    dry = bootstrap("--dry-run", "--json")
    assert dry.json["roles"]["arns"] == done.json["roles"]["arns"]
    assert dry.json["roles"]["arns"]["StageRole"].endswith(f":role/{NAME}-stage")


def test_other_order_of_regions(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """The stack of the roles is found in whichever region it is."""
    bootstrap()

    done = bootstrap("--json", regions=(EU, US))

    assert done.code == 0
    assert done.json["roles"]["region"] == US
    assert done.json["roles"]["outcome"] == "updated"


def test_one_region_more(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """It gets what the others have, whose configuration names it; it has to be filled, it says."""
    bootstrap("--storage-class", "STANDARD_IA")

    done = bootstrap("--channel", "beta", "--json", regions=(US, EU, AP))

    assert (done.code, failed_checks(done)) == (0, [])
    assert [one["outcome"] for one in done.json["regions"]] == ["updated", "updated", "created"]
    for region in (US, EU, AP):
        found = empty.configuration(region)
        assert found["regions"] == [US, EU, AP]
        assert found["storage_class"] == "STANDARD_IA"
    assert "fill it with startifact repair PROJECT" in done.json["notes"][0]
    assert {"Promote1Role", "Promote2Role"} <= done.json["roles"]["arns"].keys()


def test_one_region_less(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """Nothing of it is deleted, and it says so."""
    bootstrap()

    done = bootstrap("--json", regions=(US,))

    assert done.code == 0
    (note,) = done.json["notes"]
    assert note == (
        f"region {EU}: roles reach {EU} no more; its stack, its bucket and what is in it stay; "
        "its configuration stays, and names the regions before: aws ssm delete-parameter "
        f"--region {EU} --name /startifact"
    )
    assert empty.stack(EU)["StackStatus"] == "CREATE_COMPLETE"
    assert empty.configuration(US)["regions"] == [US]


def test_other_repositories(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """Those that are given take the place of those before."""
    bootstrap("--github", REPOSITORY, regions=(US,))

    done = bootstrap("--github", "ORG@1/OTHER@3", "--tag", "v1*", "--json", regions=(US,))

    assert done.code == 0
    parameters = done.json["roles"]["parameters"]
    assert parameters["StageSubjects"] == "repo:ORG@1/OTHER@3:ref:refs/tags/v1*"
    assert done.json["roles"]["outcome"] == "updated"


def test_what_setup_has_changed(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """A key that somebody has set in the meantime stays, also through a change of the stack."""
    bootstrap(regions=(US,))
    changed = {**empty.configuration(US), "object_tags": {"team": "build"}}
    empty.put(US, "/startifact", json.dumps(changed))

    bootstrap("--storage-class", "GLACIER_IR", regions=(US,))

    assert empty.configuration(US) == {**changed, "storage_class": "GLACIER_IR"}


def test_what_somebody_has_deleted(empty: EmptyAccount, bootstrap: Bootstrap) -> None:
    """Parameters of the stack that have gone behind its back are written again."""
    bootstrap(regions=(US,))
    ssm = empty.client("ssm")
    ssm.delete_parameters(Names=["/startifact", f"/{NAME}/bucket"])

    done = bootstrap("--json", regions=(US,))

    assert (done.code, failed_checks(done)) == (0, [])
    assert ("update", "configuration", "/startifact") in planned(done)[US]
    assert empty.get(US, f"/{NAME}/bucket") == empty.bucket(US)


@pytest.mark.sweep
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
@pytest.mark.parametrize("happens", [False, True])
def test_after_a_stop(
    empty: EmptyAccount, bootstrap: Bootstrap, nth: int, *, happens: bool
) -> None:
    """Wherever it has ended, whether what it asked last was done or not, it goes on from there."""
    undo = empty.wire.add(starting(nth, is_write, lost if happens else cut))
    stopped = bootstrap("--github", REPOSITORY, regions=(US,))
    undo()

    done = bootstrap("--github", REPOSITORY, "--json", regions=(US,))

    assert stopped.code == 5
    assert "Running the same bootstrap again is safe" in stopped.err
    assert (done.code, failed_checks(done)) == (0, [])
    assert empty.stack(US, f"{NAME}-roles")["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.parametrize("operation", WRITES)
def test_lost_answers(empty: EmptyAccount, bootstrap: Bootstrap, operation: str) -> None:
    """A request whose answer was lost is made again, and finds that it was done."""
    lose_first = {US: 1}

    def lose(request: Request, forward: Forward) -> Answer | None:
        if request.operation == operation and lose_first.pop(request.region, 0):
            return lost(request, forward)
        return forward()

    empty.wire.add(lose)

    done = bootstrap("--json", regions=(US,))

    assert (done.code, failed_checks(done)) == (0, [])
    assert lose_first == {}
