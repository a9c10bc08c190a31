"""Committing a version of 1,000 shards of 1,000 rows each: ids checked, index built, manifest written."""

import statistics
import time
from tempfile import TemporaryDirectory

import numpy as np

from manifests import shard
from manifests.commit import Draft, commit, in_threads
from manifests.ledger import Counts
from manifests.manifest import Entry, Ledger
from manifests.rows import Document
from manifests.store import Store
from tests.benchmarks.harness import Result
from tests.manifests.indexes import binary, sorted_ids

SHARDS, ROWS = 1_000, 1_000
TURNS = 5


def run() -> list[Result]:
    with TemporaryDirectory(prefix="koba-bench-commit-") as folder:
        store = Store(folder)
        entries = draft_entries(store, SHARDS, ROWS)
        wall, cpu = [], []
        for turn in range(TURNS + 1):
            draft = Draft("document", entries, (), (Counts(),), str(turn), Ledger())
            clock, process = time.perf_counter(), time.process_time()
            commit(store, draft)
            if turn:
                wall.append(time.perf_counter() - clock)
                cpu.append(time.process_time() - process)
    what = f"commit of {SHARDS:,} shards, {SHARDS * ROWS:,} rows"
    return [
        Result(what, "s", statistics.median(wall), target="< 1 s"),
        Result(f"{what}, CPU", "s", statistics.median(cpu)),
    ]


def draft_entries(store: Store, shards: int, rows: int) -> tuple[Entry, ...]:
    """Store shards of documents that differ in their ids and hashes only."""
    text = "the little factory makes datasets on a quiet day " * 10
    sample = shard.encode([Document(id=bytes(16), source="bench", text=text, licence="CC0-1.0")] * rows)
    ids = np.random.default_rng(5).permutation(sorted_ids(shards * rows, 5))

    def write(number: int) -> Entry:
        own = binary(ids[number * rows : (number + 1) * rows])
        table = sample.set_column(0, sample.schema.field("id"), own)
        table = table.set_column(len(table.column_names) - 1, sample.schema.field("hash"), own)
        data = shard.write_parquet(table)
        content = shard.content_digest(table["id"], table["hash"])
        return Entry(store.put(data), content, rows, len(data), rows * len(text))

    return tuple(in_threads(write, range(shards)))
