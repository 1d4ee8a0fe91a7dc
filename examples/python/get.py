"""Look at the latest version, and at one exact version."""

from startifact import Session

session = Session()

latest = session.get("SugarWater")
print(f"{latest.project} {latest.version}: {latest.size} bytes, sha256:{latest.sha256}")

exact = session.get("SugarWater", "1.0.9000")
print(f"lang is {exact['lang']}")
print("hash" in exact, len(exact), sorted(exact), dict(exact))
