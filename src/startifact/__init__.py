"""Stage build artifacts as semantic versions in your own AWS account, and get exactly those bytes
back.
"""

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
