"""The loops over grams and signatures, compiled.

Hashes only ever propose here: two grams are the same when their code points are, one by one.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.compiled import compiled
from dedup.letters import Letters

U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

_BASE = np.uint64(0x9E3779B97F4A7C15)  # any odd number with scattered bits
_SCATTER = np.uint64(0xD1342543DE82EF95)
_MIX_1 = np.uint64(0xFF51AFD7ED558CCD)  # MurmurHash3's finaliser
_MIX_2 = np.uint64(0xC4CEB9FE1A85EC53)
_SHIFT = np.uint64(33)
_HALF = np.uint64(32)
_PRINT = np.uint64(0xFFFF)
_ONE = np.uint64(1)
_EMPTY = np.uint64(0)
_UPPER = np.uint64(0xFFFFFFFF00000000)
_LOWER = np.uint64(0xFFFFFFFF)
_SWEEPS = 8


class Buckets(NamedTuple):
    """Rows by the bands of their signatures: [band, place] unless said otherwise."""

    members: I32  # rows, those of one bucket side by side and in ascending order
    stops: I32  # the place where the bucket of this place ends
    places: I32  # [band, row]: where the row is among the members


class Grams(NamedTuple):
    """A hash table of the different grams of one text."""

    slots: (
        U64  # half of a gram's hash, then its number in its text, from 1; 0: empty. One word is one miss of the cache
    )
    seen: I32  # the last row that was found to have it
    queue: U64  # room for the hashes of a text


class Prints(NamedTuple):
    """16 bits of each gram of each text: row i has `prints[starts[i]:stops[i]]`, and `sizes[i]` different grams."""

    prints: U16
    starts: I64
    stops: I64
    sizes: I64


@compiled
def hash_grams(letters: Letters, row: int, hashes: U64) -> int:
    """Write the hash of each gram of a text, from left to right; return their number."""
    codes = letters.codes
    start = letters.starts[row]
    width = letters.widths[row]
    rolling = np.uint64(0)
    power = _ONE  # _BASE ** width
    for position in range(start, start + width):
        rolling = rolling * _BASE + (np.uint64(codes[position]) + _ONE) * _SCATTER
        power *= _BASE
    count = int(letters.stops[row] - start - width + 1)
    for gram in range(count):
        mixed = (rolling ^ (rolling >> _SHIFT)) * _MIX_1
        mixed = (mixed ^ (mixed >> _SHIFT)) * _MIX_2
        hashes[gram] = mixed ^ (mixed >> _SHIFT)
        if gram + 1 < count:
            leaving = (np.uint64(codes[start + gram]) + _ONE) * _SCATTER
            entering = (np.uint64(codes[start + gram + width]) + _ONE) * _SCATTER
            rolling = rolling * _BASE + entering - leaving * power
    return count


@compiled
def most_grams(letters: Letters) -> int:
    """Return how many grams the longest text has."""
    most = 0
    for row in range(len(letters.starts)):
        most = max(most, letters.stops[row] - letters.starts[row] - letters.widths[row] + 1)
    return most


@compiled
def sign(letters: Letters, multipliers: U32, summands: U32, signatures: U32) -> None:
    """Write the MinHash signature of each text: the least of its grams in each order of the 32-bit numbers."""
    hashes = np.empty(most_grams(letters) + 3, np.uint64)
    for row in range(len(letters.starts)):
        signature = signatures[row]
        signature[:] = np.uint32(0xFFFFFFFF)
        count = hash_grams(letters, row, hashes)
        hashes[count : count + 3] = hashes[count - 1]  # the same gram again changes no minimum
        for gram in range(0, count, 4):  # four at a time halve the traffic to memory
            one = np.uint32(hashes[gram] >> _HALF)
            two = np.uint32(hashes[gram + 1] >> _HALF)
            three = np.uint32(hashes[gram + 2] >> _HALF)
            four = np.uint32(hashes[gram + 3] >> _HALF)
            for column in range(len(multipliers)):
                multiplier = multipliers[column]
                summand = summands[column]
                least = min(signature[column], np.uint32(multiplier * one + summand))
                least = min(least, np.uint32(multiplier * two + summand))
                least = min(least, np.uint32(multiplier * three + summand))
                signature[column] = min(least, np.uint32(multiplier * four + summand))


@compiled
def agreement(one: U32, other: U32) -> int:
    """Return how many values two signatures share."""
    count = 0
    for column in range(len(one)):
        count += one[column] == other[column]
    return count


@compiled
def table_size(count: int) -> int:
    """Return a power of two that leaves at least half of a table empty."""
    size = 2
    while size < 2 * count:
        size *= 2
    return size


@compiled
def make_table(letters: Letters) -> Grams:
    """Return a table that is large enough for each of the texts."""
    size = table_size(most_grams(letters))
    return Grams(np.empty(size, np.uint64), np.empty(size, np.int32), np.empty(size // 2, np.uint64))


@compiled
def find(codes: U32, owner: int, begin: int, width: int, hashed: np.uint64, slots: U64, mask: int) -> int:
    """Return the slot that holds a gram, or the empty one where it belongs.

    The gram is `codes[begin : begin + width]`; the table holds those of the text that begins at `owner`.
    """
    tag = hashed & _UPPER
    slot = int(np.int64(hashed & np.uint64(mask)))
    while slots[slot] != _EMPTY:
        if slots[slot] & _UPPER == tag:
            known = owner + np.int64(slots[slot] & _LOWER) - 1
            differ = False
            for step in range(width):
                differ |= codes[known + step] != codes[begin + step]
            if not differ:
                break
        slot = (slot + 1) & mask
    return slot


@compiled
def fill(letters: Letters, row: int, grams: Grams) -> tuple[int, int]:
    """Put the grams of a text into the emptied table; return how many different ones it has, and the table's mask."""
    codes, slots, queue = letters.codes, grams.slots, grams.queue  # a tuple's array costs 10 ns each time it is named
    start, width = letters.starts[row], letters.widths[row]
    count = hash_grams(letters, row, queue)
    size = table_size(count)
    slots[:size] = _EMPTY
    different = 0
    for gram in range(count):
        hashed = queue[gram]
        slot = find(codes, start, start + gram, width, hashed, slots, size - 1)
        if slots[slot] == _EMPTY:
            slots[slot] = (hashed & _UPPER) | np.uint64(gram + 1)
            different += 1
    return different, size - 1


@compiled
def common(letters: Letters, owner: int, row: int, grams: Grams, mask: int) -> int:
    """Return how many different grams of a text the table, which holds those of `owner`, has as well."""
    codes, slots, seen, queue = letters.codes, grams.slots, grams.seen, grams.queue
    first, start, width = letters.starts[owner], letters.starts[row], letters.widths[row]
    found = 0
    for gram in range(hash_grams(letters, row, queue)):
        slot = find(codes, first, start + gram, width, queue[gram], slots, mask)
        if slots[slot] != _EMPTY and seen[slot] != row:
            seen[slot] = row
            found += 1
    return found


@compiled
def take_prints(letters: Letters, grams: Grams) -> Prints:
    """Return the prints of all texts. An empty text has none, though its whole counts as a gram."""
    starts, queue = letters.starts, grams.queue
    prints = np.empty(len(letters.codes), np.uint16)
    stops = np.minimum(letters.stops - letters.widths + 1, letters.stops)
    sizes = np.empty(len(starts), np.int64)
    for row in range(len(starts)):
        sizes[row] = fill(letters, row, grams)[0]
        start = starts[row]
        for gram in range(stops[row] - start):
            prints[start + gram] = np.uint16(queue[gram] & _PRINT)
    return Prints(prints, starts, stops, sizes)


@compiled
def hopeless(prints: U16, absent: U8, needed: float) -> bool:
    """Tell whether a text's prints alone show that less than `needed` of its grams can be in the table."""
    missing = 0
    for first in range(min(_SWEEPS, len(prints))):  # in sweeps: what a template adds stands in one place
        for gram in range(first, len(prints), _SWEEPS):
            missing += absent[prints[gram]]
        if len(prints) - missing < needed:
            return True
    return False


@compiled
def similarity(
    letters: Letters,
    owner: int,
    row: int,
    both: int,
    prints: U16,
    absent: U8,
    threshold: float,
    grams: Grams,
    mask: int,
) -> float:
    """Return the Jaccard similarity of texts with `both` different grams together, or 0 where prints rule it out."""
    # similarity >= t is common >= t / (1 + t) * both; a little less, for the rounding of this
    if hopeless(prints, absent, threshold / (1 + threshold) * both * (1 - 1e-9)):
        return 0.0
    found = common(letters, owner, row, grams, mask)
    return found / (both - found)


@compiled
def keep(
    signatures: U32, buckets: Buckets, letters: Letters, fixed: Flags, least: int, threshold: float
) -> tuple[I64, F64]:
    """Go through the rows in order: each one not yet dropped stays, and drops the later rows that are near it.

    Rows that are `fixed` are not dropped. Another is near when it shares a bucket, agrees in `least` values of the
    signature, and has a Jaccard similarity of at least `threshold`. Return for each row the one that stays in its place
    (or -1), and their similarity.
    """
    total = len(letters.starts)
    grams = make_table(letters)
    prints, starts, stops, sizes = take_prints(letters, grams)
    members, ends, places = buckets
    widths = letters.widths
    absent = np.ones(1 << 16, np.uint8)  # by print: the row that stays has no such gram
    twins = np.full(total, -1, np.int64)
    values = np.zeros(total, np.float64)
    compared = np.full(total, -1, np.int64)
    for row in range(total):
        if twins[row] >= 0:
            continue
        mask = 0  # nothing in the table yet
        for band in range(len(places)):
            place = places[band, row]
            for other in members[band, place + 1 : ends[band, place]]:
                if twins[other] >= 0 or fixed[other] or compared[other] == row:
                    continue
                compared[other] = row
                if widths[other] != widths[row] or agreement(signatures[row], signatures[other]) < least:
                    continue
                if mask == 0:
                    mask = fill(letters, row, grams)[1]
                    grams.seen[: mask + 1] = -1
                    absent[prints[starts[row] : stops[row]]] = 0
                both = sizes[row] + sizes[other]
                own = prints[starts[other] : stops[other]]
                value = similarity(letters, row, other, both, own, absent, threshold, grams, mask)
                if value >= threshold:
                    twins[other] = row
                    values[other] = value
        if mask:
            absent[prints[starts[row] : stops[row]]] = 1
    return twins, values
