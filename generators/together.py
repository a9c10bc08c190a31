"""Several units at once in one process, so that they share an engine and none of them leaves it idle at its end."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from manifests.errors import Incomplete, KobaError


class Threads:
    """A function over items, in threads; results come back in the order of the items."""

    def __init__(self, units: int = 4) -> None:
        """Take how many units are worked on at once."""
        self.units = units

    def __call__(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """Yield `function(item)` for each item.

        What raises a KobaError costs its own item only: the others are finished first, then Incomplete is raised.
        """
        failures: list[KobaError] = []
        flying: deque[Future[Any]] = deque()
        with ThreadPoolExecutor(self.units, thread_name_prefix="unit") as pool:
            for item in items:
                flying.append(pool.submit(function, item))
                while len(flying) >= 2 * self.units:
                    yield from _landed(flying.popleft(), failures)
            while flying:
                yield from _landed(flying.popleft(), failures)
        if failures:
            raise Incomplete(f"{len(failures)} units are missing; the first: {failures[0]}") from failures[0]


def _landed(future: Future[Any], failures: list[KobaError]) -> Iterator[Any]:
    try:
        result = future.result()
    except KobaError as error:
        failures.append(error)
        return
    if not failures:
        yield result
