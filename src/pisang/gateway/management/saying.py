"""A small body that an administrator says: read whole, checked, its mistakes named by field."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from pisang.client.hooks import read_hook
from pisang.domain.ledger import Hook
from pisang.errors import OptionInvalid
from pisang.gateway.access import NAME
from pisang.gateway.management.asking import as_option
from pisang.gateway.management.desk import Desk
from pisang.gateway.management.shapes import SCHEMAS, HookWish
from pisang.wires import strictjson
from pisang.wires.asgi import read_chunks

Said = TypeVar("Said", bound=BaseModel)

MOST_SAID = 256 * 1024


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """How the description tells that a route takes such a body."""
    schema = {"schema": {"$ref": f"{SCHEMAS}{model.__name__}"}}
    return {"requestBody": {"required": True, "content": {"application/json": schema}}}


async def read_said(desk: Desk, model: type[Said]) -> Said:
    """The body. Raises `WireError`, `RequestTooLarge`, `OptionInvalid`, and `Gone`."""
    raw = b"".join([chunk async for chunk in read_chunks(desk.visit.receive, MOST_SAID, NAME)])
    try:
        return model.model_validate(strictjson.loads(raw, ()))
    except ValidationError as error:
        raise as_option(error.errors(include_url=False, include_context=False)[-1]) from None


@contextmanager
def as_fields() -> Iterator[None]:
    """What is wrong with an option of the command line, as told of the field of that name."""
    try:
        yield
    except OptionInvalid as error:
        option = str(error.fields["option"]).removeprefix("--").replace("-", "_")
        fields = {**error.fields, "option": _FIELDS.get(option, option)}
        raise OptionInvalid(**fields, hint=error.hint) from None


_FIELDS = {"budget": "budgets", "per": "budgets"}


def hook_of(wish: HookWish | None, desk: Desk) -> Hook | None:
    """Who is to be told. Raises `OptionInvalid`."""
    if wish is None:
        return None
    return read_hook(wish.url, wish.secret, desk.settings.serving.webhook_hosts)
