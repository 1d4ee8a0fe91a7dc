"""Pages of the AWS console, for people."""

import re
from urllib.parse import quote

_AWS = ("af", "ap", "ca", "eu", "il", "me", "mx", "sa", "us")
_HOSTS = dict.fromkeys(_AWS, "console.aws.amazon.com") | {
    "cn": "console.amazonaws.cn",
    "us-gov": "console.amazonaws-us-gov.com",
}
"""The console's host, by what names of regions begin with; of other partitions none is known."""

_REGION = re.compile(r"([a-z]+(?:-[a-z]+)*)-[a-z]+-\d+")


def page_of(region: str, bucket: str, key: str) -> str:
    """Return the address of the page that shows the object *key*; empty where none is known."""
    parts = _REGION.fullmatch(region)
    host = _HOSTS.get(parts[1]) if parts else None
    if host is None:
        return ""
    query = f"region={region}&prefix={quote(key, safe='')}"
    return f"https://{region}.{host}/s3/object/{quote(bucket, safe='')}?{query}"
