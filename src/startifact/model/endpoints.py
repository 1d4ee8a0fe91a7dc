"""Addresses that requests are sent to: they carry session tokens, so it matters where they go."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

EXPECTED_ENDPOINT = "https://host, or http:// on this machine, without user, path or query"


def has_password(endpoint: str) -> bool:
    """Say whether a user or a password is in *endpoint*."""
    try:
        url = urlsplit(endpoint)
    except ValueError:
        return False
    return url.username is not None or url.password is not None


def is_endpoint(endpoint: str) -> bool:
    """Say whether requests may go to *endpoint*, wherever it comes from."""
    try:
        url = urlsplit(endpoint)
        host, _ = url.hostname, url.port
    except ValueError:
        return False
    # urlsplit passes over newlines and tabs.
    if host is None or not re.fullmatch(r"[A-Za-z0-9.:-]+", host) or not endpoint.isprintable():
        return False
    if url.path.strip("/") or url.query or url.fragment or has_password(endpoint):
        return False
    return url.scheme == "https" or (url.scheme == "http" and is_loopback(host))


def is_loopback(host: str) -> bool:
    """Say whether *host* is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
