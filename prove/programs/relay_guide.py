"""What a relay's guide prints for Python: only host, key, prompt and the time limit are changed."""

import base64
import os
import sys

import requests

API_KEY = os.environ["API_KEY"]
API_URL = f"{os.environ['BASE_URL']}/v1beta/models/gemini-3-pro-image-preview:generateContent"

payload = {
    "contents": [{"parts": [{"text": sys.argv[1]}]}],
    "generationConfig": {
        "responseModalities": ["IMAGE"],
        "imageConfig": {"aspectRatio": "16:9", "image_size": "2K"},
    },
}
headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}

response = requests.post(
    API_URL, headers=headers, json=payload, timeout=float(os.environ["LIMIT_S"])
)

if response.status_code == 200:
    data = response.json()
    image_base64 = data["candidates"][0]["content"]["parts"][0]["inlineData"]["data"]
    with open("output.png", "wb") as f:
        f.write(base64.b64decode(image_base64))
    print("saved as output.png")
else:
    print(f"request failed: {response.status_code}")
    print(response.text)
