"""`python -m bench.gateway`, the same as `python -m bench gateway`."""

from __future__ import annotations

from bench.gateway.run import main

if __name__ == "__main__":
    main()
