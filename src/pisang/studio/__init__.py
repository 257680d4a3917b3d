"""The studio: the pages that a gateway's users see in a browser (DESIGN §1, a face).

Owns `static/` (ES modules over Lit, as they are in the tree: no build) and how they are served. The
pages talk to `/pisang/v1` and to nothing else. Imports only what is below the gateway; the command
line puts it in front of one.
"""
