"""The built-in upstream that paints offline, and whose faults can be chosen.

Owns the ASGI app that answers as Google, a relay, the crawl gateway or an OpenAI server would,
the directives in a prompt that choose a fault, and the book of what was charged. May import
`pixels`, `wires`, `domain` and `errors`; never the engine, a face, or an ASGI framework.
"""
