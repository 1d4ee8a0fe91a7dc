"""Stage to one region only. Startifact warns when that is a part of the configured list."""

from pathlib import Path

from startifact import Session

session = Session(regions=["us-east-1"])
session.stage("SugarWater", "1.0.9001", path=Path("dist.tar.gz"))
