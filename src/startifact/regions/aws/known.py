"""Whether the name of a region that cannot be reached is an AWS region's at all."""

import difflib
import re

import botocore.session
from botocore.exceptions import BotoCoreError

_HOST = re.compile(
    r"[./](?:s3|ssm)(?:-fips)?\.(?:dualstack\.)?([a-z]{2,}(?:-[a-z]+)+-[0-9]+)\."
    r"(?:amazonaws\.com|amazonaws\.eu|api\.aws|api\.amazonwebservices\.com\.cn)(?![a-z0-9-])",
    re.ASCII,
)


def doubt(error: BotoCoreError) -> str | None:
    """Return why the region that *error* could not reach may be misspelled, if it may be.

    The SDK makes an address of any name. It knows the regions that existed when it was released.
    """
    host = _HOST.search(str(error.kwargs.get("endpoint_url", "")))
    if host is None or host[1] in (known := _known()):
        return None
    like = sorted(difflib.get_close_matches(host[1], known, 2))
    # It has the shape of a region's name, as the names of some buckets have.
    did_you_mean = f", did you mean {' or '.join(like or [f's3://{host[1]}'])}?"
    return f"{host[1]} is not an AWS region that the SDK knows{did_you_mean}"


def _known() -> list[str]:
    loader = botocore.session.get_session().get_component("data_loader")
    partitions = loader.load_data("partitions")["partitions"]
    return [name for partition in partitions for name in partition["regions"]]
