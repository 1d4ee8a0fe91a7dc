"""A project as the first Startifact has left it in three AWS regions."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from tests.functional.repair.conftest import market, street
from tests.functional.repair.shop import CONTENT, Shop
from tests.support.places import Bucket, Place

if TYPE_CHECKING:
    from tests.support.wire import Wire

__all__ = ["market", "street"]


class Old:
    """What the first Startifact stored: an object, metadata beside it, and a parameter."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        assert isinstance(shop.a, Bucket)
        assert shop.a.wire is not None
        self.wire: Wire = shop.a.wire

    def stage(
        self,
        version: str = "1.0.0",
        content: bytes = CONTENT,
        *,
        metadata: Mapping[str, object] | str | None = None,
        places: list[Place] | None = None,
    ) -> None:
        """Store an artifact and its metadata, and make it the latest."""
        for place in self.shop.places if places is None else places:
            key = self.shop.at(version)
            place.plain(key, content)
            if metadata is not None:
                text = metadata if isinstance(metadata, str) else json.dumps(metadata)
                place.plain(f"{key}/metadata", text.encode())
            self.shop.show(place, version)

    def stage_in_parts(self, parts: list[bytes]) -> None:
        """Store an artifact as it was stored when it was large."""
        for place in self.shop.places:
            assert isinstance(place, Bucket)
            where: dict[str, Any] = {"Bucket": place.bucket, "Key": place.prefix + self.shop.key}
            upload = place.client.create_multipart_upload(**where)["UploadId"]
            sent = [
                {
                    "PartNumber": number,
                    "ETag": place.client.upload_part(
                        **where, UploadId=upload, PartNumber=number, Body=part
                    )["ETag"],
                }
                for number, part in enumerate(parts, start=1)
            ]
            place.client.complete_multipart_upload(
                **where, UploadId=upload, MultipartUpload={"Parts": sent}
            )
            self.shop.show(place, "1.0.0")

    def has_channel(self, place: Place) -> bool:
        """Say whether ``latest`` is an object already."""
        return self.shop.latest in self.shop.keys(place)


@pytest.fixture
def old(market: Shop) -> Old:
    """Return what the first Startifact has staged: nothing yet."""
    return Old(market)
