"""Candidates by bands: rows whose signatures agree in all values of at least one band."""

import math

import numpy as np
from numpy.typing import NDArray

from dedup.compiled import compiled
from dedup.kernels import Buckets

_SCATTER = np.uint64(0xFF51AFD7ED558CCD)
_HALF = np.uint64(32)

MISSED = 1e-6  # share of the pairs at the threshold that the estimate may cost


def least_agreement(threshold: float, permutations: int, missed: float = MISSED) -> int:
    """Return how many values two signatures must share to be worth a look at the texts.

    Of the pairs exactly at the threshold, less than `missed` share fewer (the binomial distribution's lower tail).
    """
    tail = 0.0
    for count in range(permutations):
        ways = math.lgamma(permutations + 1) - math.lgamma(count + 1) - math.lgamma(permutations - count + 1)
        odds = math.log1p(-threshold) if threshold < 1 else -math.inf
        tail += math.exp(ways + count * math.log(threshold) + (permutations - count) * odds)
        if tail > missed:
            return count
    return permutations


def buckets(signatures: NDArray[np.uint32], bands: int, rows: int) -> Buckets:
    """Return the rows in their buckets, those of a bucket in ascending order."""
    found = Buckets(*(np.empty((bands, len(signatures)), np.int32) for _ in Buckets._fields))
    for band in range(bands):
        members, stops = _sort(signatures, band, rows)
        found.members[band], found.stops[band] = members, stops
        found.places[band, members] = np.arange(len(members))
    return found


def one_bucket_each(labels: NDArray[np.int64]) -> Buckets:
    """Return the rows in buckets by their label alone."""
    members = np.argsort(labels, kind="stable")
    stops = np.empty(len(labels), np.int32)
    bucket_stops(labels[members].astype(np.uint64), stops)
    places = np.empty((1, len(labels)), np.int32)
    places[0, members] = np.arange(len(labels))
    return Buckets(members.astype(np.int32)[None], stops[None], places)


def _sort(signatures: NDArray[np.uint32], band: int, rows: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    keys = np.empty(len(signatures), np.uint64)
    band_keys(signatures, band * rows, rows, keys)
    members = np.argsort(keys, kind="stable")
    stops = np.empty(len(keys), np.int32)
    bucket_stops(keys[members], stops)
    return members.astype(np.int32), stops


@compiled
def band_keys(signatures: NDArray[np.uint32], first: int, rows: int, keys: NDArray[np.uint64]) -> None:
    """Write a 64-bit hash over `rows` columns of each signature, from column `first`."""
    for row in range(len(signatures)):
        key = np.uint64(0)
        for column in range(first, first + rows):
            key = (key ^ np.uint64(signatures[row, column])) * _SCATTER
            key ^= key >> _HALF
        keys[row] = key


@compiled
def bucket_stops(keys: NDArray[np.uint64], stops: NDArray[np.int32]) -> None:
    """Write for each place in an array of sorted keys where its run of equal keys ends."""
    stop = len(keys)
    for place in range(len(keys) - 1, -1, -1):
        if place + 1 < len(keys) and keys[place] != keys[place + 1]:
            stop = place + 1
        stops[place] = stop
