"""What a search for duplicates hands back: a drop for each row that goes, with the row that stays in its place."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from manifests.stage import Drop, Rule, Selected

if TYPE_CHECKING:
    from manifests.view import View


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a dataset, numbered from 0 through all slices."""

    view: "View"
    ids: pa.ChunkedArray

    @classmethod
    def of(cls, view: "View", tables: list[pa.Table]) -> "Rows":
        """Return the rows of side tables that have an `id`, numbered."""
        return cls(view, pa.chunked_array([c for table in tables for c in table.column("id").chunks], pa.binary(16)))

    def drop(
        self, rows: NDArray[np.int64], twins: NDArray[np.int64], values: NDArray[np.float64], rule: Rule
    ) -> Selected:
        """Drop rows for other rows, their twins."""
        return drop(self.view, rows, values, self.ids.take(pa.array(twins)), rule)


def drop(
    view: "View", rows: NDArray[np.int64], values: NDArray[np.float64], twins: pa.ChunkedArray, rule: Rule
) -> Selected:
    """Drop rows for those with the ids `twins`; say so where there are none, for somebody asked for an effect."""
    starts = first_rows(view)
    order = np.argsort(rows)
    rows = rows[order]
    places = np.searchsorted(starts, rows, side="right") - 1
    columns = (
        [view.slices[place].ordinal for place in places.tolist()],
        (rows - starts[places]).tolist(),
        values[order].tolist(),
        twins.take(pa.array(order)).to_pylist(),
    )
    drops = [
        Drop(shard, row, rule.reason, value, rule.threshold, twin)
        for shard, row, value, twin in zip(*columns, strict=True)
    ]
    family = rule.reason.partition("/")[0]
    return Selected(drops, () if drops else (f"{family}: 0 of {starts[-1]:,} rows dropped",))


def first_rows(view: "View") -> NDArray[np.int64]:
    """Return the number of each slice's first row, and of the row after the last."""
    return np.cumsum([0, *[part.entry.rows for part in view.slices]])
