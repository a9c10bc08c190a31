"""A quick look at the language of a page, so that a page in another language does not pay for careful extraction.

Between the gate for HTML and extraction:

    HtmlPages(), QuickLanguage(("ja", "en")), ExtractText(), LanguageIs(("ja", "en")), ...

What it looks at are the longest runs of text between two tags: sentences, where menus and footers are short. What it
doubts goes through, for `LanguageIs` sees the main text.

quick/other_language   surely another language than those wanted
"""

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from corpus.charset import decode
from filters.language import LanguageIs
from manifests.rows import Page, Row
from manifests.stage import Kept, Rejected, Rule, Stage, Values, below, describe, judge

MAX_MARKUP_BYTES = 100_000  # of a page without its scripts and styles: what is looked at
# The most common words, and how often they stand on pages in these languages, but hardly on others. Such a page goes
# through at once; it would do so after a closer look too, but for Japanese pages whose longest runs are English.
_COMMON = {"en": (" the ", 8), "ja": ("の", 3)}
_MIN_RUN_CHARS = 20  # between two tags; what is shorter is a menu, a button or a date
_RUN = re.compile(rf">\s*([^<>\s][^<>]{{{_MIN_RUN_CHARS - 1},}})")
# Searching for their ends with `find` takes a third of the time of an expression that spans them.
_NO_TEXT = re.compile(b"<(?:[sS][cC][rR][iI][pP][tT]|[sS][tT][yY][lL][eE]|!--)")


@dataclass(frozen=True, slots=True)
class QuickLanguage(Stage):
    """Refuse pages that are surely in another language."""

    libraries: ClassVar[tuple[str, ...]] = ("charset-normalizer",)

    languages: tuple[str, ...]  # ISO 639-1, as `LanguageIs` takes them
    min_score: float = 0.9  # probability of the other language from which a page is refused
    min_chars: int = 200  # of text that a refusal takes: less tells too little
    max_chars: int = 600  # that the model sees

    def rules(self) -> tuple[Rule, ...]:
        return below("quick/other_language", "quick/other_score", self.min_score)

    def describe(self) -> dict[str, Any]:
        """Return what decides, with all that the language of a text depends on. Raises BadRecipe as `LanguageIs`."""
        return describe(self) | {"language": LanguageIs(self.languages).describe()}

    def __call__(self, rows: Iterable[Page]) -> Iterator[Row | Kept | Rejected]:
        rules, language = self.rules(), LanguageIs(self.languages)
        for page in rows:
            yield judge(page, self._measure(page, language), rules)

    def _measure(self, page: Page, language: LanguageIs) -> Values:
        passed: Values = {"quick/other_score": 0.0}
        common = [_COMMON[one] for one in self.languages if one in _COMMON]
        if any(page.content.count(word.encode()) >= few for word, few in common):
            return passed
        markup = decode(without_scripts(page.content, MAX_MARKUP_BYTES), page.content_type).text
        if any(markup.count(word) >= few for word, few in common if not word.isascii()):
            return passed
        text = longest_runs(markup, self.max_chars)
        if len(text) < self.min_chars:
            return {"quick/other_score": None}
        found, score = language.identify(text)
        return passed if found in self.languages else {"quick/other_score": score}


def without_scripts(content: bytes, max_bytes: int) -> bytes:
    """Return about the first `max_bytes` of a page outside scripts, styles and comments; in UTF-16, with them."""
    parts: list[bytes] = []
    at = size = 0
    while size < max_bytes and (opening := _NO_TEXT.search(content, at)):
        parts.append(content[at : opening.start()])
        size += len(parts[-1])
        tag = opening.group()
        end = content.find(b"-->" if tag == b"<!--" else b"</" + tag[1:], opening.end())
        at = len(content) if end < 0 else end
    if size < max_bytes:
        parts.append(content[at:])
    found = b" ".join(parts)
    # A tag begins with an ASCII character, so no other one is cut in two.
    return found if len(found) <= max_bytes else found[: found.rfind(b"<", 0, max_bytes)]


def longest_runs(markup: str, max_chars: int) -> str:
    """Return about `max_chars` of the longest runs of text between two tags, the longest first."""
    chosen: list[str] = []
    room = max_chars
    for run in sorted(_RUN.findall(markup), key=len, reverse=True):
        if room <= 0:
            break
        line = " ".join(run[:max_chars].split())
        if len(line) >= _MIN_RUN_CHARS:
            chosen.append(line[: max_chars // 2])  # one long run, such as a licence, must not decide alone
            room -= len(chosen[-1])
    return html.unescape(" ".join(chosen))[:max_chars]
