"""One writer thread a process: what is asked for together is committed together.

What both databases' writers share: the queue, the thread, and how a job's future is told.
"""

from __future__ import annotations

import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from pisang.errors import PisangError, StoreSuspect, Unexpected
from pisang.store.health import Health
from pisang.store.ledger import Result, Tx

GROUP = 256
"""The most jobs of one commit: about 30 ms of work, then it is another process's turn."""

LAZY_S = 0.05
"""How long a lazy job waits for one that is not, to share its commit."""

Delivery = Callable[[], None]
"""Tells a job's future how it went; called once its group is over."""


@dataclass(frozen=True, slots=True)
class Job:
    """A function of a transaction, whom to tell, and what to do before the telling. A `lazy` one
    waits a moment for company."""

    work: Callable[[Tx], Any]
    future: Future[Any]
    after: Callable[[], None] | None = None
    lazy: bool = False


class WriterThread(ABC):
    """Runs jobs in order (`pisang.store.ledger.Writer`). The thread comes with the first job."""

    most = GROUP
    """The most jobs of one of its commits."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closed = False
        self._pid = os.getpid()

    def submit(
        self,
        work: Callable[[Tx], Result],
        after: Callable[[], None] | None = None,
        *,
        lazy: bool = False,
    ) -> Future[Result]:
        """Queue a job; its future has the result once it is committed, or the job's own error.

        `after` is called between the commit and the telling. A `lazy` one waits for company for
        `LAZY_S` at most. A job whose future was cancelled before its group began is left out.
        Raises nothing itself.
        """
        future: Future[Result] = Future()
        with self._starting:
            refused = self._refuse()
            if refused is None:
                self._start()
                self._queue.put(Job(work, future, after, lazy))
        if refused is not None:
            future.set_exception(refused)
        return future

    def close(self) -> None:
        """Finish what is queued, then close. What is submitted later is refused."""
        with self._starting:
            self._closed = True
            thread, self._thread = self._thread, None
            if thread is not None and os.getpid() == self._pid:
                self._queue.put(None)
        if thread is not None and os.getpid() == self._pid:
            thread.join()

    @abstractmethod
    def _serve_group(self, group: list[Job]) -> list[Delivery]:
        """Run the group, to which what waits may be added (`_drain`), and commit it."""

    @abstractmethod
    def _explain(self, error: Exception) -> PisangError:
        """The leaf for what a whole group met."""

    @abstractmethod
    def _leave(self) -> None:
        """The thread ends: let go of the database."""

    def _refuse(self) -> PisangError | None:
        if os.getpid() != self._pid:
            return Unexpected(what="a store was used after a fork: open one in the child")
        if self._closed:
            return Unexpected(what="a store was used after it was closed")
        try:
            self._health.may_write()
        except StoreSuspect as error:
            return error
        return None

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="pisang-writer", daemon=True)
            self._thread.start()

    def _serve(self) -> None:
        """The thread: until told to close."""
        while (first := self._queue.get()) is not None:
            group = [first]
            self._await_company(group)
            try:
                deliveries = self._serve_group(group)
            except Exception as error:  # noqa: BLE001 - the loop must go on, whatever a group met
                deliveries = fail(group, self._explain(error))
            for deliver in deliveries:
                deliver()
        self._leave()

    def _await_company(self, group: list[Job]) -> None:
        """While all of the group are lazy, wait for one that is not; not for long, and not once
        the writer is to close."""
        until = time.monotonic() + LAZY_S
        while group[-1].lazy and len(group) < self.most:
            try:
                job = self._queue.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                return
            if job is None:
                self._queue.put(None)
                return
            group.append(job)

    def _drain(self, group: list[Job]) -> None:
        """Take along what waits, now that the turn is ours; a `None` is put back for later."""
        while len(group) < self.most:
            try:
                job = self._queue.get_nowait()
            except Empty:
                return
            if job is None:
                self._queue.put(None)
                return
            group.append(job)


def done(job: Job, result: object) -> Delivery:
    """The job was committed with that result."""
    return lambda: _deliver(job, result)


def failed(job: Job, error: BaseException) -> Delivery:
    """The job was undone, and only it."""
    return lambda: job.future.set_exception(error)


def fail(group: list[Job], error: PisangError) -> list[Delivery]:
    """Tell every job of a group the same error; those not yet running are run to be told."""
    return [lambda job=job: _tell(job.future, error) for job in group]  # type: ignore[misc]


def _deliver(job: Job, result: object) -> None:
    if job.after is not None:
        job.after()
    job.future.set_result(result)


def _tell(future: Future[Any], error: PisangError) -> None:
    if not future.done() and (future.running() or future.set_running_or_notify_cancel()):
        future.set_exception(error)
