"""Stage build artifacts as semantic versions in your own AWS account, and get exactly those bytes
back.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from startifact import errors
    from startifact.concurrency.deadline import deadline
    from startifact.concurrency.progress import Progress
    from startifact.reading.artifact import Artifact
    from startifact.reading.download import Downloader
    from startifact.regions.aws.configuration_loader import ConfigurationLoader
    from startifact.session import Session
    from startifact.staging.outcomes import IfExists, RegionOutcome, Staging, State
    from startifact.version import __version__

__all__ = [
    "Artifact",
    "ConfigurationLoader",
    "Downloader",
    "IfExists",
    "Progress",
    "RegionOutcome",
    "Session",
    "Staging",
    "State",
    "__version__",
    "deadline",
    "errors",
]

_HOMES = {
    "Artifact": "reading.artifact",
    "ConfigurationLoader": "regions.aws.configuration_loader",
    "Downloader": "reading.download",
    "IfExists": "staging.outcomes",
    "Progress": "concurrency.progress",
    "RegionOutcome": "staging.outcomes",
    "Session": "session",
    "Staging": "staging.outcomes",
    "State": "staging.outcomes",
    "__version__": "version",
    "deadline": "concurrency.deadline",
}


# Hidden from type checkers, to whom it would say that every name is there, misspelled ones too.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Return a public name, whose module is imported when it is asked for.

        A process imports this first of all, and has to see signals before it imports the rest.
        """
        if name == "errors":
            return import_module("startifact.errors")
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found: object = getattr(import_module(f"startifact.{_HOMES[name]}"), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
