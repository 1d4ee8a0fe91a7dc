"""What may have been meant by a text that spells no region."""

import re

_AWS_REGION = re.compile(
    r"(af|ap|ca|cn|eu|il|me|mx|sa|us)[-_ ]?((?:gov|iso)?[-_]?"
    r"(?:north|south|east|west|central|northeast|northwest|southeast|southwest))[-_]?(\d)[a-f]?",
    re.ASCII | re.IGNORECASE,
)
_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_REST = r"(?:/[^?#]*)?(?:\?.*)?"
_ARN = re.compile(rf"arn:aws[a-z-]*:s3:::({_BUCKET}(?:/[^?#*]*)?)(?:/?\*)?", re.ASCII)
_HOST = re.compile(
    rf"https?://({_BUCKET})\.s3[.-](?:([a-z0-9-]+)\.)?amazonaws\.com(?:\.cn)?(/[^?#]*)?", re.ASCII
)
_PATH_STYLE = re.compile(
    rf"https?://s3[.-](?:([a-z0-9-]+)\.)?amazonaws\.com(?:\.cn)?/({_BUCKET}(?:/[^?#]*)?)", re.ASCII
)
_NEARLY_S3 = re.compile(rf"s3:?/{{0,3}}({_BUCKET}{_REST})", re.ASCII | re.IGNORECASE)
_BARE = re.compile(rf"{_BUCKET}{_REST}", re.ASCII)
_PATH = re.compile(r"(?:\.{1,2}|~)?/.+|\.{1,2}", re.ASCII)


def near_spelling(text: str) -> str | None:
    """Return the spelling of a region that is near *text*; ``None`` where none is."""
    if "@" in text or len(text) > 1024:
        return None  # there may be a password in it
    if region := _AWS_REGION.fullmatch(text):
        return "-".join(part.strip("-_").lower() for part in region.groups())
    if arn := _ARN.fullmatch(text):
        return f"s3://{arn[1].rstrip('/')}"
    if host := _HOST.fullmatch(text):
        region_of_host = f"?region={host[2]}" if host[2] else ""
        return f"s3://{host[1]}{(host[3] or '').rstrip('/')}{region_of_host}"
    if host := _PATH_STYLE.fullmatch(text):
        return f"s3://{host[2].rstrip('/')}{f'?region={host[1]}' if host[1] else ''}"
    if text.lower().startswith("s3:") and (nearly := _NEARLY_S3.fullmatch(text)):
        return f"s3://{nearly[1]}"
    if _PATH.fullmatch(text):
        return f"file:{text}" if not text.startswith("~") else None
    return f"s3://{text}" if _BARE.fullmatch(text) else None
