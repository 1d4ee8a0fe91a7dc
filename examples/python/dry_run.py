"""Say what a staging would do, and write nothing."""

from pathlib import Path

from startifact import Session

session = Session(read_only=True)
staging = session.stage("SugarWater", "1.0.9002", path=Path("dist.tar.gz"))

for outcome in staging.outcomes:
    print(f"{outcome.region}: {outcome.state}")
