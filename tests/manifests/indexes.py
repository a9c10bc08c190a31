"""Versions that consist of their sidecar index alone: no shards, rows of random ids, any number of buckets."""

from itertools import pairwise

import numpy as np
import pyarrow as pa

from manifests import canonical, shard
from manifests.commit import bucket_bits, id_keys, in_threads
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
