"""openai for Python as its users call it."""

from __future__ import annotations

import base64
import re
from typing import Any

import openai
from driver import Told, drive, given, picture


def client(job: dict[str, Any], case: dict[str, Any]) -> openai.OpenAI:
    options = {"timeout": case["timeout_s"]} if case.get("timeout_s") else {}
    return openai.OpenAI(api_key=job["key"], base_url=f"{job['url']}/v1", **options)


def shown(data: list[Any]) -> Told:
    return {"pictures": [picture(base64.b64decode(one.b64_json)) for one in data]}


def generate(job: dict[str, Any], case: dict[str, Any]) -> Told:
    made = client(job, case).images.generate(
        model=case["model"], prompt=case["prompt"], size=case.get("size", "1024x1024")
    )
    return shown(made.data or [])


def edit(job: dict[str, Any], case: dict[str, Any]) -> Told:
    image = ("reference.png", given(case), "image/png")
    made = client(job, case).images.edit(model=case["model"], prompt=case["prompt"], image=image)
    return shown(made.data or [])


def stream(job: dict[str, Any], case: dict[str, Any]) -> Told:
    events = client(job, case).images.generate(
        model=case["model"], prompt=case["prompt"], stream=True
    )
    return shown([one for one in events if one.type == "image_generation.completed"])


def _in_chat(said: str) -> list[Told]:
    found = re.findall(r"data:(image/\w+);base64,([A-Za-z0-9+/=]+)", said)
    return [picture(base64.b64decode(data), mime) for mime, data in found]


def chat(job: dict[str, Any], case: dict[str, Any]) -> Told:
    said = client(job, case).chat.completions.create(
        model=case["model"], messages=[{"role": "user", "content": case["prompt"]}]
    )
    return {"pictures": _in_chat(said.model_dump_json())}


def turns(job: dict[str, Any], case: dict[str, Any]) -> Told:
    """A chat that gives the assistant's message back as it came."""
    opened = client(job, case)
    messages: list[Any] = [{"role": "user", "content": "a red kite over a lake"}]
    first = opened.chat.completions.create(model=case["model"], messages=messages)
    messages += [first.choices[0].message.model_dump(exclude_none=True)]
    messages += [{"role": "user", "content": case["prompt"]}]
    second = opened.chat.completions.create(model=case["model"], messages=messages)
    return {"pictures": _in_chat(second.model_dump_json())}


def models(job: dict[str, Any], case: dict[str, Any]) -> Told:
    return {"models": [one.id for one in client(job, case).models.list()]}


def model(job: dict[str, Any], case: dict[str, Any]) -> Told:
    return {"models": [client(job, case).models.retrieve(case["model"]).id]}


if __name__ == "__main__":
    actions = (generate, edit, stream, chat, turns, models, model)
    drive({action.__name__: action for action in actions})
