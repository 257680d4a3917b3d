"""`pisang store`: backups, what is made of them, and the drill that shows they are good."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pisang.cli.backups import meter, tell_backup, tell_drill, tell_restored
from pisang.cli.frame import command
from pisang.cli.options import Told
from pisang.cli.screen import Screen

if TYPE_CHECKING:
    from pisang.client.settings import Settings

PARTIAL = 8
DAMAGED = 3

AtOption = Annotated[
    str | None,
    typer.Option("--at", metavar="SNAPSHOT", help="One of its snapshots (default: the newest)."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup(Told):
    """The arguments of `store backup`."""

    dest: Annotated[str, typer.Argument(metavar="DEST", help="A folder, made where it is missing.")]
    with_secrets: Annotated[
        bool, typer.Option("--with-secrets", help="Take keys.toml along, readable by you alone.")
    ] = False
    keep: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Keep the newest N snapshots (default: all)."),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore(Told):
    """The arguments of `store restore`."""

    source: Annotated[str, typer.Argument(metavar="SRC", help="A backup, or one of its snapshots.")]
    home: Annotated[
        str | None,
        typer.Option("--home", metavar="PATH", help="The home to make (default: PISANG_HOME)."),
    ] = None
    at: AtOption = None
    force: Annotated[
        bool, typer.Option("--force", help="Set aside what is in a home that is in use.")
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify(Told):
    """The arguments of `store verify`."""

    path: Annotated[str, typer.Argument(metavar="PATH", help="A backup, or one of its snapshots.")]
    at: AtOption = None


@command(examples="pisang store backup /mnt/backup\npisang store backup /mnt/backup --keep 14")
def backup(asked: Backup) -> int:
    """Save the ledger, every image and what edits go on from, and the settings. Servers and
    commands may go on meanwhile: all that was told before it began is in it.

    Repeated, it takes only what is new. Keys of upstreams are left out unless --with-secrets says
    otherwise; those in the system's keyring are never in it. `pisang store verify` tries it.

    Exit code 8 where the home itself lacks images that its ledger names.
    """
    from pisang.client.loading import load_settings
    from pisang.store.backup import back_up
    from pisang.store.home import Home

    screen = Screen.of(asked.format)
    started = time.monotonic()
    settings = load_settings()
    made = back_up(
        Home(settings.home),
        Path(asked.dest).expanduser(),
        now_ms=time.time_ns() // 1_000_000,
        secrets=asked.with_secrets,
        elsewhere=_bucket(settings),
        keep=asked.keep,
        tell=meter(screen),
    )
    tell_backup(made, time.monotonic() - started, screen)
    return PARTIAL if made.snapshot.manifest.missing else 0


@command(examples="pisang store restore /mnt/backup\npisang store restore /mnt/backup --home ~/new")
def restore(asked: Restore) -> int:
    """Make a home what it was at a backup. Every byte is checked on the way.

    A home that is in use is refused; with --force what is in it is set aside in it, nothing is
    removed. What was bought after the backup is not known to it.

    Exit code 8 where the backup lacks images.
    """
    from pisang.client.loading import home_folder
    from pisang.store.restore import restore as make_again

    screen = Screen.of(asked.format)
    home = Path(asked.home).expanduser() if asked.home else home_folder(os.environ)
    made = make_again(
        Path(asked.source).expanduser(), home, at=asked.at, force=asked.force, tell=meter(screen)
    )
    tell_restored(made, home.absolute(), screen)
    return PARTIAL if made.wrong else 0


@command(examples="pisang store verify /mnt/backup")
def verify(asked: Verify) -> int:
    """Try a backup: restore it into a scratch place, read every image and compare its hash, check
    the ledger's pages, rows and counts. Nothing is changed; it says how long it took.

    Exit code 3 where it is not good.
    """
    from pisang.engine.ids import new_id
    from pisang.store.restore import rehearse

    screen = Screen.of(asked.format)
    drill = rehearse(
        Path(asked.path).expanduser(),
        at=asked.at,
        clock_ms=lambda: time.time_ns() // 1_000_000,
        new_id=new_id,
        tell=meter(screen),
    )
    tell_drill(drill, screen)
    return DAMAGED if drill.faults else 0


def _bucket(settings: Settings) -> str | None:
    """Where the images are, where that is a bucket. Raises `OptionInvalid` for a ledger that is no
    file of the home."""
    from pisang.client.storing import storage_of
    from pisang.errors import OptionInvalid

    storage = storage_of(settings)
    if storage.ledger is not None:
        why = "this saves a ledger that is in the home: save the database with `pg_dump`"
        raise OptionInvalid(option="[store] ledger", value="postgresql", why=why)
    return None if storage.images is None else storage.images.url
