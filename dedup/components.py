"""Connected components of more edges than one process may hold, and of fewer.

Kiveris, Lattanzi, Mirrokni, Rastogi and Vassilvitskii, Connected Components in MapReduce and Beyond (2014): large-star
and small-star, in turns, until every row hangs on the least row of its component. Each is one shuffle by row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.compiled import compiled
from dedup.links import Edges, part_of
from dedup.solve import Labelled
from manifests.shuffle import Shuffle

EDGES_HERE = 200_000_000  # that the calling process brings together itself: some 10 GB
_SCATTER = np.uint64(0x9E3779B97F4A7C15)
_HIGH = np.uint64(33)


def labelled(
    over: Shuffle, linked: Sequence[tuple[Any, int]], starts: NDArray[np.int64], edges_here: int = EDGES_HERE
) -> list[Any]:
    """Return handles of the `Labelled` rows of each slice, from handles of edges and the number of each.

    `starts` are the numbers of the slices' first rows, and of the row after the last. More edges than `edges_here` are
    never in one process.
    """
    edges = [handle for handle, _ in linked]
    if sum(count for _, count in linked) <= edges_here:
        rows, labels = components(np.concatenate([np.empty((0, 2), np.int64), *over.get(edges)]))
        bounds = np.searchsorted(rows, starts)
        cuts = zip(bounds, bounds[1:], starts, strict=False)
        return [Labelled(rows[begin:end] - start, labels[begin:end]) for begin, end, start in cuts]
    parts, seen = len(edges), -1
    while True:
        starred = over(ByRow(parts, larger=True), large_star, [(handle,) for handle in edges], parts)
        starred = over(ByRow(parts, larger=False), small_star, [(handle,) for handle, _ in starred], parts)
        edges, sums = [handle for handle, _ in starred], [told for _, told in starred]
        if (now := sum(sums)) == seen:
            break
        seen = now
    items = [(handle,) for handle in edges]
    return [handle for handle, _ in over(BySlice(starts), _of_slice, items, len(starts) - 1)]


def components(edges: Edges) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows that have an edge, in ascending order, and the least row of the component of each."""
    rows, ends = np.unique(edges, return_inverse=True)
    parents = np.arange(len(rows))
    unite(ends.reshape(-1, 2), parents)
    settle(parents)
    return rows, rows[parents]


@compiled
def unite(edges: NDArray[np.int64], parents: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the edges whose rows no earlier one connects (union-find; `parents` can be carried from batch to batch)."""
    new = np.zeros(len(edges), np.bool_)
    for edge in range(len(edges)):
        one, other = edges[edge, 0], edges[edge, 1]
        while parents[one] != one:
            parents[one] = parents[parents[one]]
            one = parents[one]
        while parents[other] != other:
            parents[other] = parents[parents[other]]
            other = parents[other]
        new[edge] = one != other
        parents[max(one, other)] = min(one, other)
    return new


@compiled
def settle(parents: NDArray[np.int64]) -> None:
    """Write for each row the least row of its component."""
    for row in range(len(parents)):
        parents[row] = parents[parents[row]]


@dataclass(frozen=True, slots=True)
class ByRow:
    """Send each edge to the part of its larger row, or to the parts of both."""

    parts: int
    larger: bool  # for large-star, which looks at a row's larger neighbours: both ends have a say

    def __call__(self, edges: Edges) -> list[Edges]:
        """Return what each part gets: edges (row, neighbour)."""
        both = np.stack([edges.max(1), edges.min(1)], 1)
        if self.larger:
            both = np.concatenate([both, both[:, ::-1]])
        parts = part_of(both[:, 0], self.parts)
        return [both[parts == part] for part in range(self.parts)]


@dataclass(frozen=True, slots=True)
class BySlice:
    """Send each edge (row, least row of its component) to the row's slice, and that row to its own."""

    starts: NDArray[np.int64]

    def __call__(self, edges: Edges) -> list[Edges]:
        """Return what each slice gets: edges (number of the row in the slice, label)."""
        roots = np.unique(edges[:, 1])
        edges = np.concatenate([edges, np.stack([roots, roots], 1)])
        slices = np.searchsorted(self.starts, edges[:, 0], side="right") - 1
        return [edges[slices == one] - np.array([start, 0]) for one, start in enumerate(self.starts[:-1])]


def large_star(edges: Sequence[Edges]) -> tuple[Edges, int]:
    """Hang the larger neighbours of each row on the least of the row and its neighbours."""
    pairs, least = _with_least(edges)
    return _told(np.stack([pairs[:, 1], least], 1)[pairs[:, 1] > pairs[:, 0]])


def small_star(edges: Sequence[Edges]) -> tuple[Edges, int]:
    """Hang each row and its neighbours, all smaller, on the least of them."""
    pairs, least = _with_least(edges)
    found = np.concatenate([np.stack([pairs[:, 0], least], 1), np.stack([pairs[:, 1], least], 1)])
    return _told(found[found[:, 0] != found[:, 1]])


def _with_least(edges: Sequence[Edges]) -> tuple[Edges, NDArray[np.int64]]:
    pairs = np.unique(np.concatenate(edges), axis=0)
    first = np.ones(len(pairs), np.bool_)
    first[1:] = pairs[1:, 0] != pairs[:-1, 0]
    groups = np.cumsum(first) - 1
    starts = np.flatnonzero(first)
    return pairs, np.minimum(pairs[starts, 0], pairs[starts, 1])[groups] if len(pairs) else pairs[:, 0]


def _told(edges: Edges) -> tuple[Edges, int]:
    """Return edges, each once, and a sum that changes with them."""
    edges = np.unique(edges, axis=0)
    words = edges.astype(np.uint64)
    mixed = (words[:, 0] * _SCATTER ^ words[:, 1]) * _SCATTER
    return edges, int((mixed >> _HIGH).sum())


def _of_slice(edges: Sequence[Edges]) -> tuple[Labelled, None]:
    found = np.unique(np.concatenate(edges), axis=0)
    return Labelled(found[:, 0].copy(), found[:, 1].copy()), None
