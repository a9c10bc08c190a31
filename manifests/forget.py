"""Takedowns: a row leaves every version of every dataset, and no later run makes it again.

    done = forget(store, row_id, purge=True)
    done.refs, done.descendants

All versions that hold the row or whose ledger speaks of it are written anew without it, as are those made from them,
and each name's history points to the new ones. It can be killed at any moment: the same call again completes it. A job
that was running already may still bring the row back: call it once more when that is done.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from manifests import canonical, shard
from manifests.collect import MANIFEST, OBJECT, action_record, children_first, made_manifest, objects_of
from manifests.errors import Damaged, NotFound
from manifests.lookup import places
from manifests.manifest import Manifest
from manifests.records import seal, unseal
from manifests.redact import Redaction
from manifests.rows import ID_BYTES
from manifests.sightings import Sightings
from manifests.stage import Map
from manifests.store import Ref, Store

LEFTOVER_S = 3600.0  # a temporary file of this age belongs to no writer that is alive


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What a takedown did."""

    row: str  # id, in hex
    removed: tuple[str, ...]  # ids of all rows that were taken down: it, and its descendants where that was asked for
    descendants: tuple[str, ...]  # ids of all rows made from it, directly or not, as far as they were found
    twins: tuple[str, ...]  # ids of rows that were dropped as duplicates of a removed one: they hold much the same text
    manifests: Mapping[str, str]  # rewritten manifests: old id, new id
    refs: tuple[Ref, ...]  # versions that point to a rewritten manifest now
    purged: tuple[str, ...]  # keys that were deleted at once


def forget(store: Store, row_id: bytes, *, descendants: bool = False, purge: bool = False, map: Map = map) -> Forgotten:
    """Take down a row, and with `descendants` all rows made from it. Reads all objects, once for each generation.

    `purge` deletes the old objects at once, and every manifest without a name that holds the row; otherwise they are
    garbage, which `gc` collects. Raises Damaged where an object cannot be read: it might hold the row.
    """
    if len(row_id) != ID_BYTES:
        raise NotFound(f"{row_id.hex()!r} is no row id: expected {2 * ID_BYTES} hex digits; `koba grep` shows ids")
    _remember(store, row_id, None)
    rows = {row_id} | _taken_down_with(store, row_id)
    sightings = Sightings(store, map)
    sightings.follow(rows)
    if descendants:
        rows |= sightings.rows
        for one in sorted(rows - {row_id}):
            _remember(store, one, row_id)
    takedown = _Takedown(store, sightings, frozenset(rows))
    manifests = takedown.rewrite()
    refs = takedown.redirect(manifests)
    purged = takedown.forget_calls()
    if purge:
        purged += takedown.purge()
    else:
        takedown.disown()
    return Forgotten(
        row=row_id.hex(),
        removed=_hex(rows),
        descendants=_hex(sightings.rows - {row_id}),
        twins=_hex(sightings.twins(rows) - rows),
        manifests=manifests,
        refs=refs,
        purged=tuple(purged),
    )


class _Takedown:
    def __init__(self, store: Store, sightings: Sightings, rows: frozenset[bytes]) -> None:
        self.store, self.rows = store, rows
        self.mentions, self.tainted = sightings.mentions(rows), sightings.tainted(rows)
        self.calls = sightings.calls(rows)

    def rewrite(self) -> dict[str, str]:
        """Write anew what the names lead to, parents first; return the new ids of what changed."""
        work = Redaction(self.store, self.rows, self.mentions)
        manifests = _reachable(self.store)
        ids: dict[str, str] = {}
        for one in reversed(children_first(manifests)):
            old = manifests[one]
            parents = tuple(ids.get(parent, parent) for parent in old.parents)
            if parents != old.parents or self._is_tainted(old):
                known = {row for parent in old.parents for row in places(self.store, manifests[parent], self.rows)}
                ids[one] = work.rewrite(old, parents, known).id
        return ids

    def redirect(self, ids: Mapping[str, str]) -> tuple[Ref, ...]:
        """Let every version that stood for an old manifest stand for the new one."""
        moved = [Ref(ref.name, ref.number, ids[ref.manifest]) for ref in self.store.refs() if ref.manifest in ids]
        for ref in moved:
            self.store.redirect(ref, ref.manifest)
        return tuple(moved)

    def disown(self) -> None:
        """Delete cached actions that would bring a row back. What only needs an old object is left to `gc`."""
        stale = self._stale()
        for key, record in self._records().items():
            if self.tainted.intersection(record["makes"]) or made_manifest(record) in stale:
                self.store.files.delete(key)

    def purge(self) -> list[str]:
        """Delete what holds the rows or serves only what does, in an order in which a kill loses track of nothing."""
        stale, records = self._stale(), self._records()
        old = sorted(key for key, record in records.items() if self._is_old(record, stale))
        doomed = self.tainted | {digest for manifest in stale.values() for digest in _digests(manifest)}
        doomed |= {digest for key in old for digest in records[key]["makes"]}
        doomed -= {
            digest for one, manifest in _all(self.store).items() if one not in stale for digest in _digests(manifest)
        }
        doomed -= {digest for key, record in records.items() if key not in old for digest in record["makes"]}
        keys = {match[2]: key for key in self.store.files.keys("objects") if (match := OBJECT.fullmatch(key))}
        order: list[str] = []
        for key in old:  # a side table is found by the record that made it, and by nothing else
            order += [keys[digest] for digest in sorted(doomed & set(records[key]["makes"]) - self.tainted & set(keys))]
            order.append(key)
        order += [f"manifests/{one}.json" for one in children_first(stale)]
        order += sorted(keys[digest] for digest in doomed & set(keys))
        order += [key for key in self.store.files.leftovers() if _age_s(self.store, key) > LEFTOVER_S]
        order = list(dict.fromkeys(order))
        for key in order:
            self.store.files.delete(key)
        return order

    def forget_calls(self) -> list[str]:
        """Take the replies that became the rows out of the cache of model calls."""
        replaced = []
        for key in list(self.store.files.keys("calls")) if self.calls else ():
            table = shard.read_parquet(self.store.files.read(key))
            keys = table["key"]
            out = pc.is_in(keys, value_set=pa.array(sorted(self.calls), keys.type))
            if pc.any(out).as_py():
                data = shard.write_parquet(table.filter(pc.invert(out)), incompressible=("key",))
                self.store.files.create(f"{key.rpartition('/')[0]}/{canonical.sha256(data)}.parquet", data)
                self.store.files.delete(key)
                replaced.append(key)
        return replaced

    def _stale(self) -> dict[str, Manifest]:
        """Return the manifests without a name that hold one of the rows, or descend from one that does."""
        manifests, named = _all(self.store), _reachable(self.store)
        stale: dict[str, Manifest] = {}
        for one in reversed(children_first(manifests)):
            manifest = manifests[one]
            if one not in named and (self._is_tainted(manifest) or stale.keys() & set(manifest.parents)):
                stale[one] = manifest
        return stale

    def _is_tainted(self, manifest: Manifest) -> bool:
        return not self.tainted.isdisjoint(_digests(manifest))

    def _is_old(self, record: Mapping[str, Any], stale: Collection[str]) -> bool:
        return not self.tainted.isdisjoint([*record["makes"], *record["needs"]]) or made_manifest(record) in stale

    def _records(self) -> dict[str, dict[str, Any]]:
        files = self.store.files
        return {key: record for key in files.keys("actions") if (record := action_record(files, key))}


def _remember(store: Store, row_id: bytes, cause: bytes | None) -> None:
    """Write down that a row must never come back, before anything else is done."""
    record = {"row": row_id.hex(), "with": cause.hex() if cause else None}
    store.files.create(
        f"forgotten/{row_id.hex()}.json", seal(record | {"time": datetime.now(UTC).isoformat(timespec="seconds")})
    )


def _taken_down_with(store: Store, row_id: bytes) -> set[bytes]:
    """Return the descendants that an earlier call, perhaps a killed one, took down with this row."""
    keys = list(store.files.keys("forgotten"))
    records = [unseal(store.files.read(key), f"{store.url}: {key}") for key in keys]
    return {bytes.fromhex(record["row"]) for record in records if record.get("with") == row_id.hex()}


def _reachable(store: Store) -> dict[str, Manifest]:
    """Return all manifests that the versions of all names lead to."""
    found: dict[str, Manifest] = {}
    waiting = [ref.manifest for ref in store.refs()]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found[one] = store.manifest(one)
            waiting += found[one].parents
    return found


def _all(store: Store) -> dict[str, Manifest]:
    """Return all manifests that can be read."""
    found: dict[str, Manifest] = {}
    for key in store.files.keys("manifests"):
        match = MANIFEST.fullmatch(key)
        if match:
            try:
                found[match[1]] = store.manifest(match[1])
            except (Damaged, NotFound):
                continue
    return found


def _digests(manifest: Manifest) -> set[str]:
    return {digest for digest, _ in objects_of(manifest)}


def _age_s(store: Store, key: str) -> float:
    try:
        return store.files.age_s(key)
    except FileNotFoundError:
        return 0.0


def _hex(ids: Collection[bytes]) -> tuple[str, ...]:
    return tuple(sorted(one.hex() for one in ids))
