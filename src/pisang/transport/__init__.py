"""Bytes over the network, and nothing about images.

Owns the one exchange, over aiohttp and over an ASGI callable, with deadlines, caps and the guard
for anything fetched by URL. The only package that imports an HTTP client. May import `wires`,
`domain` and `errors`.
"""
