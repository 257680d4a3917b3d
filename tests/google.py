"""Google as far as Vertex needs it, on loopback: tokens, `generateContent`, `countTokens`.

The service account's key is made anew each time, and google-auth signs with it as it would for
Google; the endpoint checks the signature.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

TOKEN = "ya29.CANARY-token-{}"
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg=="
)


@dataclass
class Google:
    """The two services. `lives_s` is how long a token is good for; `refuses` turns tokens down."""

    key: rsa.RSAPrivateKey
    lives_s: int = 3600
    refuses: bool = False
    echoes: bool = False
    url: str = ""
    issued: int = 0
    grants: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        """What Vertex's base URL would be here."""
        return f"{self.url}/v1/projects/p-1/locations/global/publishers/google"

    def account(self, path: Path) -> Path:
        """A service account's file, as Google's console hands it out."""
        pem = self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        told = {
            "type": "service_account",
            "project_id": "p-1",
            "private_key_id": "k1",
            "private_key": pem.decode(),
            "client_email": "painter@p-1.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": f"{self.url}/token",
        }
        path.write_text(json.dumps(told))
        return path

    def grant(self, body: bytes) -> tuple[int, Any]:
        """The answer of the token endpoint."""
        assertion = parse_qs(body.decode())["assertion"][0]
        head, claims, signature = assertion.split(".")
        signed = f"{head}.{claims}".encode()
        self.key.public_key().verify(_bytes(signature), signed, padding.PKCS1v15(), hashes.SHA256())
        self.grants.append(json.loads(_bytes(claims)))
        if self.refuses:
            return 400, {"error": "invalid_grant", "error_description": f"no: {assertion}"}
        self.issued += 1
        token = TOKEN.format(self.issued)
        return 200, {"access_token": token, "expires_in": self.lives_s, "token_type": "Bearer"}

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        """The answer to a call of either service."""
        if path == "/token":
            return self.grant(body)
        said = headers.get("authorization", "")
        self.calls.append((path, said, headers, json.loads(body)))
        if said != f"Bearer {TOKEN.format(self.issued)}":
            error = {"code": 401, "message": f"bad {said}", "status": "UNAUTHENTICATED"}
            return 401, {"error": error}
        if path.endswith(":countTokens"):
            return 200, {"totalTokens": 1}
        text = [{"text": f"you said {said}"}] if self.echoes else []
        parts = [*text, {"inlineData": {"mimeType": "image/png", "data": PNG}}]
        content = {"role": "model", "parts": parts}
        return 200, {"candidates": [{"content": content, "finishReason": "STOP"}]}


@contextmanager
def google() -> Iterator[Google]:
    """Both services on one port of this machine."""
    service = Google(rsa.generate_private_key(public_exponent=65537, key_size=2048))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, told = service.answer(self.path, headers, body)
            raw = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        service.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
