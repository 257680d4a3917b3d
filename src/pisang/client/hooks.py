"""Who is told when a request is over, from its user's words: an address and what signs the telling.

A secret is written as Standard Webhooks has it: `whsec_` and the base64 of 24 to 64 bytes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection

from pisang.client.settings import HookEntry, Settings
from pisang.domain.ledger import Hook
from pisang.domain.secret import Secret
from pisang.errors import AddressRefused, OptionInvalid
from pisang.transport.guard import check_address, check_url, printable

MARK = "whsec_"
SECRET_BYTES = (24, 64)

_FORM = "it is whsec_ and the base64 of 24 to 64 bytes"


def read_hook(url: str, secret: str | None, allow_hosts: Collection[str]) -> Hook:
    """Somebody's own words. Raises `OptionInvalid`, which repeats no secret."""
    try:
        target = check_url(url, allow_hosts=allow_hosts)
        if target.address is not None:
            check_address(target, str(target.address))
    except AddressRefused as error:
        why = str(error.fields["why"])
        raise OptionInvalid(option="webhook.url", value=printable(url), why=why) from None
    try:
        return Hook(url, check_secret(Secret(secret)) if secret is not None else None)
    except ValueError as error:
        raise OptionInvalid(option="webhook.secret", value="…", why=str(error)) from None


def declared_hook(entry: HookEntry | None, settings: Settings) -> Hook | None:
    """What the settings say. Raises `SettingsMalformed` for a variable that isn't set."""
    if entry is None:
        return None
    if entry.secret is None:
        return Hook(entry.url, signing_secret(settings))
    return Hook(entry.url, entry.secret.secret(settings, check_secret))


def signing_secret(settings: Settings) -> Secret | None:
    """What tellings are signed with where nobody gave another; None: they go unsigned. Raises
    `SettingsMalformed` for a variable that isn't set."""
    variable = settings.serving.webhook_secret
    return None if variable is None else variable.secret(settings, check_secret)


def check_secret(secret: Secret) -> Secret:
    """The secret where it is one; `ValueError`, which does not repeat it, otherwise."""
    key_of(secret)
    return secret


def key_of(secret: Secret) -> bytes:
    """The bytes that sign. Raises `ValueError`."""
    text = secret.reveal().removeprefix(MARK)
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(_FORM) from None
    if not SECRET_BYTES[0] <= len(key) <= SECRET_BYTES[1]:
        raise ValueError(_FORM)
    return key
