"""In which order the rows of a dataset are read: a permutation keyed by (manifest id, seed, epoch).

Blocks of rows are permuted, then the rows inside each block, so that reading stays near to where it was. Both are
sorts by a hash of the place: no state, no library whose random numbers may change with its version.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

BLOCK_ROWS = 1_024
Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Order:
    """The order of `rows` rows in one epoch."""

    manifest: str
    rows: int
    seed: int
    epoch: int

    def row(self, position: int) -> int:
        """Return which row, in the manifest's order, is read at a position. Both count from 0."""
        # All blocks but the last are full, and the last one is read wherever the permutation puts it.
        blocks = _blocks(self)
        starts = _starts(self)
        place = int(np.searchsorted(starts, position, side="right")) - 1
        block = int(blocks[place])
        return block * BLOCK_ROWS + int(_inside(self, block)[position - int(starts[place])])

    def sizes(self) -> Array:
        """Return the rows of each block."""
        sizes = np.full(-(-self.rows // BLOCK_ROWS), BLOCK_ROWS, np.int64)
        sizes[-1] = self.rows - BLOCK_ROWS * (len(sizes) - 1)
        return sizes

    def key(self, block: int | None = None) -> int:
        """Return 64 bits for the order of the blocks, or of the rows in one of them."""
        text = f"{self.manifest}/{self.seed}/{self.epoch}/{'' if block is None else block}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def permutation(key: int, length: int) -> Array:
    """Return 0 .. length-1 in an order that depends on the key alone: sorted by SplitMix64 (Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        mixed = np.arange(1, length + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.argsort(mixed ^ (mixed >> np.uint64(31)), kind="stable")


@lru_cache(maxsize=64)
def _blocks(order: Order) -> Array:
    return permutation(order.key(), len(order.sizes()))


@lru_cache(maxsize=64)
def _starts(order: Order) -> Array:
    return np.concatenate([[0], np.cumsum(order.sizes()[_blocks(order)])[:-1]])


@lru_cache(maxsize=64)
def _inside(order: Order, block: int) -> Array:
    return permutation(order.key(block), int(order.sizes()[block]))
