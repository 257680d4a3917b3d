"""What is said of a backup that was made, tried, or made a home of."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pisang.cli.screen import Screen

if TYPE_CHECKING:
    from pisang.store.backup import BackedUp, Tell
    from pisang.store.restore import Drill, Restored
    from pisang.store.snapshots import Manifest

PER_SECOND = 4
"""How often the meter is drawn."""


def tell_backup(made: BackedUp, took_s: float, screen: Screen) -> None:
    """What was saved, what of it is new, and what is not in it."""
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
            f"new files {made.new:,} ({megabytes(made.new_bytes)}), in {took_s:.1f} s",
            f"新增文件 {made.new:,}（{megabytes(made.new_bytes)}），用时 {took_s:.1f} 秒",
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


def tell_restored(made: Restored, home: Path, screen: Screen) -> None:
    """What the home is now, and what it lacks."""
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


def tell_drill(drill: Drill, screen: Screen) -> None:
    """Whether the backup is good, or each thing that is wrong with it."""
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
    size = megabytes(manifest.contents_bytes)
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


def megabytes(size: int) -> str:
    """`1.5 MB`."""
    return f"{size / 1e6:,.1f} MB"


def meter(screen: Screen) -> Tell:
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
