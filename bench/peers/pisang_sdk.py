"""Pisang's SDK, synchronous, ledger and fsync on: one picture to disk. Arguments as its peer's."""

import sys

from pisang import Client

model, path = sys.argv[2:]
with Client("bench") as client:
    client.generate("a picture", model=model).images[0].save(path, force=True)
