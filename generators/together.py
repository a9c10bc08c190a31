"""Several units at once in a process, so that they share an engine and none of them leaves it idle at its end."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from generators.places import close_all
from generators.purse import Purse
from manifests.cluster import actor_map
from manifests.errors import Incomplete, KobaError

UNITS = 4  # at once, on one engine
AWAKE_S = 0.2


class Threads:
    """A function over items, in threads; results come back in the order of the items."""

    def __init__(self, units: int = UNITS) -> None:
        """Take how many units are worked on at once."""
        self.units = units

    def __call__(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """Yield `function(item)` for each item.

        What raises a KobaError costs its own item only: the others are finished first, then Incomplete is raised.
        At an interrupt the engines are closed: what was answered is committed, and the units end.
        """
        failures: list[KobaError] = []
        flying: deque[Future[Any]] = deque()
        pool = ThreadPoolExecutor(self.units, thread_name_prefix="unit")
        try:
            for item in items:
                flying.append(pool.submit(function, item))
                while len(flying) >= 2 * self.units:
                    yield from _landed(flying, failures)
            while flying:
                yield from _landed(flying, failures)
        finally:
            if flying:  # the units at work would wait for all that they asked
                pool.shutdown(wait=False, cancel_futures=True)
                close_all()
            pool.shutdown()
        if failures:
            raise Incomplete(f"{len(failures)} units are missing; the first: {failures[0]}") from failures[0]


class Workers:
    """A function over items, in processes on Ray with an engine each; what they pay for is counted here.

    From a budget all of them pay: each tells the others whenever it paid a thousandth, so that beyond what is on its
    way at most that much for each worker is paid too much.
    """

    distributed = True

    def __init__(self, workers: int | None, purse: Purse, *, gpus: float = 0) -> None:
        """Take how many there are, the purse that their recipe was given, and the GPUs of each: see `actor_map`."""
        self.purse = purse
        self._map = actor_map(workers, UNITS, gpus)

    def __call__(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """Yield `function(item)` for each item; errors are those of `manifests.cluster.ActorMap`."""
        queue = list(items)
        if queue and self.purse.budget and self.purse.tally is None:
            self.purse.tally = self._map.tally()
        for result, counts in self._map(_Telling(function, self.purse), queue):
            self.purse.add(counts)
            yield result


@dataclass(frozen=True)
class _Telling:
    """A function, and the purse that its stages hold: pickled together, they stay one."""

    function: Callable[[Any], Any]
    purse: Purse

    def __call__(self, item: Any) -> tuple[Any, dict[str, int]]:
        return self.function(item), self.purse.taken()


def _landed(flying: deque[Future[Any]], failures: list[KobaError]) -> Iterator[Any]:
    """Wait for the first unit and yield its result. It is in the air until it is done, whatever interrupts the wait."""
    while not flying[0].done():  # a wait without an end is deaf to an interrupt that another thread receives
        wait([flying[0]], timeout=AWAKE_S)
    try:
        result = flying.popleft().result()
    except KobaError as error:
        failures.append(error)
        return
    if not failures:
        yield result
