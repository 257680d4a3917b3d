"""Pisang's SDK, synchronous, ledger and fsync on: pictures to disk. Arguments as its peer's."""

import json
import sys
import time

from pisang import Client

model, path, count = sys.argv[2:]
figures = []
with Client("bench") as client:
    for _ in range(int(count)):
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        client.generate("a picture", model=model).images[0].save(path, force=True)
        figures.append([time.perf_counter() - wall_s, time.process_time() - cpu_s])
print(json.dumps(figures))
