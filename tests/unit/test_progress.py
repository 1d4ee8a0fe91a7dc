"""How far bytes have got."""

import threading

from startifact.concurrency.progress import Progress, Tally


def test_progress_of_several_regions() -> None:
    """Each region's bytes are added up on their own."""
    reported: list[Progress] = []
    tally = Tally(reported.append, verb="stage", artifact="foo@1.0.0", total=10)

    tally.add("a", 4)
    tally.add("b", 3)
    tally.add("a", 6)

    assert [(p.region, p.done) for p in reported] == [("a", 4), ("b", 3), ("a", 10)]
    assert reported[0] == Progress(verb="stage", artifact="foo@1.0.0", region="a", done=4, total=10)


def test_bytes_that_are_sent_again() -> None:
    """Progress never exceeds the total, whatever is sent twice."""
    reported: list[Progress] = []
    tally = Tally(reported.append, verb="stage", artifact="foo@1.0.0", total=10)

    tally.add("a", 8)
    tally.add("a", 8)

    assert [p.done for p in reported] == [8, 10]


def test_nothing_moved() -> None:
    """The callback is not called where nothing has moved, and there need not be one."""
    reported: list[Progress] = []

    Tally(reported.append, verb="stage", artifact="x", total=10).add("a", 0)
    Tally(None, verb="stage", artifact="x", total=10).add("a", 5)

    assert reported == []


def test_one_call_at_a_time() -> None:
    """Workers of several regions never call at the same time."""
    inside = threading.Lock()
    overlaps: list[str] = []
    total = 0

    def callback(progress: Progress) -> None:
        nonlocal total
        if not inside.acquire(blocking=False):
            overlaps.append(progress.region)
            return
        total += 1
        inside.release()

    tally = Tally(callback, verb="download", artifact="x", total=10_000)

    def work(region: str) -> None:
        for _ in range(500):
            tally.add(region, 1)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert overlaps == []
    assert total == 2000
