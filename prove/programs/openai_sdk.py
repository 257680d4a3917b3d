"""OpenAI's own SDK as its documentation shows it, with a base URL and a time limit."""

import base64
import os
import sys

from openai import OpenAI

client = OpenAI(
    api_key=os.environ["API_KEY"],
    base_url=f"{os.environ['BASE_URL']}/v1",
    timeout=float(os.environ["LIMIT_S"]),
)
result = client.images.generate(
    model="gemini-3-pro-image-preview", prompt=sys.argv[1], size="1536x1024"
)
with open("output.png", "wb") as f:
    f.write(base64.b64decode(result.data[0].b64_json))
