"""Progress: a bar on a terminal, a line now and then in a log."""

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact.cli.bar import Bar, Meter, amount
from startifact.cli.console import Console
from startifact.concurrency.progress import Progress
from tests.ways_in.cli.screen import on_a_terminal, visible

MakeFile = Callable[..., Path]


WIDE = (
    "stage SugarWater@1.0.0 [#######.............]  35 %  70.0 MB/s"
    "  eu-west-1  50 %, us-east-1  20 %"
)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def progress(done: int, region: str = "eu-west-1", verb: str = "stage") -> Progress:
    return Progress(
        verb=verb, artifact="SugarWater@1.0.0", region=region, done=done, total=100_000_000
    )


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands still."""
    return Clock()


@pytest.fixture
def meter(clock: Clock) -> Meter:
    """Return a meter of two regions, which have 50 % and 20 % after one second."""
    meter = Meter(clock)
    meter.add(progress(0))
    clock.now += 1
    meter.add(progress(50_000_000))
    meter.add(progress(20_000_000, "us-east-1"))
    meter.sample()
    return meter


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (
            100,
            WIDE,
        ),
        (75, "stage SugarWater@1.0.0 [#######.............]  35 %  70.0 MB/s  2 regions"),
        (70, "stage SugarWater@1.0.0  35 %  70.0 MB/s"),
        (20, " 35 %  70.0 MB/s"),
        (10, " 35 %"),
        (3, ""),
    ],
)
def test_line(meter: Meter, columns: int, line: str) -> None:
    """The line shows as much as fits, and is never wider than the terminal."""
    assert meter.line(columns) == line


def test_one_region(clock: Clock) -> None:
    """One region is not many."""
    meter = Meter(clock)
    meter.add(progress(1_000_000, "file:./somewhere-with-a-long-name-that-does-not-fit"))

    assert meter.line(75).endswith("  1 region")


def test_names_that_are_not_ascii(clock: Clock) -> None:
    """A region whose name may be wider than it is long is only counted."""
    meter = Meter(clock)
    meter.add(progress(1_000_000, "file:./砂糖水"))

    assert meter.line(200).endswith("  1 region")


def test_nothing_yet(clock: Clock) -> None:
    """Before anything has moved there is nothing to show."""
    assert Meter(clock).line(80) == ""


def test_rate_is_that_of_the_last_seconds(meter: Meter, clock: Clock) -> None:
    """A transfer that stands still is seen to within seconds."""
    for _ in range(4):
        clock.now += 2.5
        meter.sample()

    assert "  0 B/s" in meter.line(200)


def test_another_region_takes_over(clock: Clock) -> None:
    """A download that goes on from another region begins from the start."""
    meter = Meter(clock)
    meter.add(progress(90_000_000, verb="download"))
    meter.add(progress(10_000_000, "us-east-1", verb="download"))

    assert "[##..................]  10 %" in meter.line(200)
    assert "eu-west-1" not in meter.line(200)


def test_hashing(clock: Clock) -> None:
    """The file is read before it is sent, which is progress of its own, and of no region."""
    meter = Meter(clock)
    meter.add(progress(0, "", "hash"))
    clock.now += 1
    meter.add(progress(90_000_000, "", "hash"))
    meter.sample()
    hashed, plain = meter.line(200), meter.plain()
    meter.add(progress(10_000_000))

    assert hashed == "hash SugarWater@1.0.0 [##################..]  90 %  90.0 MB/s"
    assert plain == "hash SugarWater@1.0.0: 90 %, 90.0 MB/s"
    assert "stage SugarWater@1.0.0 [##..................]  10 %" in meter.line(200)
    assert meter.line(200).endswith("eu-west-1  10 %")


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_500_000, "1.5 MB"), (2e12, "2000.0 GB")],
)
def test_amount(count: float, text: str) -> None:
    """Amounts are reported in the unit that fits."""
    assert amount(count) == text


def test_bar_is_not_drawn_too_often(clock: Clock) -> None:
    """Reports that come at once are drawn once, the last one always."""
    err = Terminal()
    bar = Bar(Console(out=io.StringIO(), err=err), clock=clock)

    for done in (1, 2, 3):
        bar(progress(done))
    clock.now += 1
    bar(progress(50_000_000))
    bar(progress(60_000_000))
    bar(progress(100_000_000))

    assert err.getvalue().count("\rstage ") == 3
    assert " 100 % " in visible(err.getvalue())[0]


def test_bar_goes_away(clock: Clock) -> None:
    """A bar that is closed leaves nothing, and draws nothing more."""
    err = Terminal()
    bar = Bar(Console(out=io.StringIO(), err=err), clock=clock)
    bar(progress(1))

    bar.close()
    clock.now += 1
    bar(progress(2))

    assert visible(err.getvalue()) == []


def test_log(clock: Clock) -> None:
    """Without a terminal, there is a whole line every few seconds, and none at the start."""
    err = io.StringIO()
    bar = Bar(Console(out=io.StringIO(), err=err), clock=clock)

    for second in range(1, 13):
        clock.now = 100.0 + second
        bar(progress(second * 1_000_000))
    bar.close()

    assert err.getvalue() == (
        "stage SugarWater@1.0.0: eu-west-1   5 %, 1.0 MB/s\n"
        "stage SugarWater@1.0.0: eu-west-1  10 %, 1.0 MB/s\n"
    )


def test_terminal(three: list[Path], make_file: MakeFile) -> None:
    """On a real terminal a bar is drawn, and gone when the result is reported."""
    file = make_file(os.urandom(20_000_000))

    code, drawn = on_a_terminal(["stage", "SugarWater@1.0.0", str(file)], columns=100)

    assert code == 0
    assert "\rstage SugarWater@1.0.0 [####################] 100 %" in drawn
    assert "\rhash SugarWater@1.0.0 [####################] 100 %" in drawn
    assert "\x1b" not in drawn
    screen = visible(drawn)
    assert screen[0] == "staged SugarWater@1.0.0"
    assert not [line for line in screen if line.startswith(("stage ", "hash "))]


def test_failure_on_a_terminal(three: list[Path], make_file: MakeFile, tmp_path: Path) -> None:
    """When a command fails, the bar is gone before the error is reported."""
    three[0].mkdir(parents=True)
    file = make_file(os.urandom(20_000_000))
    region = f"--regions=file:{three[0]}"
    on_a_terminal(["stage", "SugarWater@1.0.0", str(file), region], columns=100)
    with (three[0] / "SugarWater@1.0.0" / "artifact").open("r+b") as stored:
        stored.write(b"something else")

    code, drawn = on_a_terminal(
        ["download", "SugarWater", str(tmp_path / "back"), region], columns=100
    )

    assert code == 7
    assert "\rdownload SugarWater@1.0.0 [####################] 100 %" in drawn
    assert not [line for line in visible(drawn) if line.startswith("download ")]


def test_narrow_terminal(three: list[Path], make_file: MakeFile) -> None:
    """The bar never fills the last column, where terminals begin a new line."""
    file = make_file(os.urandom(20_000_000))

    _, drawn = on_a_terminal(["stage", "SugarWater@1.0.0", str(file)], columns=40)

    redrawn = [part for part in drawn.split("\n")[0].split("\r") if "%" in part]
    assert redrawn
    assert max(map(len, redrawn)) < 40


def test_quiet_terminal(three: list[Path], make_file: MakeFile) -> None:
    """With -q nothing is drawn on a terminal either."""
    code, drawn = on_a_terminal(["stage", "SugarWater@1.0.0", str(make_file()), "-q"], columns=100)

    assert (code, drawn) == (0, "")


def test_terminal_with_a_warning(three: list[Path], make_file: MakeFile) -> None:
    """A warning that comes after the bar was drawn has a line of its own."""
    file = make_file(os.urandom(20_000_000))
    three[1].parent.mkdir()
    three[1].write_text("not a directory")

    _, drawn = on_a_terminal(["stage", "SugarWater@1.0.0", str(file)], columns=100)

    screen = visible(drawn)
    said = " ".join(line.strip() for line in screen[:2])
    assert said.startswith(f"warning: file://{three[1]} failed to ")
    assert not [line for line in screen if line.startswith("stage ")]
