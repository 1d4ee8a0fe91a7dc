"""Stage a file as version 1.0.9000 of SugarWater, with metadata and its file name."""

from pathlib import Path

from startifact import Session

session = Session()

staging = session.stage(
    "SugarWater",
    "1.0.9000",
    path=Path("dist.tar.gz"),
    metadata={"lang": "dotnet", "hash": "9876="},
    save_filename=True,
)

print(f"{staging.artifact} created={staging.created} latest={staging.is_latest}")
for outcome in staging.outcomes:
    print(f"{outcome.region}: {outcome.state}")
