"""Long texts in parts that a model can work on."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from manifests.errors import BadRecipe

# After a sentence: a line end, a full stop of Japanese with its closing brackets, or one of English before a blank.
_SENTENCE_END = re.compile(r"\n+|[。！？]+[」』）)]*|[.!?]+[\"')\]]*(?=\s)")


@dataclass(frozen=True, slots=True)
class Chunks:
    """Cut a text after sentences into parts of some length. The parts, put together, are the text."""

    max_tokens: int = 300  # estimated, see `estimate`; WRAP cuts at 300
    join: bool = True  # put what the model made of the parts together again; else each part becomes a row of its own
    most: int | None = None  # parts of a text that are asked about, the first ones; not where they are joined

    def __post_init__(self) -> None:
        if self.most is not None and (self.join or self.most < 1):
            raise BadRecipe(
                f"{self}: `most` is a number of 1 or more, and without its last parts no text can be joined"
            )

    def parts(self, text: str) -> list[str]:
        """Return the parts in order. What has no sentence end is cut where it becomes too long."""
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
        return parts[: self.most] or [text]

    def _pieces(self, sentence: str) -> Iterator[str]:
        if estimate(sentence) <= self.max_tokens:
            yield sentence
            return
        most = max(1, self.max_tokens if not sentence.isascii() else 4 * self.max_tokens)
        for start in range(0, len(sentence), most):
            yield sentence[start : start + most]


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
    start = 0
    for found in _SENTENCE_END.finditer(text):
        yield text[start : found.end()]
        start = found.end()
    if start < len(text):
        yield text[start:]
