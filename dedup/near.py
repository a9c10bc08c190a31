"""The search for near-duplicates: signatures propose, texts decide."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dedup import bands, kernels, letters
from dedup.columns import COMPARED, matrix, texts
from dedup.letters import Letters
from dedup.outcome import Rows
from dedup.rank import ranks
from dedup.signatures import Signatures
from manifests.stage import Map, Selected

if TYPE_CHECKING:
    from dedup.minhash import MinHashDedup
    from manifests.view import View


def near_duplicates(asked: "MinHashDedup", view: "View", map: Map) -> Selected:
    """Return the rows that go, each with the row that stays in its place and their exact similarity.

    Takes up to 1.2 kB of memory a row; for rows that look like another one, 0.8 kB and 6 bytes a letter more.
    Rows of one template that are all just below the threshold are compared each with each, 60 to 200 ns a pair.
    """
    tables = view.side(Signatures(asked.ngram, asked.permutations), map)
    rows = Rows.of(view, tables)
    counts = np.concatenate([np.zeros(0, np.int64), *[table.column("letters").to_numpy() for table in tables]])
    places = ranks(rows.ids, asked.seed)
    signatures = np.empty((len(rows), asked.permutations), np.uint32)
    for start, table in zip(rows.offsets.tolist(), tables, strict=False):
        signatures[places[start : start + len(table)]] = matrix(table.column("signature"), "<u4")
    del tables
    least = bands.least_agreement(asked.threshold, asked.permutations)
    found = bands.candidates(signatures, asked.bands, asked.rows, least)
    chosen = np.argsort(places)[found]  # from here on, rows are numbered in the order of chance
    signatures = signatures[found]
    spans = read_rows(rows, chosen, int(counts[chosen].sum()), asked.ngram)
    buckets = bands.buckets(signatures, asked.bands, asked.rows)
    twins, values = kernels.keep(signatures, buckets, spans, least, asked.threshold)
    gone = np.flatnonzero(twins >= 0)
    return rows.drop(chosen[gone], chosen[twins[gone]], values[gone], asked.rules()[0])


def read_rows(rows: Rows, chosen: NDArray[np.int64], total: int, ngram: int) -> Letters:
    """Read the `total` letters of some rows, slice by slice."""
    spans = Letters(np.empty(total, np.uint32), *(np.empty(len(chosen), np.int64) for _ in range(3)))
    used = 0
    slices = rows.slices(chosen)
    for number in np.unique(slices).tolist():
        here = np.flatnonzero(slices == number)
        table = rows.view.slices[number].table(COMPARED).take(chosen[here] - rows.offsets[number])
        part = letters.read(texts(table, "minhash"), ngram)
        spans.codes[used : used + len(part.codes)] = part.codes
        spans.starts[here], spans.stops[here], spans.widths[here] = part.starts + used, part.stops + used, part.widths
        used += len(part.codes)
    return spans
