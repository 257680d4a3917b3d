"""Programs without an SDK: `requests`, or the `curl` command (CLIENT_MODE=curl)."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from typing import Any

from driver import Told, drive, picture

CURL = "curl" in os.environ.get("CLIENT_MODE", "")


class Said(Exception):
    """An answer that is no 2xx."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status_code = status


def send(job: dict[str, Any], case: dict[str, Any], path: str, body: Any = None) -> str:
    by = by_curl if CURL else by_requests
    status, text = by(job, case, f"{job['url']}{path}", body)
    if status >= 300:
        raise Said(status, text)
    return text


def by_requests(job: dict[str, Any], case: dict[str, Any], url: str, body: Any) -> tuple[int, str]:
    import requests

    method = "GET" if body is None else "POST"
    headers = {"Authorization": f"Bearer {job['key']}"}
    limit = case.get("timeout_s") or 600
    answer = requests.request(method, url, headers=headers, json=body, timeout=limit)
    return answer.status_code, answer.text


def by_curl(job: dict[str, Any], case: dict[str, Any], url: str, body: Any) -> tuple[int, str]:
    words = ["curl", "-sS", url, "-H", f"Authorization: Bearer {job['key']}"]
    words += ["-w", "\n%{http_code}"]
    if case.get("timeout_s"):
        words += ["--max-time", str(case["timeout_s"])]
    if case.get("retries"):
        words += ["--retry", str(case["retries"]), "--retry-delay", "1", "--retry-all-errors"]
    if body is not None:
        words += ["-H", "Content-Type: application/json", "--data-binary", "@-"]
    text = None if body is None else json.dumps(body)
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"curl exit {done.returncode}: {done.stderr.strip()}")
    said, _, status = done.stdout.rpartition("\n")
    return int(status), said


def body_of(*contents: Any, case: dict[str, Any]) -> dict[str, Any]:
    image = {"aspectRatio": case.get("aspect_ratio"), "imageSize": case.get("image_size")}
    shape = {name: value for name, value in image.items() if value}
    config = {"responseModalities": ["TEXT", "IMAGE"], "imageConfig": shape}
    return {"contents": list(contents), "generationConfig": config}


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def told(*answers: Any) -> Told:
    candidates = [(one.get("candidates") or [{}])[0] for one in answers]
    parts = [part for one in candidates for part in one.get("content", {}).get("parts") or ()]
    images = [part for part in parts if "inlineData" in part and not part.get("thought")]
    data = [(part["inlineData"]["data"], part["inlineData"]["mimeType"]) for part in images]
    return {
        "pictures": [picture(base64.b64decode(text), mime) for text, mime in data],
        "signed": any("thoughtSignature" in part for part in images),
        "text": "".join(part.get("text", "") for part in parts),
        "finish": next((o["finishReason"] for o in candidates if "finishReason" in o), None),
    }


def ask(job: dict[str, Any], case: dict[str, Any], *contents: Any, verb: str = "") -> Any:
    path = f"/v1beta/models/{case['model']}:{verb or 'generateContent'}"
    return json.loads(send(job, case, path, body_of(*contents, case=case)))


def generate(job: dict[str, Any], case: dict[str, Any]) -> Told:
    return told(ask(job, case, user({"text": case["prompt"]})))


def edit(job: dict[str, Any], case: dict[str, Any]) -> Told:
    image = {"inlineData": {"mimeType": "image/png", "data": case["picture"]}}
    return told(ask(job, case, user(image, {"text": case["prompt"]})))


def stream(job: dict[str, Any], case: dict[str, Any]) -> Told:
    """As events, line by line."""
    path = f"/v1beta/models/{case['model']}:streamGenerateContent?alt=sse"
    said = send(job, case, path, body_of(user({"text": case["prompt"]}), case=case))
    events = [json.loads(line[6:]) for line in said.splitlines() if line.startswith("data: ")]
    for event in events:
        if "error" in event:
            raise Said(event["error"]["code"], event["error"]["message"])
    return told(*events)


def turns(job: dict[str, Any], case: dict[str, Any], *, drop: bool = False) -> Told:
    """The model's turn goes back as it came, or without its signatures."""
    opening = user({"text": "a red kite over a lake"})
    turn = ask(job, case, opening)["candidates"][0]["content"]
    for part in turn["parts"] if drop else ():
        part.pop("thoughtSignature", None)
    return told(ask(job, case, opening, turn, user({"text": case["prompt"]})))


def lost(job: dict[str, Any], case: dict[str, Any]) -> Told:
    return turns(job, case, drop=True)


def count(job: dict[str, Any], case: dict[str, Any]) -> Told:
    body = {"contents": [user({"text": case["prompt"]})]}
    path = f"/v1beta/models/{case['model']}:countTokens"
    return {"tokens": json.loads(send(job, case, path, body))["totalTokens"]}


def models(job: dict[str, Any], case: dict[str, Any]) -> Told:
    listed = json.loads(send(job, case, "/v1beta/models"))["models"]
    return {"models": [one["name"] for one in listed]}


def model(job: dict[str, Any], case: dict[str, Any]) -> Told:
    return {"models": [json.loads(send(job, case, f"/v1beta/models/{case['model']}"))["name"]]}


if __name__ == "__main__":
    actions = (generate, edit, stream, turns, lost, count, models, model)
    drive({action.__name__: action for action in actions})
