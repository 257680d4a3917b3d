"""google-genai for Python as its users call it, whichever major version the environment holds."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from driver import OPENED, Told, drive, given, picture
from google import genai
from google.genai import types

ASYNC = "async" in os.environ.get("CLIENT_MODE", "")


def client(job: dict[str, Any], case: dict[str, Any]) -> genai.Client:
    options: dict[str, Any] = {"base_url": job["url"]}
    if case.get("timeout_s"):
        options["timeout"] = int(case["timeout_s"] * 1000)
    if case.get("retries"):
        options["retry_options"] = {"attempts": case["retries"] + 1, "initial_delay": 0.2}
    opened = genai.Client(api_key=job["key"], http_options=options)
    OPENED.append(opened)
    return opened


def config(case: dict[str, Any]) -> dict[str, Any]:
    image = {"aspect_ratio": case.get("aspect_ratio"), "image_size": case.get("image_size")}
    return {
        "response_modalities": ["TEXT", "IMAGE"],
        "image_config": {name: value for name, value in image.items() if value},
    }


def parts_of(answer: Any) -> list[Any]:
    found = (answer.candidates or [None])[0]
    return list(found.content.parts or []) if found and found.content else []


def told(*answers: Any) -> Told:
    parts = [part for answer in answers for part in parts_of(answer)]
    images = [part for part in parts if part.inline_data and not part.thought]
    ends = [one.candidates[0].finish_reason for one in answers if one.candidates]
    return {
        "pictures": [picture(p.inline_data.data, p.inline_data.mime_type) for p in images],
        "signed": any(part.thought_signature for part in images),
        "text": "".join(part.text or "" for part in parts),
        "finish": next((end.name for end in reversed(ends) if end), None),
        "headers": dict((answers[-1].sdk_http_response.headers or {}) if answers else {}),
    }


def ask(job: dict[str, Any], case: dict[str, Any], contents: Any) -> Any:
    opened = client(job, case)
    wish = {"model": case["model"], "contents": contents, "config": config(case)}
    if ASYNC:
        return asyncio.run(opened.aio.models.generate_content(**wish))
    return opened.models.generate_content(**wish)


def generate(job: dict[str, Any], case: dict[str, Any]) -> Told:
    return told(ask(job, case, case["prompt"]))


def edit(job: dict[str, Any], case: dict[str, Any]) -> Told:
    reference = types.Part.from_bytes(data=given(case), mime_type="image/png")
    return told(ask(job, case, [reference, case["prompt"]]))


def stream(job: dict[str, Any], case: dict[str, Any]) -> Told:
    opened = client(job, case)
    wish = {"model": case["model"], "contents": case["prompt"], "config": config(case)}

    async def collect() -> list[Any]:
        return [one async for one in await opened.aio.models.generate_content_stream(**wish)]

    if ASYNC:
        return told(*asyncio.run(collect()))
    return told(*opened.models.generate_content_stream(**wish))


def turns(job: dict[str, Any], case: dict[str, Any]) -> Told:
    """A chat: the SDK itself gives the model's turn back, signatures and all."""
    chat = client(job, case).chats.create(model=case["model"], config=config(case))
    chat.send_message("a red kite over a lake")
    return told(chat.send_message(case["prompt"]))


def lost(job: dict[str, Any], case: dict[str, Any]) -> Told:
    """The same turn given back by somebody who dropped the signatures."""
    first = ask(job, case, "a red kite over a lake")
    turn = first.candidates[0].content
    for part in turn.parts:
        part.thought_signature = None
    again = types.Content(role="user", parts=[types.Part(text=case["prompt"])])
    opening = types.Content(role="user", parts=[types.Part(text="a red kite over a lake")])
    return told(ask(job, case, [opening, turn, again]))


def count(job: dict[str, Any], case: dict[str, Any]) -> Told:
    counted = client(job, case).models.count_tokens(model=case["model"], contents=case["prompt"])
    return {"tokens": counted.total_tokens}


def models(job: dict[str, Any], case: dict[str, Any]) -> Told:
    return {"models": [one.name for one in client(job, case).models.list()]}


def model(job: dict[str, Any], case: dict[str, Any]) -> Told:
    return {"models": [client(job, case).models.get(model=case["model"]).name]}


def files(job: dict[str, Any], case: dict[str, Any]) -> Told:
    """A picture handed over by the Files API, used in an edit, looked at and deleted."""
    from io import BytesIO

    opened = client(job, case)
    kept = opened.files.upload(file=BytesIO(given(case)), config={"mime_type": "image/png"})
    seen = opened.files.get(name=kept.name)
    answer = told(ask(job, case, [seen, case["prompt"]]))
    opened.files.delete(name=kept.name)
    try:
        opened.files.get(name=kept.name)
    except genai.errors.ClientError as error:
        answer["gone"] = error.code
    return {**answer, "uri": seen.uri, "file": seen.name, "state": seen.state.name}


if __name__ == "__main__":
    actions = (generate, edit, stream, turns, lost, count, models, model, files)
    drive({action.__name__: action for action in actions})
