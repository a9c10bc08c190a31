"""Whether a manifest says the truth about its objects: everything is read again and counted again.

That the bytes of the objects hash to their names is not looked at here, but presumed.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from manifests import shard
from manifests.artifact import flaws_of
from manifests.commit import bucket_bits, id_keys, read_index
from manifests.errors import Damaged, NotFound
from manifests.ledger import DECISIONS
from manifests.manifest import Entry, Manifest
from manifests.rows import STORED_KINDS, row_hash
from manifests.store import Store
from manifests.view import Slice

_LINES = ("id", "dropped_at", "reason")  # that every table of values has
Array = np.ndarray[Any, Any]


@dataclass
class Consistency:
    """Compares manifests with their shards, index and ledger; a shard that several share is hashed once."""

    store: Store
    _wrong: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # by kind and shard: ids of rows

    def flaws(self, manifest: Manifest) -> Iterator[str]:
        """Yield what is wrong, one sentence each: nothing for a sound manifest."""
        yield from flaws_of(manifest)
        if manifest.kind not in STORED_KINDS:
            return
        if manifest.schema != shard.schema_fingerprint(manifest.kind):
            yield f"its schema is not that of a {manifest.kind} as this koba writes it"
            return
        tables: list[pa.Table] = []
        for ordinal, entry in enumerate(manifest.entries):
            try:
                visible = self._visible(manifest.kind, ordinal, entry)
                flaws = [*self._hashes(manifest.kind, entry), *_flaws_of_entry(entry, visible)]
                tables.append(visible.select(["id", "hash", "licence"]))
            except (Damaged, NotFound) as error:
                flaws = [str(error)]
            yield from (f"entry {ordinal} (shard {entry.shard[:16]}): {flaw}" for flaw in flaws)
        if len(tables) == len(manifest.entries):
            yield from _flaws_of_totals(manifest, tables)
            yield from self._index(manifest, tables)
        yield from self._ledger(manifest)

    def _visible(self, kind: str, ordinal: int, entry: Entry) -> pa.Table:
        table = shard.read_parquet(self.store.get(entry.shard))
        if not table.schema.equals(shard.schema(kind)):
            raise Damaged(f"its columns are not those of a {kind}")
        return Slice(self.store, kind, ordinal, entry).visible(table)

    def _hashes(self, kind: str, entry: Entry) -> Iterator[str]:
        """Compute the hash of every row of a shard again, those that a mask hides included."""
        data = self.store.get(entry.shard)
        if len(data) != entry.size:
            yield f"it has {len(data)} bytes, the manifest says {entry.size}"
        if (kind, entry.shard) not in self._wrong:
            table = shard.read_parquet(data)
            pairs = zip(shard.decode(table, kind), table["hash"].to_pylist(), strict=True)
            self._wrong[kind, entry.shard] = [row.hex for row, found in pairs if found != row_hash(row)]
        wrong = self._wrong[kind, entry.shard]
        if wrong:
            yield f"{len(wrong)} rows are not what their hash says, the first is {wrong[0]}"

    def _index(self, manifest: Manifest, tables: Sequence[pa.Table]) -> Iterator[str]:
        bits = bucket_bits(manifest.rows)
        if len(manifest.index) != 2**bits:
            yield f"its index has {len(manifest.index)} buckets, expected {2**bits}"
            return
        previous = np.zeros((0, 2), np.uint64)
        for bucket, part in enumerate(manifest.index):
            table = read_index(self.store, part, ("id", "hash", "shard", "row"))
            keys = id_keys(shard.fixed_bytes(table["id"]))
            misplaced = bits and (keys[:, 0] >> np.uint64(64 - bits) != bucket).any()
            if misplaced or len(table) != part.rows:
                yield f"bucket {bucket} of its index holds ids of another bucket, or another number of them"
            ordered = np.concatenate([previous, keys])
            if not _ascending(ordered):
                yield f"bucket {bucket} of its index is out of order or holds an id twice"
            if not _agrees(table, tables):
                yield f"bucket {bucket} of its index does not agree with the shards"
            previous = keys[-1:] if len(keys) else previous
        if sum(part.rows for part in manifest.index) != manifest.rows:
            yield "its index does not have a line for each row"

    def _ledger(self, manifest: Manifest) -> Iterator[str]:
        wanted = [(digest, _LINES) for digest in manifest.ledger.values]
        wanted += [(digest, tuple(DECISIONS.names)) for digest in manifest.ledger.decisions]
        for digest, columns in wanted:
            missing = set(columns) - set(shard.read_parquet(self.store.get(digest), list(columns)).column_names)
            if missing:
                yield f"table {digest[:16]} of its ledger has no column {', '.join(sorted(missing))}"


def _flaws_of_entry(entry: Entry, visible: pa.Table) -> Iterator[str]:
    found = {
        "rows": len(visible),
        "content": shard.content_digest(visible["id"], visible["hash"]),
        "chars": shard.count_chars(visible),
        "tokens": shard.count_tokens(visible),
    }
    for name, value in found.items():
        if value != getattr(entry, name):
            yield f"its {name} should be {value}, the manifest says {getattr(entry, name)}"


def _flaws_of_totals(manifest: Manifest, tables: Sequence[pa.Table]) -> Iterator[str]:
    licences = Counter(name for table in tables for name in table["licence"].to_pylist() if name is not None)
    columns = [[shard.fixed_bytes(table[name]) for name in ("id", "hash")] for table in tables]
    pairs = np.concatenate([np.empty((0, 32), np.uint8), *(np.concatenate(pair, axis=1) for pair in columns)])
    found = {"rows": len(pairs), "content": shard.digest_pairs(pairs), "licences": dict(licences)}
    for name, value in found.items():
        if value != getattr(manifest, name):
            yield f"its {name} should be {value!r:.80}, it says {getattr(manifest, name)!r:.80}"


def _ascending(keys: Array) -> bool:
    before, after = keys[:-1], keys[1:]
    return bool(((before[:, 0] < after[:, 0]) | ((before[:, 0] == after[:, 0]) & (before[:, 1] < after[:, 1]))).all())


def _agrees(index: pa.Table, tables: Sequence[pa.Table]) -> bool:
    """Tell whether each line of an index names a row that there is, with its id and hash."""
    places = np.stack([index["shard"].to_numpy(), index["row"].to_numpy()], axis=1)
    ids, hashes = (shard.fixed_bytes(index[name]) for name in ("id", "hash"))
    for ordinal in np.unique(places[:, 0]).tolist():
        here = np.flatnonzero(places[:, 0] == ordinal)
        rows = places[here, 1]
        if not 0 <= ordinal < len(tables) or rows.min() < 0 or rows.max() >= len(tables[ordinal]):
            return False
        table = tables[ordinal]
        for name, listed in (("id", ids), ("hash", hashes)):
            if (shard.fixed_bytes(table[name])[rows] != listed[here]).any():
                return False
    return True
