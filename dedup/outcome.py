"""What a search for duplicates hands back: a drop for each row that goes, with the row that stays in its place."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from manifests.stage import Drop, Map, Rule, Selected, Side

if TYPE_CHECKING:
    from manifests.view import Beside, View


class Fates(NamedTuple):
    """The rows that go, numbered through all slices, their similarity to the row that stays, and the latter's id."""

    rows: NDArray[np.int64]
    values: NDArray[np.float64]
    twins: pa.ChunkedArray

    @classmethod
    def none(cls) -> Self:
        """Return those of no rows."""
        return cls(np.empty(0, np.int64), np.empty(0), pa.chunked_array([], pa.binary(16)))


def drop(view: "View", found: Sequence[Fates], rule: Rule) -> Selected:
    """Drop the rows that go; say so where there are none, for somebody asked for an effect."""
    starts = first_rows(view)
    rows, values = (np.concatenate(columns) for columns in ([f.rows for f in found], [f.values for f in found]))
    twins = pa.chunked_array([chunk for fates in found for chunk in fates.twins.chunks], pa.binary(16))
    order = np.argsort(rows)
    places = np.searchsorted(starts, rows[order], side="right") - 1
    columns = (
        [view.slices[place].ordinal for place in places.tolist()],
        (rows[order] - starts[places]).tolist(),
        values[order].tolist(),
        twins.take(pa.array(order)).to_pylist(),
    )
    drops = [
        Drop(shard, row, rule.reason, value, rule.threshold, twin)
        for shard, row, value, twin in zip(*columns, strict=True)
    ]
    family = rule.reason.partition("/")[0]
    return Selected(drops, () if drops else (f"{family}: 0 of {starts[-1]:,} rows dropped",))


def compared(
    view: "View", others: Sequence["View"], side: Side, map: Map
) -> tuple[list["Beside"], NDArray[np.int64], NDArray[np.bool_]]:
    """Return each slice's side table, the numbers of first rows and of the row after the last and which are others'."""
    beside = [one for each in (view, *others) for one in each.beside(side, map)]
    starts = np.cumsum([0, *[one.part.entry.rows for one in beside]])
    return beside, starts, np.arange(len(beside)) >= len(view.slices)


def first_rows(view: "View") -> NDArray[np.int64]:
    """Return the number of each slice's first row, and of the row after the last."""
    return np.cumsum([0, *[part.entry.rows for part in view.slices]])
