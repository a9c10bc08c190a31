"""Rows that came through all stages, written as shards of bounded size."""

import pyarrow as pa

from manifests import shard
from manifests.errors import BadRow
from manifests.ledger import Book
from manifests.manifest import Entry
from manifests.rows import STORED_KINDS, Row
from manifests.store import Store
from manifests.view import Slice


class Sink:
    """Rows that came through, written as shards of bounded size."""

    def __init__(self, store: Store, book: Book, unit: Slice | None) -> None:
        self.store, self.book, self.unit = store, book, unit
        self.kind: str | None = None
        self.entries: list[Entry] = []
        self.table = unit.table() if unit else None
        self.originals = shard.decode(self.table, unit.kind) if unit else None
        self.positions = {row.id: position for position, row in enumerate(self.originals or ())}
        self._rows: list[Row] = []
        self._size = 0

    def add(self, row: Row) -> None:
        """Take the next row; raises BadRow where its kind is not that of the rows before."""
        if self._size >= shard.MAX_SHARD_BYTES and not (row.parents and row.parents == self._rows[-1].parents):
            self.flush()  # but candidates of one parent stay together
        if self.kind != row.kind:
            self._check_kind(row)
        self._rows.append(row)
        self._size += len(row.text) if hasattr(row, "text") else len(row.payload())

    def flush(self) -> None:
        """Write what was taken since the last shard."""
        if not self._rows:
            return
        table = self._encoded()
        for row in self._rows:
            self.book.kept(row)
        self.entries.append(self._entry(table))
        self._rows, self._size = [], 0

    def _entry(self, table: pa.Table) -> Entry:
        if table is self.table and self.unit:
            return self.unit.entry  # nothing changed: the same shard under the same mask
        return new_entry(self.store, table)

    def _encoded(self) -> pa.Table:
        """Return the rows as a table: those that no stage touched are taken from the table they came from."""
        if self.table is None:
            return shard.encode(self._rows)
        untouched = [self._position(row) for row in self._rows]
        fresh = [row for row, position in zip(self._rows, untouched, strict=True) if position is None]
        if len(fresh) == len(self._rows):
            return shard.encode(fresh)
        old = [position for position in untouched if position is not None]
        if len(old) == len(self.table):
            return self.table
        taken = self.table.take(pa.array(old, pa.int64()))
        if not fresh:
            return taken
        next_old, next_fresh = iter(range(len(old))), iter(range(len(old), len(self._rows)))
        order = [next(next_fresh if position is None else next_old) for position in untouched]
        return pa.concat_tables([taken, shard.encode(fresh)]).take(pa.array(order, pa.int64()))

    def _position(self, row: Row) -> int | None:
        position = self.positions.get(row.id)
        return position if position is not None and self.originals and self.originals[position] is row else None

    def _check_kind(self, row: Row) -> None:
        if self.kind is not None or row.kind not in STORED_KINDS:
            raise BadRow(
                f"a {row.kind} came out of the last step, expected {self.kind or ' or '.join(STORED_KINDS)}; "
                "a recipe must end in rows of one storable kind"
            )
        self.kind = row.kind


def new_entry(store: Store, table: pa.Table) -> Entry:
    """Store a table of rows as a shard; return its entry, which shows all of them."""
    data = shard.write_parquet(table)
    return Entry(
        shard=store.put(data),
        content=shard.content_digest(table["id"], table["hash"]),
        rows=len(table),
        size=len(data),
        chars=shard.count_chars(table),
        tokens=shard.count_tokens(table),
    )
