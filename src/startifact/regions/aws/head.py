"""What S3 says of an object that it describes (HeadObject)."""

import re
from collections.abc import Mapping
from typing import Any

_MD5 = re.compile(r'"?([0-9a-f]{32})"?', re.ASCII)


def md5_of(head: Mapping[str, Any]) -> str | None:
    """Return the MD5 of an object that was sent in one request and is not encrypted with a KMS key.

    Of all other objects the ETag is not the MD5 of their bytes.
    """
    if head.get("ServerSideEncryption", "AES256") != "AES256" or "SSECustomerAlgorithm" in head:
        return None
    etag = _MD5.fullmatch(head["ETag"])
    return etag[1] if etag else None


def version_of(answer: Mapping[str, Any]) -> str | None:
    """Return the bucket's own version of the object; ``None`` where it keeps none."""
    version = answer.get("VersionId")
    return None if version in {None, "", "null"} else str(version)
