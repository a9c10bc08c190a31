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
_SWEEPS = 8


class Buckets(NamedTuple):
    """Rows by the bands of their signatures: [band, place] unless said otherwise."""

    members: I32  # rows, those of one bucket side by side and in ascending order
    stops: I32  # the place where the bucket of this place ends
    places: I32  # [band, row]: where the row is among the members


class Grams(NamedTuple):
    """A hash table of the different grams of one text."""

    begins: I64  # where in `codes` the gram begins; -1 in an empty slot
    hashes: U64
    seen: I64  # the last row that was found to have it
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
def agreement(signatures: U32, one: int, other: int) -> int:
    """Return how many values two signatures share."""
    count = 0
    for column in range(signatures.shape[1]):
        count += signatures[one, column] == signatures[other, column]
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
    return Grams(
        np.empty(size, np.int64), np.empty(size, np.uint64), np.empty(size, np.int64), np.empty(size, np.uint64)
    )


@compiled
def find(letters: Letters, row: int, gram: int, grams: Grams, mask: int) -> int:
    """Return the slot that holds the gram of this number, hashed in the queue, or the empty one where it belongs."""
    codes = letters.codes
    width = letters.widths[row]
    begin = letters.starts[row] + gram
    hashed = grams.queue[gram]
    slot = int(np.int64(hashed & np.uint64(mask)))
    while grams.begins[slot] >= 0:
        if grams.hashes[slot] == hashed:
            known = grams.begins[slot]
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
    count = hash_grams(letters, row, grams.queue)
    size = table_size(count)
    grams.begins[:size] = -1
    different = 0
    for gram in range(count):
        slot = find(letters, row, gram, grams, size - 1)
        if grams.begins[slot] < 0:
            grams.begins[slot] = letters.starts[row] + gram
            grams.hashes[slot] = grams.queue[gram]
            grams.seen[slot] = -1
            different += 1
    return different, size - 1


@compiled
def common(letters: Letters, row: int, grams: Grams, mask: int) -> int:
    """Return how many different grams of a text the table holds."""
    found = 0
    for gram in range(hash_grams(letters, row, grams.queue)):
        slot = find(letters, row, gram, grams, mask)
        if grams.begins[slot] >= 0 and grams.seen[slot] != row:
            grams.seen[slot] = row
            found += 1
    return found


@compiled
def take_prints(letters: Letters, grams: Grams) -> Prints:
    """Return the prints of all texts. An empty text has none, though its whole counts as a gram."""
    prints = np.empty(len(letters.codes), np.uint16)
    stops = np.minimum(letters.stops - letters.widths + 1, letters.stops)
    sizes = np.empty(len(letters.starts), np.int64)
    for row in range(len(letters.starts)):
        sizes[row] = fill(letters, row, grams)[0]
        for gram in range(stops[row] - letters.starts[row]):
            prints[letters.starts[row] + gram] = np.uint16(grams.queue[gram] & _PRINT)
    return Prints(prints, letters.starts, stops, sizes)


@compiled
def hopeless(prints: Prints, row: int, absent: U8, needed: float) -> bool:
    """Tell whether the prints alone show that less than `needed` grams of a text can be in the table."""
    start = prints.starts[row]
    stop = prints.stops[row]
    missing = 0
    for first in range(start, min(start + _SWEEPS, stop)):  # in sweeps: what a template adds stands in one place
        for gram in range(first, stop, _SWEEPS):
            missing += absent[prints.prints[gram]]
        if stop - start - missing < needed:
            return True
    return False


@compiled
def keep(
    signatures: U32, buckets: Buckets, letters: Letters, fixed: Flags, least: int, threshold: float
) -> tuple[I64, F64]:
    """Go through the rows in order: each one not yet dropped stays, and drops the later rows that are near it.

    Rows that are `fixed` are not dropped.
    Another is near when it shares a bucket, agrees in `least` values of the signature, and has a Jaccard similarity of
    at least `threshold`. Return for each row the one that stays in its place (or -1), and their similarity.
    """
    total = len(letters.starts)
    grams = make_table(letters)
    prints = take_prints(letters, grams)
    absent = np.ones(1 << 16, np.uint8)  # by print: the row that stays has no such gram
    twins = np.full(total, -1, np.int64)
    values = np.zeros(total, np.float64)
    compared = np.full(total, -1, np.int64)
    for row in range(total):
        if twins[row] >= 0:
            continue
        mask = 0
        for band in range(len(buckets.places)):
            place = buckets.places[band, row]
            for other in buckets.members[band, place + 1 : buckets.stops[band, place]]:
                if twins[other] >= 0 or fixed[other] or compared[other] == row:
                    continue
                compared[other] = row
                if letters.widths[other] != letters.widths[row] or agreement(signatures, row, other) < least:
                    continue
                if mask == 0:
                    mask = fill(letters, row, grams)[1]
                    absent[prints.prints[prints.starts[row] : prints.stops[row]]] = 0
                both = prints.sizes[row] + prints.sizes[other]
                # similarity >= t is common >= t / (1 + t) * both; a little less, for the rounding of this
                if hopeless(prints, other, absent, threshold / (1 + threshold) * both * (1 - 1e-9)):
                    continue
                found = common(letters, other, grams, mask)
                value = found / (both - found)
                if value >= threshold:
                    twins[other] = row
                    values[other] = value
        absent[prints.prints[prints.starts[row] : prints.stops[row]]] = 1
    return twins, values
