"""Google's own SDK, synchronous: one picture to disk. Arguments: base URL, model, file."""

import sys

from google import genai
from google.genai import types

base_url, model, path = sys.argv[1:]
client = genai.Client(api_key="bench", http_options=types.HttpOptions(base_url=base_url))
answer = client.models.generate_content(
    model=model,
    contents="a picture",
    config=types.GenerateContentConfig(response_modalities=["IMAGE"]),
)
picture = answer.candidates[0].content.parts[0].inline_data.data
with open(path, "wb") as file:
    file.write(picture)
