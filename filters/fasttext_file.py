"""Whether bytes are a classifier as fastText writes one, read here before fastText reads them.

Its own reader believes what a file says of itself: of one that was cut short it never comes to an end, and one that
claims a billion words gets the memory for them. Here every number is held against the bytes that are there.
"""

import struct
from typing import NamedTuple

import numpy as np

from manifests.errors import BadSource

MAX_BYTES = 1 << 30
MAX_DIMENSIONS, MAX_NGRAMS, MAX_LABELS = 1_024, 5, 1_000
_MAGIC, _VERSION = 793_712_314, 12
_HEAD = struct.Struct("<14id3i2q")  # magic, version, twelve settings, t; entries, words, labels, tokens, pruned
_MATRIX = struct.Struct("<?2q")
_SUPERVISED, _SOFTMAX = 3, 3
_AFTER_WORD = 9  # bytes: how often it occurs, and what it is


class Header(NamedTuple):
    """What a file says of itself."""

    magic: int
    version: int
    dim: int
    ws: int
    epoch: int
    min_count: int
    neg: int
    word_ngrams: int
    loss: int
    model: int
    bucket: int
    minn: int
    maxn: int
    lr_update_rate: int
    t: float
    entries: int
    words: int
    labels: int
    tokens: int
    pruned: int


def check(data: bytes, labels: tuple[str, ...]) -> None:
    """Raise BadSource unless `data` is all of a softmax classifier with none but these labels."""
    flaw = _flaw(data, labels)
    if flaw:
        raise BadSource(f"fastText model of {len(data):,} bytes: {flaw}; it is damaged or not ours: train it again")


def _flaw(data: bytes, labels: tuple[str, ...]) -> str | None:
    if not _HEAD.size <= len(data) <= MAX_BYTES:
        return f"expected {_HEAD.size} to {MAX_BYTES:,}"
    head = Header(*_HEAD.unpack_from(data))
    wrong = _wrong_settings(head, len(data))
    if wrong:
        return f"its header has {wrong} = {getattr(head, wrong)}"
    place, found = _dictionary(data, head)
    if place is None:
        return "its dictionary ends before all words were read, or has labels between them"
    if len(set(found)) < len(found) or not set(found) <= set(labels):
        return f"its labels are {', '.join(found):.120}; expected {', '.join(labels):.120}"
    return _wrong_matrices(data, place, head)


def _wrong_matrices(data: bytes, place: int, head: Header) -> str | None:
    for rows in (head.words + head.bucket, head.labels):
        start, size = place + _MATRIX.size, rows * head.dim * 4
        if len(data) < start + size or _MATRIX.unpack_from(data, place) != (False, rows, head.dim):
            return f"expected a matrix of {rows:,} rows and {head.dim} columns at byte {place:,}"
        if not np.isfinite(np.frombuffer(data, "<f4", rows * head.dim, start)).all():
            return "it has weights that are no numbers"
        place = start + size
    return None if place == len(data) else f"{len(data) - place:,} bytes follow its end"


def _wrong_settings(head: Header, size: int) -> str | None:
    """Return the name of a number in the header that cannot be, None where all can."""
    holds = {
        "magic": head.magic == _MAGIC,
        "version": head.version == _VERSION,
        "model": head.model == _SUPERVISED,
        "loss": head.loss == _SOFTMAX,
        "dim": 1 <= head.dim <= MAX_DIMENSIONS,
        "word_ngrams": 1 <= head.word_ngrams <= MAX_NGRAMS,
        "minn": head.minn == 0,  # the letters of Japanese are words here
        "maxn": head.maxn == 0,
        "pruned": head.pruned == -1,  # quantised models are others'
        "bucket": 0 <= head.bucket <= size,
        "words": 0 <= head.words <= size,
        "labels": 2 <= head.labels <= MAX_LABELS,
        "entries": head.entries == head.words + head.labels,
    }
    return next((name for name, held in holds.items() if not held), None)


def _dictionary(data: bytes, head: Header) -> tuple[int | None, list[str]]:
    """Return where the dictionary ends, None where it does not, and the labels: they stand behind the words."""
    place, found = _HEAD.size, []
    for number in range(head.entries):
        end = data.find(b"\0", place)
        if end < 0 or end + 1 + _AFTER_WORD > len(data):
            return None, []
        is_label = data[end + _AFTER_WORD]
        if is_label != (number >= head.words):
            return None, []
        if is_label:
            found.append(data[place:end].decode("utf-8", "replace"))
        place = end + 1 + _AFTER_WORD
    return place, found
