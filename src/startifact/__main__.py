"""``python -m startifact`` and the command ``startifact``."""

import sys

from startifact.concurrency import signals

_SAID = {"SIGINT": "interrupted", "SIGTERM": "terminated"}


def run() -> int:
    """Do what the process's arguments say, and return the exit code."""
    signals.end_at_once(2, lambda name: f"\nerror: {_SAID[name]}\n")
    # Only now: this takes a moment, in which somebody may press Ctrl-C.
    from startifact.cli import main

    code = main()
    signals.ignore()
    return code


if __name__ == "__main__":
    sys.exit(run())
