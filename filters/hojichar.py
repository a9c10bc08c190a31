"""Rules of HojiChar for Japanese web text, with the thresholds of its filters (version 0.18).

Of its filters these are the ones that measure characters. Those that need a morphological analyser (share of nouns,
repeated words) are not here. It comes with lists of expressions, koba with none. Special characters are taken by their
Unicode category, where HojiChar has a list of its own and one of emoji. Refused, with the value and its threshold:

hojichar/too_short           characters; hojichar/too_long: likewise
hojichar/no_kana             hiragana and katakana in the first characters
hojichar/few_full_stops      "。" for each character
hojichar/repeated_chars      share of the commonest runs of five characters, in all runs
hojichar/special_chars       share of marks, symbols, blanks and control characters
hojichar/one_char_repeated   how often a character stands in a row
hojichar/ellipsis_lines      share of line ends after an ellipsis
hojichar/short_lines         share of lines of few characters
hojichar/board               dates, "コメント", "投稿" and the like, as on message boards and in shops
hojichar/advertisement       expressions of a list that advertisements have
hojichar/unwanted            expressions of a list that nobody wants to read
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from math import isqrt

import numpy as np
import numpy.typing as npt

from filters.measures import share
from filters.repetition import ngrams, tally
from filters.word_list import WordList, remembered
from manifests.rows import Document, Row
from manifests.stage import Kept, Rejected, Rule, Stage, Values, at_least, at_most, below, judge
from manifests.store import Store

KANA = re.compile("[ぁ-んァ-ン]")
KATAKANA_WORD = re.compile("[ァ-ヴー]+")
ELLIPSIS_END = re.compile(r"(?:\.{3}|…)\n")
DATE = r"\d{4}[年./-] *\d{1,2}[月./-] *\d{1,2}日*"
NO_EXPRESSION = re.compile(r"(?!)")


@dataclass(frozen=True, slots=True)
class HojiChar(Stage):
    """Keep running Japanese text. None turns a rule off; without its list, so is a rule on expressions."""

    min_chars: int | None = 200
    max_chars: int | None = 50_000
    kana_within: int | None = 50  # characters at the beginning of which one is kana
    max_sentence_chars: int | None = 100  # a text has a "。" for each so many characters
    max_repeated_chars: float | None = 0.33  # a value at the threshold is refused
    ngram: int = 5  # characters of a run
    max_special_chars: float | None = 0.4
    max_in_a_row: int | None = 200  # so many are refused
    max_ellipsis_lines: float | None = 0.7
    max_short_lines: float | None = 0.5
    short_chars: int = 10  # a line of so many characters is short yet
    max_board_words: int | None = 14
    board_words: tuple[str, ...] = ("コメント", "SOLD OUT", "レビュー", "投稿", "ページ", "質問", "楽天市場", "-")
    advertisement: WordList | None = None  # one expression a line
    max_advertisement: int | None = 14
    unwanted: WordList | None = None  # in katakana, only where no katakana stands before or after
    max_unwanted: int | None = 0

    def rules(self) -> tuple[Rule, ...]:
        sentence = self.max_sentence_chars
        return (
            *at_least("hojichar/too_short", "hojichar/chars", self.min_chars),
            *at_most("hojichar/too_long", "hojichar/chars", self.max_chars),
            *at_least("hojichar/no_kana", "hojichar/kana", 1 if self.kana_within else None),
            *at_least("hojichar/few_full_stops", "hojichar/full_stops", 1 / sentence if sentence else None),
            *below("hojichar/repeated_chars", "hojichar/repeated_chars", self.max_repeated_chars),
            *at_most("hojichar/special_chars", "hojichar/special_chars", self.max_special_chars),
            *below("hojichar/one_char_repeated", "hojichar/in_a_row", self.max_in_a_row),
            *at_most("hojichar/ellipsis_lines", "hojichar/ellipsis_lines", self.max_ellipsis_lines),
            *at_most("hojichar/short_lines", "hojichar/short_lines", self.max_short_lines),
            *at_most("hojichar/board", "hojichar/board_words", self.max_board_words),
            *at_most(
                "hojichar/advertisement",
                "hojichar/advertisement",
                self.max_advertisement if self.advertisement else None,
            ),
            *at_most("hojichar/unwanted", "hojichar/unwanted", self.max_unwanted if self.unwanted else None),
        )

    def resolve(self, store: Store) -> "HojiChar":
        advertisement = self.advertisement and self.advertisement.resolve(store)
        return replace(self, advertisement=advertisement, unwanted=self.unwanted and self.unwanted.resolve(store))

    def within(self, store: Store) -> "HojiChar":
        advertisement = self.advertisement and self.advertisement.within(store)
        return replace(self, advertisement=advertisement, unwanted=self.unwanted and self.unwanted.within(store))

    def __call__(self, rows: Iterable[Document]) -> Iterator[Row | Kept | Rejected]:
        rules = self.rules()
        lists = {"advertisement": self.advertisement, "unwanted": self.unwanted}
        patterns = {name: _pattern(words) for name, words in lists.items() if words}
        for doc in rows:
            listed = {f"hojichar/{name}": _count(pattern, doc.text) for name, pattern in patterns.items()}
            yield judge(doc, {**self._measure(doc.text), **listed}, rules)

    def _measure(self, text: str) -> Values:
        lines = text.split("\n")
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        special = sum(count for char, count in Counter(text).items() if unicodedata.category(char)[0] in "PSZC")
        return {
            "hojichar/chars": float(len(text)),
            "hojichar/kana": float(len(KANA.findall(text[: self.kana_within]))),
            "hojichar/full_stops": share(text.count("。"), len(text)),
            "hojichar/repeated_chars": repeated_chars(codes, self.ngram),
            "hojichar/special_chars": share(special, len(text)),
            "hojichar/in_a_row": _longest_run(codes),
            "hojichar/ellipsis_lines": _count(ELLIPSIS_END, text) / max(len(lines) - 1, 1),
            "hojichar/short_lines": share(sum(len(line) <= self.short_chars for line in lines), len(lines)),
            "hojichar/board_words": _count(_board(self.board_words), text),
        }


def repeated_chars(codes: npt.NDArray[np.uint32], n: int) -> float:
    """Return the share of the commonest n-grams of characters in all of them.

    They are the most frequent ones, as many as the square root of how many different ones there are, without those
    that occur once. 0 for a text without an n-gram.
    """
    *_, (_, keys) = ngrams(codes.astype(np.uint64), n)
    _, counts = tally(keys)
    if not counts.size:
        return 0.0
    most = min(isqrt(counts.size), int((counts > 1).sum()))
    return float(np.sort(counts)[counts.size - most :].sum() / counts.sum())


def _longest_run(codes: npt.NDArray[np.uint32]) -> float:
    """Return how often a character stands in a row at the most."""
    changes = np.flatnonzero(codes[1:] != codes[:-1]) + 1
    return float(np.diff(changes, prepend=0, append=codes.size).max())


def _count(pattern: re.Pattern[str], text: str) -> float:
    return float(sum(1 for _ in pattern.finditer(text)))


@cache
def _board(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join([DATE, *map(re.escape, words), r"\([月火水木金土日]\)", r"\d+話"]))


@remembered
def _pattern(words: WordList) -> re.Pattern[str]:
    """Return what finds any of the expressions, the longest first."""
    parts = []
    for word in sorted(set(words.entries()), key=lambda word: (-len(word), word)):
        alone = KATAKANA_WORD.fullmatch(word)
        parts.append(f"(?<![ァ-ヴー]){re.escape(word)}(?![ァ-ヴー])" if alone else re.escape(word))
    return re.compile("|".join(parts)) if parts else NO_EXPRESSION
