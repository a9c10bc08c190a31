"""MinHash deduplication the slow and obvious way, with nltk and datasketch: what the fast one is compared with."""

import unicodedata
from collections.abc import Iterable, Mapping
from itertools import combinations

import pyarrow as pa
from datasketch import MinHash, MinHashLSH
from nltk import ngrams

from dedup.clusters import Edge, survivors
from dedup.rank import ranks


def normalise(text: str) -> str:
    """Return the letters of a text, as `dedup.letters` defines them."""
    lowered = unicodedata.normalize("NFC", text).lower()
    return "".join([char for char in lowered if unicodedata.category(char)[0] not in "PS" and not char.isspace()])


def gram_set(text: str, ngram: int) -> frozenset[str]:
    """Return the different grams of a text; the whole of a shorter one, and the literal of one without letters."""
    letters = normalise(text)
    if len(letters) < ngram:
        return frozenset([letters or unicodedata.normalize("NFC", text)])
    return frozenset("".join(gram) for gram in ngrams(letters, ngram))


def similarity(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the Jaccard similarity of two sets."""
    return len(one & other) / len(one | other)


def all_pairs(count: int) -> Iterable[Edge]:
    """Return every pair of `count` rows."""
    return combinations(range(count), 2)


def proposed_pairs(sets: list[frozenset[str]], permutations: int, bands: int, rows: int) -> set[Edge]:
    """Return the pairs of rows that share a band of datasketch's signatures."""
    index = MinHashLSH(num_perm=permutations, params=(bands, rows))
    pairs = set()
    for row, grams in enumerate(sets):
        signature = MinHash(num_perm=permutations)
        signature.update_batch([gram.encode() for gram in grams])
        pairs |= {(other, row) for other in index.query(signature)}
        index.insert(row, signature)
    return pairs


def edges(sets: list[frozenset[str]], pairs: Iterable[Edge], threshold: float) -> dict[Edge, float]:
    """Return the pairs that are near, with their similarity."""
    measured = {(one, other): similarity(sets[one], sets[other]) for one, other in pairs}
    return {pair: value for pair, value in measured.items() if value >= threshold}


def dedup(texts: Mapping[bytes, str], threshold: float, ngram: int, seed: int) -> dict[bytes, tuple[bytes, float]]:
    """Compare every text with every other; return the id of each row that goes, with its survivor's and the value."""
    places = ranks(pa.chunked_array([list(texts)], pa.binary(16)), seed).tolist()
    order = sorted(texts, key=dict(zip(texts, places, strict=True)).__getitem__)
    sets = [gram_set(texts[name], ngram) for name in order]
    near = edges(sets, all_pairs(len(sets)), threshold)
    gone = survivors(len(sets), near)
    return {order[row]: (order[twin], near[min(row, twin), max(row, twin)]) for row, twin in gone.items()}
