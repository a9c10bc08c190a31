"""Bringing records together by a key: what one shard at a time cannot decide, without one process that holds all.

    results = over(map)(split, merge, items, parts)

`split(*item)` cuts what it finds in an item into `parts` payloads; `merge` is given the payloads of one part, in the
order of the items, and returns what is kept where it was made and what is told to the caller at once. What is kept is
a handle: it can stand in the items of the next shuffle, and only `get` brings it here.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeAlias

from manifests.stage import Map

Split: TypeAlias = Callable[..., Sequence[Any]]
Merge: TypeAlias = Callable[[Sequence[Any]], tuple[Any, Any]]


class Shuffle(Protocol):
    """One way to move payloads: within this process, or between those of a cluster."""

    def __call__(
        self, split: Split, merge: Merge, items: Iterable[tuple[Any, ...]], parts: int
    ) -> list[tuple[Any, Any]]:
        """Return for each part the handle of what was kept, and what was told."""

    def get(self, handles: Iterable[Any]) -> Iterator[Any]:
        """Yield what is behind each handle."""


class Here:
    """A shuffle within this process: a handle is the thing itself."""

    def __call__(
        self, split: Split, merge: Merge, items: Iterable[tuple[Any, ...]], parts: int
    ) -> list[tuple[Any, Any]]:
        payloads = [list(split(*item)) for item in items]
        merged = []
        for part in range(parts):
            mine: list[Any] = []
            for payload in payloads:
                mine.append(payload[part])
                payload[part] = None  # so that memory falls as the parts are merged
            merged.append(merge(mine))
        return merged

    def get(self, handles: Iterable[Any]) -> Iterator[Any]:
        yield from handles


def over(map: Map) -> Shuffle:
    """Return the shuffle of the machines that a `map` runs on: this process, where it names none of its own."""
    shuffle: Callable[[], Shuffle] | None = getattr(map, "shuffle", None)
    return shuffle() if shuffle else Here()
