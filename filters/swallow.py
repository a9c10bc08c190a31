"""The rules of the Swallow Corpus for Japanese web text, which count characters.

Version 1: Okazaki et al. 2024 (COLM, arXiv:2404.17733); version 2: Hattori et al. 2025 (NLP2025, pp. 94-99).
Where paper, README and code of version 1 differ, this follows the code, which made the corpus: a value at the
threshold stays, and repeated n-grams are counted once each. It departs from the code in three things. Blank lines
are no lines: there, a text with blank lines between its paragraphs is half duplicate lines. Kanji beyond U+FFFF
count as kanji. A text without any sentence is refused for its length and raises nothing.

swallow/few_japanese_letters               hiragana, katakana and kanji
swallow/little_hiragana                    its share of the Japanese letters
swallow/much_katakana                      its share of the Japanese letters
swallow/little_japanese                    share of the Japanese letters in all characters
swallow/short_sentences                    mean characters of a sentence; swallow/long_sentences: likewise
swallow/long_sentence                      characters of the longest sentence
swallow/ellipsis_sentences                 share of sentences that end in an ellipsis
swallow/duplicate_{lines,sentences}        share of lines or sentences that were there before
swallow/duplicate_{line,sentence}_chars    share of characters in these
swallow/top_{2,3,4}gram                    share of the commonest run of so many characters
swallow/repeated_{5..10}grams              share of runs of so many characters that occur more than once
swallow/expressions                        share of given expressions in the Japanese letters
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from filters.measures import share
from filters.repetition import duplicates, ngrams, tally
from manifests.rows import Document
from manifests.stage import Rule, Rules, Values, at_least, at_most, below

Limit = Callable[[str, str, float | None], tuple[Rule, ...]]

SENTENCE = re.compile(r"[^。．！？!?]+[。．！？!?]?")
ELLIPSES = ("・", "…")

OTHER, HIRAGANA, KATAKANA, KANJI, MARK = range(5)
RANGES = (
    (HIRAGANA, "ぁ", "ゖ"),
    (KATAKANA, "ァ", "ヺ"),  # without ー, as there
    (KANJI, "\u3400", "\u9fff"),
    (KANJI, "\uf900", "\ufaff"),
    (KANJI, "\U00020000", "\U0003ffff"),
)
SINGLE = ((KANJI, "々〇〻"), (MARK, "、，。．！？"))


@dataclass(frozen=True, slots=True)
class SwallowV1(Rules):
    """Keep running Japanese text, as version 1 does. None, or no pair for an n, turns a rule off.

        Only("ja", SwallowV1())

    Japanese letters are hiragana, katakana, kanji and 、，。．！？.
    """

    min_japanese_letters: int | None = 400
    min_hiragana: float | None = 0.2  # share of the Japanese letters
    max_katakana: float | None = 0.5  # share of the Japanese letters
    min_japanese: float | None = 0.5  # share of the Japanese letters in all characters
    min_sentence_chars: float | None = 20.0  # mean length
    max_sentence_chars: float | None = 90.0  # mean length
    max_longest_sentence: int | None = 200  # characters
    max_ellipsis_sentences: float | None = 0.2  # share of the sentences that end in ・ or …
    max_duplicate_lines: float | None = 0.30  # share of the lines that repeat an earlier one
    max_duplicate_line_chars: float | None = 0.20
    max_duplicate_sentences: float | None = 0.30
    max_duplicate_sentence_chars: float | None = 0.20
    # (n, share of the n-grams of characters that are the most frequent one)
    max_top_ngrams: tuple[tuple[int, float], ...] = ((2, 0.20), (3, 0.18), (4, 0.16))
    # (n, share of the different n-grams of characters that occur more than once)
    max_repeated_ngrams: tuple[tuple[int, float], ...] = (
        (5, 0.15),
        (6, 0.14),
        (7, 0.13),
        (8, 0.12),
        (9, 0.11),
        (10, 0.10),
    )
    expressions: tuple[
        str, ...
    ] = ()  # what nobody wants to read; no list comes with koba, and without one the rule is off
    max_expressions: float | None = 0.05  # their characters for each Japanese letter

    def rules(self) -> tuple[Rule, ...]:
        return _rules(self, at_most)

    def measure(self, doc: Document) -> Values:
        codes = np.frombuffer(doc.text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        values = _letters(codes) | _sentences(doc.text) | _ngrams(codes, self.max_top_ngrams, self.max_repeated_ngrams)
        if self.expressions:
            found = sum(map(len, find(doc.text, self.expressions)))
            values["swallow/expressions"] = share(found, values["swallow/japanese_letters"])
        return values


@dataclass(frozen=True, slots=True)
class SwallowV2(SwallowV1):
    """Keep running Japanese text, as version 2 does: fewer rules, for its classifiers come after.

    Its table still lists the mean sentence length that its text says was dropped; here it is off. A value at the
    threshold is refused, as its table prints it.
    """

    max_katakana: float | None = None
    min_japanese: float | None = None
    min_sentence_chars: float | None = None
    max_sentence_chars: float | None = None
    max_longest_sentence: int | None = None
    max_repeated_ngrams: tuple[tuple[int, float], ...] = ()

    def rules(self) -> tuple[Rule, ...]:
        return _rules(self, below)


def _rules(stage: SwallowV1, limit: Limit) -> tuple[Rule, ...]:
    named = {
        "much_katakana": ("katakana", stage.max_katakana),
        "long_sentences": ("sentence_chars", stage.max_sentence_chars),
        "long_sentence": ("longest_sentence", stage.max_longest_sentence),
        "ellipsis_sentences": ("ellipsis_sentences", stage.max_ellipsis_sentences),
        "duplicate_lines": ("duplicate_lines", stage.max_duplicate_lines),
        "duplicate_line_chars": ("duplicate_line_chars", stage.max_duplicate_line_chars),
        "duplicate_sentences": ("duplicate_sentences", stage.max_duplicate_sentences),
        "duplicate_sentence_chars": ("duplicate_sentence_chars", stage.max_duplicate_sentence_chars),
        **{f"top_{n}gram": (f"top_{n}gram", share) for n, share in stage.max_top_ngrams},
        **{f"repeated_{n}grams": (f"repeated_{n}grams", share) for n, share in stage.max_repeated_ngrams},
        "expressions": ("expressions", stage.max_expressions if stage.expressions else None),
    }
    limits = [limit(f"swallow/{name}", f"swallow/{measure}", most) for name, (measure, most) in named.items()]
    return (
        *at_least("swallow/few_japanese_letters", "swallow/japanese_letters", stage.min_japanese_letters),
        *at_least("swallow/little_hiragana", "swallow/hiragana", stage.min_hiragana),
        *at_least("swallow/little_japanese", "swallow/japanese", stage.min_japanese),
        *at_least("swallow/short_sentences", "swallow/sentence_chars", stage.min_sentence_chars),
        *(rule for rules in limits for rule in rules),
    )


def _letters(codes: npt.NDArray[np.uint32]) -> dict[str, float | None]:
    counts = np.bincount(_kinds()[codes], minlength=5)
    japanese = int(counts[HIRAGANA:].sum())
    return {
        "swallow/japanese_letters": float(japanese),
        "swallow/hiragana": share(int(counts[HIRAGANA]), japanese),
        "swallow/katakana": share(int(counts[KATAKANA]), japanese),
        "swallow/japanese": share(japanese, codes.size),
    }


def _sentences(text: str) -> dict[str, float | None]:
    by_line = [SENTENCE.findall(line) for line in text.split("\n") if line.strip()]
    lines = ["".join(sentences) for sentences in by_line]
    sentences = [sentence for found in by_line for sentence in found]
    sizes = [len(sentence) for sentence in sentences]
    duplicate_lines, duplicate_line_chars = duplicates(lines)
    duplicate_sentences, duplicate_sentence_chars = duplicates(sentences)
    ellipses = sum(sentence.rstrip().endswith(ELLIPSES) for sentence in sentences)
    return {
        "swallow/sentence_chars": share(sum(sizes), len(sizes)),
        "swallow/longest_sentence": float(max(sizes, default=0)),
        "swallow/ellipsis_sentences": share(ellipses, len(sentences)),
        "swallow/duplicate_lines": share(duplicate_lines, len(lines)),
        "swallow/duplicate_line_chars": share(duplicate_line_chars, sum(sizes)),
        "swallow/duplicate_sentences": share(duplicate_sentences, len(sentences)),
        "swallow/duplicate_sentence_chars": share(duplicate_sentence_chars, sum(sizes)),
    }


def _ngrams(
    codes: npt.NDArray[np.uint32], top: tuple[tuple[int, float], ...], repeated: tuple[tuple[int, float], ...]
) -> dict[str, float | None]:
    tops, repeats = dict(top), dict(repeated)
    values: dict[str, float | None] = {}
    for n, keys in ngrams(codes.astype(np.uint64), max(tops | repeats, default=0)):
        if n not in tops and n not in repeats:
            continue
        _, counts = tally(keys)
        if n in tops:
            values[f"swallow/top_{n}gram"] = share(int(counts.max(initial=0)), keys.size)
        if n in repeats:
            values[f"swallow/repeated_{n}grams"] = share(int((counts > 1).sum()), counts.size)
    return values


def find(text: str, expressions: tuple[str, ...]) -> Iterator[str]:
    """Yield the expressions that stand in a text, from left to right, always the longest, none within another."""
    by_first = _by_first(expressions)
    end = 0
    for position, char in enumerate(text):
        if position >= end and char in by_first:
            found = next((known for known in by_first[char] if text.startswith(known, position)), "")
            end = position + len(found)
            if found:
                yield found


@cache
def _by_first(expressions: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the expressions by their first character, the longest first."""
    table: dict[str, list[str]] = {}
    for expression in sorted(filter(None, expressions), key=len, reverse=True):
        table.setdefault(expression[0], []).append(expression)
    return table


@cache
def _kinds() -> npt.NDArray[np.uint8]:
    """Return for each code point the kind of letter it is."""
    kinds = np.zeros(0x110000, dtype=np.uint8)
    for kind, first, last in RANGES:
        kinds[ord(first) : ord(last) + 1] = kind
    for kind, chars in SINGLE:
        kinds[[ord(char) for char in chars]] = kind
    return kinds
