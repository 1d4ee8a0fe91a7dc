"""``make bench-check`` runs, and fails where a limit is exceeded, whatever the time."""

import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from benchmarks.cases import US, Candidate, Case, Figure, Result, Run, Target
from benchmarks.check import failures
from benchmarks.latency_proxy import Connection
from benchmarks.process import Usage
from benchmarks.report import text
from benchmarks.requests import Exchange, critical_path
from benchmarks.results import case_facts
from tests.consistency.test_ci import made
from tests.support.runner_step import PROJECT

pytestmark = pytest.mark.skipif(os.name != "posix", reason="it waits for processes as POSIX does")


@pytest.mark.parametrize(
    ("case", "requests"),
    [
        ("stage into one bucket", 5),
        pytest.param("download latest from one bucket", 4, marks=pytest.mark.exhaustive),
    ],
)
def test_without_other_tools(case: str, requests: int) -> None:
    """It takes no other tool to count the requests of a staging and of a download."""
    (module,) = re.findall(r"-m (benchmarks --check)", made(["bench-check"]))

    done = subprocess.run(
        [sys.executable, "-m", *module.split(), "--only", case],
        cwd=PROJECT,
        env={**os.environ, "PATH": ""},
        capture_output=True,
        text=True,
        timeout=100,
    )

    assert done.returncode == 0, done.stderr
    expected = f"requests {requests} (at most {requests}), requests one after another 3 (at most 3)"
    assert expected in done.stdout


def exchange(number: int) -> Exchange:
    return Exchange(1, "GET", f"/bucket/{number}", number, number + 0.5, 500)


def result_of(runs: list[Run], *targets: Target) -> Result:
    case = Case("stage", [Candidate(US, lambda _: [], {})], list(targets))
    return Result(case, {US: runs})


def test_more_requests() -> None:
    """A request more is said, with what was expected and what was asked."""
    run = Run(Usage(1.0, 1.0, 50.0), [exchange(number) for number in range(3)])

    (failure,) = failures(result_of([run], Target(Figure.REQUESTS, 2)))

    assert failure.startswith("stage: requests: got 3, expected at most 2; the last run asked:")
    assert "GET /bucket/2" in failure


def test_more_memory() -> None:
    """More memory is said in MiB, and as much as is allowed is no failure."""
    run = Run(Usage(1.0, 1.0, 150.5), [exchange(1)])

    wrong = failures(result_of([run], Target(Figure.MEMORY, 150), Target(Figure.REQUESTS, 1)))

    assert wrong == ["stage: memory: got 150.50 MiB, expected at most 150.00 MiB"]


def test_noise() -> None:
    """Where requests happened to wait for each other in one run, a better run counts."""
    waiting = Run(Usage(9.0, 9.0, 50.0), [exchange(number) for number in range(3)])
    better = Run(Usage(1.0, 1.0, 50.0), [exchange(0), exchange(0), exchange(1)])

    assert failures(result_of([waiting, better], Target(Figure.ONE_AFTER_ANOTHER, 2))) == []


def test_one_after_another() -> None:
    """The longest chain counts, also where another request ends last."""
    slow = Exchange(2, "GET", "/bucket/slow", 2.75, 9.0, 500)
    chain = [exchange(number) for number in range(6)]

    assert critical_path([slow, *chain]) == chain
    assert Figure.ONE_AFTER_ANOTHER.of(Run(Usage(9.0, 9.0, 50.0), [slow, *chain])) == 6


def test_one_after_another_in_regions() -> None:
    """Regions are asked beside each other, once one of them has said which there are."""
    first = exchange(0)
    regions = [
        replace(exchange(number), begin=number + late, end=number + late + 0.25, region=name)
        for name, late in (("a", 0.0), ("b", 0.25), ("c", 0.5))
        for number in (1, 2, 3)
    ]

    assert [e.begin for e in critical_path([first, *regions])] == [0, 1.5, 2.5, 3.5]


def test_timeline_of_the_median_run() -> None:
    """What is drawn is not the run that happened to be slow."""
    runs = [Run(Usage(seconds, 1.0, 50.0), [exchange(0)]) for seconds in (2.0, 1.0, 9.0)]

    assert case_facts(result_of(runs))["timeline"]["ended"] == 2000.0


def test_digits() -> None:
    """A limit is not rounded to another one, and what is measured has as many digits."""
    case = case_facts(result_of([Run(Usage(0.0533, 1.0, 50.0), [])], Target(Figure.WALL, 0.055)))

    assert "time: 0.053 (0.053 to 0.053) s, at most 0.055: met" in text(case)


def test_nothing_counted() -> None:
    """A count of nothing is no proof that little was asked."""
    assert failures(result_of([Run(Usage(1.0, 1.0, 50.0), [])], Target(Figure.REQUESTS, 2)))


def test_at_least() -> None:
    """What has to be reached fails below it, and not above."""
    target = Target(Figure.AT_ONCE, 2, is_least=True)
    at_once = Run(Usage(1.0, 1.0, 50.0), [exchange(0), exchange(0), exchange(0)])
    waiting = Run(Usage(1.0, 1.0, 50.0), [exchange(0), exchange(1)])

    assert target.is_met(target.figure.of(at_once))
    assert not target.is_met(target.figure.of(waiting))


def test_before_the_first_line() -> None:
    """A request that began before something was printed counts, one after it does not."""
    usage = Usage(9.0, 1.0, 50.0, first_output_seconds=1.2, began=10.0)
    run = Run(usage, [exchange(number) for number in (10, 11, 12)])

    assert Figure.BEFORE_FIRST_OUTPUT.of(run) == 2


def test_names_of_requests() -> None:
    """The proxy records which region is asked for which parameter, and whether it is written."""
    ended: list[Exchange] = []
    connection = Connection(1, 0.0, ended)
    head = (
        b"POST / HTTP/1.1\r\nX-Amz-Target: AmazonSSM.PutParameter\r\n"
        b"Authorization: AWS4-HMAC-SHA256 Credential=KEY/20260101/eu-west-1/ssm/aws4_request, x\r\n"
    )

    connection.sent(head, 0.0)
    connection.sent(b'\r\n{"Name": "/channels-1/P/latest", "Value": "1.0.0"}', 0.1)
    connection.close()

    (found,) = ended
    assert (found.region, found.operation) == ("eu-west-1", "PutParameter")
    assert found.parameter == "/channels-1/P/latest"
