"""Pages that live in memory: texts with addresses and dates, and what selections leave of them."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from manifests.cuts import Cuts
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
        after |= {names[row]: text for row, text in shortened(cuts, [after[name] for name in names])}
    return after


def shortened(cuts: Cuts, texts: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield the rows of which something was taken out, and what is left of them."""
    rows, begins = np.unique(cuts.rows, return_index=True)
    for row, (begin, end) in zip(rows.tolist(), pairwise([*begins.tolist(), len(cuts.rows)]), strict=True):
        yield row, without(texts[row], cuts, begin, end)
