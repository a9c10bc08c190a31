"""Lines and paragraphs of texts, and digests of what is compared of them.

Compared are the letters of a unit: case folded, every digit as "0", without accents (combining marks U+0300 to U+036F
of the decomposed text), punctuation, symbols, control characters and white space. That is the normalisation of CCNet
(Wenzek et al. 2020), but that the voicing marks of kana stay, for else "か" and "が" would be one letter, and that no
space stays within a line. Digests have 128 bits: equal ones count as equal letters. They resist chance, not a forger.
"""

import unicodedata
from functools import cache
from typing import NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.compiled import compiled
from dedup.letters import ASSIGNED

_MULTIPLY_1 = np.uint64(0xD1342543DE82EF95)
_MULTIPLY_2 = np.uint64(0xFF51AFD7ED558CCD)
_SHIFT_1 = np.uint64(32)
_SHIFT_2 = np.uint64(29)
_SPACE = np.uint32(1 << 31)  # in the table of first letters: white space
_NEWLINE, _BLANK, _BACKTICK, _TILDE = 10, 32, 96, 126
_MAX_INDENT = 3  # blanks before the fence of a block of code, by CommonMark
_MIN_FENCE = 3  # its marks


State: TypeAlias = tuple[np.uint64, np.uint64, int]  # of a unit that is being read: two lanes, and its letters


class Units(NamedTuple):
    """Units of texts, one after the other: row i has `counts[i]` of them."""

    digests: NDArray[np.uint64]  # [units, 2]
    starts: NDArray[np.int32]  # characters from the start of the text
    stops: NDArray[np.int32]  # without the last line break; empty lines behind a paragraph, or a line alone, are its
    counts: NDArray[np.int32]


def read(texts: pa.Array, sites: NDArray[np.uint64], *, paragraphs: bool, min_letters: int, code: bool) -> Units:
    """Return the units of texts that have at least `min_letters` letters.

    Digests depend on the text's `site` (0: it has none to share, and no units). Without `code`, units that have a part
    in a fenced block of Markdown are left out.
    """
    texts = texts.cast(pa.large_string())
    rows = len(texts)
    _, offsets_buffer, data_buffer = texts.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int64, rows + 1, 8 * texts.offset) if rows else np.zeros(1, np.int64)
    data = np.frombuffer(data_buffer or b"", np.uint8)
    most = int((offsets[-1] - offsets[0]) // (min_letters + 1)) + rows
    room = Units(
        np.empty((most, 2), np.uint64), np.empty(most, np.int32), np.empty(most, np.int32), np.zeros(rows, np.int32)
    )
    used = split(data, offsets, sites, table(), (paragraphs, min_letters, code), room)
    return Units(room.digests[:used], room.starts[:used], room.stops[:used], room.counts)


@cache
def table() -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return for each code point the one or two letters that stand for it; 0: none."""
    first, second = np.arange(0x110000, dtype=np.uint32), np.zeros(0x110000, np.uint32)
    for code in ASSIGNED:
        char = chr(code)
        if unicodedata.category(char) in {"Cn", "Co", "Cs"}:
            continue
        letters = letters_of(char)
        first[code] = ord(letters[0]) if letters else _SPACE if char.isspace() else 0
        second[code] = ord(letters[1]) if len(letters) > 1 else 0
    return first, second


def letters_of(char: str) -> str:
    """Return what is compared of a character."""
    kept = []
    for part in unicodedata.normalize("NFD", char.casefold()):
        category = unicodedata.category(part)
        if category == "Nd":
            kept.append("0")
        elif category[0] not in "PSZC" and not "\u0300" <= part <= "\u036f":
            kept.append(part)
    return "".join(kept) if len(kept) <= 2 else char


@compiled
def split(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    sites: NDArray[np.uint64],
    letters: tuple[NDArray[np.uint32], NDArray[np.uint32]],
    asked: tuple[bool, int, bool],
    units: Units,
) -> int:
    """Write the units of UTF-8 texts; return their number."""
    used = 0
    for row in range(len(offsets) - 1):
        if sites[row] != 0:
            before = used
            used = split_text(data, offsets[row], offsets[row + 1], sites[row], letters, asked, units, used)
            units.counts[row] = used - before
    return used


@compiled
def split_text(
    data: NDArray[np.uint8],
    position: int,
    end: int,
    site: np.uint64,
    letters: tuple[NDArray[np.uint32], NDArray[np.uint32]],
    asked: tuple[bool, int, bool],
    units: Units,
    used: int,
) -> int:
    """Write the units of one text behind the `used` ones; return the number of all."""
    paragraphs = asked[0]
    empty = (site, ~site, 0)
    state, closed, fenced = empty, True, False  # of the unit
    parted, alone = True, False  # whether a line that shows nothing stands before the line, before the unit
    at, begin, last = 0, 0, 0  # characters: of the line, of the unit
    fence_mark, fence_size = 0, 0  # of the block of code that is open
    while position <= end:
        stop = line_end(data, position, end)
        was_open = fence_size > 0
        fence_mark, fence_size = after_line(data, position, stop, fence_mark, fence_size)
        grown, chars, visible = absorb(data, position, stop, empty if closed else state, letters)
        if visible:
            if closed:
                used = write(units, used, state, begin, last, fenced, asked)
                begin, fenced, alone = at, False, parted
            state, closed = grown, not paragraphs
            fenced = fenced or was_open or fence_size > 0
        else:
            closed = closed or fence_size == 0
        if visible or paragraphs or alone:
            last = at + chars
        parted = not visible
        at += chars + 1
        position = stop + 1
    return write(units, used, state, begin, last, fenced, asked)


@compiled
def line_end(data: NDArray[np.uint8], position: int, end: int) -> int:
    """Return where the line ends that begins here."""
    while position < end and data[position] != _NEWLINE:
        position += 1
    return position


@compiled
def after_line(data: NDArray[np.uint8], position: int, stop: int, open_mark: int, open_size: int) -> tuple[int, int]:
    """Return mark and size of the fence of the block of code that is open behind a line; size 0: none."""
    mark, size, bare = fence(data, position, stop)
    if open_size == 0:
        return mark, size
    if bare and mark == open_mark and size >= open_size:
        return 0, 0
    return open_mark, open_size


@compiled
def fence(data: NDArray[np.uint8], position: int, stop: int) -> tuple[int, int, bool]:
    """Return mark and size of the fence that a line may be, and whether nothing stands behind it; 0, 0 of no fence."""
    at = position
    while at < stop and at - position <= _MAX_INDENT and data[at] == _BLANK:
        at += 1
    if at == stop or at - position > _MAX_INDENT or (data[at] != _BACKTICK and data[at] != _TILDE):
        return 0, 0, False
    mark, size, bare = int(data[at]), 0, True
    while at < stop and data[at] == mark:
        at, size = at + 1, size + 1
    while at < stop:
        if mark == _BACKTICK and data[at] == mark:
            return 0, 0, False  # a span of code within a line
        bare = bare and data[at] <= _BLANK
        at += 1
    return (mark, size, bare) if size >= _MIN_FENCE else (0, 0, False)


@compiled
def absorb(
    data: NDArray[np.uint8],
    position: int,
    stop: int,
    state: State,
    letters: tuple[NDArray[np.uint32], NDArray[np.uint32]],
) -> tuple[State, int, bool]:
    """Take the letters of a line into a state; return it, the line's characters and whether it shows any."""
    one, two, count = state
    chars, visible = 0, False
    while position < stop:
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
        chars += 1
        letter, more = letters[0][code], letters[1][code]
        visible = visible or letter != _SPACE
        while 0 < letter < _SPACE:
            one = (one ^ np.uint64(letter)) * _MULTIPLY_1
            one ^= one >> _SHIFT_1
            two = (two + np.uint64(letter)) * _MULTIPLY_2
            two ^= two >> _SHIFT_2
            count += 1
            letter, more = more, np.uint32(0)
    return (one, two, count), chars, visible


@compiled
def write(
    units: Units, used: int, state: State, begin: int, last: int, fenced: bool, asked: tuple[bool, int, bool]
) -> int:
    """Write a unit that is complete behind the `used` ones, if it is asked for; return the number of all."""
    one, two, count = state
    _, min_letters, code = asked
    if count < min_letters or (fenced and not code):
        return used
    one = (one ^ np.uint64(count)) * _MULTIPLY_2
    two = (two ^ np.uint64(count)) * _MULTIPLY_1
    units.digests[used, 0] = one ^ (one >> _SHIFT_1) ^ (two << _SHIFT_1)
    units.digests[used, 1] = two ^ (two >> _SHIFT_1)
    units.starts[used], units.stops[used] = begin, last
    return used + 1
