"""Rows that are the same because a digest of theirs is: the search that the exact levels share."""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dedup.columns import matrix
from dedup.outcome import Rows
from dedup.rank import Priority
from dedup.repeats import repeats
from manifests.stage import Map, Rule, Selected, Side

if TYPE_CHECKING:
    from manifests.view import View

DIGEST = pa.binary(16)


def drop_equal(view: "View", map: Map, side: Side, priority: Priority, rule: Rule) -> Selected:
    """Keep of the rows with the same `digest` in `side` the first by `priority`; drop the others for it.

    A side has `id`, `digest` (none: the row is like no other) and `letters`, the length of what is compared.
    """
    tables = view.side(side, map)
    rows = Rows.of(view, tables)
    letters = pa.chunked_array([chunk for table in tables for chunk in table.column("letters").chunks], pa.int64())
    compared = pa.table({"id": rows.ids})
    if priority.columns and len(rows.ids):
        compared = pa.concat_tables([part.table(["id", *priority.columns]) for part in view.slices])
    order = priority.order(rows.ids, priority.values(compared, letters)) if len(rows.ids) else np.empty(0, np.int64)
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    digests = pa.chunked_array([chunk for table in tables for chunk in table.column("digest").chunks], DIGEST)
    there = np.flatnonzero(digests.is_valid().to_numpy())
    found = repeats(matrix(digests.drop_null(), "<u8"), there.astype(np.int32), places, min_count=1)
    gone, twins = found.after_the_first()
    return rows.drop(there[gone], there[twins], np.ones(len(gone)), rule)
