"""Pages that live in memory: texts with addresses and dates, and what selections leave of them."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from manifests.cutting import without
from manifests.stage import Selection
from tests.dedup.memory import MemorySlice, MemoryView, named


class Page(NamedTuple):
    text: str
    url: str | None = None
    date: str | None = None


def view(*slices: dict[str, Page]) -> MemoryView:
    """Each slice is a dictionary from a row's name to its page."""
    parts = []
    for ordinal, rows in enumerate(slices):
        columns = {name: [getattr(page, name) for page in rows.values()] for name in Page._fields}
        table = {name: pa.array(values, pa.string()) for name, values in columns.items()}
        table["id"] = pa.array([named(name) for name in rows], pa.binary(16))
        parts.append(MemorySlice(ordinal, pa.table(table)))
    return MemoryView(tuple(parts))


def left(selection: Selection, *slices: dict[str, Page]) -> dict[str, str]:
    """Return the text of each row, by name, once the selection has taken its spans out."""
    after = {name: page.text for rows in slices for name, page in rows.items()}
    for cuts in selection.select(view(*slices), map).cuts:
        names = list(slices[cuts.shard])
        for row in np.unique(cuts.rows).tolist():
            begin, end = np.searchsorted(cuts.rows, [row, row + 1]).tolist()
            after[names[row]] = without(after[names[row]], cuts, begin, end)
    return after
