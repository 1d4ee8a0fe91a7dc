"""Download the latest version, to a name of our own and to the name it was staged with."""

from pathlib import Path

from startifact import Session

session = Session()
artifact = session.get("SugarWater")

path = artifact.downloader.download(Path("download.tar.gz"))
print(f"downloaded to {path}")

restored = artifact.downloader.download(Path("restored"), load_filename=True)
print(f"restored as {restored.name}")
