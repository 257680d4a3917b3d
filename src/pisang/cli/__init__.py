"""The command line: one file a command group, each loaded only when its command is called.

Owns arguments, terminal output and exit codes; what a command does is the client's to do. The only
package that composes servers (granian with an ASGI app). May import everything below it. Nothing
here imports the engine at module level: `pisang --help` answers within 0.2 s.
"""

from pisang.cli.entry import main

__all__ = ["main"]
