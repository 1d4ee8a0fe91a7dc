"""Stage build artifacts as semantic versions in your own AWS account, and get exactly those bytes
back.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from startifact import errors
    from startifact.artifact import Artifact
    from startifact.downloading import Downloader
    from startifact.outcomes import IfExists, RegionOutcome, Staging, State
    from startifact.parallel import deadline
    from startifact.progress import Progress
    from startifact.regions.aws.configuration_loader import ConfigurationLoader
    from startifact.session import Session
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
    "Artifact": "artifact",
    "ConfigurationLoader": "regions.aws.configuration_loader",
    "Downloader": "downloading",
    "IfExists": "outcomes",
    "Progress": "progress",
    "RegionOutcome": "outcomes",
    "Session": "session",
    "Staging": "outcomes",
    "State": "outcomes",
    "__version__": "version",
    "deadline": "parallel",
}


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
