"""Finding a row by its id or the start of one: among the rows that a version shows, and among those it dropped.

found = find(store, "97efc5c7")
found.manifest, found.place
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from manifests import shard
from manifests.commit import in_threads, read_index
from manifests.errors import Ambiguous, NotFound
from manifests.lineage import ancestry, recipe_chain
from manifests.manifest import IndexPart, Manifest
from manifests.merge import locate
from manifests.rows import ID_BYTES, Row
from manifests.store import MIN_PREFIX, Ref, Store
from manifests.view import Slice

DIGITS = 2 * ID_BYTES
SURE_DIGITS = 16  # 64 bits fit one row by all odds: there is no need to look for a second one
SHOWN = 6  # candidates and versions that a message names
Keys = np.ndarray[Any, Any]  # [rows] ids as NumPy strings of 16 bytes, which sort and compare as the ids do


@dataclass(frozen=True, slots=True)
class Place:
    """Where a manifest shows a row."""

    shard: int  # ordinal of the entry
    row: int  # counts from 0 over the visible rows of that shard


@dataclass(frozen=True)
class Found:
    """A row, and a version that knows it."""

    row_id: bytes
    name: str  # of the version: a ref, or the start of the manifest's id
    manifest: Manifest
    place: Place | None  # None: it was dropped, or other rows were made from it

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        kept = self.place is not None
        return {"id": self.row_id.hex(), "name": self.name, "manifest": self.manifest.id, "kept": kept}


@dataclass(frozen=True)
class _Version:
    """A version to look in; read when it is its turn."""

    store: Store
    name: str
    id: str
    given: Manifest | None = None

    @cached_property
    def manifest(self) -> Manifest:
        return self.given or self.store.manifest(self.id)


def find(store: Store, text: str, within: Manifest | None = None) -> Found:
    """Return the row whose id is `text` or begins with it (4 hex digits or more).

    Looks in `within`, or else in the newest version of each name, the newest first, and then in older versions; in
    each among the rows it shows, then among all rows that its recipe looked at. Raises NotFound, Ambiguous.
    """
    digits = text.strip().lower()
    if not MIN_PREFIX <= len(digits) <= DIGITS or set(digits) - set("0123456789abcdef"):
        raise NotFound(
            f"{text!r:.60} is no row id: expected {MIN_PREFIX} to {DIGITS} hex digits; `koba sample NAME` shows some"
        )
    search = _Search(store, digits)
    groups = [[_Version(store, within.id[:12], within.id, within)]] if within else _versions(store)
    for versions in groups:
        for look in search.ways():
            for version in versions:
                for row_id in _only(version.name, digits, look(version.manifest)):
                    return Found(row_id, version.name, version.manifest, place(store, version.manifest, row_id))
    names = [version.name for versions in groups for version in versions]
    searched = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    raise NotFound(
        f"{store.url}: no row id starts with {digits!r}; looked in {searched or 'no dataset: there is none'}, at the "
        "rows that are kept and at those that were dropped. `koba sample NAME` shows ids"
    )


def place(store: Store, manifest: Manifest, row_id: bytes) -> Place | None:
    """Return where a manifest shows a row, or None where it does not. Reads one bucket of the index."""
    return places(store, manifest, [row_id]).get(row_id)


def places(store: Store, manifest: Manifest, row_ids: Iterable[bytes]) -> dict[bytes, Place]:
    """Return where a manifest shows rows; those it does not show are left out. Reads the buckets of these ids."""
    ids = sorted(set(row_ids))
    found = locate(store, manifest, np.frombuffer(b"".join(ids), np.uint8).reshape(-1, ID_BYTES))
    pairs = zip(ids, found.tolist(), strict=True)
    return {row_id: Place(ordinal, row) for row_id, (ordinal, row) in pairs if ordinal >= 0}


def visible(store: Store, manifest: Manifest, ids: Keys) -> np.ndarray[Any, Any]:
    """Tell for each of some ids, sorted, whether a manifest shows the row."""
    found: np.ndarray[Any, Any] = locate(store, manifest, ids.view(np.uint8).reshape(-1, ID_BYTES))[:, 0] >= 0
    return found


def row_at(store: Store, manifest: Manifest, where: Place) -> Row:
    """Return the row at a place of a manifest."""
    return rows_at(store, manifest, [where])[0]


def rows_at(store: Store, manifest: Manifest, wanted: Sequence[Place]) -> list[Row]:
    """Return the rows at some places of a manifest, in their order. Reads each shard once."""

    def read(ordinal: int) -> list[tuple[Place, Row]]:
        here = [where for where in wanted if where.shard == ordinal]
        table = Slice(store, manifest.kind, ordinal, manifest.entries[ordinal]).table()
        rows = shard.decode(table.take(pa.array([where.row for where in here])), manifest.kind)
        return list(zip(here, rows, strict=True))

    parts = in_threads(read, sorted({where.shard for where in wanted}))
    found = dict(pair for part in parts for pair in part)
    return [found[where] for where in wanted]


def rows_anywhere(store: Store, manifest: Manifest, row_ids: Iterable[bytes]) -> dict[bytes, Row]:
    """Return rows by id as the last part of the recipe that holds them left them; one that none stored is left out."""
    wanted, found = set(row_ids), dict[bytes, Row]()
    for part in reversed(recipe_chain(store, manifest)):
        here = places(store, part, wanted - set(found))
        rows = rows_at(store, part, sorted(here.values(), key=lambda where: (where.shard, where.row)))
        found |= {row.id: row for row in rows}
    return found


def keys(ids: pa.Array | pa.ChunkedArray) -> Keys:
    """Return ids as keys. NumPy hides the zero bytes at the end of one: `key_bytes` gives them back."""
    return np.ascontiguousarray(shard.fixed_bytes(ids)).view(f"S{ID_BYTES}").ravel()


def key_bytes(found: Keys) -> list[bytes]:
    """Return keys as ids."""
    return [bytes(key).ljust(ID_BYTES, b"\0") for key in found]


class _Search:
    """Looks for the ids with one prefix, in each index and each table of values at most once."""

    def __init__(self, store: Store, digits: str) -> None:
        self.store, self.digits = store, digits
        self.low, self.high = (np.bytes_(bytes.fromhex(digits.ljust(DIGITS, fill))) for fill in "0f")
        self._shown: dict[str, set[bytes]] = {}
        self._looked_at: dict[str, set[bytes]] = {}

    def ways(self) -> tuple[Callable[[Manifest], set[bytes]], ...]:
        """Return the ways to look, the cheap one first; a short prefix has to be looked for everywhere at once."""
        if len(self.digits) >= SURE_DIGITS:
            return (self.shown, self.looked_at)
        return (lambda manifest: self.shown(manifest) | self.looked_at(manifest),)

    def shown(self, manifest: Manifest) -> set[bytes]:
        """Return the ids that a manifest or an ancestor of it shows."""
        return self._over(manifest, self._shown, self._in_index)

    def looked_at(self, manifest: Manifest) -> set[bytes]:
        """Return the ids of all rows that went into a manifest or an ancestor of it."""
        return self._over(manifest, self._looked_at, self._in_values)

    def _over(
        self, manifest: Manifest, known: dict[str, set[bytes]], look: Callable[[Manifest], set[bytes]]
    ) -> set[bytes]:
        ids: set[bytes] = set()
        for ancestor in ancestry(self.store, manifest):
            if ancestor.id not in known:
                known[ancestor.id] = look(ancestor)
            ids |= known[ancestor.id]
        return ids

    def _in_index(self, manifest: Manifest) -> set[bytes]:
        ids: set[bytes] = set()
        for bucket in _buckets(manifest, self.digits):
            here = keys(read_index(self.store, bucket, ("id",))["id"])
            start, stop = np.searchsorted(here, self.low), np.searchsorted(here, self.high, side="right")
            ids.update(key_bytes(here[start:stop]))
        return ids

    def _in_values(self, manifest: Manifest) -> set[bytes]:
        def look(digest: str) -> list[bytes]:
            here = keys(shard.read_parquet(self.store.get(digest), ["id"])["id"])
            return key_bytes(here[(here >= self.low) & (here <= self.high)])

        return {row_id for ids in in_threads(look, manifest.ledger.values) for row_id in ids}


def _only(name: str, digits: str, ids: set[bytes]) -> set[bytes]:
    if len(ids) > 1:
        shown = ", ".join(row_id.hex() for row_id in sorted(ids)[:SHOWN])
        more = ", ..." if len(ids) > SHOWN else ""
        raise Ambiguous(f"{name}: {len(ids)} row ids start with {digits!r} ({shown}{more}); give more digits")
    return ids


def _versions(store: Store) -> tuple[list[_Version], list[_Version]]:
    """Return the newest version of each name, and all older ones; in both, what was made last comes first."""
    refs = sorted(store.refs(), key=lambda ref: store.files.age_s(f"refs/{ref.name}/{ref.number}.json"))
    heads = {ref.name: ref for ref in sorted(refs, key=lambda ref: ref.number)}

    def opened(ref: Ref) -> _Version:
        return _Version(store, str(ref), ref.manifest)

    newest = [opened(ref) for ref in refs if heads[ref.name] == ref]
    return newest, [opened(ref) for ref in refs if heads[ref.name] != ref]


def _buckets(manifest: Manifest, digits: str) -> Iterator[IndexPart]:
    """Yield the buckets that can hold an id which starts with these digits."""
    bits = max(0, len(manifest.index) - 1).bit_length()
    low, high = (int(digits.ljust(DIGITS, fill), 16) >> (8 * ID_BYTES - bits) for fill in "0f")
    yield from manifest.index[low : high + 1]
