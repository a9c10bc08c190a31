"""What the Swallow Corpus mends in a Japanese text (Okazaki et al. 2024, COLM): its punctuation, and its last lines.

A text whose commas and full stops are mostly ， and ．, as in Japanese science, gets 、 and 。 in their place, each by
its own majority. A footer goes: of the last lines, all from the first one that expressions of a list cover. The list
of that project does not come with koba. Rows keep their ids; nothing is refused.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from filters.swallow import find
from filters.word_list import WordList, remembered
from manifests.rows import Document, Row
from manifests.stage import Kept, Rejected, Stage
from manifests.store import Store

# After what a sign counts as Japanese: a letter or a closing bracket.
_AFTER = r"(?<=[）」』］〕】〉》ぁ-ゖァ-ヺ々〇〻\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])"
_SIGNS = tuple(
    (re.compile(f"{_AFTER}{western}"), re.compile(f"{_AFTER}{japanese}"), japanese)
    for western, japanese in (("，", "、"), ("．", "。"))
)


@dataclass(frozen=True, slots=True)
class SwallowCleaning(Stage):
    """Write Japanese punctuation one way, and cut footers."""

    punctuation: bool = True
    footer: WordList | None = None  # expressions of footers, one a line; None: lines stay
    footer_lines: int = 10  # of the end of a text are looked at
    max_covered: float = 0.3  # share of a line's characters that such expressions may be

    def resolve(self, store: Store) -> "SwallowCleaning":
        return replace(self, footer=self.footer and self.footer.resolve(store))

    def within(self, store: Store) -> "SwallowCleaning":
        return replace(self, footer=self.footer and self.footer.within(store))

    def __call__(self, rows: Iterable[Document]) -> Iterator[Row | Kept | Rejected]:
        expressions = _expressions(self.footer) if self.footer else ()
        for doc in rows:
            text, signs = punctuated(doc.text) if self.punctuation else (doc.text, 0)
            lines = text.split("\n")
            kept = lines[: self._footer_at(lines, expressions)]
            values = {"swallow/signs": float(signs), "swallow/footer_lines": float(len(lines) - len(kept))}
            text = text if len(kept) == len(lines) else "\n".join(kept).rstrip()
            yield Kept(doc.replace(text=text) if text != doc.text else doc, values)

    def _footer_at(self, lines: list[str], expressions: tuple[str, ...]) -> int:
        """Return how many lines stand before the footer."""
        for place in range(max(0, len(lines) - self.footer_lines), len(lines) if expressions else 0):
            covered = sum(map(len, find(lines[place], expressions)))
            if covered > self.max_covered * len(lines[place]):
                return place
        return len(lines)


def punctuated(text: str) -> tuple[str, int]:
    """Return a text with 、 where most of its commas are ， and with 。 likewise, and how many signs were changed."""
    changed = 0
    for western, japanese, sign in _SIGNS:
        found = len(western.findall(text))
        if found > len(japanese.findall(text)):
            text = western.sub(sign, text)
            changed += found
    return text, changed


@remembered
def _expressions(words: WordList) -> tuple[str, ...]:
    return words.entries()
