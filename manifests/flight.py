"""Items in the air: a bounded number at once, results in order, failures gathered until the rest is done.

What the items are given to are `Hands`: Ray's tasks, or a crew of long-lived workers. Ray itself is handed in.
"""

from collections import deque
from collections.abc import Iterator
from typing import Any, Protocol

from manifests.errors import Incomplete, KobaError

RETRIES = 3  # of an item whose worker died


class Hands(Protocol):
    """What items are given to."""

    def launch(self, item: Any, deaths: int) -> Any | None:
        """Return the reference of an item that was begun, or None while there is no room for it."""

    def coming(self) -> list[Any]:
        """Return references that land when there is more room."""

    def landed(self, reference: Any, *, lost: bool) -> None:
        """Hear that a reference landed, or was lost with its worker."""


class Flight:
    """One pass over a list of items."""

    def __init__(self, ray: Any, items: list[Any], hands: Hands) -> None:
        self.ray, self.items, self.hands = ray, items, hands
        self.waiting = deque(range(len(items)))
        self.flying: dict[Any, int] = {}
        self.deaths = [0] * len(items)
        self.failures: list[tuple[int, Exception]] = []
        self.early: dict[int, Any] = {}  # results that are not due yet

    def results(self) -> Iterator[Any]:
        """Yield the results in the order of the items. Raises Incomplete in the end where one is missing."""
        handed = 0
        while self.waiting or self.flying:
            self._launch()
            ready, _ = self.ray.wait([*self.flying, *self.hands.coming()], num_returns=1)
            for reference in ready:
                lost = self._land(reference, self.flying.pop(reference, None))
                self.hands.landed(reference, lost=lost)
            while handed in self.early:
                result = self.early.pop(handed)
                handed += 1
                if not self.failures:
                    yield result
        if self.failures:
            place, cause = min(self.failures, key=lambda failure: failure[0])
            raise Incomplete(
                f"{len(self.failures)} of {len(self.items)} units are missing; the first, {_name(self.items[place])}: "
                f"{cause}. The others are stored: mend the cause and run the same command again"
            ) from cause

    def _launch(self) -> None:
        while self.waiting:
            place = self.waiting[0]
            reference = self.hands.launch(self.items[place], self.deaths[place])
            if reference is None:
                return
            self.flying[reference] = self.waiting.popleft()

    def _land(self, reference: Any, place: int | None) -> bool:
        """Take in what landed; tell whether its worker is lost. `place` is None for what is no item."""
        try:
            result = self.ray.get(reference)
        except self.ray.exceptions.RayError as error:
            lost = isinstance(error, (self.ray.exceptions.RayActorError, self.ray.exceptions.OutOfMemoryError))
            if place is not None:
                self._missed(place, error, again=lost)
            return lost or place is None
        if place is not None:
            self.early[place] = result
        return False

    def _missed(self, place: int, error: Any, *, again: bool) -> None:
        if again and self.deaths[place] < RETRIES:
            self.deaths[place] += 1
            self.waiting.appendleft(place)
            return
        self.failures.append((place, cause_of(self.ray, error)))
        self.early[place] = None


def cause_of(ray: Any, error: Any) -> Exception:
    """Return what went wrong in a worker, from what Ray says of it."""
    if not isinstance(error, ray.exceptions.RayTaskError):
        said = str(error).strip().partition("\n")[0]
        return Incomplete(f"its worker died again and again ({said})")
    cause = error.cause if isinstance(error.cause, Exception) else error
    if isinstance(cause, KobaError | OSError | MemoryError):
        return cause
    return Incomplete(f"{type(cause).__name__}: {cause}")


def _name(item: Any) -> str:
    return str(getattr(item, "file", None) or f"{item!r:.80}")
