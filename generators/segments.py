"""Documents and conversations in segments: what a model translates, and a frame of all that must not change.

    segments = Segments(max_tokens=500)
    "".join(piece.text for piece in segments.pieces(text)) == text

A segment is a line's text without its marks: a heading without its `#`, a list item without its bullet, a cell of a
table. Code, front matter, blank lines, indentation, links by reference and what has no words (numbers, a lone URL or
inline code) stay in the frame, which `generators.rejoined` fills in again. Of a line that goes on in the next one both
are one segment; a longer one is cut after sentences. Each row that is made from a segment says so in its labels:

segment/source  what the model was given
segment/number  counted from 0 over the document, or over all turns of a conversation
segment/of      how many segments there are
segment/frame   of the first one: the rest of the document, as JSON
segment/language    what the document is written in, where it says so
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

import msgspec

from generators.chunks import Chunks, margins
from manifests.rows import Conversation, Document, Row

SOURCE, NUMBER, OF = "segment/source", "segment/number", "segment/of"
FRAME, LANGUAGE = "segment/frame", "segment/language"
LABELS = frozenset({SOURCE, NUMBER, OF, FRAME, LANGUAGE})

_FENCE = re.compile(r"[ \t>]*(`{3,}|~{3,})")
_MARKS = re.compile(  # of quotes, list items with their check boxes, and headings, in any order
    r"(?:[ \t]*(?:>|(?:[-*+]|\d{1,9}[.)]|#{1,6})(?=[ \t]))(?:[ \t]*\[[ xX]\](?=[ \t]))?)*[ \t\u3000]*"
)
_RULED = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-*:?[ \t]*)*")  # the line below the head of a table
_LONGEST_RULE = 1_000
_ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])[ \t]")
_REFERENCE = re.compile(r"[ \t]{0,3}\[[^\]\n]{1,200}\]:[ \t]*\S")
_WORDLESS = re.compile(r"`{1,3}[^`\n]+`{1,3}|!?\[\]\([^)\s]*\)|<[^<>\n]+>|\bhttps?://[^\s)>\]」）]+")
_BAR = re.compile(r"(?<!\\)(\|)")
_CODE = re.compile(r"(?: {4}|\t)")
_ENDS = tuple(".!?:;。！？：；」』）)…|")


class Piece(NamedTuple):
    """A part of a text: to be translated, or to stay as it is."""

    text: str
    said: bool


class Turn(msgspec.Struct, frozen=True):
    """A text without its segments: each None stands for the next one."""

    pieces: tuple[str | None, ...]
    role: str | None = None  # None: the text of a document


@dataclass(frozen=True, slots=True)
class Segments:
    """Cut documents, and the turns of conversations, into segments; each becomes a row of its own."""

    join: ClassVar[bool] = False
    max_tokens: int = 500  # of a segment, estimated, see `generators.chunks.estimate`

    def pieces(self, text: str) -> list[Piece]:
        """Return the pieces of a text in order: put together they are the text."""
        pieces: list[Piece] = []
        for piece in _merged(_lines(text)):
            pieces += self._cut(piece) if piece.said else [piece]
        return pieces

    def rows(self, row: Row) -> list[Document]:
        """Return a row for each segment, with the id of the one that they are from; none where nothing is said."""
        given = [(None, row.text)] if isinstance(row, Document) else _turns(row)
        turns = [(role, self.pieces(text)) for role, text in given]
        frame = [Turn(tuple([None if piece.said else piece.text for piece in pieces]), role) for role, pieces in turns]
        texts = [piece.text for _, pieces in turns for piece in pieces if piece.said]
        shared = row.shared()
        labels = [{SOURCE: text, NUMBER: str(place), OF: str(len(texts))} for place, text in enumerate(texts)]
        if row.language:
            labels = [{**own, LANGUAGE: row.language} for own in labels]
        if labels:
            labels[0][FRAME] = msgspec.json.encode(frame).decode()
        return [
            Document(**{**shared, "labels": {**row.labels, **own}}, text=text)
            for text, own in zip(texts, labels, strict=True)
        ]

    def _cut(self, piece: Piece) -> Iterator[Piece]:
        for part in Chunks(self.max_tokens).parts(piece.text):
            before, after = margins(part)
            yield Piece(before, said=False)
            yield from _said(part.strip())
            yield Piece(after, said=False)


def frame_of(labels: Any) -> list[Turn] | None:
    """Return the frame that a segment's labels hold: that of the first one does."""
    return msgspec.json.decode(labels[FRAME], type=list[Turn]) if FRAME in labels else None


def has_words(text: str) -> bool:
    """Tell whether anything is said beside code, tags and addresses."""
    return any(map(str.isalpha, _WORDLESS.sub("", text)))


def _turns(row: Row) -> list[tuple[str | None, str]]:
    return [(turn.role, turn.content) for turn in row.messages] if isinstance(row, Conversation) else []


def _merged(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Yield the pieces with lines that go on in the next one put together, and no empty ones."""
    held: list[Piece] = []
    for piece in pieces:
        if not piece.text:
            continue
        if len(held) == 2 and piece.said and _goes_on(held[0].text, held[1].text, piece.text):
            held = [Piece(held[0].text + held[1].text + piece.text, said=True)]
        elif len(held) == 1 and not piece.said:
            held.append(piece)
        else:
            yield from held
            held = [piece] if piece.said else []
            if not piece.said:
                yield piece
    yield from held


def _goes_on(line: str, between: str, after: str) -> bool:
    return between in {"\n", "\r\n"} and not line.endswith(_ENDS) and after[0].islower()


def _said(text: str) -> Iterator[Piece]:
    yield Piece(text, said=has_words(text))


def _lines(text: str) -> Iterator[Piece]:
    """Yield the marks and the texts of each line."""
    lines = text.splitlines(keepends=True)
    kept = _Kept(lines)
    table = False
    for line, following in pairwise([*lines, ""]):
        bare = line.strip()
        if kept(line, bare) or _ruled(bare) or _REFERENCE.match(line):
            yield Piece(line, said=False)
            table = table and bool(bare)
            continue
        table = "|" in bare and (table or bare[0] == "|" or ("|" in following and _ruled(following.strip())))
        yield from _cells(line) if table else _marked(line)


class _Kept:
    """Tells of each line in turn whether it is code, front matter or blank."""

    def __init__(self, lines: list[str]) -> None:
        self._end = _front_matter(lines)  # of the fence or the front matter that is open
        self._first = bool(self._end)
        self._code = self._listed = False
        self._blank = True

    def __call__(self, line: str, bare: str) -> bool:
        if self._first or self._end:
            ends = not self._first and bare.lstrip("> ").startswith(self._end)
            self._first, self._end = False, "" if ends else self._end
            return True
        if fence := _FENCE.match(line):
            self._end, self._blank = fence[1], False
            return True
        if not bare:
            self._blank = True
            return True
        self._listed = bool(_ITEM.match(bare)) or (self._listed and line[0].isspace())
        self._code = bool(_CODE.match(line)) and (self._code or self._blank) and not self._listed
        self._blank = False
        return self._code


def _front_matter(lines: list[str]) -> str:
    """Return what ends the front matter, or nothing where a text begins without."""
    first = lines[0].rstrip() if lines else ""
    return first if first in {"---", "+++"} and any(line.rstrip() == first for line in lines[1:100]) else ""


def _ruled(line: str) -> bool:
    """Tell whether a line is the rule of a table, a line across, or the underline of a heading."""
    if len(line) > _LONGEST_RULE:
        return False
    return bool(_RULED.fullmatch(line)) or (len(line) > 2 and not set(line) - set("=-*_ \t"))


def _cells(line: str) -> Iterator[Piece]:
    for cell in _BAR.split(line):
        yield from _between(cell, 0, len(cell))


def _marked(line: str) -> Iterator[Piece]:
    start = marks.end() if (marks := _MARKS.match(line)) else 0
    end = max(start, len(line.rstrip()))
    opened = line[start:end].rstrip("#") if "#" in line[:start] else ""
    if opened.endswith((" ", "\t")):  # a heading that is closed by marks, too
        end = start + len(opened)
    yield from _between(line, start, end)


def _between(text: str, start: int, end: int) -> Iterator[Piece]:
    """Yield what is said from `start` to `end`, without its margins, and what stands around it."""
    before, after = margins(text[start:end])
    yield Piece(text[:start] + before, said=False)
    yield from _said(text[start + len(before) : end - len(after)])
    yield Piece(after + text[end:], said=False)
