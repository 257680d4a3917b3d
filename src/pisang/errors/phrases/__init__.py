"""The Chinese of every sentence that is put into an error, a warning or a finding.

English to Chinese, by where it is said. An entry without its sentence in the source is removed;
a sentence without its entry fails `tests/test_chinese.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from pisang.errors.phrases.calls import PHRASES as CALLS
from pisang.errors.phrases.commands import PHRASES as COMMANDS
from pisang.errors.phrases.serving import PHRASES as SERVING
from pisang.errors.phrases.settings import PHRASES as SETTINGS
from pisang.errors.phrases.storage import PHRASES as STORAGE
from pisang.errors.phrases.system import PHRASES as SYSTEM
from pisang.errors.phrases.upstreams import PHRASES as UPSTREAMS
from pisang.errors.phrases.warnings import PHRASES as WARNINGS
from pisang.errors.phrases.wires import PHRASES as WIRES

TABLE: Mapping[str, str] = {
    **SYSTEM,
    **SETTINGS,
    **CALLS,
    **WIRES,
    **STORAGE,
    **WARNINGS,
    **COMMANDS,
    **UPSTREAMS,
    **SERVING,
}
