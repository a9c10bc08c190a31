"""How much of a text says the same again: repeated lines, and n-grams of words or of characters.

N-grams are compared by a 64-bit key made of their parts, n at a time over a whole text. Two different n-grams of a
text of 10,000 share a key with a probability of about 1e-12.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Keys: TypeAlias = npt.NDArray[np.uint64]
Integers: TypeAlias = npt.NDArray[np.intp]

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio, odd: spreads small numbers over all bits


def duplicates(items: Iterable[str]) -> tuple[int, int]:
    """Return how many items repeat an earlier one, and their length in characters."""
    repeats = {item: count - 1 for item, count in Counter(items).items() if count > 1}
    return sum(repeats.values()), sum(len(item) * count for item, count in repeats.items())


def number(items: Sequence[str]) -> Keys:
    """Return for each item a number that is its own, in the order of first appearance."""
    numbers = {item: position for position, item in enumerate(dict.fromkeys(items), start=1)}
    return np.array(list(map(numbers.__getitem__, items)), dtype=np.uint64)


def ngrams(units: Keys, longest: int) -> Iterator[tuple[int, Keys]]:
    """Yield for n from 1 to `longest` the keys of all n-grams, by the position of their first unit."""
    keys = units
    for n in range(1, longest + 1):
        if n > 1:
            keys = keys[:-1] * MULTIPLIER + units[n - 1 :]
        yield n, keys


def tally(keys: Keys) -> tuple[Keys, Integers]:
    """Return the distinct keys in ascending order, and how often each occurs."""
    ordered = np.sort(keys)  # np.unique hashes or sorts stably, and takes five times as long
    new = np.ones(ordered.size, dtype=bool)
    new[1:] = ordered[1:] != ordered[:-1]
    starts = np.flatnonzero(new)
    counts = np.full(starts.size, ordered.size)
    counts[:-1] = starts[1:]
    return ordered[starts], counts - starts


def where(keys: Keys, chosen: Keys) -> Integers:
    """Return the positions of the keys that are among `chosen`, which are sorted."""
    if not chosen.size:
        return np.array([], dtype=np.intp)
    slots = np.searchsorted(chosen, keys)
    slots[slots == chosen.size] = 0
    return np.flatnonzero(chosen[slots] == keys)


def repeated(keys: Keys, within: Integers | None) -> Integers:
    """Return the ascending positions of the n-grams that occur more than once.

    `within`: those of the n-grams that are one unit shorter, for no other can; None: of all. It is mostly a short way.
    """
    if within is None:
        distinct, counts = tally(keys)
        return where(keys, distinct[counts > 1])
    within = within[within < keys.size]
    some = keys[within]
    distinct, counts = tally(some)
    return within[where(some, distinct[counts > 1])]
