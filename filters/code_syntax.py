"""Whether Python compiles. SwallowCode drops 9.7 % of its files here; what it does not catch, we do.

syntax/broken       a SyntaxError, a character that is none of UTF-8, or a null byte
syntax/too_deep     nested deeper than Python's parser goes: a RecursionError or a MemoryError
syntax/unfinished   the compiler took too long or died of it, see manifests.bounded
"""

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from manifests.bounded import Bounded, Unfinished
from manifests.rows import Document
from manifests.stage import Kept, Rejected, Stage


def compiles(text: str) -> str:
    """Return "", or the reason for which Python does not compile a text. Never runs it."""
    try:
        with warnings.catch_warnings(action="ignore"):
            compile(text, "file.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):  # a UnicodeEncodeError is a ValueError, as a null byte was before Python 3.12
        return "syntax/broken"
    except (RecursionError, MemoryError):
        return "syntax/too_deep"
    return ""


@dataclass(frozen=True, slots=True)
class PythonSyntax(Stage):
    """Keep what Python compiles. In a process of its own, for a nested text can end the one that it is parsed in."""

    version: ClassVar[int] = 1

    timeout_s: float = 10.0  # of processor time for one file
    memory_mb: int = 1_024

    def __call__(self, rows: Iterable[Document]) -> Iterator[Document | Kept | Rejected]:
        asked = Bounded(compiles, self.timeout_s, self.memory_mb << 20)
        for doc in rows:
            try:
                reason = asked(doc.text)
            except Unfinished:
                reason = "syntax/unfinished"
            yield Rejected(doc, reason) if reason else doc
