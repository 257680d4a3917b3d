"""The self-hosted gateway: any wire in, any configured upstream out, nothing lost (DESIGN §6).

Owns the ASGI application: who may ask, what is answered on which path, how an answer that takes
minutes is kept alive and one that was cut is joined again. What is bought, kept and paid is the
engine's. May import everything below it; the server that runs it (granian) is the command line's.
"""
