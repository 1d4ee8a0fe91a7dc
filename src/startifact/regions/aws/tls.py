"""What an error of TLS says: of a certificate, of the host, or of a connection that was cut.

The SDK calls all of them failures of validation.
"""

import ssl
from collections.abc import Sequence
from enum import Enum, auto

from urllib3.util.ssl_match_hostname import CertificateError


class TlsTrouble(Enum):
    """What keeps a connection from being secured."""

    UNTRUSTED = auto()
    """The certificate, or the file of those that are trusted."""

    NO_TLS = auto()
    """What answered does not speak TLS, as an HTTP server does not."""

    NOT_AGREED = auto()
    """The host refuses the handshake, or the two have no version or cipher in common."""

    CUT = auto()
    """The connection ended, or the host failed."""


_BROKEN = (
    ConnectionError,
    TimeoutError,
    ssl.SSLEOFError,
    ssl.SSLSyscallError,
    ssl.SSLZeroReturnError,
)
_NO_TLS = frozenset(
    {
        "HTTPS_PROXY_REQUEST",
        "HTTP_REQUEST",
        "PACKET_LENGTH_TOO_LONG",
        "RECORD_LAYER_FAILURE",
        "UNKNOWN_PROTOCOL",
        "WRONG_VERSION_NUMBER",
    }
)
_PASSING = frozenset(
    {
        "DECRYPTION_FAILED_OR_BAD_RECORD_MAC",
        "SSLV3_ALERT_BAD_RECORD_MAC",
        "TLSV1_ALERT_INTERNAL_ERROR",
        "UNEXPECTED_EOF_WHILE_READING",
    }
)
_FILES = frozenset({"PEM", "X509"})
"""The parts of OpenSSL that read certificates."""


def tls_trouble_of(causes: Sequence[BaseException]) -> TlsTrouble:
    """Return what *causes* of an error of TLS, one raised from the next, say.

    What is not known is taken for something that another attempt does not change.
    """
    if any(isinstance(cause, ssl.SSLCertVerificationError | CertificateError) for cause in causes):
        return TlsTrouble.UNTRUSTED
    errors = [cause for cause in causes if isinstance(cause, ssl.SSLError)]
    reasons = {getattr(error, "reason", None) for error in errors}
    if any(isinstance(cause, _BROKEN) for cause in causes) or reasons & _PASSING:
        return TlsTrouble.CUT
    if reasons & _NO_TLS:
        return TlsTrouble.NO_TLS
    # Without an error of TLS it is one of the file that AWS_CA_BUNDLE names.
    of_files = not errors or any(getattr(error, "library", None) in _FILES for error in errors)
    return TlsTrouble.UNTRUSTED if of_files else TlsTrouble.NOT_AGREED
