"""Which of the rows that are linked stay: exact answers, one bin of whole components at a time.

In an order, each row that is still there stays and drops all that are near it; rows of one text are one to begin with.
A row's fate hangs on its component alone, so components can be solved anywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup import bands, kernels, letters
from dedup.columns import COMPARED, matrix, texts
from dedup.links import first_of_equals, part_of
from dedup.outcome import Fates
from manifests.view import Beside

if TYPE_CHECKING:
    from dedup.minhash import MinHashDedup


class Labelled(NamedTuple):
    """The linked rows of a slice: their numbers in it, and the component of each."""

    rows: NDArray[np.int64]
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Gather:
    """Send the linked rows of a slice to the bins of their components; of equal texts, one."""

    asked: "MinHashDedup"
    bins: int

    def __call__(self, start: int, beside: Beside, given: bool, linked: Labelled) -> list[pa.Table]:
        """Return what the slice, whose first row has the number `start`, sends to each bin; `given` rows stay."""
        priority = self.asked.priority
        side = beside.table().take(pa.array(linked.rows))
        rows = beside.part.table([*COMPARED, *priority.columns]).take(pa.array(linked.rows))
        first = first_of_equals(matrix(side.column("digest"), "<u8"))
        said = np.where(first == np.arange(len(first)), np.arange(len(first)), -1)
        text = texts(rows, "minhash").take(pa.array(said, mask=said < 0))
        table = side.select(["id", "digest", "signature"]).append_column("text", text)
        table = table.append_column("row", pa.array(start + linked.rows)).append_column(
            "label", pa.array(linked.labels)
        )
        table = table.append_column("value", priority.values(rows, side.column("letters")))
        table = table.append_column("given", pa.array(np.full(len(rows), given)))
        bins = part_of(linked.labels, self.bins)
        return [table.filter(pa.array(bins == one)) for one in range(self.bins)]


@dataclass(frozen=True, slots=True)
class Solve:
    """Find the fates of all rows of a bin."""

    asked: "MinHashDedup"
    least: int  # values of the signature that near rows share

    def __call__(self, tables: Sequence[pa.Table]) -> tuple[None, Fates]:
        """Return nothing to keep, and the fates. Each different text takes about 0.8 kB and 6 bytes a letter."""
        if not any(map(len, tables)):
            return None, Fates.none()
        table = pa.concat_tables(tables)
        texts_at = self._texts(table)
        order = self.asked.priority.arrange(table)
        by_component = np.argsort(table.column("label").to_numpy()[order], kind="stable")
        order = order[by_component]
        spelt, table = table.column("text"), table.take(pa.array(order))
        first = first_of_equals(matrix(table.column("digest"), "<u8"))
        distinct, group = np.unique(first, return_inverse=True)
        text = spelt.take(pa.array(texts_at[order[distinct]])).combine_chunks()
        spans = letters.read(text, self.asked.ngram)
        signatures = matrix(table.column("signature").take(pa.array(distinct)), "<u4")
        given = table.column("given").to_numpy()
        buckets = self._buckets(signatures, table.column("label").to_numpy()[distinct])
        twins, values = kernels.keep(signatures, buckets, spans, given[distinct], self.least, self.asked.threshold)
        stays = np.where(twins >= 0, distinct[twins], distinct)[group]  # for each row, the one in its place
        values = np.where(twins >= 0, values, 1.0)[group]
        gone = np.flatnonzero((stays != np.arange(len(table))) & ~given)
        ids = table.column("id").take(pa.array(stays[gone]))
        return None, Fates(table.column("row").to_numpy()[gone], values[gone], ids)

    def _texts(self, table: pa.Table) -> NDArray[np.int64]:
        """Return for each row the one that brought its text: a slice sends it once, maybe with a row left out."""
        first = first_of_equals(matrix(table.column("digest"), "<u8"))
        known = np.flatnonzero(table.column("text").is_valid().to_numpy())
        brought = np.empty(len(table), np.int64)
        brought[first[known]] = known
        return brought[first]

    def _buckets(self, signatures: NDArray[np.uint32], labels: NDArray[np.int64]) -> kernels.Buckets:
        if self.asked.search == "faiss":  # it knows no bands: a component is one bucket
            return bands.one_bucket_each(labels)
        return bands.buckets(signatures, self.asked.bands, self.asked.rows)
