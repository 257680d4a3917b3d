"""The same road for code without a loop: one event loop in a thread, and calls into it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class Portal:
    """An event loop in a daemon thread, begun on first use and ended by `close`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._left = False
        self._thread = threading.Thread(target=self._run, name="pisang", daemon=True)
        self._thread.start()

    def call(self, start: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Run a coroutine to its end on the portal's loop and give its result or raise its error.

        Interrupting the wait (Ctrl-C) cancels the coroutine, not the attempts that it started:
        those belong to the engine.
        """
        future = asyncio.run_coroutine_threadsafe(start(), self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    @property
    def is_here(self) -> bool:
        """Whether this is the portal's own thread, which must not wait for itself: the garbage
        collector runs on any."""
        return threading.current_thread() is self._thread

    def leave(self, start: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """From its own thread: run a coroutine, and end the thread after it."""
        self._left = True
        task = self._loop.create_task(start())
        task.add_done_callback(lambda _: self._loop.stop())

    def _run(self) -> None:
        self._loop.run_forever()
        if self._left:  # nobody is there to close it
            self._loop.close()

    def close(self) -> None:
        """Stop the loop and end its thread; calling it again does nothing."""
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
