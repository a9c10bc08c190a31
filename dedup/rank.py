"""Which of several equal rows stays: an order of chance that depends on a seed and on ids, on nothing else."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.columns import matrix
from manifests import canonical


def ranks(ids: pa.ChunkedArray, seed: int) -> NDArray[np.int64]:
    """Return the rank of each row: how many rows come before it in the order of hash(seed, id).

    Neither the order of the rows nor their shards have a say: the row of lowest rank stays, wherever it is stored.
    """
    key = b"%d" % seed
    hashes = b"".join([canonical.digest_parts(b"rank", key, row_id)[:8] for row_id in ids.to_pylist()])
    halves = matrix(ids, ">u8")
    order = np.lexsort((halves[:, 1], halves[:, 0], np.frombuffer(hashes, ">u8")))
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    return places
