"""What one process has taken and not begun, and what it must not begin just now."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pisang.domain.batch import JobRow

Via = tuple[str, ...]


class Line:
    """The jobs of this process in the order to begin them. `clock_s` is monotonic.

    A batch, or a lane (the jobs that may be asked of the same upstreams), is shut for a while when
    the ledger said that it is full. No limit is kept here: the claim keeps them.
    """

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._jobs: list[JobRow] = []
        self._batches: dict[str, float] = {}
        self._lanes: dict[Via, float] = {}

    def add(self, jobs: Iterable[JobRow]) -> None:
        """To the end of it."""
        self._jobs.extend(jobs)

    def put_back(self, job: JobRow) -> None:
        """To the front of it."""
        self._jobs.insert(0, job)

    def next(self) -> JobRow | None:
        """The first that may begin, out of the line; None where none may."""
        for index, job in enumerate(self._jobs):
            if self._is_open(job):
                return self._jobs.pop(index)
        return None

    def drain(self) -> list[JobRow]:
        """All of it."""
        jobs, self._jobs = self._jobs, []
        return jobs

    @property
    def ready(self) -> int:
        """How many may begin."""
        return sum(self._is_open(job) for job in self._jobs)

    def shut_batch(self, batch_id: str, for_s: float) -> None:
        """Begin nothing of that batch for so long."""
        self._batches[batch_id] = self._clock_s() + for_s

    def shut_lane(self, via: Via, for_s: float) -> None:
        """Begin nothing for so long that may be asked of these upstreams."""
        self._lanes[via] = self._clock_s() + for_s

    def reopen(self, job: JobRow) -> None:
        """A job ended: there may be room in its batch."""
        self._batches.pop(job.batch_id, None)

    @property
    def full_batches(self) -> list[str]:
        """The batches that are shut."""
        return [batch_id for batch_id, until_s in self._batches.items() if self._ahead(until_s)]

    @property
    def full_lanes(self) -> list[Via]:
        """The lanes that are shut."""
        return [via for via, until_s in self._lanes.items() if self._ahead(until_s)]

    def opens_in_s(self, at_most_s: float) -> float:
        """How long until something that is shut opens, at most so long."""
        now_s = self._clock_s()
        ahead = [one - now_s for one in (*self._batches.values(), *self._lanes.values())]
        return min((one for one in ahead if one > 0), default=at_most_s) if ahead else at_most_s

    def _is_open(self, job: JobRow) -> bool:
        return not (
            self._ahead(self._batches.get(job.batch_id, 0.0))
            or self._ahead(self._lanes.get(job.job.via, 0.0))
        )

    def _ahead(self, until_s: float) -> bool:
        return until_s > self._clock_s()
