"""One large JSON array, or objects one after another, taken apart without being held: each element as its bytes.

Only strings and brackets are looked at; whether an element is good JSON is found when it is read by itself.
"""

import io
import re
from collections.abc import Iterator

_READ_BYTES = 2**18
_BLANK = b" \t\r\n\xef\xbb\xbf"  # the mark that some put before UTF-8 too
_STRING = rb'(?:[^"\\]++|\\.)*+'
_IN_STRING = re.compile(_STRING, re.DOTALL)
_IN_ELEMENT = re.compile(rb'(?:[^"{}\[\]]++|"' + _STRING + rb'")*+', re.DOTALL)
_BETWEEN = re.compile(rb'[^"{}\[\],]*+')
_QUOTE, _BACKSLASH, _COMMA, _OPEN, _CLOSE = b'"\\,[]'
_OPENING, _CLOSING = b"{[", b"}]"


def elements(stream: io.BufferedReader, max_bytes: int) -> Iterator[tuple[int, bytes | None]]:
    """Yield offset and bytes of each element; None in the place of one that is longer than `max_bytes`.

    Raises EOFError, after the last whole element, where the stream ends before the array does.
    """
    scan = _Scan(max_bytes)
    while block := stream.read1(_READ_BYTES):  # `read` would lose what stands before a break
        yield from scan.feed(block)
    yield from scan.end()


def begins_array(beginning: bytes) -> bool:
    """Tell whether the first sign of a file is that of an array."""
    return beginning.lstrip(_BLANK).startswith(b"[")


class _Scan:
    """Where in the array, and in its current element, the scan stands."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.in_array = self.in_string = False
        self.depth = 0  # of brackets, inside the element
        self.start = self.place = 0  # offsets of the element and of the next block
        self.held: list[bytes] = []  # the element's beginning, from blocks before
        self.held_bytes = 0  # of it, held or too many to be held
        self.rest = b""  # a backslash whose sign is in the next block

    def feed(self, block: bytes) -> Iterator[tuple[int, bytes | None]]:
        """Take the next block; yield each element that ends in it."""
        block, self.rest = self.rest + block, b""
        at = taken = 0
        while True:
            pattern = _IN_STRING if self.in_string else _IN_ELEMENT if self.depth else _BETWEEN
            at = pattern.match(block, at).end()  # type: ignore[union-attr] # each matches the empty text too
            if at == len(block):
                break
            if block[at] == _BACKSLASH and self.in_string:
                self.rest = block[at:]
                break
            ends, belongs = self._sign(block[at])
            at += 1
            if ends:
                self._hold(block[taken : at if belongs else at - 1])
                taken = at
                yield from self._taken(self.place + at)
        whole = len(block) - len(self.rest)
        self._hold(block[taken:whole])
        self.place += whole

    def end(self) -> Iterator[tuple[int, bytes | None]]:
        """Yield what stands behind the array. Raises EOFError where the array, or an element, has no end."""
        if self.in_array or self.in_string or self.depth:
            raise EOFError("the file ends inside an array")
        yield from self._taken(self.place)

    def _sign(self, sign: int) -> tuple[bool, bool]:
        """Take one sign; return whether an element ends with it, and whether it is itself a part of that."""
        if self.in_string or sign == _QUOTE:
            self.in_string = not self.in_string
            return False, True
        if self.depth:
            self.depth += 1 if sign in _OPENING else -1
            return not self.depth, True
        if (sign == _OPEN and not self.in_array) or (sign == _CLOSE and self.in_array):
            self.in_array = not self.in_array
            return True, False
        self.depth = int(sign in _OPENING)
        return sign == _COMMA, False

    def _hold(self, piece: bytes) -> None:
        self.held_bytes += len(piece)
        if self.held_bytes > self.max_bytes:
            self.held.clear()
        else:
            self.held.append(piece)

    def _taken(self, behind: int) -> Iterator[tuple[int, bytes | None]]:
        """Yield the element that is held, if there is any; the next one begins at `behind`."""
        element, too_long = b"".join(self.held), self.held_bytes > self.max_bytes
        if too_long or element.strip(_BLANK):
            blank = len(element) - len(element.lstrip(_BLANK))
            yield self.start + blank, None if too_long else element.strip(_BLANK)
        self.held, self.held_bytes, self.start = [], 0, behind
