"""Figures of this process for Prometheus: counted in plain dicts, put into its words when read.

The hot path pays for a few additions; the client library is loaded when `/metrics` is first asked
for, with a registry of its own. Labels are bounded: a model that neither the catalogue nor the
settings know is `other`, and upstreams are those that are, or were, configured. What is known only
to the ledger (what is unknown, what waits) is read there by whoever asks (`Levels`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pisang.domain.money import Money
from pisang.domain.version import VERSION
from pisang.gateway.calls import CallRecord

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

BUCKETS_S = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 45, 60, 90, 120, 300, 600, 1200)
"""From a look at the ledger to the longest that a 4K picture may take."""

OTHER = "other"

Labels = tuple[str, ...]

COUNTERS: Mapping[str, tuple[str, Labels]] = {
    "pisang_requests": (
        "Paid calls that ended, by how: ok, an error's code, left (the client went away), cut.",
        ("wire", "model", "upstream", "outcome"),
    ),
    "pisang_http_responses": (
        "Answers that were begun, by kind of path (paid, manage, probe, other) and HTTP status.",
        ("kind", "status"),
    ),
    "pisang_received_bytes": ("Bytes of callers' bodies.", ("kind",)),
    "pisang_answered_bytes": ("Bytes of answers' bodies.", ("kind",)),
    "pisang_attempts": (
        "Attempts that ended, by state: done, refused, failed (free), unknown.",
        ("upstream", "state"),
    ),
    "pisang_spent_micros": (
        "Money known to be charged for attempts that ended, in millionths of the currency.",
        ("upstream", "currency"),
    ),
    "pisang_twins_joined": ("Calls given the outcome of an equal one: nothing was bought.", ()),
    "pisang_keep_alives": ("Line breaks sent to callers who wait.", ()),
    "pisang_relays_detached": ("Answers whose reader fell behind the store by 4 MiB.", ()),
    "pisang_settings_reloads": ("Changed settings taken over (ok) or kept out.", ("outcome",)),
}
"""Name (without `_total`): what it counts, and by what."""

TIMES: Mapping[str, tuple[str, Labels]] = {
    "pisang_phase_seconds": (
        "Time of a paid call by phase: intake, claim, first_byte, body, settle, answer.",
        ("phase", "upstream"),
    ),
    "pisang_request_seconds": ("Whole time of a paid call.", ("wire", "outcome")),
}


@dataclass(frozen=True, slots=True)
class Level:
    """How much there is of something now: one value for each labelling."""

    name: str
    what: str
    labels: Labels
    values: Mapping[Labels, float]


@dataclass(slots=True)
class _Times:
    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    sum_s: float = 0.0


class Metrics:
    """The counters of one process. `known_model` gives a model's name, or None for one that
    nobody configured."""

    def __init__(self, known_model: Callable[[str], str | None]) -> None:
        self._known_model = known_model
        self._counted: dict[str, dict[Labels, int]] = {name: {} for name in COUNTERS}
        self._timed: dict[str, dict[Labels, _Times]] = {name: {} for name in TIMES}
        for name, (_, labels) in COUNTERS.items():
            if not labels:
                self._counted[name][()] = 0
        self._registry: CollectorRegistry | None = None

    # --- counting ---------------------------------------------------------------------------------

    def count(self, name: str, *labels: str, by: int = 1) -> None:
        """Add to a counter of the table."""
        values = self._counted[name]
        values[labels] = values.get(labels, 0) + by

    def time(self, name: str, seconds: float, *labels: str) -> None:
        """Take a time into a histogram of the table."""
        values = self._timed[name]
        times = values.get(labels)
        if times is None:
            times = values[labels] = _Times()
        times.counts[bisect_left(BUCKETS_S, seconds)] += 1
        times.sum_s += seconds

    def attempt_ended(self, upstream: str, state: str) -> None:
        """An attempt came to its end."""
        self.count("pisang_attempts", upstream, state)

    def spent(self, upstream: str, cost: Money) -> None:
        """Money is known to have moved."""
        self.count("pisang_spent_micros", upstream, cost.currency, by=cost.micros)

    def call_ended(self, call: CallRecord, kind: str) -> None:
        """A call over HTTP is over."""
        if call.status is not None:
            self.count("pisang_http_responses", kind, str(call.status))
        self.count("pisang_received_bytes", kind, by=call.bytes_in)
        self.count("pisang_answered_bytes", kind, by=call.bytes_out)
        if call.wire:
            self._paid_call_ended(call)

    def _paid_call_ended(self, call: CallRecord) -> None:
        model = self._known_model(call.model) or OTHER if call.model else ""
        outcome = call.outcome
        self.count("pisang_requests", call.wire, model, call.upstream, outcome)
        for phase, seconds in call.phases().items():
            self.time("pisang_phase_seconds", seconds, phase, call.upstream)
        self.time("pisang_request_seconds", call.seconds, call.wire, outcome)
        if call.attached:
            self.count("pisang_twins_joined")
        if call.keep_alives:
            self.count("pisang_keep_alives", by=call.keep_alives)
        if call.fell_behind:
            self.count("pisang_relays_detached")

    # --- telling ----------------------------------------------------------------------------------

    def render(self, levels: Sequence[Level], accept: str = "") -> tuple[bytes, str]:
        """All of it in Prometheus' text form (or OpenMetrics, where that is accepted), and its
        content type. Blocks for some milliseconds; the first time the library is loaded."""
        from prometheus_client.exposition import choose_encoder

        encode, kind = choose_encoder(accept)
        registry = self._registry = self._registry or _process_registry()
        told = _Told([*self._families(), *map(_gauge, [*levels, _BUILD])], registry)
        return encode(told), kind

    def _families(self) -> Iterator[Metric]:
        from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily

        for name, (what, labels) in COUNTERS.items():
            counter = CounterMetricFamily(name, what, labels=labels)
            for values, number in self._counted[name].copy().items():
                counter.add_metric(values, number)
            yield counter
        for name, (what, labels) in TIMES.items():
            histogram = HistogramMetricFamily(name, what, labels=labels)
            for values, times in self._timed[name].copy().items():
                histogram.add_metric(values, _cumulated(times.counts), times.sum_s)
            yield histogram


_BUILD = Level("pisang_build_info", "The version that runs.", ("version",), {(VERSION,): 1})


class _Told:
    """What an encoder of the library collects from."""

    def __init__(self, families: list[Metric], registry: CollectorRegistry) -> None:
        self._families = families
        self._registry = registry

    def collect(self) -> Iterable[Metric]:
        yield from self._families
        yield from self._registry.collect()


def _process_registry() -> CollectorRegistry:
    """Memory, processor and files of this process, as the library reads them (Linux)."""
    from prometheus_client import CollectorRegistry, ProcessCollector

    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return registry


def _cumulated(counts: Sequence[int]) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    total = 0
    for bound, number in zip((*map(str, BUCKETS_S), "+Inf"), counts, strict=True):
        total += number
        found.append((bound, total))
    return found


def _gauge(level: Level) -> Metric:
    from prometheus_client.metrics_core import GaugeMetricFamily

    gauge = GaugeMetricFamily(level.name, level.what, labels=level.labels)
    for values, number in level.values.items():
        gauge.add_metric(values, number)
    return gauge
