"""MinHash signatures, computed once for each shard (Broder 2000)."""

import hashlib
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup import kernels, letters
from dedup.columns import COMPARED, binaries, texts
from manifests.stage import Side, describe

BATCH = 256  # documents: their letters stay in the processor's cache between two kernels


@dataclass(frozen=True, slots=True)
class Signatures(Side):
    """For each row its id, its signature (`permutations` little-endian uint32), its letters' number and their digest.

    The share of equal values of two signatures estimates the Jaccard similarity of the sets of grams.
    """

    version: ClassVar[int] = 2
    columns: ClassVar[tuple[str, ...]] = COMPARED

    ngram: int = 13  # characters, after normalisation
    permutations: int = 128

    def __call__(self, shard: pa.Table) -> pa.Table:
        column = texts(shard, "minhash")
        multipliers, summands = orders(self.permutations)
        signatures = np.empty((len(column), self.permutations), np.dtype("<u4"))
        counts = np.empty(len(column), np.int64)
        digests: list[bytes] = []
        for start in range(0, len(column), BATCH):
            batch = letters.read(column.slice(start, BATCH), self.ngram)
            kernels.sign(batch, multipliers, summands, signatures[start : start + BATCH])
            counts[start : start + BATCH] = batch.stops - batch.starts
            spans = zip(batch.starts.tolist(), batch.stops.tolist(), strict=True)
            digests += [hashlib.sha256(batch.codes[begin:end].tobytes()).digest()[:16] for begin, end in spans]
        made = {"signature": binaries(signatures), "letters": counts, "digest": pa.array(digests, pa.binary(16))}
        return pa.table({"id": shard.column("id"), **made})

    def describe(self) -> dict[str, Any]:
        return {**describe(self), "unicode": unicodedata.unidata_version}


@cache
def orders(permutations: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return odd multipliers and summands: x * a + b modulo 2**32 is a permutation of the 32-bit numbers.

    They come out of SHAKE-128, and are the same on every machine and with every library.
    """
    stream = np.frombuffer(hashlib.shake_128(b"koba minhash").digest(8 * permutations), "<u4").reshape(-1, 2)
    return stream[:, 0] | np.uint32(1), stream[:, 1].copy()
