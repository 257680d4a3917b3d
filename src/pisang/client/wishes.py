"""From what a user said to an `Order`: options over settings, references in, parts in order."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack, cast

from pisang.client.extras import lay
from pisang.client.presets import PRESETS
from pisang.client.references import Reference, take_reference
from pisang.client.schema import DAY_S
from pisang.client.sendable import make_sendable
from pisang.client.settings import Settings
from pisang.domain.catalogue import resolve
from pisang.domain.money import Money, parse_money
from pisang.domain.request import JSON, Image, Part, Request, Text
from pisang.domain.upstream import Upstream
from pisang.domain.warning import Warn
from pisang.engine.events import Event
from pisang.engine.lineage import Continuation, go_on
from pisang.engine.order import Order
from pisang.errors import KeyMissing, OptionInvalid, PromptMissing

if TYPE_CHECKING:
    from pisang.engine.engine import Engine

MAX_N = 100
"""More images than this are a batch, not a request."""

MAX_PROMPT = 1_000_000
"""Characters. The largest context of any model here is far below it."""

ReferenceWord = str | Path | bytes | Reference


class Options(TypedDict, total=False):
    """What may be said with a wish; all of it optional.

    `model`, `aspect_ratio` (`"16:9"`), `image_size` (`"1K"`); `n` images; `references`: paths,
    image ids, `"last"`, `"label=path"`, or bytes; `max_cost` (`"5USD"` or `Money`) for all n
    together; `timeout_s` in place of the size's own; `on_event` hears of each step;
    `idempotency_key` makes a repeat safe; `retry_unknown` buys again what is unknown under it;
    `strict` makes a shape that was not met an error; `extra` fields that only the upstream's wire
    knows; `system` instructions; `tags` to find it by; `folder` for which it is the `last`.
    """

    model: str | None
    aspect_ratio: str | None
    image_size: str | None
    n: int
    references: Sequence[ReferenceWord]
    max_cost: Money | str | None
    timeout_s: float | None
    on_event: Callable[[Event], None] | None
    idempotency_key: str | None
    retry_unknown: bool
    strict: bool
    extra: Mapping[str, JSON]
    system: str | None
    tags: Sequence[str]
    folder: str | Path | None


def merged(base: Options, over: Options) -> Options:
    """`over` laid on `base`; `TypeError` for a name that is no option, as Python itself does."""
    check_names(over, Options.__annotations__)
    return cast("Options", {**base, **over})


def check_names(said: Iterable[str], known: Iterable[str]) -> None:
    """Raises `TypeError` for a name that is not known."""
    names = tuple(known)
    for name in said:
        if name not in names:
            near = get_close_matches(name, names, 1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise TypeError(f"there is no option {name!r}{hint}")


@dataclass(frozen=True, slots=True)
class Wisher:
    """Composes orders for one engine, one upstream, one set of settings, one face."""

    engine: Engine
    upstream: Upstream
    settings: Settings
    face: str = "sdk"
    scope: str = "local"

    async def compose(
        self, prompt: str, edited: ReferenceWord | None = None, **options: Unpack[Options]
    ) -> Order:
        """The order for a wish; `edited` is the picture that it changes.

        Raises what is wrong with the words: `PromptMissing`, `OptionInvalid`, and what
        `take_reference` raises. Nothing is sent.
        """
        check_prompt(prompt)
        check_secret(self.upstream, self.settings)
        folder = Path(options.get("folder") or self.settings.folder)
        taken = [await self._take(word, folder) for word in options.get("references") or ()]
        goal, warnings = (None, ()) if edited is None else await self._take(edited, folder)
        defaults = self.settings.defaults
        onward = await self._onward(goal, options.get("model") or defaults.model)
        text = f"{defaults.style}\n{prompt}" if defaults.style else prompt
        request = Request(
            parts=(*onward.parts, *(_part(one) for one, _ in taken), Text(text)),
            model=options.get("model") or defaults.model or "",
            aspect_ratio=options.get("aspect_ratio") or defaults.aspect_ratio,
            image_size=options.get("image_size") or defaults.image_size,
            n=check_n(options.get("n", 1)),
            history=onward.history,
            system=options.get("system"),
            extra=self._extra(options.get("extra") or {}),
        )
        check_words(request, options.get("tags") or ())
        return Order(
            request=request,
            upstream=self.upstream,
            idempotency_key=check_key(options.get("idempotency_key")),
            retry_unknown=options.get("retry_unknown") or False,
            max_cost=check_money(options.get("max_cost") or defaults.max_cost),
            timeout_s=check_timeout(_first(options.get("timeout_s"), defaults.timeout_s)),
            face=self.face,
            folder=str(folder),
            parent=goal.image.sha256 if goal and goal.image else None,
            tags=tuple(options.get("tags") or ()),
            scope=self.scope,
            strict=options.get("strict") or False,
            warnings=(*warnings, *(warn for _, told in taken for warn in told), *onward.warnings),
        )

    async def _take(self, word: ReferenceWord, folder: Path) -> tuple[Reference, tuple[Warn, ...]]:
        # A reference may be a large file: hashing it must not hold up the loop.
        store = self.engine.store
        taken = await asyncio.to_thread(take_reference, word, store, folder=folder)
        shown = str(word) if isinstance(word, str | Path) else "The picture"
        return await asyncio.to_thread(make_sendable, taken, shown, store)

    async def _onward(self, goal: Reference | None, word: str | None) -> Continuation:
        """An image of ours goes on from its turns; any other picture is a part."""
        if goal is None:
            return Continuation()
        if goal.image is None or goal.label:
            return Continuation(parts=(_part(goal),))
        word = word or self.upstream.default_model
        model = resolve(word, self.upstream, self.engine.catalogue).model if word else None
        signed = model is not None and model.signatures
        store = self.engine.store
        return await asyncio.to_thread(go_on, goal.image, self.upstream, store, signed=signed)

    def _extra(self, fields: Mapping[str, JSON]) -> dict[str, dict[str, JSON]]:
        body: dict[str, JSON] = {}
        for name, value in fields.items():
            lay(body, name, value, self.upstream.wire)
        return {self.upstream.wire: body} if body else {}


def _first(said: float | None, otherwise: float | None) -> float | None:
    return otherwise if said is None else said


def _part(reference: Reference) -> Part:
    return Image(reference.content, reference.mime, reference.label)


def check_prompt(prompt: str) -> None:
    """Raises `PromptMissing` for no words, `OptionInvalid` for what is no text."""
    if all(unicodedata.category(c)[0] in "ZC" for c in prompt[:MAX_PROMPT]):  # no visible one
        raise PromptMissing()
    if len(prompt) > MAX_PROMPT:
        why = f"it has {len(prompt):,} characters and at most {MAX_PROMPT:,} are taken"
        raise OptionInvalid(option="prompt", value=f"{prompt[:20]}…", why=why)
    if any("\ud800" <= c <= "\udfff" for c in prompt):
        shown = prompt[:40].encode("utf-8", "replace").decode()
        raise OptionInvalid(option="prompt", value=shown, why="it is not valid UTF-8 text")


def check_words(request: Request, tags: Sequence[str]) -> None:
    """Raises `OptionInvalid` for a word that is no text: a lone surrogate can't be sent."""
    names = ("model", "aspect_ratio", "image_size", "system")
    named = [(name, getattr(request, name)) for name in names]
    for name, word in (*named, *(("tag", tag) for tag in tags)):
        if isinstance(word, str) and any("\ud800" <= c <= "\udfff" for c in word):
            raise OptionInvalid(option=name, value=word[:40], why="it is not valid UTF-8 text")


def check_secret(upstream: Upstream, settings: Settings) -> None:
    """Raises `KeyMissing`, which names the variable to set, where a key is needed and none is."""
    if upstream.key or not upstream.auth.takes_key:
        return
    entry = settings.upstreams.get(upstream.name)
    preset = PRESETS.get(upstream.preset or "")
    names = (entry.key_env,) if entry and entry.key_env else preset.key_envs if preset else ()
    raise KeyMissing(upstream=upstream.name, hint=f"export {names[0]}=…" if names else None)


def check_key(key: str | None) -> str | None:
    """An idempotency key: 1 to 255 characters of text (as Stripe has it), or none."""
    if key is None:
        return None
    if not 0 < len(key) <= 255 or any("\ud800" <= c <= "\udfff" for c in key):
        why = "it wants 1 to 255 characters of text"
        raise OptionInvalid(option="idempotency_key", value=key[:40], why=why)
    return key


def check_n(n: int) -> int:
    """How many images; `OptionInvalid` outside 1 to `MAX_N`."""
    if not 1 <= n <= MAX_N:
        raise OptionInvalid(option="n", value=n, why=f"choose 1 to {MAX_N}")
    return n


def check_money(amount: Money | str | None) -> Money | None:
    """An amount from its words; `OptionInvalid` when it is none."""
    if not isinstance(amount, str):
        return amount
    try:
        return parse_money(amount)
    except ValueError as error:
        raise OptionInvalid(option="max_cost", value=amount, why=str(error)) from error


def check_timeout(timeout_s: float | None) -> float | None:
    """Seconds above zero and at most a day; `OptionInvalid` otherwise."""
    if timeout_s is not None and not 0 < timeout_s <= DAY_S:
        raise OptionInvalid(option="timeout", value=timeout_s, why=f"give seconds, up to {DAY_S}")
    return timeout_s
