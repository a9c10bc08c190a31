"""Which rows may be near: rows that share a band, linked, wherever their shards lie.

Each row sends a hash of each of its bands, and two bits of each value of its signature: that is enough to see most of
the pairs that share a band by accident, at a sixteenth of the signature's size. Links lose no pair of equal texts, and
less than one in a million (`bands.MISSED`) of the pairs at the threshold; what is linked is still compared, letter by
letter, in `dedup.solve`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup import bands
from dedup.columns import matrix
from dedup.compiled import compiled
from manifests.view import Beside

BITS = 2  # of each value
_SPREAD, _HIGH = np.uint64(0x9E3779B97F4A7C15), np.uint64(33)
_LOW = np.uint64(1)
_PART = np.uint64(40)  # parts are told by bits that no bucket shares by chance

Edges = NDArray[np.int64]  # [edges, 2]: rows, numbered through all slices


class Records(NamedTuple):
    """What one slice sends to one part."""

    keys: NDArray[np.uint64]  # hash of a band
    places: NDArray[np.int32]  # whose, among `rows`
    rows: NDArray[np.int64]
    codes: NDArray[np.uint64]  # [rows, planes, words]
    same: Edges  # rows of one text within the slice


@dataclass(frozen=True, slots=True)
class ByBand:
    """Cut the signatures of a slice by the hashes of their bands."""

    bands: int
    rows: int  # values in a band
    parts: int

    def __call__(self, start: int, beside: Beside) -> list[Records]:
        """Return what the slice, whose first row has the number `start`, sends to each part."""
        table = beside.table()
        first = first_of_equals(matrix(table.column("digest"), "<u8"))
        numbers = np.arange(len(first))
        same = start + np.stack([numbers, first], 1)[first != numbers]
        numbers = numbers[first == numbers]
        signatures = matrix(table.column("signature"), "<u4")[numbers]
        keys = np.empty((len(numbers), self.bands), np.uint64)
        for band in range(self.bands):
            bands.band_keys(signatures, band * self.rows, self.rows, keys[:, band])
        codes = code(signatures)
        flat = keys.reshape(-1)
        parts = ((flat >> _PART) % np.uint64(self.parts)).astype(np.uint16 if self.parts < 2**16 else np.uint32)
        order = np.argsort(parts, kind="stable")
        bounds = np.searchsorted(parts[order], np.arange(self.parts + 1))
        sent = []
        for part in range(self.parts):
            mine = order[bounds[part] : bounds[part + 1]]
            own, places = np.unique(mine // self.bands, return_inverse=True)
            edges = same if part == start % self.parts else same[:0]
            sent.append(Records(flat[mine], places.astype(np.int32), start + numbers[own], codes[own], edges))
        return sent


@dataclass(frozen=True, slots=True)
class Link:
    """Link the rows of each bucket whose codes differ in at most `most` values."""

    most: int

    def __call__(self, records: Sequence[Records]) -> tuple[Edges, int]:
        """Return edges that hold together what is linked, at most one for each row that was sent; and their number."""
        starts = np.cumsum([0, *[len(record.rows) for record in records]])
        keys = np.concatenate([record.keys for record in records])
        places = np.concatenate([record.places + start for record, start in zip(records, starts[:-1], strict=True)])
        rows = np.concatenate([record.rows for record in records])
        codes = np.concatenate([record.codes for record in records])
        order = np.argsort(keys)
        stops = np.empty(len(keys), np.int32)
        bands.bucket_stops(keys[order], stops)
        parents = np.arange(len(rows))
        link(codes, places[order], stops, self.most, parents)
        linked = np.flatnonzero(parents != np.arange(len(rows)))
        edges = np.stack([rows[linked], rows[parents[linked]]], 1)
        edges = np.concatenate([edges, *[record.same for record in records]])
        return edges, len(edges)


def most_differences(threshold: float, permutations: int) -> int:
    """Return in how many values the codes of two texts at the threshold differ, but for one pair in a million."""
    return permutations - bands.least_agreement(threshold + (1 - threshold) / 2**BITS, permutations)


def part_of(rows: NDArray[np.int64], parts: int) -> NDArray[np.uint64]:
    """Return the part that each row, or component, belongs to."""
    return ((rows.astype(np.uint64) * _SPREAD) >> _HIGH) % np.uint64(parts)


def first_of_equals(digests: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return for each row the number of the first row with the same digest of two words."""
    order = np.lexsort((digests[:, 1], digests[:, 0]))
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = np.any(digests[order[1:]] != digests[order[:-1]], axis=1)
    first = np.empty(len(order), np.int64)
    first[order] = order[np.maximum.accumulate(np.where(fresh, np.arange(len(order)), 0))]
    return first


def code(signatures: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Return the low bits of each value, [rows, BITS, words]: bit by bit, 64 values to a word."""
    words = -(-signatures.shape[1] // 64)
    codes = np.zeros((len(signatures), BITS, words), np.uint64)
    pack(np.ascontiguousarray(signatures), codes)
    return codes


@compiled
def pack(signatures: NDArray[np.uint32], codes: NDArray[np.uint64]) -> None:
    """Write the low bits of each value."""
    for row in range(len(signatures)):
        for column in range(signatures.shape[1]):
            value = np.uint64(signatures[row, column])
            for plane in range(codes.shape[1]):
                bit = (value >> np.uint64(plane)) & _LOW
                codes[row, plane, column >> 6] |= bit << np.uint64(column & 63)


@compiled
def popcount(word: np.uint64) -> int:
    """Return how many bits are set."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled
def differences(codes: NDArray[np.uint64], one: int, other: int) -> int:
    """Return in how many values two codes differ."""
    count = 0
    for word in range(codes.shape[2]):
        differ = np.uint64(0)
        for plane in range(codes.shape[1]):
            differ |= codes[one, plane, word] ^ codes[other, plane, word]
        count += popcount(differ)
    return count


@compiled
def root_of(parents: NDArray[np.int64], row: int) -> int:
    """Return the row that stands for a set of rows: its least."""
    while parents[row] != row:
        parents[row] = parents[parents[row]]
        row = parents[row]
    return row


@compiled
def join(parents: NDArray[np.int64], one: int, other: int) -> None:
    """Make one set of two."""
    one, other = root_of(parents, one), root_of(parents, other)
    parents[max(one, other)] = min(one, other)


@compiled
def link(
    codes: NDArray[np.uint64],
    members: NDArray[np.int32],
    stops: NDArray[np.int32],
    most: int,
    parents: NDArray[np.int64],
) -> None:
    """Join the rows of each bucket that differ in at most `most` values."""
    heads = np.empty(len(members), np.int32)
    first = 0
    while first < len(members):
        bucket = members[first : stops[first]]
        if len(bucket) > 1 and gather(codes, bucket, most, parents, heads) > 1:
            hold_all_against_all(codes, bucket, most, parents)
        first = stops[first]
    for row in range(len(parents)):
        parents[row] = root_of(parents, row)


@compiled
def gather(
    codes: NDArray[np.uint64],
    bucket: NDArray[np.int32],
    most: int,
    parents: NDArray[np.int64],
    heads: NDArray[np.int32],
) -> int:
    """Hold each row against the first rows of the groups so far; return how many groups there are in the end.

    Where a bucket holds many copies of a few texts, that is all there is to do.
    """
    groups = 0
    for row in bucket:
        alone = True
        for head in heads[:groups]:
            if root_of(parents, row) == root_of(parents, head) or differences(codes, row, head) <= most:
                join(parents, row, head)
                alone = False
                break
        if alone:
            heads[groups] = row
            groups += 1
    return groups


@compiled
def hold_all_against_all(
    codes: NDArray[np.uint64], bucket: NDArray[np.int32], most: int, parents: NDArray[np.int64]
) -> None:
    """Join what `gather` cannot see: rows that are near each other, but not the first of the other's group."""
    for place in range(len(bucket)):
        one = bucket[place]
        for other in bucket[place + 1 :]:
            if parents[one] != parents[other] and differences(codes, one, other) <= most:
                join(parents, one, other)
