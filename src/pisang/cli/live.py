"""What `pisang doctor --live` asks the upstreams themselves: a free call each; with `--pay`, one
image each, the cheapest there is, its price said and confirmed first."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pisang.cli.checking import check_now
from pisang.cli.checks import Check, how_to_set_clock
from pisang.cli.choosing import may_ask
from pisang.cli.screen import Screen
from pisang.client.async_client import AsyncClient
from pisang.client.loading import load_settings
from pisang.client.settings import Settings
from pisang.client.upstreams import implied_presets, is_sandbox, resolve
from pisang.domain.catalogue import load
from pisang.domain.money import Money
from pisang.domain.request import Request, Text
from pisang.domain.upstream import Upstream
from pisang.engine.probe import Probe
from pisang.errors import ConfirmationNeeded, PisangError
from pisang.policy.plan import Planned, plan

PROMPT = "a small red square on white"
"""What is asked for when it is paid for: nobody refuses it."""

FAR_S, TOO_FAR_S = 30, 300
"""Seconds. Google's tokens are refused by a clock that is five minutes wrong (RFC 7519 leeway)."""


def live_checks(settings: Settings) -> list[Check]:
    """One free call to each upstream that is configured, or whose key is in the environment."""
    upstreams, found = _upstreams(settings)
    if not upstreams and not found:
        found.append(Check("live", "note", "there is no upstream to ask", "pisang setup"))
    probes = check_now(upstreams)
    found += [_reached(one) for one in probes]
    return [*found, *_clock(probes)]


def _upstreams(settings: Settings) -> tuple[list[Upstream], list[Check]]:
    """Those that can be asked, and what is wrong with the others."""
    names = tuple(settings.upstreams) or implied_presets(settings.environ)
    upstreams: list[Upstream] = []
    wrong: list[Check] = []
    for name in names:
        try:
            upstreams.append(resolve(settings, name))
        except PisangError as error:
            wrong.append(Check(f"live {name}", "bad", error.message(), error.next_step()))
    return [one for one in upstreams if not is_sandbox(one)], wrong


def _reached(found: Probe) -> Check:
    name = f"live {found.upstream}"
    if found.error is not None:
        step = found.error.next_step()
        again = f"pisang upstream test {found.upstream}"
        return Check(name, "bad", found.error.message(), step or again)
    took = f"{found.elapsed_ms:,} ms"
    if not found.key_tested:
        return Check(name, "good", f"is there; its key can't be tested for free ({took})")
    if not found.key_needed:
        return Check(name, "good", f"is there, and needs no key ({took})")
    return Check(name, "good", f"is there and takes the key ({took})")


def _clock(probes: Sequence[Probe]) -> Iterator[Check]:
    """This clock against the upstreams' (the middle one of them)."""
    skews = sorted(one.skew_s for one in probes if one.skew_s is not None)
    if not skews:
        return
    skew = skews[len(skews) // 2]
    off = abs(round(skew))
    if off <= FAR_S:
        yield Check("clock", "good", "agrees with the upstreams'")
        return
    message = f"this clock is {off:,} s behind the upstreams'"
    if skew < 0:
        message = f"this clock is {off:,} s ahead of the upstreams'"
    yield Check("clock", "bad" if off > TOO_FAR_S else "look", message, how_to_set_clock())


# --- with --pay ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cheapest:
    """The cheapest image of an upstream's default model."""

    upstream: Upstream
    size: str | None
    price: Money | None


def paid_checks(settings: Settings, screen: Screen, *, yes: bool) -> list[Check]:
    """One image from each upstream, kept like any other. Raises `ConfirmationNeeded` where nobody
    said that it may be paid for."""
    upstreams, _ = _upstreams(settings)
    wanted = [cheapest(one) for one in upstreams if one.key or not one.auth.takes_key]
    if not wanted:
        return []
    _confirm(wanted, screen, yes=yes)
    return asyncio.run(_buy(wanted))


def cheapest(upstream: Upstream) -> Cheapest:
    """The size that costs least, by the price list that applies; the smallest where none is."""
    catalogue = load()

    def planned(size: str | None) -> Planned:
        return plan(Request((Text(PROMPT),), "", image_size=size), upstream, catalogue)

    usual = planned(None)
    sizes = usual.model.sizes if usual.model and usual.model.sends_size else ()
    if not sizes:
        return Cheapest(upstream, None, usual.price.money)
    priced = [Cheapest(upstream, size, planned(size).price.money) for size in sizes]
    known = [one for one in priced if one.price is not None]
    return min(known, key=_micros) if known else priced[0]


def _micros(one: Cheapest) -> int:
    return one.price.micros if one.price else 0


def _confirm(wanted: Sequence[Cheapest], screen: Screen, *, yes: bool) -> None:
    """Say what each will cost, and have it confirmed."""
    unknown = screen.pick("its price is not known", "价格未知")
    for one in wanted:
        screen.note(f"{one.upstream.name}: {one.size or ''} {one.price or unknown}")
    if yes:
        return
    price = ", ".join(f"{one.upstream.name} {one.price or 'an unknown amount'}" for one in wanted)
    if not may_ask(screen):
        raise ConfirmationNeeded(price=price, flag="--yes")
    asking = screen.pick(
        f"Buy one image from each ({len(wanted)})? [y/N] ",
        f"向每个上游各买一张图（共 {len(wanted)} 张）？[y/N] ",
    )
    sys.stderr.write(asking)
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes", "是"):
        raise ConfirmationNeeded(price=price, flag="--yes")


async def _buy(wanted: Sequence[Cheapest]) -> list[Check]:
    found = []
    async with AsyncClient(wanted[0].upstream, settings=load_settings(), face="cli") as client:
        for one in wanted:
            found.append(await _buy_one(client.with_options(one.upstream), one))
    return found


async def _buy_one(client: AsyncClient, one: Cheapest) -> Check:
    name = f"paid {one.upstream.name}"
    try:
        result = await client.attempt(PROMPT, image_size=one.size, tags=("doctor",))
    except PisangError as error:
        return Check(name, "bad", error.message(), error.next_step())
    if result.error is not None:
        return Check(name, "bad", result.error.message(), result.error.next_step())
    image = result.images[0]
    shape = f"{image.width}×{image.height} {image.mime}"
    return Check(name, "good", f"{shape}, {result.cost} ({result.request_id})")
