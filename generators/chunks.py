"""Long texts in parts that a model can work on."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from filters.sentences import ABBREVIATIONS
from manifests.errors import BadRecipe

# What may end a sentence: a line end, a full stop of Japanese, one of English before a blank; and what quotes one.
_MARK = re.compile(r"\n+|[「『（]|[。！？]*[」』）]+\)*|[。！？]+\)*|[.!?]+[\"'”’)\]]*(?=\s)")
_OPENING, _CLOSING = "「『（", "」』）"
_GOES_ON = frozenset("とのをはがもにでやか、。")  # after a quotation: 「はい。」と言った
_LAST_WORD = re.compile(r"[A-Za-z.]{1,12}$")
_FOLLOWS = re.compile(r"\s+([a-z])|\s+(\d)")
_BEFORE_FIGURES = frozenset(["Fig.", "Figs.", "No.", "Vol.", "Sec.", "Ch.", "Eq.", "fig.", "no.", "vol.", "pp.", "p."])
_CLAUSE = re.compile(r".*(?:[、，]|[,;:](?=\s)|\s)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Chunks:
    """Cut a text after sentences into parts of some length. The parts, put together, are the text.

    A sentence is cut only where it is longer than a part by itself: after a clause or a word, where it has one.
    """

    max_tokens: int = 300  # estimated, see `estimate`; WRAP cuts at 300
    join: bool = True  # put what the model made of the parts together again; else each part becomes a row of its own
    most: int | None = None  # parts of a text that are asked about, the first ones; not where they are joined
    least_tokens: int = 0  # shorter parts are left out (Nemotron-CC: 5 to 30); not where they are joined

    def __post_init__(self) -> None:
        if self.most is not None and (self.join or self.most < 1):
            raise BadRecipe(
                f"{self}: `most` is a number of 1 or more, and without its last parts no text can be joined"
            )
        if self.least_tokens and (self.join or self.least_tokens > self.max_tokens):
            raise BadRecipe(f"{self}: `least_tokens` is below max_tokens, and without its parts no text can be joined")

    def parts(self, text: str) -> list[str]:
        """Return the parts in order: all of the text, unless `most` or `least_tokens` leaves some out."""
        parts: list[str] = []
        length = 0.0
        for sentence in _sentences(text):
            for piece in self._pieces(sentence):
                more = estimate(piece)
                if parts and length + more <= self.max_tokens:
                    parts[-1] += piece
                    length += more
                else:
                    parts.append(piece)
                    length = more
        if self.least_tokens:
            parts = [part for part in parts if estimate(part.strip()) >= self.least_tokens] or [""]
        return parts[: self.most] or [text]

    def _pieces(self, sentence: str) -> Iterator[str]:
        if estimate(sentence) <= self.max_tokens:
            yield sentence
            return
        start, most = 0, max(1, int(1.5 * self.max_tokens) if not sentence.isascii() else 4 * self.max_tokens)
        while len(sentence) - start > most:
            clause = _CLAUSE.match(sentence, start + most // 2, start + most)
            end = clause.end() if clause else start + most
            yield sentence[start:end]
            start = end
        yield sentence[start:]


def estimate(text: str) -> float:
    """Return about how many tokens a text is: 4 characters each in ASCII, one and a half beyond."""
    ascii_only = len(text.encode("ascii", "ignore"))
    return ascii_only / 4 + (len(text) - ascii_only) / 1.5


def margins(text: str) -> tuple[str, str]:
    """Return the white space before and after what a text says."""
    stripped = text.strip()
    start = text.find(stripped) if stripped else len(text)
    return text[:start], text[start + len(stripped) :]


def _sentences(text: str) -> Iterator[str]:
    """Yield sentences with the blanks before them; in Japanese, one that quotes another is not cut within it."""
    start = depth = 0
    for found in _MARK.finditer(text):
        mark = found[0]
        if mark[0] in _OPENING:
            depth += 1
            continue
        depth = 0 if mark[0] == "\n" else max(0, depth - sum(map(mark.count, _CLOSING)))
        if not depth and _ends(text, found):
            yield text[start : found.end()]
            start = found.end()
    if start < len(text):
        yield text[start:]


def _ends(text: str, found: re.Match[str]) -> bool:
    """Tell whether a mark outside of any quotation ends a sentence."""
    mark = found[0]
    if mark[0] == ".":
        last = _LAST_WORD.search(text, max(0, found.start() - 12), found.start() + 1)
        word = last[0] if last else ""
        following = _FOLLOWS.match(text, found.end())
        if following and (following[1] or word in _BEFORE_FIGURES):
            return False
        return word not in ABBREVIATIONS and not (len(word) == 2 and word[0].isupper())
    if mark[-1] in _CLOSING:
        return mark[0] not in _CLOSING and text[found.end() : found.end() + 1] not in _GOES_ON
    return True
