"""Time two ways to do one thing in the same process, in turns, by CPU time; the medians are compared."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table."""

    what: str  # e.g. "WARC reading"
    unit: str  # e.g. "pages/s"
    ours: float
    peer: float | None = None
    peer_name: str = ""
    target: str = ""  # e.g. ">= 0.9x fastwarc"; shown beside the figure, never asserted

    @property
    def ratio(self) -> float | None:
        """How many times the peer's figure ours is."""
        return self.ours / self.peer if self.peer else None


def rates(count: float, *ways: Callable[[], object], repeat: int = 5) -> list[float]:
    """Return for each way how much of `count` it does in a CPU second: the median of interleaved runs."""
    seconds: list[list[float]] = [[] for _ in ways]
    for turn in range(repeat + 1):
        for way, taken in zip(ways, seconds, strict=True):
            start = time.process_time()
            way()
            if turn:
                taken.append(time.process_time() - start)
    return [count / statistics.median(taken) for taken in seconds]
