"""The one way in and out: arguments to an exit code, and no traceback ever.

Every error becomes one sentence on standard error (and, with `--format json`, one object on
standard output). What is no error of ours is written to `$PISANG_HOME/crash/`, without secrets.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from pisang.cli.callers import ASKED

if TYPE_CHECKING:
    from pisang.cli.screen import Screen
    from pisang.errors import PisangError

INTERRUPTED = 130

_FULL = frozenset({errno.ENOSPC, errno.EFBIG, errno.EIO})


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code (DESIGN §9)."""
    _open_missing()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    words = list(sys.argv[1:] if arguments is None else arguments)
    asked = os.environ.get(ASKED)
    code = _complete(asked) if asked else run(words)
    _discard_unwritable()
    sys.exit(code)


def _complete(instruction: str) -> int:
    """A shell asks what may come next, in place of running a command."""
    from pisang.cli.completion import answer

    return answer(instruction)


def run(words: list[str]) -> int:
    """The exit code of a command line, all its output written."""
    from typer.exceptions import Abort, Exit, TyperException

    from pisang.cli.commands import root
    from pisang.errors import PisangError

    try:
        # Not through `.main()`: that answers Ctrl-C and a closed pipe in its own way.
        parser = root()
        with parser.make_context("pisang", words) as context:
            code = parser.invoke(context)
        return code if isinstance(code, int) else 0
    except Exit as leaving:
        return leaving.exit_code
    except PisangError as error:
        return _tell(words, error)
    except TyperException as error:
        return _tell(words, _usage(error))
    except (KeyboardInterrupt, Abort) as stopped:
        return _stopped(words, stopped)
    except BrokenPipeError:
        return 0
    except Exception as error:  # noqa: BLE001 - the outermost: whatever it is, no traceback
        return _tell(words, _unforeseen(error))


def _unforeseen(error: Exception) -> PisangError:
    """A fault of ours, written down; but a help page, which Typer prints, may meet a full disk."""
    from pisang.cli.crash import unexpected
    from pisang.client.files import reason_of
    from pisang.errors import OutputUnwritable

    if isinstance(error, OSError) and error.errno in _FULL and error.filename is None:
        return OutputUnwritable(path="standard output", why=reason_of(error))
    return unexpected(error)


def _tell(words: list[str], error: PisangError) -> int:
    """Say an error; its exit code, which is all there is where nothing can be said."""
    from pisang.errors import OutputUnwritable

    with suppress(BrokenPipeError, OutputUnwritable):
        _screen(words).fail(error)
    return error.exit_code


def _screen(words: list[str]) -> Screen:
    """The screen as far as it can be known when the arguments themselves may be wrong."""
    from pisang.cli.screen import Screen, format_in

    return Screen.of(format_in(words))


def _usage(error: Exception) -> PisangError:
    """A parser's complaint as a sentence of ours, with the help page to read."""
    from pisang.errors import UsageError

    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", "pisang")
    sentence = error.format_message() if hasattr(error, "format_message") else str(error)
    sentence = " ".join(sentence.split())
    if not sentence.endswith((".", "?")):
        sentence += "."
    return UsageError(what=sentence, hint=f"{path} --help")


def _stopped(words: list[str], stopped: BaseException) -> int:
    from pisang.errors import Cancelled, PisangError

    cause = stopped.__cause__ or stopped.__context__
    _tell(words, cause if isinstance(cause, PisangError) else Cancelled())
    return INTERRUPTED


def _open_missing() -> None:
    """Who starts us may have closed a standard stream (`<&-`, some schedulers): Python has None
    there, and the next file that is opened would get its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - it lives until the end


def _discard_unwritable() -> None:
    """What nobody reads, or no disk takes, must not complain again when the interpreter ends."""
    for name in ("stdout", "stderr"):
        try:
            getattr(sys, name).flush()
        except OSError:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - it lives until the end
