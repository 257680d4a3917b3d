"""`pisang unknown`: attempts of which nobody knows whether they were made or billed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pisang.cli.frame import command
from pisang.cli.options import One, Rebuy, Told
from pisang.cli.screen import Screen
from pisang.cli.table import align
from pisang.cli.words import STATES_ZH, say_amount

if TYPE_CHECKING:
    from pisang.client.async_client import AsyncClient
    from pisang.client.billing import Billing
    from pisang.client.looking import Looked
    from pisang.domain.ledger import AttemptRow


NO_LOG = "no_log"
"""As in `client.billing`, which is not loaded for a word."""


def _client() -> AsyncClient:
    from pisang.client.async_client import AsyncClient

    return AsyncClient(face="cli")


@command(examples="pisang unknown list --format json")
def list_(asked: Told) -> int:
    """All of them, oldest first, with the amount at stake. Each counts as spent until resolved."""

    async def read() -> tuple[AttemptRow, ...]:
        async with _client() as client:
            return await client.unknown()

    from pisang.client.records import unknown_json

    screen = Screen.of(asked.format)
    rows = asyncio.run(read())
    screen.data({"unknown": [unknown_json(row) for row in rows]})
    for row in rows:
        screen.bare(row.id)
    for line in align([_cells(row, screen) for row in rows]):
        screen.line(line)
    if not rows:
        screen.note(screen.pick("Nothing is unknown.", "没有结果未知的请求。"))
    else:
        screen.note(_exits(rows[0], screen, "look", "rebuy", "write-off"))
    return 0


@command(examples="pisang unknown look att_01k9")
def look(asked: One) -> int:
    """Everything that is known of one: when and where it was sent, the upstream's own ids for it,
    how it ended. A picture that its answer named by a link is tried again, and a relay's own log
    is asked whether it was billed; nothing is paid, and nothing decided."""

    async def read() -> Looked:
        async with _client() as client:
            return await client.look(asked.id)

    from pisang.client.records import looked_json, unknown_json

    screen = Screen.of(asked.format)
    looked = asyncio.run(read())
    facts = unknown_json(looked.row)
    made = looked.result.finals if looked.result else ()
    images = [image.to_json() for image in made]
    screen.data({**looked_json(looked, screen.language), "images": images})
    screen.bare(looked.row.id)
    for line in align([_fact(*one, screen) for one in facts.items() if one[1] is not None]):
        screen.line(line)
    for image in made:
        screen.line(f"{image.path}  {image.width}×{image.height}  {image.mime}")
    for note in _findings(looked, screen):
        screen.note(note)
    if not made:
        screen.note(_exits(looked.row, screen, "rebuy", "write-off"))
    return 0


_FACTS_ZH = {
    "id": "编号",
    "request_id": "请求",
    "state": "状态",
    "upstream": "上游",
    "model": "模型",
    "at_stake": "待确认金额",
    "sent_at": "发送时间",
    "status": "HTTP 状态",
    "message": "上游说",
    "excerpt": "回答摘录",
    "log_id": "日志编号",
    "upstream_request_id": "上游请求编号",
    "response_id": "上游回答编号",
}


def _fact(name: str, value: object, screen: Screen) -> tuple[str, str]:
    said = say_amount(str(value), screen.language) if name == "at_stake" else str(value)
    if name == "state":
        said = screen.pick(said, STATES_ZH[said])
    return screen.pick(name, _FACTS_ZH.get(name, name)), said


def _findings(looked: Looked, screen: Screen) -> Iterator[str]:
    """What the look came to, in sentences."""
    if looked.result is not None:
        yield screen.pick(
            "The picture was had: the attempt is done, and nothing more was paid.",
            "已取到图片：该请求已完成，没有再次付费。",
        )
        return
    if looked.error is not None:
        tried = screen.pick("Its link was tried again", "已再次尝试其中的链接")
        yield f"{tried}: {looked.error.message(screen.language)}"
    if looked.billing is not None:
        yield _said_billing(looked.billing, looked.row, screen)
    if looked.error is None and (looked.billing is None or looked.billing.verdict == NO_LOG):
        yield _by_hand(looked, screen)


_BILLING = {
    "billed": (
        "{upstream}'s log has this very request: it was billed, {amount}.",
        "{upstream} 的日志里有这个请求：已扣费 {amount}。",
    ),
    "failed": (
        "{upstream}'s log has this very request: it failed there, and nothing was taken.",
        "{upstream} 的日志里有这个请求：它在上游失败了，没有扣费。",
    ),
    "likely_billed": (
        "{upstream}'s log has a call of this model about that time: it was likely billed, "
        "{amount}. That it is this one is not certain.",
        "{upstream} 的日志里有同一时间、同一模型的调用：很可能已扣费 {amount}，"
        "但不能确定就是这一次。",
    ),
    "likely_free": (
        "{upstream}'s log has no call of this model about that time: as far as it tells, nothing "
        "was billed. That is likely, not certain.",
        "{upstream} 的日志里没有同一时间、同一模型的调用：很可能没有扣费，但不能完全确定。",
    ),
    "too_early": (
        "{upstream}'s log has no such call yet; one is written down when it ends, which may be up "
        "to {minutes} minutes after it was sent. Look again then.",
        "{upstream} 的日志里还没有这次调用；调用结束后才会记录，最晚在发送后 {minutes} 分钟。"
        "请到时再查。",
    ),
    "cannot_tell": (
        "{upstream}'s log can't tell: it is empty, switched off, or does not reach back so far.",
        "{upstream} 的日志无法判断：日志为空、已关闭，或保留的时间不够长。",
    ),
    "nobody_knows": (
        "{upstream} tells nobody what became of a single call: its bill is all there is.",
        "{upstream} 不提供单次调用的查询：只能看它的账单。",
    ),
    "no_log": (
        "{upstream}'s log was not had: {why}.",
        "没有取到 {upstream} 的日志：{why}。",
    ),
}


def _said_billing(billing: Billing, row: AttemptRow, screen: Screen) -> str:
    from pisang.errors.chinese import in_chinese
    from pisang.policy.billing import PATIENCE_S

    why = billing.why or ""
    return screen.pick(*_BILLING[billing.verdict]).format(
        upstream=row.upstream,
        amount=billing.amount,
        why=screen.pick(why, in_chinese(why)),
        minutes=-(-(row.deadline_ms // 1000 + PATIENCE_S) // 60),
    )


def _by_hand(looked: Looked, screen: Screen) -> str:
    """Where its user may find out himself."""
    name = looked.row.upstream
    handle = looked.row.upstream_request_id or looked.row.log_id or looked.row.response_id
    by, zh = (f"the id {handle}", f"编号 {handle}") if handle else ("the time", "发送时间")
    return screen.pick(
        f"No link to a picture came, so nothing can be tried here: {name}'s own log may tell, by "
        f"{by}, whether it was billed.",
        f"回答中没有图片链接，无从再试：可按{zh}在 {name} 的日志里核对是否扣费。",
    )


@command(examples="pisang unknown write-off att_01k9")
def write_off(asked: One) -> int:
    """Give it up. Its price goes on counting as spent; it is listed no more."""

    async def do() -> AttemptRow:
        async with _client() as client:
            return await client.write_off(asked.id)

    screen = Screen.of(asked.format)
    row = asyncio.run(do())
    screen.data({"id": row.id, "state": "written_off"})
    screen.bare(row.id)
    screen.line(screen.pick(f"{row.id} is written off.", f"已核销 {row.id}。"))
    return 0


@command(examples="pisang unknown rebuy att_01k9 --yes --out cat.png")
def rebuy(asked: Rebuy) -> int:
    """Buy it again from the same upstream, on the record: it may then have been paid for twice."""
    from pisang.cli.rebuying import buy_again

    screen = Screen.of(asked.format)
    return buy_again(asked, screen)


def _cells(row: AttemptRow, screen: Screen) -> tuple[str, ...]:
    from pisang.client.results import local_time
    from pisang.engine.outcome import at_stake

    stake = at_stake(row)
    said = say_amount(stake, screen.language) if stake else screen.pick("nothing", "无费用")
    return row.id, local_time(row.created_ms), row.upstream, row.model, said


def _exits(row: AttemptRow, screen: Screen, *verbs: str) -> str:
    """The commands that may come next, one a line: a line copied whole runs one of them."""
    first, *others = (f"pisang unknown {verb} {row.id}" for verb in verbs)
    told = [f"{screen.lead('Next', '下一步')}{first}"]
    told += [f"{screen.lead('or', '或')}{other}" for other in others]
    return "\n".join(told)
