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
    offsets: NDArray[np.int64]  # the number of each slice's first row, and of the row after the last

    @classmethod
    def of(cls, view: "View", tables: list[pa.Table]) -> "Rows":
        """Return the rows of side tables that have an `id`, numbered."""
        chunks = [chunk for table in tables for chunk in table.column("id").chunks]
        offsets = np.cumsum([0, *map(len, tables)])
        return cls(view, pa.chunked_array(chunks, pa.binary(16)), offsets)

    def __len__(self) -> int:
        return len(self.ids)

    def slices(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of each row's slice."""
        return np.searchsorted(self.offsets, rows, side="right") - 1

    def drop(
        self, rows: NDArray[np.int64], twins: NDArray[np.int64], values: NDArray[np.float64], rule: Rule
    ) -> Selected:
        """Drop rows for their twins, which stay; say so where there are none, for somebody asked for an effect."""
        order = np.argsort(rows)
        rows = rows[order]
        places = self.slices(rows)
        columns = (
            [self.view.slices[place].ordinal for place in places.tolist()],
            (rows - self.offsets[places]).tolist(),
            values[order].tolist(),
            self.ids.take(pa.array(twins[order])).to_pylist(),
        )
        drops = [
            Drop(shard, row, rule.reason, value, rule.threshold, twin)
            for shard, row, value, twin in zip(*columns, strict=True)
        ]
        family = rule.reason.partition("/")[0]
        return Selected(drops, () if drops else (f"{family}: 0 of {len(self):,} rows dropped",))
