"""What an agent is shown: words with paths, a small preview, a link; never a whole picture.

Sizes: clients cut results at 1 MiB (Claude Desktop) or 25,000 tokens (Claude Code), and some count
base64 as text, so all of a result stays under 256 KB (modelcontextprotocol/python-sdk#2557).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mcp_types import Annotations, CallToolResult, ContentBlock, ImageContent, ResourceLink
from mcp_types import TextContent as Text

from pisang.errors import PisangError

PREVIEW_BYTES = 150_000
"""Of all previews of a result together; base64 makes a third more of it."""
PREVIEW_PX = 1024
MOST_PREVIEWS = 6


def tell(result: Mapping[str, Any]) -> CallToolResult:
    """The outcome of one request (`Result.to_json`, with its `error`)."""
    images = [one for one in result["images"] if not one["draft"] and one["path"]]
    failed = not images and result["error"] is not None
    lines = [*map(_describe, images), _summary(result)]
    if result["state"] in ("planned", "sent"):
        lines.append(_go_on(result["request_id"]))
    if result["error"] is not None:
        lines.append(say_error(result["error"]))
    lines += [f"Warning: {one['message']}" for one in result["warnings"]]
    if not images and result["text"]:
        lines.append(f"The model said: {result['text']}")
    content: list[ContentBlock] = [Text(type="text", text="\n".join(filter(None, lines)))]
    content += _previews([Path(one["path"]) for one in images])
    content += [_link(one) for one in images]
    return CallToolResult(content=content, structured_content=dict(result), is_error=failed)


def tell_words(text: str, told: Mapping[str, Any]) -> CallToolResult:
    """A result that is words."""
    return CallToolResult(content=[Text(type="text", text=text)], structured_content=dict(told))


def tell_error(error: Mapping[str, Any]) -> CallToolResult:
    """An error, so that the agent knows what it cost and what to do."""
    return CallToolResult(
        content=[Text(type="text", text=say_error(error))],
        structured_content={"error": dict(error)},
        is_error=True,
    )


def say_error(error: Mapping[str, Any]) -> str:
    """An error's sentence, what may have been charged, and the next step."""
    lines = [f"Error ({error['code']}): {error['message']}"]
    if error["charged"] == "unknown":
        stake = error["at_stake"] or "an unknown amount"
        lines.append(
            f"Nobody knows whether {stake} was charged: do not ask again unasked, tell the user."
        )
    if error["hint"]:
        lines.append(f"Next (in a terminal): {error['hint']}")
    return "\n".join(lines)


def still_running(request_id: str | None, state: str) -> CallToolResult:
    """The caller's patience is over; the request goes on."""
    told = {"request_id": request_id, "job_id": request_id, "state": state}
    return tell_words(_go_on(request_id), told)


def _go_on(request_id: str | None) -> str:
    return (
        f"It is still being made, and goes on whether or not anybody waits: call get_job with "
        f"job_id {request_id}. Do not ask for it again: that would buy it twice."
    )


def _describe(image: Mapping[str, Any]) -> str:
    size = image["bytes"]
    said = f"{size / 1_000_000:.1f} MB" if size >= 1_000_000 else f"{size / 1000:.0f} kB"
    return f"{image['path']}  {image['width']}×{image['height']}  {image['mime']}  {said}"


def _summary(result: Mapping[str, Any]) -> str:
    cost = result["cost"]
    if cost["amount"] is not None:
        money = f"cost {cost['amount']} {cost['currency'] or ''}".strip()
    else:
        money = "cost unknown"
    if cost["at_stake"]:
        money += f", {cost['at_stake']} {cost['currency']} at stake"
    play = " (play money)" if cost["basis"] == "sandbox" else ""
    said = (result["model"], result["upstream"], f"{money}{play}", result["request_id"])
    return " · ".join(filter(None, said))


def _link(image: Mapping[str, Any]) -> ResourceLink:
    path = Path(image["path"])
    return ResourceLink(
        type="resource_link",
        name=path.name,
        uri=path.as_uri(),
        mime_type=image["mime"],
        size=image["bytes"],
    )


def _previews(paths: Sequence[Path]) -> list[ContentBlock]:
    from pisang.pixels.convert import preview

    shown = paths[:MOST_PREVIEWS]
    made: list[ContentBlock] = []
    for path in shown:
        try:
            small = preview(
                path, PREVIEW_PX // (1 if len(shown) == 1 else 2), PREVIEW_BYTES // len(shown)
            )
        except (PisangError, ImportError, OSError):  # the picture is there, and its path was told
            continue
        made.append(
            ImageContent(
                type="image",
                data=base64.b64encode(small).decode("ascii"),
                mime_type="image/jpeg",
                annotations=Annotations(audience=["user", "assistant"], priority=0.5),
            )
        )
    return made
