"""Rows that are the same because a digest of theirs is: the search that the exact levels share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dedup.columns import matrix
from dedup.links import first_of_equals
from dedup.outcome import Fates, compared, drop
from dedup.rank import Priority
from manifests.shuffle import Here, over
from manifests.stage import Map, Rule, Selected, Side
from manifests.view import Beside

if TYPE_CHECKING:
    from manifests.view import View

PART_ROWS = 1_000_000  # that one part brings together: some 200 MB
ALONE_ROWS = 200_000  # fewer are not worth moving between processes


def drop_equal(
    view: "View", others: Sequence["View"], map: Map, side: Side, priority: Priority, rule: Rule
) -> Selected:
    """Keep of the rows with the same `digest` in `side` the first by `priority`; drop the others for it.

    Rows of `others` come first and stay. A side has `id`, `digest` (none: the row is like no other) and `letters`, the
    length of what is compared.
    """
    beside, starts, given = compared(view, others, side, map)
    if not starts[-1]:
        return drop(view, [Fates.none()], rule)
    parts = 1 + int(starts[-1]) // PART_ROWS
    shuffle = over(map) if starts[-1] > ALONE_ROWS else Here()
    items = zip(starts.tolist(), beside, given.tolist(), strict=False)
    found = shuffle(ByDigest(priority, parts), First(priority), items, parts)
    return drop(view, [told for _, told in found], rule)


@dataclass(frozen=True, slots=True)
class ByDigest:
    """Cut the rows of a slice by their digests."""

    priority: Priority
    parts: int

    def __call__(self, start: int, beside: Beside, given: bool) -> list[pa.Table]:
        """Return what the slice, whose first row has the number `start`, sends to each part."""
        side = beside.table()
        rows = beside.part.table(["id", *self.priority.columns])
        table = side.select(["id", "digest"]).append_column("row", pa.array(start + np.arange(len(side))))
        table = table.append_column("value", self.priority.values(rows, side.column("letters")))
        table = table.append_column("given", pa.array(np.full(len(side), given)))
        table = table.filter(table.column("digest").is_valid())
        parts = matrix(table.column("digest"), "<u8")[:, 0] % np.uint64(self.parts)
        return [table.filter(pa.array(parts == part)) for part in range(self.parts)]


@dataclass(frozen=True, slots=True)
class First:
    """Keep the first row of each digest."""

    priority: Priority

    def __call__(self, tables: Sequence[pa.Table]) -> tuple[None, Fates]:
        """Return nothing to keep, and the fates of the rows."""
        if not any(map(len, tables)):
            return None, Fates.none()
        table = pa.concat_tables(tables)
        table = table.take(pa.array(self.priority.arrange(table)))
        first = first_of_equals(matrix(table.column("digest"), "<u8"))
        gone = np.flatnonzero((first != np.arange(len(first))) & ~table.column("given").to_numpy())
        twins = table.column("id").take(pa.array(first[gone]))
        return None, Fates(table.column("row").to_numpy()[gone], np.ones(len(gone)), twins)
