"""The management API of the gateway: `/pisang/v1/*`, described at `/docs` (DESIGN §6).

FastAPI stays in this package. It is loaded when the first of its paths is asked for, so a gateway
that only relays does not pay for it. Everything that is asked here is asked as somebody: a `Desk`
knows whose requests he may see, and what is another's is answered as what is not there.
"""
