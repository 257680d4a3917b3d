"""Where an upstream's key comes from, and where it is kept: never on a command line.

Looked for in order: the environment variables that the upstream names, then where it was kept:
the operating system's keyring (optional extra) or `$PISANG_HOME/keys.toml`, readable by its owner
alone. That file also says which keys the keyring holds, so that the keyring, which may be slow or
ask its user, is only woken for a key that is in it. A `Secret` prints as dots wherever it goes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pisang.client.files import taking_turns, write_private
from pisang.client.schema import read_document
from pisang.domain.secret import Secret

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

FILE = "keys.toml"

_HEADER = "# Keys of Pisang's upstreams, written by `pisang upstream add`. For your eyes only.\n"

_Entries = dict[str, Secret | None]
"""Name of the upstream to its key; None where the keyring holds it."""


def key_from_env(names: tuple[str, ...], environ: Mapping[str, str]) -> Secret | None:
    """The key in the first of these variables that holds one."""
    for name in names:
        value = environ.get(name, "").strip()
        if value:
            return Secret(value)
    return None


def kept_key(name: str, home: Path) -> Secret | None:
    """The key kept for that upstream; None when there is none. Raises `SettingsMalformed`."""
    entries = _read(home)
    if name not in entries:
        return None
    return entries[name] or _ask_keyring(_account(name, home))


def keep_key(name: str, key: Secret, home: Path) -> str:
    """Keep the key and say where: `the keyring`, or the file's path."""
    in_keyring = _tell_keyring(_account(name, home), key)
    with taking_turns(home):
        _write(home, {**_read(home), name: None if in_keyring else key})
    return "the keyring" if in_keyring else str(home / FILE)


def forget_key(name: str, home: Path) -> None:
    """Forget the key, wherever it was kept."""
    with taking_turns(home):
        entries = _read(home)
        if name in entries:
            if entries.pop(name) is None:
                _drop_from_keyring(_account(name, home))
            _write(home, entries)


def _read(home: Path) -> _Entries:
    document = read_document(home / FILE)
    if document is None:
        return {}
    held = document.texts("keyring") or ()
    table = document.table("keys")
    document.done()
    entries: _Entries = dict.fromkeys(held)
    for name in table.names() if table else ():
        text = table.text(name) if table else None
        entries[name] = Secret(text) if text else None
    return entries


def _write(home: Path, entries: _Entries) -> None:
    held = sorted(name for name, key in entries.items() if key is None)
    lines = [
        f"{json.dumps(name)} = {json.dumps(key.reveal())}" for name, key in entries.items() if key
    ]
    text = f"{_HEADER}keyring = {json.dumps(held)}\n\n[keys]\n" + "\n".join((*lines, ""))
    write_private(home / FILE, text)


# --- the keyring: anything it does wrong means that the file is used instead ----------------------


def _account(name: str, home: Path) -> str:
    return f"{name}@{home}"


def _keyring() -> KeyringBackend | None:
    """A keyring that can keep something; None where there is none, or it is not installed."""
    try:
        import keyring
    except ImportError:
        return None
    backend = keyring.get_keyring()
    return backend if backend.priority > 0 else None


def _tell_keyring(account: str, key: Secret) -> bool:
    backend = _keyring()
    if backend is None:
        return False
    from keyring.errors import KeyringError

    try:
        backend.set_password("pisang", account, key.reveal())
        return backend.get_password("pisang", account) == key.reveal()
    except KeyringError:
        return False


def _ask_keyring(account: str) -> Secret | None:
    backend = _keyring()
    if backend is None:
        return None
    from keyring.errors import KeyringError

    try:
        text = backend.get_password("pisang", account)
    except KeyringError:
        return None
    return Secret(text) if text else None


def _drop_from_keyring(account: str) -> None:
    backend = _keyring()
    if backend is None:
        return
    from keyring.errors import KeyringError

    try:
        backend.delete_password("pisang", account)
    except KeyringError:
        return
