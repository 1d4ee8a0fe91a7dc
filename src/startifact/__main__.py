"""``python -m startifact`` and the command ``startifact``."""

from typing import NoReturn

from startifact.concurrency import process, signals

_SAID = {"SIGINT": "interrupted", "SIGTERM": "terminated"}


def run() -> NoReturn:
    """Do what the process's arguments say, and end it with the exit code."""
    signals.end_at_once(2, lambda name: f"\nerror: {_SAID[name]}\n")
    process.collect_rarely()
    # Only now: this takes a moment, in which somebody may press Ctrl-C.
    from startifact.cli import main

    code = main()
    signals.ignore()
    process.end(code)


if __name__ == "__main__":
    run()
