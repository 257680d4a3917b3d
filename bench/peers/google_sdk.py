"""Google's own SDK, synchronous: pictures to disk. Arguments: base URL, model, file, how many.

Prints the CPU and wall seconds of each call as JSON, for the figures inside a process.
"""

import json
import sys
import time

from google import genai
from google.genai import types

base_url, model, path, count = sys.argv[1:]
client = genai.Client(api_key="bench", http_options=types.HttpOptions(base_url=base_url))
figures = []
for _ in range(int(count)):
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    answer = client.models.generate_content(
        model=model,
        contents="a picture",
        config=types.GenerateContentConfig(response_modalities=["IMAGE"]),
    )
    with open(path, "wb") as file:
        file.write(answer.candidates[0].content.parts[0].inline_data.data)
    figures.append([time.perf_counter() - wall_s, time.process_time() - cpu_s])
print(json.dumps(figures))
