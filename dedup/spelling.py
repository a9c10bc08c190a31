"""Texts as words, for grams of words: case folded, without marks, and once more with every number masked.

A word is a run of letters, digits and underscores, as `\\w+` finds it; where a script writes no spaces (kana, Han,
Thai, Khmer and their neighbours) each letter is one. Points and commas within a number are left out: "1,234" is
"1234". With numbers masked, each run of digits in a word is one "0", number words are too, and several in a row are
one: "3 1/2 dozen", "twelve" and "1,200" all are "0".
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.compiled import compiled
from dedup.letters import ASSIGNED

DIGIT, SINGLE = np.uint32(1 << 31), np.uint32(1 << 30)  # in the table: a digit; a word of its own
IGNORED = np.uint32(1)  # in the table: as if it were not there
_LETTER = np.uint32(SINGLE - 1)
_ZERO = np.uint32(ord("0"))
_POINT, _COMMA = 46, 44
_MULTIPLY, _FINISH = np.uint64(0xD1342543DE82EF95), np.uint64(0xFF51AFD7ED558CCD)
_SHIFT = np.uint64(32)
_SPACELESS = (  # first and last code point of scripts that part no words
    *((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3005, 0x3007), (0x3021, 0x3029), (0x3040, 0x30FF)),
    *((0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF)),
)
NUMBER_WORDS = tuple(
    re.findall(
        r"\w+",
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million "
        "billion half third quarter once twice thrice double triple dozen "
        "〇 一 二 三 四 五 六 七 八 九 十 百 千 万 億 兆 半",
    )
)


class Room(NamedTuple):
    """Room for words: hashes, hashes with digits masked, starts and stops."""

    hashes: NDArray[np.uint64]
    loose: NDArray[np.uint64]
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]

    @classmethod
    def of(cls, size_bytes: int) -> Self:
        """Return room for the words of so many bytes."""
        hashes, places = np.empty((2, size_bytes), np.uint64), np.empty((2, size_bytes), np.int64)
        return cls(hashes[0], hashes[1], places[0], places[1])


class Words(NamedTuple):
    """Words of texts, one after the other: those of row i stand from `ends[i]` to before `ends[i + 1]`."""

    hashes: NDArray[np.uint64]
    starts: NDArray[np.int64]  # bytes from the start of the row's text
    stops: NDArray[np.int64]
    ends: NDArray[np.int64]
    masked: NDArray[np.uint64]  # the words once more, with numbers masked
    places: NDArray[np.int64]  # of each of these, which word of all it is, or the first of several
    masked_ends: NDArray[np.int64]


def read(texts: pa.Array) -> Words:
    """Return the words of texts."""
    texts = texts.cast(pa.large_string())
    rows = len(texts)
    _, offsets_buffer, data_buffer = texts.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int64, rows + 1, 8 * texts.offset) if rows else np.zeros(1, np.int64)
    data = np.frombuffer(data_buffer or b"", np.uint8)
    room = Room.of(int(offsets[-1] - offsets[0]))
    ends = split(data, offsets, table(), room)
    masked, places, masked_ends = mask(room.loose, ends, numbers())
    used = int(ends[-1])
    return Words(room.hashes[:used], room.starts[:used], room.stops[:used], ends, masked, places, masked_ends)


@cache
def table() -> NDArray[np.uint32]:
    """Return for each code point its letter with its flags; 0: it parts words."""
    letters = np.zeros(0x110000, np.uint32)
    for code in ASSIGNED:
        char = chr(code)
        category = unicodedata.category(char)
        if 0x0300 <= code <= 0x036F or category == "Cf":
            letters[code] = IGNORED
        elif category == "Nd":
            letters[code] = _ZERO + np.uint32(unicodedata.digit(char))
        elif category[0] in "LMN" or char == "_":
            letters[code] = _folded(char)
        if category[0] == "N" and letters[code] and not _spaceless(code):
            letters[code] |= DIGIT
        elif category[0] in "LMN" and letters[code] > IGNORED and _spaceless(code):
            letters[code] |= SINGLE
    return letters


@cache
def numbers() -> NDArray[np.uint64]:
    """Return the hashes of words that are numbers, sorted; the first of all is that of a number in digits."""
    found = read_hashes(["0", *NUMBER_WORDS])
    return np.concatenate([found[:1], np.sort(found[1:])])


def read_hashes(words: Sequence[str]) -> NDArray[np.uint64]:
    """Return the hash of each of some single words."""
    data = "\n".join(words).encode()
    room = Room.of(len(data))
    ends = split(np.frombuffer(data, np.uint8), np.array([0, len(data)]), table(), room)
    return room.hashes[: ends[-1]]


def is_spaceless(text: str) -> bool:
    """Tell whether at least half of a text's letters are of scripts that part no words."""
    letters = [char for char in text if char.isalnum()]
    return 2 * sum(_spaceless(ord(char)) for char in letters) > len(letters)


def _folded(char: str) -> int:
    """Return the one letter that a character is without case and marks; itself, where that is not one letter."""
    parts = [part for part in unicodedata.normalize("NFKD", char).casefold() if not "\u0300" <= part <= "\u036f"]
    return ord(parts[0]) if len(parts) == 1 else ord(char)


def _spaceless(code: int) -> bool:
    return any(first <= code <= last for first, last in _SPACELESS)


@compiled
def split(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], letters: NDArray[np.uint32], room: Room
) -> NDArray[np.int64]:
    """Write the words of UTF-8 texts one after the other; return where those of each row end."""
    ends = np.zeros(len(offsets), np.int64)
    for row in range(len(offsets) - 1):
        ends[row + 1] = split_text(data, offsets[row], offsets[row + 1], letters, room, ends[row])
    return ends


@compiled
def split_text(
    data: NDArray[np.uint8], begin: int, end: int, letters: NDArray[np.uint32], room: Room, used: int
) -> int:
    """Write the words of one text behind the `used` ones; return the number of all."""
    position = begin
    one, two, was_digit, is_open = np.uint64(0), np.uint64(0), False, False
    while position < end:
        at = position
        code, position = decode(data, position)
        letter = letters[code]
        if letter == IGNORED or (was_digit and is_open and joins(data, code, position, end)):
            continue
        if is_open and (letter == 0 or letter & SINGLE):
            used, is_open = write(room, used, one, two), False
        if letter == 0:
            continue
        if not is_open:
            one, two, was_digit, is_open = np.uint64(0), np.uint64(0), False, True
            room.starts[used] = at - begin
        is_digit = letter & DIGIT != 0
        one = absorb(one, letter & _LETTER)
        if not (is_digit and was_digit):
            two = absorb(two, _ZERO if is_digit else letter & _LETTER)
        was_digit = is_digit
        room.stops[used] = position - begin
        if letter & SINGLE:
            used, is_open = write(room, used, one, two), False
    return write(room, used, one, two) if is_open else used


@compiled
def joins(data: NDArray[np.uint8], code: int, position: int, end: int) -> bool:
    """Tell whether a character behind a digit is the point or comma of a number."""
    return code in (_POINT, _COMMA) and position < end and 48 <= data[position] <= 57


@compiled
def write(room: Room, used: int, one: np.uint64, two: np.uint64) -> int:
    """Write a word that is complete behind the `used` ones; return the number of all."""
    room.hashes[used], room.loose[used] = finish(one), finish(two)
    return used + 1


@compiled
def decode(data: NDArray[np.uint8], position: int) -> tuple[int, int]:
    """Return the code point that begins here in UTF-8, and where the next one begins."""
    code = int(data[position])
    if code < 0x80:
        return code, position + 1
    if code < 0xE0:
        return ((code & 0x1F) << 6) | (data[position + 1] & 0x3F), position + 2
    if code < 0xF0:
        code = ((code & 0x0F) << 12) | ((data[position + 1] & 0x3F) << 6) | (data[position + 2] & 0x3F)
        return code, position + 3
    code = ((code & 0x07) << 18) | ((data[position + 1] & 0x3F) << 12)
    return code | ((data[position + 2] & 0x3F) << 6) | (data[position + 3] & 0x3F), position + 4


@compiled
def absorb(state: np.uint64, letter: np.uint32) -> np.uint64:
    """Take a letter into the hash of a word."""
    state = (state ^ np.uint64(letter)) * _MULTIPLY
    return state ^ (state >> _SHIFT)


@compiled
def finish(state: np.uint64) -> np.uint64:
    """Return the hash of a word that is complete."""
    state = state * _FINISH
    return state ^ (state >> _SHIFT)


@compiled
def mask(
    loose: NDArray[np.uint64], ends: NDArray[np.int64], numbers: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
    """Return words with numbers masked, the place of each among all words, and where rows end."""
    masked, places = np.empty(len(loose), np.uint64), np.empty(len(loose), np.int64)
    masked_ends = np.zeros(len(ends), np.int64)
    used, number, known = 0, numbers[0], numbers[1:]
    for row in range(len(ends) - 1):
        first = used
        for word in range(ends[row], ends[row + 1]):
            value = loose[word]
            at = np.searchsorted(known, value)
            if at < len(known) and known[at] == value:
                value = number
            if value == number and used > first and masked[used - 1] == number:
                continue
            masked[used], places[used] = value, word
            used += 1
        masked_ends[row + 1] = used
    return masked[:used], places[:used], masked_ends
