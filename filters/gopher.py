"""The rules of Gopher (Rae et al. 2021, arXiv:2112.11446, table A1), as datatrove measures them.

They count words between spaces: for Japanese there is `filters.swallow`. Refused, with the value and its threshold:

gopher/few_words, gopher/many_words               words that have a letter or a digit
gopher/short_words, gopher/long_words             mean characters of a word
gopher/many_hashes, gopher/many_ellipses          of such signs, for each word
gopher/many_bullet_lines                          share of lines that begin with a bullet
gopher/many_ellipsis_lines                        share of lines that end in an ellipsis
gopher/few_alpha_words                            share of words that have a letter
gopher/few_stop_words                             different ones of eight: "the", "be", "to", "of", ...
gopher/duplicate_{lines,paragraphs}               share of lines or paragraphs that were there before
gopher/duplicate_{line,paragraph}_chars           share of characters in these
gopher/top_{2,3,4}gram                            share of characters in the commonest run of so many words
gopher/duplicate_{5,6,7,8,9,10}grams              share of characters in runs of so many words that were there before
"""

import re
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate

from filters.repetition import Keys, duplicates, ngrams, number, tally, where
from filters.words import has_letter, is_sign, words
from manifests.rows import Document
from manifests.stage import Rule, Rules, Values, at_least, at_most

BULLETS = ("•", "-")
ELLIPSES = ("...", "…")
PARAGRAPH_END = re.compile(r"\n{2,}")
LINE_END = re.compile(r"\n+")


@dataclass(frozen=True, slots=True)
class GopherQuality(Rules):
    """Keep what reads like running text. None turns a rule off."""

    min_words: int | None = 50  # words with a letter or a digit in them
    max_words: int | None = 100_000
    min_word_chars: float | None = 3.0  # their mean length
    max_word_chars: float | None = 10.0
    max_hashes: float | None = 0.1  # '#' for each word or punctuation mark
    max_ellipses: float | None = 0.1  # '...' or '…', likewise
    max_bullet_lines: float | None = 0.9  # share of the lines
    max_ellipsis_lines: float | None = 0.3  # share of the lines that end in one
    # Share of words and punctuation marks that have a letter. That marks count is datatrove's reading, and FineWeb's:
    # 22 % of 832 hand-checked English main texts fall to it, where of words alone less than 1 % would.
    min_alpha_words: float | None = 0.8
    min_stop_words: int | None = 2  # different ones
    stop_words: tuple[str, ...] = ("the", "be", "to", "of", "and", "that", "have", "with")  # in this case only

    def rules(self) -> tuple[Rule, ...]:
        return (
            *at_least("gopher/few_words", "gopher/words", self.min_words),
            *at_most("gopher/many_words", "gopher/words", self.max_words),
            *at_least("gopher/short_words", "gopher/word_chars", self.min_word_chars),
            *at_most("gopher/long_words", "gopher/word_chars", self.max_word_chars),
            *at_most("gopher/many_hashes", "gopher/hashes", self.max_hashes),
            *at_most("gopher/many_ellipses", "gopher/ellipses", self.max_ellipses),
            *at_most("gopher/many_bullet_lines", "gopher/bullet_lines", self.max_bullet_lines),
            *at_most("gopher/many_ellipsis_lines", "gopher/ellipsis_lines", self.max_ellipsis_lines),
            *at_least("gopher/few_alpha_words", "gopher/alpha_words", self.min_alpha_words),
            *at_least("gopher/few_stop_words", "gopher/stop_words", self.min_stop_words),
        )

    def measure(self, doc: Document) -> Values:
        counts = Counter(words(doc.text))
        total = counts.total()
        real = chars = alpha = 0
        for word, count in counts.items():
            if has_letter(word):
                alpha += count
            elif is_sign(word):
                continue
            real += count
            chars += len(word) * count
        lines = doc.text.splitlines()
        ellipses = sum(map(doc.text.count, ELLIPSES))
        return {
            "gopher/words": float(real),
            "gopher/word_chars": _share(chars, real),
            "gopher/hashes": _share(doc.text.count("#"), total),
            "gopher/ellipses": _share(ellipses, total),
            "gopher/bullet_lines": _share(sum(line.lstrip().startswith(BULLETS) for line in lines), len(lines)),
            "gopher/ellipsis_lines": _share(sum(line.rstrip().endswith(ELLIPSES) for line in lines), len(lines)),
            "gopher/alpha_words": _share(alpha, total),
            "gopher/stop_words": float(len(counts.keys() & self.stop_words)),
        }


@dataclass(frozen=True, slots=True)
class GopherRepetition(Rules):
    """Keep what does not repeat itself. None, or no pair for an n, turns a rule off; an empty text passes."""

    max_duplicate_paragraphs: float | None = 0.30  # share of the paragraphs that repeat an earlier one
    max_duplicate_paragraph_chars: float | None = 0.20  # share of all characters, as everywhere below
    max_duplicate_lines: float | None = 0.30
    max_duplicate_line_chars: float | None = 0.20
    # (n, share of the characters in the most frequent n-gram of words)
    max_top_ngrams: tuple[tuple[int, float], ...] = ((2, 0.20), (3, 0.18), (4, 0.16))
    # (n, share of the characters in n-grams of words that stood earlier)
    max_duplicate_ngrams: tuple[tuple[int, float], ...] = (
        (5, 0.15),
        (6, 0.14),
        (7, 0.13),
        (8, 0.12),
        (9, 0.11),
        (10, 0.10),
    )

    def rules(self) -> tuple[Rule, ...]:
        named = {
            "duplicate_paragraphs": self.max_duplicate_paragraphs,
            "duplicate_paragraph_chars": self.max_duplicate_paragraph_chars,
            "duplicate_lines": self.max_duplicate_lines,
            "duplicate_line_chars": self.max_duplicate_line_chars,
            **{f"top_{n}gram": share for n, share in self.max_top_ngrams},
            **{f"duplicate_{n}grams": share for n, share in self.max_duplicate_ngrams},
        }
        return tuple(
            rule for name, share in named.items() for rule in at_most(f"gopher/{name}", f"gopher/{name}", share)
        )

    def measure(self, doc: Document) -> Values:
        paragraphs = PARAGRAPH_END.split(doc.text.strip())
        lines = LINE_END.split(doc.text)
        size = len(doc.text)
        duplicate_paragraphs, duplicate_paragraph_chars = duplicates(paragraphs)
        duplicate_lines, duplicate_line_chars = duplicates(lines)
        values = {
            "gopher/duplicate_paragraphs": _share(duplicate_paragraphs, len(paragraphs)),
            "gopher/duplicate_paragraph_chars": _share(duplicate_paragraph_chars, size),
            "gopher/duplicate_lines": _share(duplicate_lines, len(lines)),
            "gopher/duplicate_line_chars": _share(duplicate_line_chars, size),
        }
        for name, chars in self._ngram_chars(words(doc.text)):
            values[f"gopher/{name}"] = _share(chars, size)
        return values

    def _ngram_chars(self, text: tuple[str, ...]) -> list[tuple[str, int]]:
        """Return the characters that each rule on n-grams is about, 0 where the text has fewer words than n."""
        top = {n for n, _ in self.max_top_ngrams}
        repeated = {n for n, _ in self.max_duplicate_ngrams}
        ends = [0, *accumulate(map(len, text))]
        found = []
        for n, keys in ngrams(number(text), max(top | repeated, default=0)):
            if n in top:
                found.append((f"top_{n}gram", _top_chars(n, keys, ends)))
            if n in repeated:
                found.append((f"duplicate_{n}grams", _duplicate_chars(n, keys, ends)))
        return found


def _top_chars(n: int, keys: Keys, ends: list[int]) -> int:
    """Return how long the most frequent n-gram is, with single spaces in it, times its count; of equals, the first."""
    distinct, counts = tally(keys)
    most = int(counts.max(initial=0))
    first = int(where(keys, distinct[counts == most])[0]) if most > 1 else 0
    return most * (ends[first + n] - ends[first] + n - 1) if most else 0  # fewer words than n


def _duplicate_chars(n: int, keys: Keys, ends: list[int]) -> int:
    """Return the length, without spaces, of the n-grams that stood earlier; none of them overlaps another."""
    distinct, counts = tally(keys)
    positions = where(keys, distinct[counts > 1])
    seen: set[int] = set()
    chars = end = 0
    for position, key in zip(positions.tolist(), keys[positions].tolist(), strict=True):
        if position >= end and key in seen:
            end = position + n
            chars += ends[end] - ends[position]
        elif position >= end:
            seen.add(key)
    return chars


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
