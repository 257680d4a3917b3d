"""The same with the loop that everybody adds: up to three times, when it times out or fails."""

import base64
import os
import sys
import time

import requests

API_KEY = os.environ["API_KEY"]
API_URL = f"{os.environ['BASE_URL']}/v1beta/models/gemini-3-pro-image-preview:generateContent"


def generate(prompt: str) -> bytes:
    response = requests.post(
        API_URL,
        headers={"Authorization": f"Bearer {API_KEY}"},
        json={
            "contents": [{"parts": [{"text": prompt}]}],
            "generationConfig": {
                "responseModalities": ["IMAGE"],
                "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"},
            },
        },
        timeout=float(os.environ["LIMIT_S"]),
    )
    response.raise_for_status()
    data = response.json()
    return base64.b64decode(data["candidates"][0]["content"]["parts"][0]["inlineData"]["data"])


for attempt in range(3):
    try:
        image = generate(sys.argv[1])
        break
    except requests.RequestException as error:
        print(f"attempt {attempt + 1} failed: {error}")
        time.sleep(1)
else:
    sys.exit("giving up")

with open("output.png", "wb") as f:
    f.write(image)
