"""The entry point: ``python -I -u -X utf8 -m startifact.action``."""

from startifact.concurrency import process, signals

if __name__ == "__main__":
    # The text is constant, so it needs none of the escaping that is not imported yet.
    signals.end_at_once(
        1, lambda name: f"\n::error title=Startifact::stopped by {name}\n", even_ignored=True
    )
    process.collect_rarely()
    # Only now: this takes a moment, in which the step may be cancelled.
    from startifact.action.process import run

    code = run()
    signals.ignore()
    process.end(code)
