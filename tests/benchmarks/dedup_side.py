"""One side of the comparison in a process of its own: a Parquet file of texts, without its near-duplicates.

    python -m tests.benchmarks.dedup_side koba FILE           # on Ray with two workers, from the file to a manifest
    python -m tests.benchmarks.dedup_side koba-alone FILE     # the same in this process
    python -m tests.benchmarks.dedup_side datasketch FILE     # as its users do, from the file to a list of rows

Prints what it took as JSON, without the start of Ray and of the imports. What is warm before the clock starts is said
in `_koba` and `_datasketch`.
"""

import json
import sys
import tempfile
import time
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

THRESHOLD, NGRAM, PERMUTATIONS = 0.8, 13, 128
REMOVED = dict.fromkeys(
    code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code))[0] in "PS" or chr(code).isspace()
)
UNREAD = ("original", "edit", "aim")  # columns of `tests.benchmarks.planted` that no dataset has
WORKERS = 2

Told = dict[str, float]


def main(side: str, file: str) -> None:
    told = {"koba": _koba, "koba-alone": _alone, "datasketch": _datasketch}[side](Path(file))
    print(json.dumps(told), flush=True)


def normalised(text: str) -> str:
    """Return the letters of a text, as `dedup.letters` has them, by the fastest way that plain Python has."""
    return unicodedata.normalize("NFC", text).lower().translate(REMOVED)


def grams(plain: str) -> set[bytes]:
    """Return what datasketch is given: each gram once."""
    return {plain[start : start + NGRAM].encode() for start in range(max(1, len(plain) - NGRAM + 1))}


def _koba(file: Path) -> Told:
    """On a Ray that runs; its workers still have to load koba and its kernels."""
    from manifests.cluster import ray_map

    map = ray_map(WORKERS)
    assert list(map(abs, [-1])) == [1]
    return _made(file, map)


def _alone(file: Path) -> Told:
    """With kernels that have run once."""
    with tempfile.TemporaryDirectory() as folder:
        few = Path(folder) / "few.parquet"
        pq.write_table(pa.table({"text": ["a text that is here twice, or nearly so"] * 2}), few)
        _made(few, map)
    return _made(file, map)


def _made(file: Path, map: object) -> Told:
    from dedup.minhash import MinHashDedup
    from manifests.datafiles import DataFiles
    from manifests.run import run
    from manifests.stage import Recipe
    from manifests.store import Store

    with tempfile.TemporaryDirectory(prefix="koba-bench-dedup-") as folder:
        store, source = Store(folder), DataFiles.find([str(file)], source="planted", drop=UNREAD)
        wall, cpu = [time.perf_counter()], [time.process_time()]
        imported = run(Recipe("turns", ()), source, store=store, map=map).manifest
        wall.append(time.perf_counter())
        cpu.append(time.process_time())
        kept = run(Recipe("near", (MinHashDedup(THRESHOLD, NGRAM, PERMUTATIONS),)), imported.id, store=store, map=map)
        wall.append(time.perf_counter())
        cpu.append(time.process_time())
    return {
        "rows": imported.rows,
        "kept": kept.manifest.rows,
        "import_s": wall[1] - wall[0],
        "wall_s": wall[2] - wall[0],
        "import_cpu_s": cpu[1] - cpu[0],
        "cpu_s": cpu[2] - cpu[0],
    }


def _datasketch(file: Path) -> Told:
    """Index with its own bands for the threshold, ask before each insert, join what it says: nothing is verified."""
    from datasketch import MinHash, MinHashLSH

    clock, cpu = time.perf_counter(), time.process_time()
    texts = pq.read_table(file, columns=["text"])["text"].to_pylist()
    index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
    parents = list(range(len(texts)))
    for row, text in enumerate(texts):
        signature = MinHash(num_perm=PERMUTATIONS)
        signature.update_batch(grams(normalised(text)))
        _join(parents, row, index.query(signature))
        index.insert(row, signature, check_duplication=False)
    kept = sum(_root(parents, row) == row for row in range(len(texts)))
    took = {"wall_s": time.perf_counter() - clock, "cpu_s": time.process_time() - cpu}
    return {"rows": len(texts), "kept": kept, **took}


def _join(parents: list[int], row: int, others: Iterable[int]) -> None:
    for other in others:
        parents[_root(parents, row)] = _root(parents, other)


def _root(parents: list[int], row: int) -> int:
    while parents[row] != row:
        parents[row] = parents[parents[row]]
        row = parents[row]
    return row


if __name__ == "__main__":
    main(*sys.argv[1:])
