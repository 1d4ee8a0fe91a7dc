"""Stage a file under a version that the program has computed."""

from pathlib import Path

from semver import VersionInfo

from startifact import Session

session = Session()
session.stage("SugarWater", VersionInfo(1, 0, 9000), path=Path("dist.tar.gz"))
