"""An order of chance over rows that depends on their ids and a seed alone: on no file, no shard and no machine."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from manifests import canonical, shard

_MIX_1, _MIX_2, _SHIFT = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53), np.uint64(33)


def hashes(ids: pa.Array | pa.ChunkedArray, seed: int, purpose: str = "rank") -> NDArray[np.uint64]:
    """Return a hash of purpose, seed and id for each row: its place in an order of chance.

    Each purpose has its own order, for a tenth by chance of what is the first tenth of the same order is all of it.

    Ids are digests; what is mixed into them (MurmurHash3's finaliser) has only to make one order for each seed.
    """
    halves: NDArray[Any] = np.ascontiguousarray(shard.fixed_bytes(ids)).view("<u8")
    key = np.frombuffer(canonical.digest_parts(purpose.encode(), b"%d" % seed)[:8], "<u8")
    mixed = (halves[:, 0] ^ key) * _MIX_1
    mixed = (mixed ^ (mixed >> _SHIFT) ^ halves[:, 1]) * _MIX_2
    return np.asarray(mixed ^ (mixed >> _SHIFT))
