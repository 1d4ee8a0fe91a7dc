"""What the kinds of region have underneath, for tests that break it or look at it."""

import json
import os
import shutil
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from startifact.model.keys import Key
from startifact.regions.interface import StoredArtifact, StoredChannel
from startifact.regions.memory import MemoryRegion
from tests.support.stores import Lack
from tests.support.wire import Answer, Forward, Request, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Backend(ABC):
    """The bucket or directory behind one region, reached without Startifact."""

    spec: str
    lacks: frozenset[Lack] = frozenset()

    @abstractmethod
    def fail_region(self) -> None:
        """Make the region fail whatever it is asked."""

    @abstractmethod
    def restore_region(self) -> None:
        """Make the region answer again, with what it held."""

    @abstractmethod
    def snapshot(self, project: str = "") -> dict[str, object]:
        """Return all that is stored, each with something that changes when it is written again.

        With *project* only what has a key that begins so.
        """

    @abstractmethod
    def content(self, key: str) -> bytes:
        """Return the bytes of the artifact at *key*."""

    @abstractmethod
    def encoded_record(self, key: str) -> str:
        """Return the record of the artifact at *key*."""

    @abstractmethod
    def plant(self, key: str, content: bytes, encoded_record: str) -> None:
        """Put an artifact at *key*, whatever is there."""

    @abstractmethod
    def remove(self, key: str) -> None:
        """Take the artifact at *key* away."""

    @abstractmethod
    def text(self, key: str) -> str:
        """Return the text of the channel at *key*."""

    @abstractmethod
    def write(self, key: str, text: str) -> None:
        """Put *text* at *key*, whatever is there."""

    @abstractmethod
    def erase(self, key: str) -> None:
        """Take the channel at *key* away."""

    @abstractmethod
    def leftovers(self) -> list[str]:
        """Return what an unfinished write has left behind."""

    @abstractmethod
    def plain(self, key: str, content: bytes) -> None:
        """Put *content* at the exact *key*, as somebody would who knows nothing of Startifact."""

    def latest(self, project: str) -> str:
        """Return the version that ``latest`` points at."""
        return str(json.loads(self.text(f"{project}/latest"))["version"])

    def keys(self, project: str = "") -> list[str]:
        """Return the keys of all that is stored, with *project* of what has one that begins so."""
        return sorted(self.snapshot(project))


class Directory(Backend):
    """A directory."""

    def __init__(self, spec: str, root: Path) -> None:
        self.spec = spec
        self.root = root
        self._aside = root.with_name(f"{root.name}.aside")

    def fail_region(self) -> None:
        """Put a file where the directory was."""
        if self.root.exists():
            self.root.rename(self._aside)
        self.root.parent.mkdir(parents=True, exist_ok=True)
        self.root.write_text("in the way")

    def restore_region(self) -> None:
        self.root.unlink()
        if self._aside.exists():
            self._aside.rename(self.root)

    def snapshot(self, project: str = "") -> dict[str, object]:
        found: dict[str, object] = {}
        for path in self.root.rglob("*"):
            if not str(path.relative_to(self.root)).startswith(project):
                continue
            if path.is_file() and not path.name.endswith(".lock"):
                status = path.stat()
                stamp = (status.st_ino, status.st_mtime_ns, path.read_bytes())
                found[str(path.relative_to(self.root))] = stamp
        return found

    def keys(self, project: str = "") -> list[str]:
        names = {name.removesuffix("/artifact") for name in self.snapshot(project)}
        return sorted(name for name in names if not name.endswith("/metadata.json"))

    def content(self, key: str) -> bytes:
        return (self.root / key / "artifact").read_bytes()

    def encoded_record(self, key: str) -> str:
        return (self.root / key / "metadata.json").read_text()

    def plant(self, key: str, content: bytes, encoded_record: str) -> None:
        (self.root / key).mkdir(parents=True, exist_ok=True)
        (self.root / key / "artifact").write_bytes(content)
        (self.root / key / "metadata.json").write_text(encoded_record)

    def remove(self, key: str) -> None:
        shutil.rmtree(self.root / key)

    def text(self, key: str) -> str:
        return (self.root / key).read_text()

    def write(self, key: str, text: str) -> None:
        (self.root / key).parent.mkdir(parents=True, exist_ok=True)
        (self.root / key).write_text(text)

    def erase(self, key: str) -> None:
        (self.root / key).unlink()

    def leftovers(self) -> list[str]:
        return [str(p) for p in self.root.rglob(".startifact-*")]

    def plain(self, key: str, content: bytes) -> None:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


class Memory(Backend):
    """The memory of this process, below the region that a spelling opens."""

    def __init__(self, spec: str, region: MemoryRegion) -> None:
        self.spec = spec
        self.region = region

    def fail_region(self) -> None:
        raise NotImplementedError("memory is always there")

    def restore_region(self) -> None:
        raise NotImplementedError("memory is always there")

    def snapshot(self, project: str = "") -> dict[str, object]:
        stored: list[Mapping[Key, object]] = [self.region._artifacts, self.region._channels]
        found = {str(key): value for values in stored for key, value in values.items()}
        return {key: value for key, value in found.items() if key.startswith(project)}

    def content(self, key: str) -> bytes:
        return self.region._artifacts[Key(key)][1]

    def encoded_record(self, key: str) -> str:
        return str(self.region._artifacts[Key(key)][0].encoded_record)

    def plant(self, key: str, content: bytes, encoded_record: str) -> None:
        stored = StoredArtifact(size=len(content), encoded_record=encoded_record, token=uuid4().hex)
        self.region._artifacts[Key(key)] = (stored, content)

    def remove(self, key: str) -> None:
        del self.region._artifacts[Key(key)]

    def text(self, key: str) -> str:
        return self.region._channels[Key(key)].text

    def write(self, key: str, text: str) -> None:
        self.region._channels[Key(key)] = StoredChannel(text, uuid4().hex)

    def erase(self, key: str) -> None:
        del self.region._channels[Key(key)]

    def leftovers(self) -> list[str]:
        return []

    def plain(self, key: str, content: bytes) -> None:
        raise NotImplementedError("memory holds nothing but artifacts and channels")


class Bucket(Backend):
    """A bucket; with a *wire*, its AWS region can be cut off."""

    def __init__(
        self,
        spec: str,
        *,
        client: Any,
        bucket: str,
        prefix: str,
        region: str,
        wire: Wire | None,
        lacks: frozenset[Lack] = frozenset(),
    ) -> None:
        self.spec = spec
        self.client = client
        self.bucket = bucket
        self.prefix = prefix
        self.region = region
        self.wire = wire
        self.lacks = lacks
        self._restore: Callable[[], None] = lambda: None

    def fail_region(self) -> None:
        """Cut every connection that is meant for the region."""
        assert self.wire is not None

        def cut(request: Request, forward: Forward) -> Answer | None:
            return None if request.region == self.region else forward()

        self._restore = self.wire.add(cut)

    def restore_region(self) -> None:
        self._restore()

    def snapshot(self, project: str = "") -> dict[str, object]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.prefix + project
        )
        found: dict[str, object] = {
            item["Key"].removeprefix(self.prefix): (item["ETag"], item["LastModified"])
            for page in pages
            for item in page.get("Contents", [])
            if "/_probe/" not in item["Key"]
        }
        writes = [] if self.wire is None else self.wire.writes()
        for name in found:
            times = sum(w.path == f"/{self.bucket}/{self.prefix}{name}" for w in writes)
            found[name] = (found[name], times)
        return found

    def content(self, key: str) -> bytes:
        answer = self.client.get_object(Bucket=self.bucket, Key=self.prefix + key)
        return bytes(answer["Body"].read())

    def encoded_record(self, key: str) -> str:
        head = self.client.head_object(Bucket=self.bucket, Key=self.prefix + key)
        return str(head["Metadata"]["startifact"])

    def plant(self, key: str, content: bytes, encoded_record: str) -> None:
        self.client.put_object(
            Bucket=self.bucket,
            Key=self.prefix + key,
            Body=content,
            Metadata={"startifact": encoded_record},
        )

    def remove(self, key: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=self.prefix + key)

    def text(self, key: str) -> str:
        return self.content(key).decode()

    def write(self, key: str, text: str) -> None:
        self.plain(key, text.encode())

    def erase(self, key: str) -> None:
        self.remove(key)

    def leftovers(self) -> list[str]:
        answer = self.client.list_multipart_uploads(Bucket=self.bucket, Prefix=self.prefix)
        return [upload["Key"] for upload in answer.get("Uploads", [])]

    def plain(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=self.prefix + key, Body=content)


def is_root() -> bool:
    """Say whether modes of files do not apply to this process."""
    return hasattr(os, "geteuid") and os.geteuid() == 0
