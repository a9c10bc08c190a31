"""Where rows are in a store: in objects that some manifest names and in those that none names any more.

search = Sightings(store)
search.follow([row_id])       # reads every object, once for each generation of rows made from it
search.mentions([row_id])
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from manifests import shard
from manifests.collect import OBJECT
from manifests.ledger import DROPPED
from manifests.recount import TAKEDOWN
from manifests.redact import REPEATED
from manifests.rows import ID_BYTES
from manifests.stage import Map
from manifests.store import Store

_HARMLESS = (TAKEDOWN, REPEATED)  # lines of the ledger that hold an id and nothing else of a row
_COLUMNS = ("id", "parents", "action", "reason", "twin", "call")


@dataclass(frozen=True, slots=True)
class Seen:
    """What one object holds of the rows that were sought."""

    mentions: tuple[bytes, ...] = ()  # rows in its column `id`
    tainted: tuple[bytes, ...] = ()  # rows of which it has more than the id
    children: tuple[bytes, ...] = ()  # rows made from one of them
    twins: tuple[tuple[bytes, bytes], ...] = ()  # a sought row, and one that was dropped as its duplicate
    calls: tuple[tuple[bytes, bytes], ...] = ()  # a sought row, and the key of the model call that wrote it


@dataclass(frozen=True)
class Look:
    """Reads one object, on any machine."""

    store: Store
    rows: frozenset[bytes]

    def __call__(self, digest: str) -> Seen:
        table = shard.read_parquet(self.store.get(digest), _COLUMNS)
        if "id" not in table.column_names or table.schema.field("id").type != pa.binary(ID_BYTES):
            return Seen()
        about = table.filter(self._among(table["id"])).to_pylist()
        return Seen(
            mentions=tuple({line["id"] for line in about}),
            tainted=tuple({line["id"] for line in about if line.get("reason") not in _HARMLESS}),
            children=self._children(table),
            twins=tuple((line["twin"], line["id"]) for line in self._twins(table) if line["id"] != line["twin"]),
            calls=tuple((line["id"], line["call"]) for line in about if line.get("call")),
        )

    def _children(self, table: pa.Table) -> tuple[bytes, ...]:
        if "parents" not in table.column_names:
            return ()
        found: set[bytes] = set()
        for batch in table.select(["id", "parents"]).to_batches():
            hits = pc.list_parent_indices(batch["parents"]).filter(self._among(pc.list_flatten(batch["parents"])))
            found.update(batch["id"].take(hits).to_pylist())
        return tuple(found)

    def _twins(self, table: pa.Table) -> list[dict[str, Any]]:
        if "twin" not in table.column_names:
            return []
        dropped = pc.and_(self._among(table["twin"]), pc.equal(table["action"], DROPPED))
        lines: list[dict[str, Any]] = table.select(["id", "twin"]).filter(dropped).to_pylist()
        return lines

    def _among(self, ids: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
        return pc.is_in(ids, value_set=pa.array(sorted(self.rows), ids.type))


class Sightings:
    """What all objects of a store hold of some rows and of all rows made from them."""

    def __init__(self, store: Store, map: Map = map) -> None:
        self.store, self.map = store, map
        matches = [match for key in store.files.keys("objects") if (match := OBJECT.fullmatch(key))]
        self.objects = [match[2] for match in matches if match[3] == ".parquet"]
        self.rows: set[bytes] = set()
        self._mentions: dict[bytes, set[str]] = defaultdict(set)
        self._tainted: dict[bytes, set[str]] = defaultdict(set)
        self._twins: dict[bytes, set[bytes]] = defaultdict(set)
        self._calls: dict[bytes, set[bytes]] = defaultdict(set)

    def follow(self, rows: Iterable[bytes]) -> None:
        """Find rows, all rows made from them, all rows made from those, and so on. Raises Damaged."""
        generation = set(rows)
        while generation:
            self.rows |= generation
            children: set[bytes] = set()
            seen = self.map(Look(self.store, frozenset(generation)), self.objects)
            for digest, one in zip(self.objects, seen, strict=True):
                self._note(digest, one)
                children.update(one.children)
            generation = children - self.rows

    def mentions(self, rows: Iterable[bytes]) -> frozenset[str]:
        """Return the digests of the objects that have one of the rows in their column `id`."""
        return frozenset(digest for row in rows for digest in self._mentions[row])

    def tainted(self, rows: Iterable[bytes]) -> frozenset[str]:
        """Return the digests of the objects that hold more of one of the rows than its id."""
        return frozenset(digest for row in rows for digest in self._tainted[row])

    def twins(self, rows: Iterable[bytes]) -> frozenset[bytes]:
        """Return the ids of rows that were dropped as duplicates of one of the rows."""
        return frozenset(twin for row in rows for twin in self._twins[row])

    def calls(self, rows: Iterable[bytes]) -> frozenset[bytes]:
        """Return the keys of the model calls that wrote the rows."""
        return frozenset(key for row in rows for key in self._calls[row])

    def _note(self, digest: str, seen: Seen) -> None:
        for row in seen.mentions:
            self._mentions[row].add(digest)
        for row in seen.tainted:
            self._tainted[row].add(digest)
        for row, twin in seen.twins:
            self._twins[row].add(twin)
        for row, call in seen.calls:
            self._calls[row].add(call)
