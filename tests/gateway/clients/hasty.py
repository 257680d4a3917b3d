"""`pisang serve`, but clients of a server that stops are cut after one second in place of 30.

A test can't wait as long as a user would; nothing else of the gateway differs.
"""

from __future__ import annotations

from pisang.cli import main
from pisang.gateway import stopping

if __name__ == "__main__":
    stopping.CLIENTS_S = 1.0
    main()
