"""An authority and a server certificate made for one test run; nobody else trusts them."""

from __future__ import annotations

import ssl
import tempfile
from functools import cache
from pathlib import Path

import trustme

NAMES = ("images.example.test", "*.pictures.example.test", "localhost")


@cache
def _authority() -> trustme.CA:
    return trustme.CA()


@cache
def authority_file() -> str:
    """A file for `SSL_CERT_FILE` that trusts the test servers."""
    path = Path(tempfile.mkdtemp(prefix="pisang-tls-")) / "ca.pem"
    _authority().cert_pem.write_to_path(str(path))
    return str(path)


@cache
def _certificate() -> trustme.LeafCert:
    return _authority().issue_cert(*NAMES)


def server_tls() -> ssl.SSLContext:
    """What a test server speaks TLS with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _certificate().configure_cert(context)
    return context
