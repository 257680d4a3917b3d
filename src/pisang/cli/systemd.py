"""What the service manager that started us wants to hear (sd_notify(3)); nothing elsewhere."""

from __future__ import annotations

import os
import socket
from contextlib import suppress


def notify(state: str) -> None:
    """Tell it, where one waits: `READY=1` once connections are taken, `STOPPING=1` from when they
    are not. Without the variable, or where nobody listens, nothing happens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@") or not hasattr(socket, "AF_UNIX"):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.sendto(state.encode(), "\0" + address[1:] if address[0] == "@" else address)
