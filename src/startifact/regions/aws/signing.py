"""How links are signed and where they lead: to the bucket's own region, as requests do."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def sign_links_as_requests(client: "S3Client") -> None:
    """Make *client* sign links with the version, for the region and to the host of its requests.

    By default the SDK signs links to S3 with version 2, which newer AWS regions refuse, and which
    opens nothing that is encrypted with a key in KMS. It makes them lead to the host of all
    regions, which newer ones are not behind, and signs for the region of the client, also where
    S3 has said that the bucket is in another one.
    """
    regions: dict[object, str] = {}

    def choose(signature_version: str, **_: object) -> str | None:
        return "s3v4-query" if str(signature_version).endswith("-query") else None

    def take_note(request: Any, **_: object) -> None:
        context: Mapping[str, Any] = request.context
        region = context.get("signing", {}).get("region")
        if region and not context.get("is_presign_request"):
            regions[context.get("s3_redirect", {}).get("bucket")] = region

    def aim(
        params: Mapping[str, object], context: dict[str, Any] | None = None, **_: object
    ) -> None:
        if context is None or not context.get("is_presign_request"):
            return
        context["use_global_endpoint"] = False
        if region := regions.get(params.get("Bucket")):
            context["signing"] = {**context.get("signing", {}), "region": region}

    events = client.meta.events
    events.register_first("choose-signer.s3", choose)  # type: ignore[arg-type]  # it has to answer
    events.register("before-sign.s3", take_note)
    events.register("before-parameter-build.s3.GetObject", aim)
