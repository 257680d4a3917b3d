"""Google's own SDK as its documentation shows it, with a base URL and a time limit."""

import os
import sys

from google import genai
from google.genai import types

client = genai.Client(
    api_key=os.environ["API_KEY"],
    http_options=types.HttpOptions(
        base_url=os.environ["BASE_URL"], timeout=int(float(os.environ["LIMIT_S"]) * 1000)
    ),
)
response = client.models.generate_content(
    model="gemini-3-pro-image-preview",
    contents=[sys.argv[1]],
    config=types.GenerateContentConfig(
        response_modalities=["IMAGE"],
        image_config=types.ImageConfig(aspect_ratio="16:9", image_size="2K"),
    ),
)
for part in response.parts:
    if part.inline_data is not None:
        part.as_image().save("output.png")
