"""Writing a selection down: a mask and the ledger's tables for each shard, no copies of rows."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from manifests import shard
from manifests.commit import mask_entry
from manifests.ledger import DECISIONS, DROPPED, Counts, domains, value_column
from manifests.manifest import Entry
from manifests.stage import Drop, Selection
from manifests.view import Slice

STEP = 1  # a selection is the only step of its manifest; step 0 is the input


class Masked(msgspec.Struct):
    """What a selection did to one shard."""

    entry: Entry
    values: str
    decisions: str
    counts: list[dict[str, Any]]


@dataclass(frozen=True)
class Masking:
    """A selection's decisions, applied to one slice and the drops in it."""

    selection: Selection

    def __call__(self, item: tuple[Slice, Sequence[Drop]]) -> Masked:
        part, drops = item
        present = [name for name in ("id", "url", "language", "text") if name in shard.schema(part.kind).names]
        table = part.table(present)
        counts = Counts(rows_in=len(table), kept=len(table) - len(drops))
        for drop in drops:
            counts.drop(drop.reason)
        store = part.store
        return Masked(
            entry=mask_entry(part, [drop.row for drop in drops]),
            values=store.put(shard.write_parquet(self._values(table, drops))),
            decisions=store.put(shard.write_parquet(_decisions(table, drops))),
            counts=[asdict(Counts(rows_in=len(table), kept=len(table))), asdict(counts)],
        )

    def _values(self, table: pa.Table, drops: Sequence[Drop]) -> pa.Table:
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
            "chars": pc.utf8_length(table["text"]) if "text" in table.column_names else pa.nulls(rows, pa.int32()),
            "dropped_at": pa.array(at, pa.int16()),
            "reason": pa.array(reasons, pa.string()),
            "parents": pa.nulls(rows, pa.list_(pa.binary(16))),
        }
        measured = {value_column(STEP, name): pa.array(column, pa.float64()) for name, column in columns.items()}
        return pa.table(looked | measured)


def _decisions(table: pa.Table, drops: Sequence[Drop]) -> pa.Table:
    ids = table["id"]
    rows = [
        (ids[drop.row].as_py(), STEP, DROPPED, drop.reason, drop.value, drop.threshold, drop.twin, None)
        for drop in drops
    ]
    columns = list(zip(*rows, strict=True)) or [()] * len(DECISIONS)
    return pa.table(dict(zip(DECISIONS.names, columns, strict=True)), schema=DECISIONS)
