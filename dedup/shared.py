"""Grams of words that texts share with an index of grams, found in one pass over the words; compiled."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.compiled import compiled

_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_SHIFT = np.uint64(33)
_ONE, _SEVEN, _THREE = np.uint64(1), np.uint64(7), np.uint64(3)
_FILTER_BITS = 16  # of the filter for each gram: one gram in 16 that is none of ours is looked up in vain


class Table(NamedTuple):
    """A set of grams of one width, by their keys."""

    width: int  # words
    keys: NDArray[np.uint64]  # sorted, each once
    filter: NDArray[np.uint8]  # bits, set at the leading bits of each key
    shift: np.uint64


def made_table(width: int, keys: NDArray[np.uint64]) -> Table:
    """Return a table of grams with these keys, sorted and different."""
    bits = max(10, int(len(keys) * _FILTER_BITS - 1).bit_length()) if len(keys) else 10
    shift = np.uint64(64 - bits)
    at = keys >> shift
    filter_ = np.zeros(1 << (bits - 3), np.uint8)
    np.bitwise_or.at(filter_, (at >> np.uint64(3)).astype(np.int64), (1 << (at & np.uint64(7))).astype(np.uint8))
    return Table(width, keys, filter_, shift)


@compiled
def grams(
    words: NDArray[np.uint64], ends: NDArray[np.int64], width: int
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the keys of all grams of so many words within rows, and the word that each begins with."""
    keys, places = np.empty(len(words), np.uint64), np.empty(len(words), np.int64)
    used, power = 0, power_of(width)
    for row in range(len(ends) - 1):
        state = np.uint64(0)
        for word in range(ends[row], ends[row + 1]):
            state = state * _BASE + words[word]
            first = word - width + 1
            if first > ends[row]:
                state -= words[first - 1] * power
            if first >= ends[row]:
                keys[used], places[used] = finish(state), first
                used += 1
    return keys[:used], places[:used]


@compiled
def hits(
    words: NDArray[np.uint64], ends: NDArray[np.int64], table: Table, most: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return row, first word and key's number of each gram that the table has; at most so many of a row."""
    rows, places, numbers = np.empty(64, np.int64), np.empty(64, np.int64), np.empty(64, np.int64)
    used, width, power = 0, table.width, power_of(table.width)
    for row in range(len(ends) - 1):
        state, found = np.uint64(0), 0
        for word in range(ends[row], ends[row + 1]):
            state = state * _BASE + words[word]
            first = word - width + 1
            if first < ends[row]:
                continue
            if first > ends[row]:
                state -= words[first - 1] * power
            key = finish(state)
            at = key >> table.shift
            if not (table.filter[at >> _THREE] >> np.uint8(at & _SEVEN)) & 1:
                continue
            number = np.searchsorted(table.keys, key)
            if number == len(table.keys) or table.keys[number] != key:
                continue
            if used == len(rows):
                rows, places, numbers = doubled(rows), doubled(places), doubled(numbers)
            rows[used], places[used], numbers[used] = row, first, number
            used, found = used + 1, found + 1
            if found == most:
                break
    return rows[:used], places[:used], numbers[:used]


@compiled
def power_of(width: int) -> np.uint64:
    """Return what the first word of a gram is multiplied by once the word behind it is in."""
    power = _ONE
    for _ in range(width):
        power *= _BASE
    return power


@compiled
def finish(state: np.uint64) -> np.uint64:
    """Return a key whose leading bits are scattered."""
    state = (state ^ (state >> _SHIFT)) * _MIX_1
    state = (state ^ (state >> _SHIFT)) * _MIX_2
    return state ^ (state >> _SHIFT)


@compiled
def doubled(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return an array with room for as many values again."""
    larger = np.empty(2 * len(values), np.int64)
    larger[: len(values)] = values
    return larger
