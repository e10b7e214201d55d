"""Numbers for Prometheus: what this process has answered, and its text format (version 0.0.4)."""

import threading
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

BOUNDS_S = (0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0)
"""Upper bounds of the buckets of times: from polls to uploads."""

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Family:
    """One metric with all of its samples."""

    name: str
    kind: str
    """`counter`, `gauge` or `histogram`."""
    meaning: str
    samples: tuple[tuple[str, Labels, float], ...] = ()
    """What follows the name, labels, value."""


def exposition(families: Iterable[Family]) -> str:
    """The text that Prometheus reads."""
    return "".join(line + "\n" for family in families for line in _lines(family))


@dataclass
class RequestMetrics:
    """Counts answers; safe from any thread."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _answers: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    _buckets: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0] * (len(BOUNDS_S) + 1)))
    _seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note one answer."""
        with self._lock:
            self._answers[method, route, status] += 1
            self._buckets[route][bisect_left(BOUNDS_S, seconds)] += 1
            self._seconds[route] += seconds

    def families(self) -> list[Family]:
        """What was counted so far."""
        with self._lock:
            answers = tuple(
                ("", {"method": method, "route": route, "status": str(status)}, float(number))
                for (method, route, status), number in sorted(self._answers.items())
            )
            times = tuple(sample for route in sorted(self._buckets) for sample in self._histogram(route))
        return [
            Family("gnathos_http_requests_total", "counter", "Requests that were answered.", answers),
            Family("gnathos_http_request_seconds", "histogram", "Time from a request to the end of its answer.", times),
        ]

    def _histogram(self, route: str) -> Iterator[tuple[str, Labels, float]]:
        total = 0
        for bound, number in zip((*map(str, BOUNDS_S), "+Inf"), self._buckets[route], strict=True):
            total += number
            yield "_bucket", {"route": route, "le": bound}, float(total)
        yield "_sum", {"route": route}, self._seconds[route]
        yield "_count", {"route": route}, float(total)


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.meaning}"
    yield f"# TYPE {family.name} {family.kind}"
    for suffix, labels, value in family.samples:
        written = ",".join(f'{name}="{_escape(text)}"' for name, text in labels.items())
        number = str(int(value)) if value.is_integer() else repr(value)
        yield f"{family.name}{suffix}{{{written}}} {number}" if written else f"{family.name}{suffix} {number}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
