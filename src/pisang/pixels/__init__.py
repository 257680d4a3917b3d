"""Pixels: the sandbox's pictures, previews, formats and exact sizes.

The only place that imports pyvips. Owns painting (from nothing but a prompt), and derived images:
other formats, other sizes, previews. Foreign bytes are decoded in a limited child process
(`child`), never in ours. Derived images are new files: they keep their colour profile and nothing
else, so provenance (C2PA, EXIF, XMP) stays with the original. May import `domain` and `errors`.
"""

import logging

# At `debug` pyvips writes down every property it reads, also while a record of its own is being
# formatted: two threads that paint then wait for one another's handlers for ever.
logging.getLogger("pyvips").setLevel(logging.WARNING)
