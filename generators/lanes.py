"""Several servers that hold the same model: each request goes to one that is awake and has room."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Condition, Event

import httpx2

from generators.throttle import Throttle, Turn
from manifests.errors import Incomplete


@dataclass(frozen=True, eq=False)
class Lane:
    """One server, and how much it is given."""

    url: str
    http: httpx2.Client
    throttle: Throttle


class Lanes:
    """The servers of one engine."""

    def __init__(
        self,
        urls: Sequence[str],
        headers: Mapping[str, str],
        *,
        capacity: int,
        timeout_s: float,
        wait_s: float,
        requests_per_min: float | None = None,
        tokens_per_min: float | None = None,
    ) -> None:
        """Take the servers' URLs, and what is allowed to each of them."""
        self._changed = Condition()
        self._closed = Event()
        self.lanes = [
            Lane(
                url,
                httpx2.Client(
                    base_url=url,
                    headers=dict(headers),
                    timeout=httpx2.Timeout(timeout_s, connect=min(30.0, timeout_s)),
                    limits=httpx2.Limits(max_connections=capacity),
                ),
                Throttle(
                    capacity,
                    wait_s,
                    self._changed,
                    requests_per_min=requests_per_min,
                    tokens_per_min=tokens_per_min,
                ),
            )
            for url in urls
        ]

    def take(self, failed: Lane | None = None) -> tuple[Lane, Turn]:
        """Wait for a server with room and return it with a turn; not the one that just failed, where another is awake.

        Raises Incomplete once the engine is closed.
        """
        with self._changed:
            while not self._closed.is_set():
                waits = {lane: lane.throttle.wait_left() for lane in self.lanes}
                awake = [lane for lane in self.lanes if waits[lane] <= 0]
                able = [lane for lane in awake if lane is not failed] or awake
                free = [lane for lane in able if lane.throttle.room >= 1]
                if free:
                    best = max(free, key=lambda lane: lane.throttle.room / lane.throttle.at_once)
                    return best, best.throttle.take()
                self._changed.wait(min([wait for wait in waits.values() if wait > 0], default=None))
        raise Incomplete("the engine was closed")

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond the end of the engine."""
        self._closed.wait(seconds)

    def close(self) -> None:
        """Send away who waits, and end the connections."""
        with self._changed:
            self._closed.set()
            self._changed.notify_all()
        for lane in self.lanes:
            lane.http.close()
