"""All pairs of near texts, exactly: an inverted index over grams with the prefix filter.

Of two texts with a Jaccard similarity of at least t, neither is smaller than t times the other, and they share one of
their rarest grams: of n grams, one of the first n - ceil(t * n) + 1 (Bayardo, Ma and Srikant 2007; Xiao and others
2008). Hashes of 64 bits look pairs up; sets of strings decide. Nothing but `dedup.reference.normalise` is shared with
what is measured.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import comb

import numpy as np
from numpy.typing import NDArray

from dedup.reference import normalise

Pair = tuple[int, int]

_BASE = np.uint64(0x9E3779B97F4A7C15)


def near_pairs(texts: Sequence[str], threshold: float = 0.8, ngram: int = 13) -> dict[Pair, float]:
    """Return the similarity of each pair (a < b) of texts that reaches the threshold.

    Equal texts are pairs of similarity 1.0 too: a thousand of them are half a million pairs.
    """
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, text in enumerate(texts):
        places[letters(text)].append(place)
    distinct = list(places)
    long = [text for text in distinct if len(text) >= ngram]  # of a shorter one, only an equal one is near
    pairs = {
        (min(a, b), max(a, b)): value
        for (one, other), value in _near(long, threshold, ngram).items()
        for a in places[long[one]]
        for b in places[long[other]]
    }
    return pairs | {(a, b): 1.0 for here in places.values() for n, a in enumerate(here) for b in here[n + 1 :]}


def equal_pairs(texts: Sequence[str]) -> int:
    """Return how many pairs of texts have the same letters."""
    counts: defaultdict[str, int] = defaultdict(int)
    for text in texts:
        counts[letters(text)] += 1
    return sum(comb(count, 2) for count in counts.values())


def letters(text: str) -> str:
    """Return what is compared of a text: its letters, or what it is where it has none."""
    return normalise(text) or unicodedata.normalize("NFC", text)


def grams(text: str, ngram: int = 13) -> frozenset[str]:
    """Return the different grams of letters."""
    return frozenset(text[start : start + ngram] for start in range(max(1, len(text) - ngram + 1)))


def jaccard(one: str, other: str, ngram: int = 13) -> float:
    """Return the exact similarity of two texts."""
    a, b = letters(one), letters(other)
    if min(len(a), len(b)) < ngram:
        return float(a == b)
    mine, theirs = grams(a, ngram), grams(b, ngram)
    return len(mine & theirs) / len(mine | theirs)


def _near(texts: list[str], threshold: float, ngram: int) -> dict[Pair, float]:
    found, sets = {}, {}
    for one, other in _proposed(texts, threshold, ngram):
        for place in (one, other):
            if place not in sets:
                sets[place] = grams(texts[place], ngram)
        both = len(sets[one]) + len(sets[other])
        common = len(sets[one] & sets[other])
        if common / (both - common) >= threshold:
            found[one, other] = common / (both - common)
    return found


def _proposed(texts: list[str], threshold: float, ngram: int) -> Iterator[Pair]:
    """Yield the pairs that share a gram among their rarest, once each."""
    if not texts:
        return
    owners, hashes = _hashes(texts, ngram)
    _, ids, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    rank = np.empty(len(counts), np.uint64)
    rank[np.argsort(counts, kind="stable")] = np.arange(len(counts), dtype=np.uint64)
    keys = np.unique(owners.astype(np.uint64) << np.uint64(32) | rank[ids])  # a text's grams, rarest first, each once
    owners, ranks = (keys >> np.uint64(32)).astype(np.int64), keys & np.uint64(0xFFFFFFFF)
    sizes = np.bincount(owners, minlength=len(texts))
    place = np.arange(len(owners)) - (np.cumsum(sizes) - sizes)[owners]
    needed = np.ceil(threshold * sizes - 1e-9).astype(np.int64)
    prefix = place < (sizes - needed + 1)[owners]
    owners, ranks = owners[prefix], ranks[prefix]
    order = np.lexsort((sizes[owners], ranks))
    owners, ranks = owners[order], ranks[order]
    pairs: list[NDArray[np.int64]] = []
    first, step = np.arange(len(ranks)), 1
    while len(first := first[first < len(ranks) - step]):
        first = first[ranks[first] == ranks[first + step]]
        small, large = owners[first], owners[first + step]
        first = first[like := sizes[small] >= threshold * sizes[large] - 1e-9]  # those after it are larger still
        small, large = small[like], large[like]
        pairs.append(np.unique(np.minimum(small, large) * len(texts) + np.maximum(small, large)))
        step += 1
    for key in np.unique(np.concatenate([np.zeros(0, np.int64), *pairs])).tolist():
        yield divmod(key, len(texts))


def _hashes(texts: list[str], ngram: int) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Return for each gram of each text the text's number and a hash of the gram."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32).astype(np.uint64)
    lengths = np.array([len(text) for text in texts])
    count = len(codes) - ngram + 1
    hashes = np.zeros(count, np.uint64)
    for step in range(ngram):
        hashes = (hashes + codes[step : step + count] + np.uint64(1)) * _BASE
        hashes ^= hashes >> np.uint64(29)
    owners = np.repeat(np.arange(len(texts)), lengths)
    whole = owners[:count] == owners[ngram - 1 :]  # not over the end of a text
    return owners[:count][whole], hashes[whole]
