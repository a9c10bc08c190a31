"""Texts as the letters that MinHash compares: NFC, lower case, without punctuation, symbols and white space.

What goes are the Unicode categories P and S and all white space, of any script: with `string.punctuation` alone, the
marks of Japanese would stay. Nothing is put in their place, so that "a,b" and "ab" are the same, as in SlimPajama.
A text of which nothing would be left ("!!!", an emoji) is its own literal, so that not all of these are the same.
"""

import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.compiled import compiled

REMOVED = np.uint32(1 << 30)  # in the table: not compared
SPECIAL = np.uint32(1 << 31)  # in the table: cannot be read without its neighbours
ASSIGNED = (*range(0x40000), *range(0xE0000, 0xF0000))  # no other plane holds letters, marks or symbols
JAMO = (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))  # Hangul vowels and finals join what comes before them


class Letters(NamedTuple):
    """Texts as code points, one after the other: row i is `codes[starts[i]:stops[i]]`, in grams of `widths[i]`."""

    codes: NDArray[np.uint32]
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    widths: NDArray[np.int64]


def read(texts: pa.Array, ngram: int) -> Letters:
    """Return the letters of texts, to be cut into grams of `ngram`; a text that is shorter is one gram, whole."""
    texts = texts.cast(pa.large_string())
    rows = len(texts)
    _, offsets_buffer, data_buffer = texts.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int64, rows + 1, 8 * texts.offset) if rows else np.zeros(1, np.int64)
    data = np.frombuffer(data_buffer or b"", np.uint8)
    codes = np.empty(offsets[-1] - offsets[0], np.uint32)
    stops = fold(data, offsets, table(), codes)
    used = int(stops[-1]) if rows else 0
    starts = np.concatenate([[0], stops])[:-1]
    whole = np.zeros(rows, np.bool_)
    parts = [codes[:used]]
    for row in np.flatnonzero(starts == stops):
        letters, whole[row] = _careful(texts[int(row)].as_py())
        parts.append(letters)
        starts[row], stops[row] = used, used + len(letters)
        used += len(letters)
    lengths = stops - starts
    widths = np.where(whole | (lengths < ngram), lengths, ngram)
    return Letters(np.concatenate(parts) if len(parts) > 1 else parts[0], starts, stops, widths)


def _careful(text: str) -> tuple[NDArray[np.uint32], bool]:
    composed = unicodedata.normalize("NFC", text)
    letters = table()[_codes(composed.lower())] & ~SPECIAL
    letters = letters[letters < REMOVED]
    return (letters, False) if len(letters) else (_codes(composed), True)


def _codes(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


@cache
def table() -> NDArray[np.uint32]:
    """Return for each code point its letter or REMOVED, with SPECIAL where its neighbours have a say.

    They have in three cases: NFC may change the code point or join it to another, "Σ" is lowered by its place in the
    word, and "İ" becomes two letters.
    """
    letters = np.arange(0x110000, dtype=np.uint32)
    joined = {*"Σİ", *map(chr, JAMO)}
    for code in ASSIGNED:
        char = chr(code)
        category = unicodedata.category(char)
        if category in {"Cn", "Co", "Cs"}:
            continue
        if category[0] in "PS" or char.isspace():
            letters[code] = REMOVED
        elif len(lower := char.lower()) == 1:
            letters[code] = ord(lower)
        if unicodedata.combining(char) or unicodedata.normalize("NFC", char) != char:
            letters[code] |= SPECIAL
        parts = unicodedata.decomposition(char).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            joined.add(chr(int(parts[1], 16)))
    letters[[ord(char) for char in joined]] |= SPECIAL
    return letters


@compiled
def fold(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], letters_of: NDArray[np.uint32], codes: NDArray[np.uint32]
) -> NDArray[np.int64]:
    """Decode UTF-8 texts, write the letters of their code points one after the other; return where each text's end.

    Nothing is written of a text with a special code point.
    """
    stops = np.zeros(len(offsets) - 1, np.int64)
    at = 0
    for row in range(len(offsets) - 1):
        position = offsets[row]
        begin = at
        while position < offsets[row + 1]:
            code = np.int64(data[position])
            if code < 0x80:
                position += 1
            elif code < 0xE0:
                code = ((code & 0x1F) << 6) | (data[position + 1] & 0x3F)
                position += 2
            elif code < 0xF0:
                code = ((code & 0x0F) << 12) | ((data[position + 1] & 0x3F) << 6) | (data[position + 2] & 0x3F)
                position += 3
            else:
                code = ((code & 0x07) << 18) | ((data[position + 1] & 0x3F) << 12)
                code |= ((data[position + 2] & 0x3F) << 6) | (data[position + 3] & 0x3F)
                position += 4
            letter = letters_of[code]
            if letter < REMOVED:
                codes[at] = letter
                at += 1
            elif letter >= SPECIAL:
                at = begin
                break
        stops[row] = at
    return stops
