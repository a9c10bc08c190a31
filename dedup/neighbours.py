"""Candidates by faiss: rows whose codes are near. The one module that imports faiss.

MinHash signatures become codes of a few bits a value (b-bit minwise hashing, Li and König 2010): two values that are
equal have equal bits, others agree in each bit by an even chance. faiss looks up codes in hash tables, or compares
each with each. Real vectors (embeddings) are compared by inner product, each with each or within cells of k-means.

What is proposed here is a pair to look at; the texts or the vectors themselves decide.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from dedup.bands import MISSED, least_agreement
from dedup.components import unite
from manifests.errors import BadRecipe

Pairs = NDArray[np.int64]

BITS = (1, 2, 4, 8)  # of a value
TABLES, VALUES = 25, 5  # as many as bands and rows of `dedup.minhash`
MOST_KEY_BITS = 62  # faiss keeps the key of a table in 64 bits
BATCH = 4_096  # queries at once
ROOM = 1 << 25  # answers to hold at once, 12 bytes each: with many rows, fewer queries at once
CHECKED = 1 << 16  # pairs of signatures compared at once
EXACT_ROWS = 30_000  # vectors: up to here each is compared with each
TRAINED_ON = 64  # vectors for each cell of k-means
ROUNDS = 10  # of k-means
SLACK = 1e-4  # faiss adds 32-bit floats: what is this near to the threshold is proposed too


@dataclass(frozen=True, slots=True)
class Search:
    """How candidates are found among signatures. Raises BadRecipe where the numbers do not fit each other.

    Each table of `IndexBinaryMultiHash` is keyed by the bits of `values` values, so that with `flips=0` it finds what a
    band of as many rows finds, and a few by chance. Without tables, `IndexBinaryFlat` compares each with each.
    """

    threshold: float = 0.8  # Jaccard similarity
    permutations: int = 128  # values of a signature
    bits: int = 4  # of each value
    tables: int = TABLES  # 0: none, each is compared with each
    values: int = VALUES  # that make up the key of a table
    flips: int = 0  # keys that differ in so many bits are looked up too

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise BadRecipe(f"faiss: threshold is {self.threshold}; expected more than 0 and at most 1")
        if self.bits not in BITS or self.permutations < 1:
            raise BadRecipe(
                f"faiss: {self.permutations} values of {self.bits} bits; expected at least one value, of 1, 2, 4 or 8"
            )
        if self.tables < 0 or not 1 <= self.values * self.bits <= MOST_KEY_BITS or self.flips < 0:
            raise BadRecipe(
                f"faiss: {self.tables} tables of {self.values} values of {self.bits} bits with {self.flips} flips; "
                f"expected tables of 1 to {MOST_KEY_BITS} bits and no negative number"
            )
        if self.tables * self.values > self.permutations:
            raise BadRecipe(
                f"faiss: {self.tables} tables of {self.values} values need {self.tables * self.values} permutations, "
                f"but there are {self.permutations}; raise permutations or lower tables"
            )

    @property
    def least(self) -> int:
        """How many values two signatures share at least, as `dedup.bands.least_agreement` has it."""
        return least_agreement(self.threshold, self.permutations)

    @property
    def radius(self) -> int:
        """In how many bits the codes of two candidates may differ.

        Each with each: as many as signatures that share `least` values can. In tables: less than `MISSED` of the pairs
        at the threshold differ in more.
        """
        if not self.tables:
            return self.bits * (self.permutations - self.least)
        differing = bit_distances(self.threshold, self.bits, self.permutations)
        return int(np.searchsorted(np.cumsum(differing), 1 - MISSED))

    def chance(self, similarity: float) -> float:
        """Return the chance that two texts of this Jaccard similarity meet in a table.

        >>> round(Search(bits=1, tables=8, values=16, flips=1).chance(0.8), 3)
        0.997
        """
        if not self.tables:
            return 1.0
        meets = float(bit_distances(similarity, self.bits, self.values)[: self.flips + 1].sum())
        return 1 - (1 - meets) ** self.tables

    def how_exact(self) -> str:
        """Say in words what is exact in this search and what is not."""
        estimate = (
            f"of {self.permutations} values two signatures must share {self.least}, "
            f"as all but one in a million of the pairs at {self.threshold:g} do"
        )
        if not self.tables:
            return (
                f"candidates by faiss, IndexBinaryFlat: exact, codes of {self.permutations} x {self.bits} bits are "
                f"compared each with each; {estimate}"
            )
        flips = f", looked up with up to {self.flips} of them flipped" if self.flips else ""
        key = f"{self.values} values ({self.values * self.bits} bits{flips})"
        return (
            f"candidates by faiss, IndexBinaryMultiHash: approximate, {self.tables} tables keyed by {key} find "
            f"{_percent(self.chance(self.threshold))} of the pairs at {self.threshold:g}; codes within {self.radius} "
            f"of {self.permutations * self.bits} bits, exactly compared; {estimate}"
        )


def search_for(threshold: float, permutations: int) -> Search:
    """Return the search that scales: tables of 5 values, 25 of them or as many as there are values for."""
    return Search(threshold, permutations, tables=min(TABLES, permutations // VALUES))


def how_exact(threshold: float, permutations: int) -> str:
    """Say in words what `near_codes` finds for sure and what it may miss."""
    return search_for(threshold, permutations).how_exact()


def near_codes(signatures: NDArray[np.uint32], threshold: float, *, joined: bool = True) -> Pairs:
    """Return pairs of rows with near signatures, by `search_for` a Jaccard threshold; see `pairs_by`."""
    return pairs_by(search_for(threshold, signatures.shape[1]), signatures, joined=joined)


def pairs_by(search: Search, signatures: NDArray[np.uint32], *, joined: bool = False) -> Pairs:
    """Return pairs of rows with near signatures, one < other, sorted, each once: [pairs, 2].

    Rows of equal signatures are a star around the first of them, which stands for them all. `joined` leaves out the
    pairs whose rows are connected by others: the components are the same, with fewer pairs than rows. Takes 2.2 kB
    a row and 0.4 GB. Different rows of one template meet each with each, 0.3 us a pair and table.
    Raises BadRecipe where signatures are not as long as the search takes them to be.
    """
    if signatures.ndim != 2 or signatures.shape[1] != search.permutations:
        raise BadRecipe(f"faiss: signatures of shape {signatures.shape}; expected [rows, {search.permutations}]")
    firsts, star = equal_rows(signatures)
    distinct = signatures[firsts]
    parents, least = np.arange(len(distinct)), search.least
    found = [star]
    for pairs in _met(_code_index(search), codes(distinct, search.bits), search.radius + 1):
        agreeing = pairs[_agree(distinct, pairs, least)]
        found.append(firsts[agreeing[unite(agreeing, parents)] if joined else agreeing])
    return _in_order(np.concatenate(found))


def near_vectors(vectors: NDArray[np.float32], threshold: float, cells: int, visited: int, seed: int) -> Pairs:
    """Return pairs of vectors of length one whose inner product is at least `threshold`, or nearly: [pairs, 2].

    With `cells`, k-means puts each vector into one, and it is compared with those in the `visited` nearest to it: pairs
    in cells far from each other are missed. Without, each is compared with each. Sorted, one < other, each once.
    """
    dimensions = vectors.shape[1]
    index: Any = faiss.IndexFlatIP(dimensions)
    if cells:
        index = faiss.IndexIVFFlat(index, dimensions, cells, faiss.METRIC_INNER_PRODUCT)
        index.cp.seed, index.cp.niter, index.cp.max_points_per_centroid = seed, ROUNDS, TRAINED_ON
        index.cp.min_points_per_centroid = 1
        index.nprobe = visited
        index.train(vectors)
    return _in_order(np.concatenate([np.empty((0, 2), np.int64), *_met(index, vectors, threshold - SLACK)]))


def codes(signatures: NDArray[np.uint32], bits: int) -> NDArray[np.uint8]:
    """Return `bits` bits of each value, packed into whole bytes: [rows, bytes].

    They are those of a hash of the value. The low bits of the value itself would not do: in every order that is
    x * a + b modulo 2**32 they depend on the low bits of the gram alone, so that all of a short text's are the same.
    """
    packed = np.empty((len(signatures), -(-signatures.shape[1] * bits // 8)), np.uint8)
    for start in range(0, len(signatures), BATCH):
        part = scattered(signatures[start : start + BATCH])
        planes = [(part >> np.uint32(31 - bit)).astype(np.uint8) & 1 for bit in range(bits)]
        laid = np.stack(planes, axis=2).reshape(len(part), -1)
        packed[start : start + BATCH] = np.packbits(laid, axis=1, bitorder="little")
    return packed


def scattered(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return MurmurHash3's 32-bit finaliser of each value."""
    mixed: NDArray[np.uint32] = values ^ (values >> np.uint32(16))
    mixed *= np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(13)
    mixed *= np.uint32(0xC2B2AE35)
    mixed ^= mixed >> np.uint32(16)
    return mixed


def bit_distances(similarity: float, bits: int, values: int) -> NDArray[np.float64]:
    """Return the chance of each number of differing bits, 0 to bits * values, in codes at a Jaccard similarity.

    >>> at = bit_distances(0.8, bits=1, values=128)
    >>> round(float(at @ range(129)), 1)
    12.8
    """
    one = np.array([math.comb(bits, count) * 0.5**bits * (1 - similarity) for count in range(bits + 1)])
    one[0] += similarity
    distances = np.ones(1)
    for _ in range(values):
        distances = np.convolve(distances, one)
    return distances


def _code_index(search: Search) -> Any:
    width = -(-search.permutations * search.bits // 8) * 8
    if not search.tables:
        return faiss.IndexBinaryFlat(width)
    index = faiss.IndexBinaryMultiHash(width, search.tables, search.values * search.bits)
    index.nflip = search.flips
    return index


def _met(index: Any, rows: NDArray[Any], radius: float) -> Iterator[Pairs]:
    """Yield the pairs of rows within a radius, in batches small enough to hold what all rows being near would give.

    The index grows on the way: it holds only the rows up to those asked for, so that a pair is met once.
    """
    start = 0
    while start < len(rows):
        batch = np.ascontiguousarray(rows[start : start + max(1, min(BATCH, ROOM // (start + BATCH)))])
        index.add(batch)
        limits, _, others = index.range_search(batch, radius)
        asked = np.repeat(np.arange(start, start + len(batch)), np.diff(limits.astype(np.int64)))
        once = others < asked
        yield np.column_stack([others[once], asked[once]])
        start += len(batch)


def equal_rows(rows: NDArray[Any]) -> tuple[NDArray[np.int64], Pairs]:
    """Return the first row of each content, ascending, and the pairs of it and each other row with that content."""
    whole = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1] * rows.itemsize))).ravel()
    _, first, content = np.unique(whole, return_index=True, return_inverse=True)
    mine = first[content]
    others = np.flatnonzero(mine != np.arange(len(rows)))
    return np.sort(first), np.column_stack([mine[others], others])


def _agree(signatures: NDArray[np.uint32], pairs: Pairs, least: int) -> NDArray[np.bool_]:
    agreeing = np.empty(len(pairs), np.bool_)
    for start in range(0, len(pairs), CHECKED):
        one, other = pairs[start : start + CHECKED].T
        agreeing[start : start + CHECKED] = (signatures[one] == signatures[other]).sum(1) >= least
    return agreeing


def _in_order(pairs: Pairs) -> Pairs:
    return np.ascontiguousarray(pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))])


def _percent(share: float) -> str:
    """Write a share with as many digits as tell it from all."""
    if share > 1 - 1e-6:
        return "all but one in a million"
    return f"{share:.{max(1, -math.floor(math.log10(1 - share)) - 2)}%}"
