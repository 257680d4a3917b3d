"""The gateway beside its peers: `python -m bench gateway`, or `python -m bench.gateway --help`."""
