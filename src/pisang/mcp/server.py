"""The tools, as the protocol has them. Everything is done by the keeper at the other end of `line`.

A tool that makes images reports progress at least every ten seconds: clients that hear nothing give
up after a minute, and some never listen, so without a progress token it hands back a job after
`DEAF_WAIT_S`. Prompts and what models say are data: nothing here reads them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field, ValidationError

from pisang.domain.catalogue import load
from pisang.domain.version import VERSION
from pisang.mcp.limits import MOST_N, MOST_ROWS
from pisang.mcp.line import Call, KeeperDied, Line, Refused
from pisang.mcp.telling import still_running, tell, tell_error, tell_words

BEAT_S = 8.0
"""How often progress is told where nothing new is known."""
DEAF_WAIT_S = 50.0
"""How long a client is kept that can't be told of progress: many give up after 60 s."""
WAIT_S = 1_500.0
"""How long one that hears of progress is kept: a 4K image may take twenty minutes."""

INSTRUCTIONS = """\
Makes and edits images with the Nano Banana models (Google's Gemini image models). Every call of \
generate_image, edit_image or start_batch costs money: say so before making more than a few, and \
never repeat a call whose outcome is unknown or which still runs (use get_job). Results name files \
on this machine; the preview is for looking, the file for using. Keys are set up by the user with \
`pisang setup` in a terminal: never ask for one in the chat. Not for charts, diagrams or SVG."""

_MAKES = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True
)
_LOOKS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
_STOPS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)

_RATIOS = sorted({ratio for model in load().models for ratio in model.ratios})
_SIZES = sorted({size for model in load().models for size in model.sizes})

Prompt = Annotated[str, Field(description="What the picture should show, in any language.")]
Ratio = Annotated[
    str | None,
    Field(
        description="Its shape: 1:1 social, 3:4 or 2:3 portrait (竖屏 9:16), 16:9 or 21:9 banner "
        f"(横屏 16:9). Of {', '.join(_RATIOS)}; which of them depends on the model (list_models)."
    ),
]
Size = Annotated[
    str | None,
    Field(description=f"Its resolution: {', '.join(_SIZES)}. Larger is slower and costs more."),
]
Model = Annotated[
    str | None, Field(description="A model's id or name (list_models). Default: the upstream's.")
]
Count = Annotated[
    int, Field(ge=1, le=MOST_N, description="How many pictures of it. Each is paid for.")
]
Out = Annotated[
    str | None,
    Field(description="Where to write it: a file (cat.png) or a folder (out/), in the roots."),
]
Reference = Annotated[
    str,
    Field(
        description="A picture: a path below the roots, an image's or request's id, or `last`, "
        "the newest of this session. Never base64, never a URL."
    ),
]
References = Annotated[
    list[str] | None,
    Field(description="More pictures to go by: paths, ids or `last`. Never base64, never URLs."),
]
Cap = Annotated[
    str | None, Field(description="Refuse, before paying, what may cost more: `0.50USD`.")
]
Job = Annotated[str, Field(description="A job_id or request_id that another tool gave.")]


class Server(MCPServer[None]):
    """The MCP server over a keeper's line."""

    def __init__(self, line: Line) -> None:
        super().__init__(
            "pisang", title="Pisang", instructions=INSTRUCTIONS, version=VERSION,
            log_level="WARNING", subscriptions=False,
        )  # fmt: skip
        self._line = line
        for tool, hints in (
            (self.generate_image, _MAKES),
            (self.edit_image, _MAKES),
            (self.start_batch, _MAKES),
            (self.get_job, _LOOKS),
            (self.cancel_job, _STOPS),
            (self.list_models, _LOOKS),
            (self.find_images, _LOOKS),
            (self.get_image, _LOOKS),
        ):
            self.add_tool(tool, annotations=hints, structured_output=False)

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> Any:
        """As the SDK's, but what is wrong with arguments is said in a sentence for each."""
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                said = "; ".join(map(_say_wrong, error.__cause__.errors()))
                raise ToolError(f"{name}: {said}. Nothing was sent.") from error.__cause__
            raise

    # --- tools: their docstrings are what a model reads ------------------------------------------

    async def generate_image(  # noqa: PLR0913 - an agent's arguments have no groups
        self,
        ctx: Context[Any, Any],
        prompt: Prompt,
        aspect_ratio: Ratio = None,
        image_size: Size = None,
        model: Model = None,
        n: Count = 1,
        references: References = None,
        out: Out = None,
        max_cost: Cap = None,
    ) -> CallToolResult:
        """Make pictures from words. Costs money. Returns their files' paths, size and cost, and a
        small preview; look at the preview, do not open the full file."""
        words = {
            "prompt": prompt, "aspect_ratio": aspect_ratio, "image_size": image_size,
            "model": model, "n": n, "references": references, "out": out, "max_cost": max_cost,
        }  # fmt: skip
        return await self._paint(ctx, words)

    async def edit_image(  # noqa: PLR0913
        self,
        ctx: Context[Any, Any],
        image: Reference,
        prompt: Annotated[str, Field(description="What to change, and what to keep.")],
        aspect_ratio: Ratio = None,
        image_size: Size = None,
        model: Model = None,
        n: Count = 1,
        references: References = None,
        out: Out = None,
        max_cost: Cap = None,
    ) -> CallToolResult:
        """Change a picture: a file, an id, or `last`. Costs money. The given file stays as it is.
        An image made here is gone on from with all that the model remembers of it."""
        words = {
            "prompt": prompt, "image": image, "aspect_ratio": aspect_ratio,
            "image_size": image_size, "model": model, "n": n, "references": references,
            "out": out, "max_cost": max_cost,
        }  # fmt: skip
        return await self._paint(ctx, words)

    async def start_batch(
        self,
        ctx: Context[Any, Any],
        prompts: Annotated[
            list[str],
            Field(
                min_length=1,
                max_length=MOST_ROWS,
                description="One picture each. Five to ten at a time; tell the user the cost "
                "before more.",
            ),
        ],
        aspect_ratio: Ratio = None,
        image_size: Size = None,
        model: Model = None,
        references: References = None,
        out: Annotated[
            str | None, Field(description="The folder for their files, in the roots (`out/`).")
        ] = None,
    ) -> CallToolResult:
        """Begin several pictures at once and return at once with a job_id for get_job. Costs money
        for each. They are made whether or not anybody waits."""
        words = {
            "rows": [{"prompt": one} for one in prompts], "aspect_ratio": aspect_ratio,
            "image_size": image_size, "model": model, "references": references,
            "out": f"{out.rstrip('/')}/" if out else None,
        }  # fmt: skip
        try:
            told = await self._line.ask("batch", words)
        except Refused as refused:
            return tell_error(refused.told)
        text = f"Begun: {len(told['requests'])} pictures. Ask get_job with job_id {told['job_id']}."
        return tell_words(text, told)

    async def get_job(
        self,
        ctx: Context[Any, Any],
        job_id: Job,
        wait_s: Annotated[
            float,
            Field(ge=0, le=600, description="Wait up to so many seconds for it to be over."),
        ] = 0.0,
    ) -> CallToolResult:
        """How a job or request stands: still made, done (with its files), refused, unknown. Costs
        nothing."""
        call = await self._line.order("wait", {"job_id": job_id, "wait_s": wait_s})
        try:
            told = await self._watch(ctx, call, WAIT_S)
        except Refused as refused:
            return tell_error(refused.told)
        if "requests" not in told:
            return await asyncio.to_thread(tell, told)
        return tell_words(_describe_job(told), told)

    async def cancel_job(self, ctx: Context[Any, Any], job_id: Job) -> CallToolResult:
        """Send nothing more of a job. What was sent already is paid for: it is seen through and
        kept."""
        try:
            told = await self._line.ask("cancel", {"job_id": job_id})
        except Refused as refused:
            return tell_error(refused.told)
        count = len(told["stopped"])
        text = (
            f"Nothing more of {job_id} is sent ({count} stopped). What was sent is kept: get_job."
        )
        return tell_words(text, told)

    async def list_models(self, ctx: Context[Any, Any]) -> CallToolResult:
        """The models with their ratios, sizes and list prices, and the upstream in use. Costs
        nothing."""
        try:
            told = await self._line.ask("models", {})
        except Refused as refused:
            return tell_error(refused.told)
        lines = [f"upstream: {told['upstream']} (default model {told['default_model']})"]
        for one in told["models"]:
            prices = ", ".join(
                f"{size} {price['amount']} {price['currency']}"
                for size, price in one["prices"].items()
            )
            shapes = (
                f"ratios {' '.join(one['aspect_ratios'])}; sizes {' '.join(one['image_sizes'])}"
            )
            lines.append(
                f"{one['id']} ({one['name']}): {shapes}; list prices {prices or 'unknown'}"
            )
        return tell_words("\n".join(lines), told)

    async def find_images(
        self,
        ctx: Context[Any, Any],
        query: Annotated[
            str | None, Field(description="Words of the prompt. None: the newest.")
        ] = None,
        limit: Annotated[int, Field(ge=1, le=50)] = 10,
    ) -> CallToolResult:
        """Find pictures made earlier by words of their prompt, newest first. Costs nothing."""
        try:
            told = await self._line.ask("find", {"query": query, "limit": limit})
        except Refused as refused:
            return tell_error(refused.told)
        lines = [_describe_row(one) for one in told["requests"]]
        return tell_words("\n".join(lines) or "Nothing found.", told)

    async def get_image(self, ctx: Context[Any, Any], image: Reference) -> CallToolResult:
        """One picture made earlier: its file, size, cost and a preview. Costs nothing."""
        try:
            told = await self._line.ask("image", {"image": image})
        except Refused as refused:
            return tell_error(refused.told)
        return await asyncio.to_thread(tell, told)

    # --- how they wait ---------------------------------------------------------------------------

    async def _paint(self, ctx: Context[Any, Any], words: Mapping[str, Any]) -> CallToolResult:
        call = await self._line.order("paint", words)
        patience_s = WAIT_S if _listens(ctx) else DEAF_WAIT_S
        try:
            told = await self._watch(ctx, call, patience_s)
        except TimeoutError:
            return still_running(call.request_id, "sent")
        except Refused as refused:
            return tell_error(refused.told)
        except KeeperDied:
            return await self._after_death(call)
        except asyncio.CancelledError:
            await self._leave(call)
            raise
        return await asyncio.to_thread(tell, told)

    async def _watch(self, ctx: Context[Any, Any], call: Call, patience_s: float) -> dict[str, Any]:
        """A call's outcome; its progress is told meanwhile. Raises `TimeoutError`."""
        begun = time.monotonic()
        elapsed_s = 0.0
        known: dict[str, Any] = {"kind": "begun"}
        while elapsed_s < patience_s:
            event = await call.news(min(BEAT_S, patience_s - elapsed_s))
            if event is not None:
                known = {**known, **{k: v for k, v in event.items() if v not in (None, "")}}
            if call.ended.done():
                told: dict[str, Any] = await call.ended
                return told
            elapsed_s = time.monotonic() - begun
            await ctx.report_progress(round(elapsed_s, 1), None, _say(known, elapsed_s))
        raise TimeoutError

    async def _leave(self, call: Call) -> None:
        """The client cancelled: what was not sent is not sent any more; what was is kept."""
        if call.request_id is not None:
            await asyncio.shield(self._line.order("cancel", {"job_id": call.request_id}))

    async def _after_death(self, call: Call) -> CallToolResult:
        """What the ledger knows of a request whose keeper died: a new one settles it."""
        if call.request_id is None:
            text = "The process that buys images died before anything was sent: ask again."
            return CallToolResult(content=tell_words(text, {}).content, is_error=True)
        try:
            told = await self._line.ask("wait", {"job_id": call.request_id, "wait_s": 5.0})
        except Refused as refused:
            return tell_error(refused.told)
        return await asyncio.to_thread(tell, told)


def _listens(ctx: Context[Any, Any]) -> bool:
    """Whether the client asked to be told of progress."""
    meta = ctx.request_context.meta
    return bool(meta and meta.get("progress_token") is not None)


def _say(event: Mapping[str, Any], elapsed_s: float) -> str:
    kind = event["kind"]
    if kind == "queued":
        place = f", place {event['place']}" if event.get("place") else ""
        return f"waiting for the upstream{place}: {event.get('message', '')}".rstrip(": ")
    if kind == "received" and event.get("bytes"):
        return f"receiving, {event['bytes'] / 1_000_000:.1f} MB so far"
    if kind in ("claimed", "sent", "received"):
        usual = event.get("usual_s")
        usually = f" (usually about {usual:.0f} s)" if usual else ""
        return f"being painted for {elapsed_s:.0f} s{usually}"
    return f"working for {elapsed_s:.0f} s"


def _say_wrong(wrong: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in wrong["loc"]) or "the arguments"
    return f"`{where}`: {str(wrong['msg'])[:1].lower()}{str(wrong['msg'])[1:]}"


def _describe_row(row: Mapping[str, Any]) -> str:
    paths = ", ".join(one["path"] or one["sha256"][:12] for one in row["images"]) or "no image"
    words = " ".join(row["prompt"].split())
    shown = f"{words[:80]}…" if len(words) > 80 else words
    return f"{row['id']} · {row['created_at'][:16]} · {row['state']} · {shown!r} · {paths}"


def _describe_job(told: Mapping[str, Any]) -> str:
    rows = told["requests"]
    states: dict[str, int] = {}
    for one in rows:
        states[one["state"]] = states.get(one["state"], 0) + 1
    said = ", ".join(f"{count} {state}" for state, count in states.items())
    return "\n".join([f"{told['job_id']}: {said}", *map(_describe_row, rows)])
