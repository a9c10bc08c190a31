"""Versions that consist of their sidecar index alone: no shards, rows of random ids, any number of buckets."""

from itertools import pairwise

import numpy as np
import pyarrow as pa

from manifests import canonical, shard
from manifests.commit import bucket_bits, id_keys, in_threads
from manifests.ledger import DECISIONS
from manifests.manifest import IndexPart, Ledger, Manifest, StepRecord
from manifests.store import Store


def sorted_ids(rows: int, seed: int) -> np.ndarray:
    """Random ids, [rows, 16] bytes."""
    numbers = np.random.default_rng(seed).integers(0, 2**64, (rows, 2), np.uint64)
    return numbers[np.argsort(numbers[:, 0])].byteswap().view(np.uint8)


def indexed(
    store: Store,
    ids: np.ndarray,
    hashes: np.ndarray,
    *,
    bits: int | None = None,
    steps: tuple[StepRecord, ...] = (),
    ledger: Ledger | None = None,
    parents: tuple[str, ...] = (),
) -> Manifest:
    """Store an index of ids, which are sorted, and hashes, and return a manifest of it."""
    bits = bucket_bits(len(ids)) if bits is None else bits
    starts = [number << (64 - bits) for number in range(2**bits)]
    bounds = [*np.searchsorted(id_keys(ids)[:, 0], np.array(starts, np.uint64)).tolist(), len(ids)]

    def write(bound: tuple[int, int]) -> IndexPart:
        start, stop = bound
        fixed = [binary(array[start:stop]) for array in (ids, hashes)]
        rows = np.arange(start, stop, dtype=np.int32)
        table = pa.table({"id": fixed[0], "hash": fixed[1], "shard": rows % 64, "row": rows // 64})
        return IndexPart(object=store.put(shard.write_parquet(table)), rows=stop - start)

    made = Manifest(
        kind="document",
        schema=shard.schema_fingerprint("document"),
        entries=(),
        index=tuple(in_threads(write, pairwise(bounds))),
        content=canonical.sha256(np.ascontiguousarray(ids).tobytes() + np.ascontiguousarray(hashes).tobytes()),
        rows=len(ids),
        parents=parents,
        steps=steps,
        ledger=ledger or Ledger(),
    )
    store.put_manifest(made)
    return made


def binary(array: np.ndarray) -> pa.Array:
    """[rows, 16] bytes as an Arrow column."""
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(16), len(array), [None, pa.py_buffer(np.ascontiguousarray(array))]
    )


def two_versions(store: Store, rows: int) -> tuple[Manifest, Manifest]:
    """Two versions of so many rows, of which 1 % are removed, 1 % added and 1 % changed, each with a full ledger.

    Rows that both versions dropped stand in the ledgers too: one for every ten kept ones.
    """
    random = np.random.default_rng(2)
    ids = sorted_ids(rows + rows // 100, 1)
    hashes, fate = random.integers(0, 256, ids.shape, np.uint8), random.integers(0, 101, len(ids))
    changed = hashes.copy()
    changed[fate == 2] ^= 1
    others = sorted_ids(rows // 10, 4)
    made = []
    for missing, own_hashes in ((0, hashes), (1, changed)):
        here, gone = fate != missing, ids[fate == missing]
        describe = {"stage": "Length", "fields": {"max_chars": 100 + missing}}
        steps = (StepRecord("Input", {}), StepRecord("Length", describe, dropped=len(gone)))
        values = in_threads(
            lambda part: _values(store, part), np.array_split(random.permutation(ids[here]), 1 + rows // 100_000)
        )
        drops = in_threads(
            lambda part: _drops(store, part), np.array_split(random.permutation(np.concatenate([gone, others])), 16)
        )
        ledger = Ledger(values=tuple(values), decisions=tuple(drops))
        made.append(indexed(store, ids[here], own_hashes[here], steps=steps, ledger=ledger))
    return made[0], made[1]


def _values(store: Store, ids: np.ndarray) -> str:
    numbers = ids[:, 8].astype(np.int64) * 8 + ids[:, 9] % 8
    names = pa.array([f"site{n}.example" for n in range(2048)])
    languages = pa.array(["en", "ja"])
    rows = len(ids)
    table = {
        "id": binary(ids),
        "domain": names.take(pa.array(numbers)),
        "language": languages.take(pa.array(numbers % 2)),
        "chars": pa.array(numbers, pa.int32()),
        "dropped_at": pa.nulls(rows, pa.int16()),
        "reason": pa.nulls(rows, pa.string()),
        "parents": pa.nulls(rows, pa.list_(pa.binary(16))),
        "1:length/chars": pa.array(numbers, pa.float64()),
    }
    return store.put(shard.write_parquet(pa.table(table)))


def _drops(store: Store, ids: np.ndarray) -> str:
    rows = len(ids)
    columns = {
        "id": binary(ids),
        "step": pa.array(np.ones(rows), pa.int16()),
        "action": pa.repeat("dropped", rows),
        "reason": pa.repeat("length/too_long", rows),
        "value": pa.array(ids[:, 0].astype(np.float64)),
        "threshold": pa.repeat(100.0, rows),
        "twin": pa.nulls(rows, pa.binary(16)),
        "payload": pa.nulls(rows, pa.binary()),
    }
    return store.put(shard.write_parquet(pa.table(columns, DECISIONS)))
