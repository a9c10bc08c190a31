"""Writing manifests again without some of their rows, which are then in no shard, no mask and no index.

The ledger and the counts become what a run would write that refuses these rows: where a row first came up, a line with
its id and "forget/takedown" stays; later manifests never hear of it.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec.structs import replace
from pyroaring import BitMap

from manifests import shard
from manifests.commit import survey
from manifests.descent import made_from, maker
from manifests.ledger import ALTERED, DROPPED, Counts
from manifests.manifest import Entry, Ledger, Manifest
from manifests.recount import TAKEDOWN, Way, counts_of, refuse, take_out, with_counts
from manifests.store import Store
from manifests.view import Slice

REPEATED = "input/repeated_id"  # another record that had the row's id: nothing of it is in the ledger but that
_Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Shard:
    digest: str
    size: int
    stay: np.ndarray[Any, Any]  # bool, one for each row of the old shard


@dataclass
class Redaction:
    """Rewrites manifests without `rows`. A shard that several manifests share is written once."""

    store: Store
    rows: frozenset[bytes]
    mentions: frozenset[str]  # digests of all objects that have one of the rows in their column `id`
    _shards: dict[str, _Shard] = field(default_factory=dict)

    def rewrite(self, old: Manifest, parents: tuple[str, ...], known: Collection[bytes]) -> Manifest:
        """Store and return a manifest without the rows; `known` are those of them that its old parents show."""
        new, shown = old, Counter[bytes]()
        if any(entry.shard in self.mentions for entry in old.entries):
            entries = tuple([self._entry(old.kind, entry, shown) for entry in old.entries])
            new = replace(old, entries=entries, **survey(self.store, old.kind, entries))
        if self.mentions & {*old.ledger.values, *old.ledger.decisions}:
            new = _Lines(self, old, shown, known).rewritten(new)
        new = replace(new, parents=parents)
        self.store.put_manifest(new)
        return new

    def among(self, ids: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return for each id whether it is one of the rows."""
        return pc.is_in(ids, value_set=pa.array(sorted(self.rows), ids.type))

    def _entry(self, kind: str, entry: Entry, shown: Counter[bytes]) -> Entry:
        if entry.shard not in self.mentions:
            return entry
        part = Slice(self.store, kind, 0, entry)
        ids, before = part.table(["id"])["id"], part.positions()
        shown.update(ids.filter(self.among(ids)).to_pylist())
        new = self._shard(entry.shard)
        visible, mask = shard.read_parquet(self.store.get(new.digest)), None
        if before is not None:
            kept = before.to_numpy()[new.stay[before.to_numpy()]]
            places = np.cumsum(new.stay)[kept] - 1
            if len(places) < len(visible):
                mask = self.store.put(shard.write_mask(BitMap(places.tolist())), ".roaring")
                visible = visible.take(pa.array(places))
        return Entry(
            shard=new.digest,
            content=shard.content_digest(visible["id"], visible["hash"]),
            rows=len(visible),
            size=new.size,
            chars=shard.count_chars(visible),
            tokens=shard.count_tokens(visible),
            mask=mask,
        )

    def _shard(self, digest: str) -> _Shard:
        if digest not in self._shards:
            old = shard.read_parquet(self.store.get(digest))
            stay = pc.invert(self.among(old["id"]))
            data = shard.write_parquet(old.filter(stay))
            self._shards[digest] = _Shard(self.store.put(data), len(data), stay.to_numpy())
        return self._shards[digest]


@dataclass
class _Lines:
    """The ledger of one manifest while rows are taken out of it."""

    work: Redaction
    old: Manifest
    shown: Counter[bytes]  # of the rows to take out: how often the old manifest showed each
    known: Collection[bytes]

    def rewritten(self, new: Manifest) -> Manifest:
        """Return the manifest with the new ledger and the counts that go with it."""
        ledger = self.old.ledger
        units = len(ledger.values)
        counts = counts_of(self.old.steps)
        late = ledger.decisions[units:]  # about ids that two units have in common
        repeats = Counter(line["id"] for digest in late for line in self._lines(digest))
        values, decisions = [], []
        for digest, decided in zip(ledger.values, ledger.decisions, strict=False):
            births = self._take_out(digest, self._lines(decided), counts, repeats)
            values.append(self._values(digest, births))
            decisions.append(self._decisions(decided, digest, births))
        decisions += [one for digest in late if (one := self._late(digest))]
        tables = Ledger(values=tuple(values), decisions=tuple(decisions))
        return replace(new, ledger=tables, steps=with_counts(self.old.steps, counts))

    def _take_out(
        self, values: str, decided: Sequence[_Line], counts: Sequence[Counts], repeats: Counter[bytes]
    ) -> dict[bytes, int]:
        """Uncount the rows of one unit; return those that came up here, each with the step that made it."""
        births: dict[bytes, int] = {}
        for line in self._lines(values):
            row_id, parents, at = line["id"], line["parents"], line["dropped_at"]
            born = maker(self.old, tuple(parents), row_id) if parents else 0
            altered = tuple(one["step"] for one in decided if one["id"] == row_id and one["action"] == ALTERED)
            last = len(self.old.steps) - 1
            if at is not None:
                way = Way(born, "dropped", at, line["reason"], altered)
            elif self.shown[row_id]:
                self.shown[row_id] -= 1
                way = Way(born, "kept", last, "", altered)
            elif repeats[row_id]:
                repeats[row_id] -= 1
                way = Way(born, "dropped", last, REPEATED, altered)
            else:
                way = Way(born, "used", self._used_at(row_id, values), "", altered)
            take_out(counts, way)
            if row_id not in self.known:
                births[row_id] = born
                refuse(counts, born)
        return births

    def _used_at(self, row_id: bytes, values: str) -> int:
        """Return the step that made other rows from this one: the maker of one of them."""
        table = self._read(values)
        rows, parents = made_from(table)
        children = rows[parents == np.bytes_(row_id)]
        if not len(children):
            return len(self.old.steps) - 1
        child = table.slice(children[0], 1).to_pylist()[0]
        return maker(self.old, tuple(child["parents"]), child["id"])

    def _read(self, digest: str) -> pa.Table:
        return shard.read_parquet(self.work.store.get(digest))

    def _lines(self, digest: str) -> list[_Line]:
        """Return the lines of a table that are about the rows to take out."""
        if digest not in self.work.mentions:
            return []
        table = self._read(digest)
        lines: list[_Line] = table.filter(self.work.among(table["id"])).to_pylist()
        return lines

    def _values(self, digest: str, births: Mapping[bytes, int]) -> str:
        """Store a table of values without the rows; of those that came up here a blank line stays in its place."""
        if digest not in self.work.mentions:
            return digest
        table = self._read(digest)
        out = self.work.among(table["id"])
        blank = [{"id": row_id, "dropped_at": step, "reason": TAKEDOWN} for row_id, step in births.items()]
        at = {row_id: place for place, row_id in enumerate(table["id"].to_pylist()) if row_id in births}
        places = [*np.flatnonzero(pc.invert(out).to_numpy()), *(at[row_id] for row_id in births)]
        left = _joined(table.filter(pc.invert(out)), blank).take(pa.array(np.argsort(places)))
        return self.work.store.put(shard.write_parquet(left))

    def _decisions(self, digest: str, values: str, births: Mapping[bytes, int]) -> str:
        """Store a table of decisions without the rows, but with a refusal of each that came up here."""
        if digest not in self.work.mentions and not births:
            return digest
        table = self._read(digest)
        stay = pc.or_(pc.invert(self.work.among(table["id"])), pc.equal(table["reason"], REPEATED))
        refusals = [
            {"id": row_id, "step": step, "action": DROPPED, "reason": TAKEDOWN} for row_id, step in births.items()
        ]
        left = _joined(table.filter(stay), refusals)
        if births:  # in the order of steps, then of rows, as a run writes them
            places = {row_id: place for place, row_id in enumerate(self._read(values)["id"].to_pylist())}
            rows = [places.get(row_id, -1) for row_id in left["id"].to_pylist()]
            left = left.take(pa.array(np.lexsort((rows, left["step"].to_numpy()))))
        return self.work.store.put(shard.write_parquet(left))

    def _late(self, digest: str) -> str | None:
        """Store a table of refused repeats without the rows; nothing where it has no other line."""
        if digest not in self.work.mentions:
            return digest
        table = self._read(digest)
        left = table.filter(pc.invert(self.work.among(table["id"])))
        return self.work.store.put(shard.write_parquet(left)) if len(left) else None


def _joined(table: pa.Table, lines: Sequence[_Line]) -> pa.Table:
    full = [{name: line.get(name) for name in table.column_names} for line in lines]
    return pa.concat_tables([table, pa.Table.from_pylist(full, schema=table.schema)]).combine_chunks()
