"""A project as the first Startifact has left it in three AWS regions."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from tests.functional.repair.conftest import aws_project, street
from tests.functional.repair.project_fixture import CONTENT, ProjectFixture
from tests.support.backends import Backend, Bucket

if TYPE_CHECKING:
    from tests.support.wire import Wire

__all__ = ["aws_project", "street"]


class Old:
    """What the first Startifact stored: an object, metadata beside it, and a parameter."""

    def __init__(self, fixture: ProjectFixture) -> None:
        self.fixture = fixture
        assert isinstance(fixture.a, Bucket)
        assert fixture.a.wire is not None
        self.wire: Wire = fixture.a.wire

    def stage(
        self,
        version: str = "1.0.0",
        content: bytes = CONTENT,
        *,
        metadata: Mapping[str, object] | str | None = None,
        backends: list[Backend] | None = None,
    ) -> None:
        """Store an artifact and its metadata, and make it the latest."""
        for backend in self.fixture.backends if backends is None else backends:
            key = self.fixture.at(version)
            backend.plain(key, content)
            if metadata is not None:
                text = metadata if isinstance(metadata, str) else json.dumps(metadata)
                backend.plain(f"{key}/metadata", text.encode())
            self.fixture.show(backend, version)

    def stage_in_parts(self, parts: list[bytes]) -> None:
        """Store an artifact as it was stored when it was large."""
        for backend in self.fixture.backends:
            assert isinstance(backend, Bucket)
            where: dict[str, Any] = {
                "Bucket": backend.bucket,
                "Key": backend.prefix + self.fixture.key,
            }
            upload = backend.client.create_multipart_upload(**where)["UploadId"]
            sent = [
                {
                    "PartNumber": number,
                    "ETag": backend.client.upload_part(
                        **where, UploadId=upload, PartNumber=number, Body=part
                    )["ETag"],
                }
                for number, part in enumerate(parts, start=1)
            ]
            backend.client.complete_multipart_upload(
                **where, UploadId=upload, MultipartUpload={"Parts": sent}
            )
            self.fixture.show(backend, "1.0.0")

    def has_channel(self, backend: Backend) -> bool:
        """Say whether ``latest`` is an object already."""
        return self.fixture.latest in self.fixture.keys(backend)


@pytest.fixture
def old(aws_project: ProjectFixture) -> Old:
    """Return what the first Startifact has staged: nothing yet."""
    return Old(aws_project)
