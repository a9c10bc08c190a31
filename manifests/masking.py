"""Writing a selection down: a mask for each shard, no copies of rows; a new shard where text is taken out of rows."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from manifests import shard
from manifests.commit import mask_entry
from manifests.cuts import Cuts
from manifests.cutting import Edits, edit
from manifests.errors import BadRecipe
from manifests.ledger import ALTERED, DECISIONS, DROPPED, Counts, domains, value_column
from manifests.manifest import Entry
from manifests.rows import Document
from manifests.sink import new_entry
from manifests.stage import Drop, Selected, Selection
from manifests.told import Told
from manifests.view import Slice, View

STEP = 1  # a selection is the only step of its manifest; step 0 is the input


class Masked(msgspec.Struct):
    """What a selection did to one shard."""

    entry: Entry
    values: str
    decisions: str
    counts: list[dict[str, Any]]


@dataclass(frozen=True)
class Share:
    """One slice, and what a selection does to it."""

    part: Slice
    drops: Sequence[Drop]
    cuts: Cuts | None


def shares(view: View, selected: Selected) -> list[Share]:
    """Return what each slice is to be told. Raises BadRecipe where text is to be taken out of what is no document."""
    if selected.cuts and view.manifest.kind != Document.kind:
        raise BadRecipe(
            f"text can be taken out of documents only, and these rows are of the kind {view.manifest.kind}; "
            "derive one document from each row first"
        )
    drops: dict[int, list[Drop]] = defaultdict(list)
    for drop in selected.drops:
        drops[drop.shard].append(drop)
    cuts = {cut.shard: cut for cut in selected.cuts}
    return [Share(part, drops[part.ordinal], cuts.get(part.ordinal)) for part in view.slices]


@dataclass(frozen=True)
class Masking:
    """A selection's decisions, applied to one slice."""

    selection: Selection
    each: Callable[[Slice], Told] | None = None  # what the selection decides only here

    def __call__(self, share: Share) -> Masked:
        part, store = share.part, share.part.store
        edits = edit(part, share.cuts) if share.cuts else Edits()
        told = self.each(part) if self.each else Told()
        drops = sorted([*share.drops, *edits.drops, *told.drops], key=lambda drop: drop.row)
        gone = [drop.row for drop in drops]
        table = edits.table or part.table(_looked_at(part.kind))
        kept = len(table) - len(drops)
        counts = Counts(rows_in=len(table), kept=kept, altered=len(edits.rows))
        for drop in drops:
            counts.drop(drop.reason)
        if edits.table:
            stay = np.setdiff1d(np.arange(len(table)), np.array(gone, np.int64))
            entry = new_entry(store, table.take(pa.array(stay)))
        else:
            entry = mask_entry(part, gone)
        return Masked(
            entry=entry,
            values=store.put(shard.write_parquet(self._values(table, drops, told))),
            decisions=store.put(shard.write_parquet(_decisions(table, drops, edits))),
            counts=[asdict(Counts(rows_in=len(table), kept=len(table))), asdict(counts)],
        )

    def _values(self, table: pa.Table, drops: Sequence[Drop], told: Told) -> pa.Table:
        rows = len(table)
        at: list[int | None] = [None] * rows
        reasons: list[str | None] = [None] * rows
        measures = {rule.reason: rule.measure for rule in self.selection.rules()}
        columns: dict[str, list[float | None]] = {measure: [None] * rows for measure in sorted(set(measures.values()))}
        for drop in drops:
            at[drop.row], reasons[drop.row] = STEP, drop.reason
            if drop.reason in measures:
                columns[measures[drop.reason]][drop.row] = drop.value
        looked = {
            "id": table["id"],
            "domain": domains(table["url"].to_pylist()),
            "language": table["language"],
            "chars": shard.lengths(table),
            "dropped_at": pa.array(at, pa.int16()),
            "reason": pa.array(reasons, pa.string()),
            "parents": pa.nulls(rows, pa.list_(pa.binary(16))),
        }
        named = sorted((columns | dict(told.values)).items())
        measured = {value_column(STEP, name): pa.array(column, pa.float64()) for name, column in named}
        return pa.table(looked | measured)


def _looked_at(kind: str) -> list[str]:
    return [name for name in ("id", "url", "language", "text", "messages") if name in shard.schema(kind).names]


def _decisions(table: pa.Table, drops: Sequence[Drop], edits: Edits) -> pa.Table:
    told: dict[int, tuple[Any, ...]] = {
        drop.row: (DROPPED, drop.reason, drop.value, drop.threshold, drop.twin, None) for drop in drops
    }
    told |= {
        row: (ALTERED, done.reason, done.share, None, done.twin, done.text.encode()) for row, done in edits.rows.items()
    }
    order = sorted(told)
    ids = table["id"].take(pa.array(order, pa.int64())).to_pylist()
    rows = [(row_id, STEP, *told[row]) for row_id, row in zip(ids, order, strict=True)]
    columns = list(zip(*rows, strict=True)) or [()] * len(DECISIONS)
    return pa.table(dict(zip(DECISIONS.names, columns, strict=True)), schema=DECISIONS)
