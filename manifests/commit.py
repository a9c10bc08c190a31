"""Turning shards into a manifest: ids are checked to be unique, the sidecar index is built, the digests are taken.

The index is what makes a document-level diff a merge: (id, hash, shard, row) sorted by id, in 2**k buckets by the first
k bits of the id.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from pyroaring import BitMap

from manifests import ledger, shard
from manifests.manifest import Entry, IndexPart, Ledger, Manifest, SourceRecord
from manifests.stage import Selection, Stage
from manifests.store import Store
from manifests.used import together
from manifests.view import Slice

BUCKET_ROWS = 2**18  # of the index at the most: 10 MiB in memory
_THREADS = 8  # reading shards is waiting, for a disk or for a server
_Item = TypeVar("_Item")
_Made = TypeVar("_Made")
Array = np.ndarray[Any, Any]
_Columns = tuple[Array, Array, pa.ChunkedArray]  # ids, hashes, licences of one shard
_Rows = tuple[Array, Array, Array]  # ids, hashes, places


@dataclass(frozen=True)
class Draft:
    """Everything about a new version that its rows do not tell."""

    kind: str
    entries: tuple[Entry, ...]
    steps: tuple[Stage | Selection, ...]
    counts: tuple[ledger.Counts, ...]
    fingerprint: str
    ledger: Ledger
    parents: tuple[str, ...] = ()
    sources: tuple[SourceRecord, ...] = ()


def commit(store: Store, draft: Draft) -> Manifest:
    """Store the manifest of a draft whose shards and tables are stored, and return it.

    A row whose id was seen before, in the order of the shards, is masked out and counted as "input/repeated_id".
    """
    slices = [Slice(store, draft.kind, ordinal, entry) for ordinal, entry in enumerate(draft.entries)]
    columns = in_threads(_columns, slices)
    rows = _sorted(columns)
    entries, tables = list(draft.entries), draft.ledger
    repeats = _repeats(rows)
    if repeats:
        tables = _drop_repeats(store, draft, repeats, columns, entries)
        columns = in_threads(_columns, [Slice(store, draft.kind, n, entry) for n, entry in enumerate(entries)])
        rows = _sorted(columns)
    used = together([step.used() for step in draft.steps if isinstance(step, Stage)])
    manifest = Manifest(
        kind=draft.kind,
        schema=shard.schema_fingerprint(draft.kind),
        entries=tuple(entries),
        parents=draft.parents,
        fingerprint=draft.fingerprint,
        steps=ledger.step_records(draft.steps, draft.counts),
        sources=draft.sources,
        ledger=tables,
        models=dict(used.models),
        prompts=dict(used.prompts),
        **_surveyed(store, rows, columns),
    )
    store.put_manifest(manifest)
    return manifest


def survey(store: Store, kind: str, entries: Iterable[Entry]) -> dict[str, Any]:
    """Return what a manifest says of all its rows together: index (which is stored), content, rows, licences."""
    columns = in_threads(_columns, [Slice(store, kind, n, entry) for n, entry in enumerate(entries)])
    return _surveyed(store, _sorted(columns), columns)


def mask_entry(part: Slice, drop: Sequence[int]) -> Entry:
    """Return the entry of a slice without some of its visible rows, counted from 0; the mask is stored."""
    table = part.table()
    stay = np.setdiff1d(np.arange(len(table)), np.asarray(drop, dtype=np.int64))
    if len(stay) == len(table):
        return part.entry
    before = part.positions()
    mask = BitMap((stay if before is None else before.to_numpy()[stay]).tolist())
    visible = table.take(pa.array(stay))
    return Entry(
        shard=part.entry.shard,
        content=shard.content_digest(visible["id"], visible["hash"]),
        rows=len(visible),
        size=part.entry.size,
        chars=shard.count_chars(visible),
        tokens=shard.count_tokens(visible),
        mask=part.store.put(shard.write_mask(mask), ".roaring"),
    )


def in_threads(function: Callable[[_Item], _Made], items: Iterable[_Item]) -> list[_Made]:
    """Return `function` of each item, in order, several at a time."""
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(function, items))


def bucket_bits(rows: int) -> int:
    """Return k of the 2**k buckets that an index of so many rows has."""
    return max(0, (max(rows, 1) - 1) // BUCKET_ROWS).bit_length()


def read_index(store: Store, part: IndexPart, columns: Sequence[str] = ("id", "hash")) -> pa.Table:
    """Return one bucket of an index, sorted by id: `id, hash, shard, row`."""
    return shard.read_parquet(store.get(part.object), columns)


def id_keys(ids: Array) -> Array:
    """Return [rows, 16] bytes as [rows, 2] big-endian numbers that sort as the bytes do."""
    return np.ascontiguousarray(ids).view(">u8").astype(np.uint64)


def _surveyed(store: Store, rows: _Rows, columns: Sequence[_Columns]) -> dict[str, Any]:
    ids, hashes, places = rows
    return {
        "index": _write_index(store, ids, hashes, places),
        "content": shard.digest_pairs(np.concatenate([ids, hashes], axis=1)),
        "rows": len(ids),
        "licences": _licences(columns),
    }


def _columns(part: Slice) -> _Columns:
    table = part.table(["id", "hash", "licence"])
    return shard.fixed_bytes(table["id"]), shard.fixed_bytes(table["hash"]), table["licence"]


def _licences(columns: Iterable[_Columns]) -> dict[str, int]:
    chunks = [chunk for _, _, licences in columns for chunk in licences.chunks]
    found = pa.chunked_array(chunks, pa.string()).drop_null().value_counts().to_pylist()
    return dict(sorted((item["values"], item["counts"]) for item in found))


def _sorted(columns: Sequence[_Columns]) -> _Rows:
    """Return ids, hashes and (shard, row) of all rows, sorted by id; rows of one id in the order of the shards."""
    empty = np.empty((0, 16), np.uint8)
    ids = np.concatenate([ids for ids, _, _ in columns] or [empty])
    hashes = np.concatenate([hashes for _, hashes, _ in columns] or [empty])
    sizes = np.array([len(ids) for ids, _, _ in columns], np.int64)
    places = np.empty((len(ids), 2), np.int32)
    places[:, 0] = np.repeat(np.arange(len(sizes)), sizes)
    places[:, 1] = np.arange(len(ids)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    high, low = id_keys(ids).T
    order = np.argsort(high)
    if (high[order[1:]] == high[order[:-1]]).any():  # argsort is fast, but orders by the first halves of ids alone
        order = np.lexsort((low, high))
    return _taken(ids, order), _taken(hashes, order), _taken(places, order)


def _taken(rows: Array, order: Array) -> Array:
    """Return rows of a few bytes in another order: as one value each, five times as fast as by index arrays."""
    whole = np.ascontiguousarray(rows).view(f"V{rows.itemsize * rows.shape[1]}").ravel()
    return whole[order].view(rows.dtype).reshape(-1, rows.shape[1])


def _repeats(rows: _Rows) -> list[tuple[int, int]]:
    """Return (shard, row) of each row whose id was seen before it."""
    ids, _, places = rows
    again = np.flatnonzero((ids[1:] == ids[:-1]).all(axis=1)) + 1
    return [(int(ordinal), int(row)) for ordinal, row in places[again]]


def _drop_repeats(
    store: Store,
    draft: Draft,
    repeats: Sequence[tuple[int, int]],
    columns: Sequence[_Columns],
    entries: list[Entry],
) -> Ledger:
    step = len(draft.steps)
    decisions = []
    for ordinal, places in groupby(sorted(repeats, key=itemgetter(0)), key=itemgetter(0)):
        rows = [row for _, row in places]
        entries[ordinal] = mask_entry(Slice(store, draft.kind, ordinal, entries[ordinal]), rows)
        for row in rows:
            row_id = columns[ordinal][0][row].tobytes()
            decisions.append((row_id, step, ledger.DROPPED, "input/repeated_id", None, None, row_id, None))
            draft.counts[step].kept -= 1
            draft.counts[step].drop("input/repeated_id")
    table = pa.table(dict(zip(ledger.DECISIONS.names, zip(*decisions, strict=True), strict=True)), ledger.DECISIONS)
    more = store.put(shard.write_parquet(table))
    return Ledger(values=draft.ledger.values, decisions=(*draft.ledger.decisions, more))


def _write_index(store: Store, ids: Array, hashes: Array, places: Array) -> tuple[IndexPart, ...]:
    bits = bucket_bits(len(ids))
    keys = id_keys(ids)[:, 0]
    starts = [int(np.searchsorted(keys, np.uint64(bucket << (64 - bits)))) for bucket in range(1, 2**bits)]
    bounds = list(zip([0, *starts], [*starts, len(ids)], strict=True))

    def write(bound: tuple[int, int]) -> IndexPart:
        start, stop = bound
        fixed = [pa.py_buffer(np.ascontiguousarray(part[start:stop])) for part in (ids, hashes)]
        binary = [pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), stop - start, [None, data]) for data in fixed]
        table = pa.table(
            {
                "id": binary[0],
                "hash": binary[1],
                "shard": np.ascontiguousarray(places[start:stop, 0]),
                "row": np.ascontiguousarray(places[start:stop, 1]),
            }
        )
        return IndexPart(object=store.put(shard.write_parquet(table)), rows=stop - start)

    return tuple(in_threads(write, bounds))
