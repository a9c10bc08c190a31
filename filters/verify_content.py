"""Constraints on content that can be detected: `detectable_content:*`."""

import re
from dataclasses import dataclass
from typing import ClassVar

from filters.constraint import Constraint, Texts

_PLACEHOLDER = re.compile(r"\[[^\]\n]*\]")
_POSTSCRIPT = re.compile(r"p\.\s?s\.")
_SECOND_POSTSCRIPT = re.compile(r"p\.\s?p\.\s?s")


@dataclass(frozen=True, slots=True)
class NumberPlaceholders(Constraint):
    """At least so many placeholders between square brackets, each in one line."""

    id: ClassVar[str] = "detectable_content:number_placeholders"
    stated: ClassVar = {
        "en": "Use at least {num_placeholders} placeholders in square brackets, such as [name].",
        "ja": "[名前] のように角括弧で囲んだ空欄を少なくとも{num_placeholders}個入れてください。",
    }
    num_placeholders: int

    def holds(self, reply: str) -> bool:
        return (
            "[" in reply and reply.count("]") >= self.num_placeholders and self._found(reply) >= self.num_placeholders
        )

    def _found(self, reply: str) -> int:
        # Each bracket that is never closed would be followed to the end of its line.
        return sum([len(_PLACEHOLDER.findall(line[: line.rfind("]") + 1])) for line in reply.split("\n")])

    def texts(self) -> Texts:
        return ("[]",) * min(self.num_placeholders, 50)


class NumberPlaceholdersJa(NumberPlaceholders):
    """The same in Japanese."""

    __slots__ = ()
    id: ClassVar[str] = "ja:detectable_content:number_placeholders"


@dataclass(frozen=True, slots=True)
class Postscript(Constraint):
    """A postscript, by its marker in any case. "P.S." and "P.P.S" may hold blanks; other markers, and "P.P.S.", not."""

    id: ClassVar[str] = "detectable_content:postscript"
    stated: ClassVar = {
        "en": 'Add a postscript at the end of your reply, beginning with "{postscript_marker}".',
        "ja": "答えの最後に「{postscript_marker}」で始まる追伸を付けてください。",
    }
    postscript_marker: str

    def holds(self, reply: str) -> bool:
        marker, lowered = self.postscript_marker.strip(), reply.lower()
        pattern = {"P.S.": _POSTSCRIPT, "P.P.S": _SECOND_POSTSCRIPT}.get(marker)
        return pattern.search(lowered) is not None if pattern else marker.lower() in lowered

    def texts(self) -> Texts:
        return (self.postscript_marker,)


class PostscriptJa(Postscript):
    """The same in Japanese."""

    __slots__ = ()
    id: ClassVar[str] = "ja:detectable_content:postscript"
