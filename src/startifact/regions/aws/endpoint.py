"""Where requests go: which endpoints are those of AWS, and what the SDK was configured with."""

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from startifact.errors import ConfigurationError
from startifact.model.bucket_options import NO_OTHER_FORM, BucketOptions
from startifact.model.endpoints import EXPECTED_ENDPOINT, has_password, is_endpoint, is_loopback
from startifact.text import quoted

if TYPE_CHECKING:
    import botocore.session

AWS_HOST = re.compile(r"(^|\.)(amazonaws\.com(\.cn)?|amazonaws\.eu|api\.aws)$")
"""The hosts of AWS."""


def is_custom(endpoint: str) -> bool:
    """Say whether *endpoint* is a store other than AWS."""
    return AWS_HOST.search(urlsplit(endpoint).hostname or "") is None


def check_endpoint(endpoint: str, service: str) -> None:
    """Return when requests to *service* may go to *endpoint*, as the environment or a profile says.

    Raises:
        ConfigurationError: They may not.
    """
    if is_endpoint(endpoint):
        return
    got = "an address with a user or password" if has_password(endpoint) else quoted(endpoint)
    raise ConfigurationError(
        f"the endpoint of {service} is set to {got}, expected {EXPECTED_ENDPOINT}",
        hint=f"Check AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_{service.upper()}, and endpoint_url in the "
        "profile and its services section",
    )


def check_form(endpoint: str, options: BucketOptions) -> None:
    """Return when *endpoint* is of the form that *options* ask for.

    The SDK passes over that where an endpoint is set.

    Raises:
        ConfigurationError: It is not.
    """
    host = urlsplit(endpoint).hostname or ""
    lacks_fips = options.use_fips is True and "fips" not in host
    lacks_dualstack = options.use_dualstack is True and "dualstack" not in host
    if lacks_fips or lacks_dualstack:
        name = "use_fips" if lacks_fips else "use_dualstack"
        raise ConfigurationError(
            f"{name} is configured for S3, and its endpoint is set to {quoted(endpoint)}: "
            f"{NO_OTHER_FORM}",
            hint=f"Take {name} out of the configuration, or of s3://..., or AWS_ENDPOINT_URL and "
            "AWS_ENDPOINT_URL_S3 out of the environment and endpoint_url out of the profile",
        )


def check_configured_endpoint(session: "botocore.session.Session", service: str) -> None:
    """Return when the endpoint of *service* in *session* is none, or one requests may go to.

    Raises:
        ConfigurationError: They may not.
        BotoCoreError: The configuration cannot be read.
    """
    from botocore.configprovider import ConfiguredEndpointProvider

    if session.get_config_variable("ignore_configured_endpoint_urls"):
        return
    # What the SDK itself asks for an endpoint: tests/unit/test_botocore.py holds that it works.
    configured = ConfiguredEndpointProvider(
        full_config=session.full_config,
        scoped_config=session.get_scoped_config(),
        client_name=service,
    ).provide()
    if configured:
        check_endpoint(configured, service)


def normalised_endpoint(endpoint: str) -> str:
    """Return *endpoint* in one form for all the ways to write the same address."""
    url = urlsplit(endpoint)
    host = url.hostname or ""
    port = url.port or (80 if url.scheme == "http" else 443)
    return f"{url.scheme}://{'localhost' if is_loopback(host) else host.rstrip('.')}:{port}"
