"""`pisang store`: backups, what is made of them, and the drill that shows they are good."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pisang.cli.frame import command
from pisang.cli.options import Told
from pisang.cli.screen import Screen

if TYPE_CHECKING:
    from pisang.client.settings import Settings
    from pisang.store.backup import BackedUp, Tell
    from pisang.store.restore import Drill, Restored
    from pisang.store.snapshots import Manifest

PARTIAL = 8
DAMAGED = 3

PER_SECOND = 4

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
        tell=_meter(screen),
    )
    _tell_backup(made, time.monotonic() - started, screen)
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
        Path(asked.source).expanduser(), home, at=asked.at, force=asked.force, tell=_meter(screen)
    )
    _tell_restored(made, home.absolute(), screen)
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
        tell=_meter(screen),
    )
    _tell_drill(drill, screen)
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


# --- what is said --------------------------------------------------------------------------------


def _tell_backup(made: BackedUp, took_s: float, screen: Screen) -> None:
    manifest = made.snapshot.manifest
    path = made.snapshot.folder
    screen.data(
        {
            "path": str(path),
            **_facts(manifest),
            "new": made.new,
            "new_bytes": made.new_bytes,
            "pruned": made.pruned,
            "missing": list(manifest.missing),
            "seconds": round(took_s, 3),
        }
    )
    screen.bare(str(path))
    _tell_place(manifest, path, screen)
    screen.line(
        screen.pick(
            f"new files {made.new:,} ({_mb(made.new_bytes)}), in {took_s:.1f} s",
            f"新增文件 {made.new:,}（{_mb(made.new_bytes)}），用时 {took_s:.1f} 秒",
        )
    )
    if manifest.secrets_sha256 is None:
        screen.note(
            screen.pick(
                "Keys of upstreams are not in it (--with-secrets takes those of keys.toml along).",
                "备份不含上游密钥（加 --with-secrets 可带上 keys.toml 里的密钥）。",
            )
        )
    if manifest.elsewhere:
        screen.note(
            screen.pick(
                f"Images are in {manifest.elsewhere} and stay there: let the bucket keep versions.",
                f"图片在 {manifest.elsewhere}，不在备份中：请为存储桶开启版本控制。",
            )
        )
    if manifest.missing:
        count = len(manifest.missing)
        screen.note(
            screen.pick(
                f"Files that the ledger names and that are missing or damaged here: {count}. "
                "Run `pisang doctor`.",
                f"账本引用的 {count} 个文件在本机缺失或已损坏：请运行 `pisang doctor`。",
            )
        )


def _tell_restored(made: Restored, home: Path, screen: Screen) -> None:
    manifest = made.snapshot.manifest
    aside = str(made.aside) if made.aside else None
    screen.data({"home": str(home), **_facts(manifest), "wrong": list(made.wrong), "aside": aside})
    screen.bare(str(home))
    _tell_place(manifest, home, screen)
    screen.line(
        screen.pick(
            f"as it was at {manifest.made_at}; what was bought later is not known here",
            f"数据截至 {manifest.made_at}，此后的购买不在其中",
        )
    )
    if aside:
        screen.note(
            screen.pick(f"What was there before is in {aside}.", f"原有内容已移到 {aside}。")
        )
    if manifest.secrets_sha256 is None:
        screen.note(
            screen.pick(
                "The backup has no keys: set them again with `pisang upstream key NAME`.",
                "备份中没有密钥：请用 `pisang upstream key 名称` 重新设置。",
            )
        )
    if made.wrong:
        few = ", ".join(one[:12] for one in made.wrong[:5])
        screen.note(
            screen.pick(
                f"Files missing or damaged in the backup: {len(made.wrong)} ({few})",
                f"备份中缺失或已损坏的文件：{len(made.wrong)} 个（{few}）",
            )
        )


def _tell_drill(drill: Drill, screen: Screen) -> None:
    from pisang.errors.chinese import in_chinese

    manifest = drill.snapshot.manifest
    good = not drill.faults
    screen.data(
        {
            "ok": good,
            "path": str(drill.snapshot.folder),
            **_facts(manifest),
            "faults": list(drill.faults),
            "seconds": round(drill.took_s, 3),
        }
    )
    screen.bare("ok" if good else "damaged")
    took = f"{drill.took_s:.1f}"
    if good:
        screen.line(f"✓ {_counts(manifest, screen)}")
        screen.line(
            screen.pick(
                f"restored for a trial, every byte read, the ledger sound, in {took} s "
                f"({manifest.made_at})",
                f"试恢复成功，逐字节核对，账本完好，用时 {took} 秒（{manifest.made_at}）",
            )
        )
    for fault in drill.faults:
        screen.line(f"✗ {screen.pick(fault, in_chinese(fault))}")


def _tell_place(manifest: Manifest, path: Path, screen: Screen) -> None:
    counts = _counts(manifest, screen)
    screen.line(screen.pick(f"{counts} → {path}", f"{counts}，位于 {path}"))


def _counts(manifest: Manifest, screen: Screen) -> str:
    size = _mb(manifest.contents_bytes)
    return screen.pick(
        f"requests {manifest.requests:,} · images {manifest.images:,} · "
        f"files {manifest.contents:,} ({size})",
        f"请求 {manifest.requests:,} · 图片 {manifest.images:,} · "
        f"文件 {manifest.contents:,}（{size}）",
    )


def _facts(manifest: Manifest) -> dict[str, int | str | bool | None]:
    return {
        "made_at": manifest.made_at,
        "requests": manifest.requests,
        "attempts": manifest.attempts,
        "images": manifest.images,
        "contents": manifest.contents,
        "bytes": manifest.contents_bytes,
        "elsewhere": manifest.elsewhere,
        "secrets": manifest.secrets_sha256 is not None,
    }


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _meter(screen: Screen) -> Tell:
    """Says on a terminal how far it is; the line goes when it is over."""
    if not screen.live:
        return lambda done, total: None
    drawn = 0.0

    def tell(done: int, total: int) -> None:
        nonlocal drawn
        now = time.monotonic()
        if done == total:
            sys.stderr.write("\r\x1b[K")
        elif now - drawn > 1 / PER_SECOND:
            drawn = now
            sys.stderr.write(f"\r\x1b[K{done:,} / {total:,}")
        sys.stderr.flush()

    return tell
