"""Which files a session may read and write: those below its roots, links resolved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pisang.errors import OptionInvalid


@dataclass(frozen=True, slots=True)
class Roots:
    """Folders, resolved. `out` is the first, and where images go that have no other place."""

    out: Path
    more: tuple[Path, ...] = ()

    @classmethod
    def of(cls, out: Path, more: tuple[Path, ...] = ()) -> Roots:
        """The roots as they are named."""
        return cls(_resolved(out), tuple(_resolved(one) for one in more))

    def readable(self, word: str) -> Path:
        """The file of that path, which may be relative to `out`. Raises `OptionInvalid` for one
        that is outside: of that nothing is told, not even whether it is there."""
        return self._inside("path", word)

    def writable(self, word: str | None) -> str:
        """Where an output's word leads, as `plan_output` takes it. Raises `OptionInvalid`."""
        if not word:
            return f"{self.out}/"
        path = self._inside("out", word)
        return f"{path}/" if word.endswith("/") or path.is_dir() else str(path)

    def _inside(self, option: str, word: str) -> Path:
        try:
            path = _resolved(self.out / Path(word).expanduser())
        except (OSError, ValueError, RuntimeError) as error:
            raise OptionInvalid(option=option, value=word[:80], why="that is no path") from error
        if any(path.is_relative_to(root) for root in (self.out, *self.more)):
            return path
        named = ", ".join(str(root) for root in (self.out, *self.more))
        why = f"this session may touch only what is below {named} (start it with --root DIR)"
        raise OptionInvalid(option=option, value=word[:80], why=why)


def _resolved(path: Path) -> Path:
    return path.expanduser().resolve()
