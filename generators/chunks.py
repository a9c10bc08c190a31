"""Long texts in parts that a model can work on."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# After a sentence: a line end, a full stop of Japanese with its closing brackets, or one of English before a blank.
_SENTENCE_END = re.compile(r"\n+|[。！？]+[」』）)]*|[.!?]+[\"')\]]*(?=\s)")


@dataclass(frozen=True, slots=True)
class Chunks:
    """Cut a text after sentences into parts of at most `max_chars`. The parts, put together, are the text."""

    max_chars: int = 1_200  # WRAP cuts at 300 tokens: 4 characters each in English, 1 to 2 in Japanese
    join: bool = True  # put what the model made of the parts together again; else each part becomes a row of its own

    def parts(self, text: str) -> list[str]:
        """Return the parts in order. What has no sentence end is cut at `max_chars`."""
        parts: list[str] = []
        for sentence in _sentences(text):
            for start in range(0, len(sentence), self.max_chars):
                piece = sentence[start : start + self.max_chars]
                if parts and len(parts[-1]) + len(piece) <= self.max_chars:
                    parts[-1] += piece
                else:
                    parts.append(piece)
        return parts or [text]


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
