"""The search for near-duplicates: signatures propose, texts decide, on one machine or many."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dedup import bands
from dedup.columns import matrix
from dedup.components import labelled
from dedup.links import ByBand, Link, most_differences
from dedup.outcome import Fates, compared, drop
from dedup.signatures import Signatures
from dedup.solve import Gather, Solve
from manifests.shuffle import Here, Shuffle, over
from manifests.stage import Map, Selected
from manifests.view import Beside

if TYPE_CHECKING:
    from dedup.minhash import MinHashDedup
    from manifests.view import View

PART_ROWS = 250_000  # rows' bands that one part brings together: some 200 MB
PARTS = 4_000  # at most, and of bins: a thousand batches of slices send each of them a payload
BIN_ROWS = 250_000  # linked rows that one bin holds, texts and all: a component is never cut
ALONE_ROWS = 50_000  # fewer are not worth moving between processes


def near_duplicates(asked: "MinHashDedup", view: "View", others: Sequence["View"], map: Map) -> Selected:
    """Return the rows of `view` that go, each with the row that stays in its place and their exact similarity.

    Rows of `others` stay. Takes some 0.4 kB a row for the bands, spread over the parts of a shuffle; a bin holds 0.8 kB
    and 6 bytes a letter for each linked row. Rows of one template that are all just below the threshold are compared
    each with each.
    """
    side = Signatures(asked.ngram, asked.permutations)
    beside, starts, given = compared(view, others, side, map)
    if not starts[-1]:
        return drop(view, [Fates.none()], asked.rules()[0])
    shuffle = over(map) if starts[-1] > ALONE_ROWS else Here()
    linked = by_faiss(asked, beside) if asked.search == "faiss" else by_bands(asked, shuffle, beside, starts)
    items = zip(starts.tolist(), beside, given.tolist(), labelled(shuffle, linked, starts), strict=False)
    bins = min(PARTS, 1 + sum(count for _, count in linked) // BIN_ROWS)
    solve = Solve(asked, bands.least_agreement(asked.threshold, asked.permutations))
    found = shuffle(Gather(asked, bins), solve, items, bins)
    return drop(view, [told for _, told in found], asked.rules()[0])


def by_bands(
    asked: "MinHashDedup", shuffle: Shuffle, beside: Sequence[Beside], starts: NDArray[np.int64]
) -> list[tuple[Any, int]]:
    """Link rows that share a band; return handles of edges, with the number of each."""
    parts = min(PARTS, 1 + int(starts[-1]) // PART_ROWS)
    link = Link(most_differences(asked.threshold, asked.permutations))
    items = zip(starts.tolist(), beside, strict=False)
    return shuffle(ByBand(asked.bands, asked.rows, parts), link, items, parts)


def by_faiss(asked: "MinHashDedup", beside: Sequence[Beside]) -> list[tuple[Any, int]]:
    """Link rows whose signatures faiss finds close, all of them in this process."""
    from dedup.neighbours import near_codes  # noqa: PLC0415  (faiss is slow to load, and seldom asked for)

    signatures = [matrix(part.table().column("signature"), "<u4") for part in beside]
    edges = near_codes(np.concatenate([np.empty((0, asked.permutations), np.uint32), *signatures]), asked.threshold)
    return [(edges, len(edges))]
