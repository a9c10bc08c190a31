"""Reading a manifest's rows: masks are applied here, so nobody else has to think of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from manifests import canonical, shard
from manifests.errors import Damaged
from manifests.manifest import Entry, Manifest
from manifests.rows import Row
from manifests.stage import Map, Side
from manifests.store import Store


@dataclass(frozen=True)
class Slice:
    """The visible rows of one shard; small enough to be sent to another process."""

    store: Store
    kind: str
    ordinal: int
    entry: Entry

    @property
    def key(self) -> dict[str, str | None]:
        """What its rows depend on: the shard's bytes, for a stage may read scores, which are in no content digest."""
        return {"shard": self.entry.shard, "mask": self.entry.mask}

    @property
    def file(self) -> str:
        """A name for messages."""
        return f"shard {self.entry.shard[:16]}"

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the rows that the mask lets through, in the shard's order. Raises NotFound, Damaged."""
        return self.visible(shard.read_parquet(self.store.get(self.entry.shard), columns))

    def visible(self, table: pa.Table) -> pa.Table:
        """Return those rows of a table, one row for each row of the shard, that the mask lets through."""
        positions = self.positions()
        if positions is None:
            return table
        if len(positions) and positions[-1].as_py() >= len(table):
            raise Damaged(f"{self.file}: its mask names row {positions[-1]}, but it has {len(table)} rows")
        return table.take(positions)

    def positions(self) -> pa.Array | None:
        """Return the positions of the visible rows in the shard, or None for all of them."""
        return shard.read_mask(self.store.get(self.entry.mask, ".roaring")) if self.entry.mask else None

    def rows(self) -> Iterator[Row]:
        """Yield the visible rows."""
        yield from shard.decode(self.table(), self.kind)


@dataclass(frozen=True)
class Beside:
    """The side table of a slice: small enough to be sent to where it is read."""

    part: Slice
    digest: str

    def table(self) -> pa.Table:
        """Return its rows for the visible rows of the slice, in their order. Raises NotFound, Damaged."""
        return self.part.visible(shard.read_parquet(self.part.store.get(self.digest)))


@dataclass(frozen=True)
class View:
    """The visible rows of a manifest, shard by shard."""

    store: Store
    manifest: Manifest

    @property
    def rows(self) -> int:
        """How many rows are visible."""
        return self.manifest.rows

    @cached_property
    def slices(self) -> tuple[Slice, ...]:
        """One for each shard, in the manifest's order."""
        entries = enumerate(self.manifest.entries)
        return tuple([Slice(self.store, self.manifest.kind, ordinal, entry) for ordinal, entry in entries])

    def __iter__(self) -> Iterator[Row]:
        for part in self.slices:
            yield from part.rows()

    def side(self, side: Side, map: Map) -> list[pa.Table]:
        """Return `side` for the visible rows of each slice, all of it in this process."""
        return [beside.table() for beside in self.beside(side, map)]

    def beside(self, side: Side, map: Map) -> list[Beside]:
        """Return where `side` is for each slice; what was computed before is not computed again.

        It is computed for all rows of a shard, hidden ones too, so that another mask costs nothing.
        """
        keys = [canonical.digest({"side": side, "shard": part.entry.shard}) for part in self.slices]
        records = {key: record for key in keys if (record := self.store.action(key))}
        missing = [(key, part) for key, part in zip(keys, self.slices, strict=True) if key not in records]
        records |= dict(map(_MakeSide(side), missing))
        return [Beside(part, records[key]["makes"][0]) for part, key in zip(self.slices, keys, strict=True)]


@dataclass(frozen=True)
class _MakeSide:
    side: Side

    def __call__(self, item: tuple[str, Slice]) -> tuple[str, dict[str, Any]]:
        key, part = item
        table = self.side(shard.read_parquet(part.store.get(part.entry.shard), list(self.side.columns)))
        digest = part.store.put(shard.write_parquet(table))
        return key, part.store.put_action(key, {}, makes=[digest], needs=[part.entry.shard])
