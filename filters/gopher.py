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

from collections import Counter
from dataclasses import dataclass
from itertools import accumulate

from filters.measures import prefixed, share
from filters.repetition import Integers, Keys, duplicates, ngrams, number, repeated, tally, where
from filters.words import has_letter, is_sign, words
from manifests.rows import Document
from manifests.stage import Rule, Rules, Values, at_least, at_most

BULLETS = ("•", "-")
ELLIPSES = ("...", "…")


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
    alpha_counts_signs: bool = True  # False: the share of words alone
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
        found = quality(doc.text, words(doc.text), self.stop_words, self.alpha_counts_signs)
        return prefixed("gopher", found)


def quality(
    text: str, tokens: tuple[str, ...], stop_words: tuple[str, ...], alpha_counts_signs: bool = True
) -> dict[str, float | None]:
    """Return what the rules on quality are about, given the words and signs of a text."""
    counts = Counter(tokens)
    total = counts.total()
    real = chars = alpha = 0
    for word, count in counts.items():
        if has_letter(word):
            alpha += count
        elif is_sign(word):
            continue
        real += count
        chars += len(word) * count
    lines = text.splitlines()
    return {
        "words": float(real),
        "word_chars": share(chars, real),
        "hashes": share(text.count("#"), total),
        "ellipses": share(sum(map(text.count, ELLIPSES)), total),
        "bullet_lines": share(sum(line.lstrip().startswith(BULLETS) for line in lines), len(lines)),
        "ellipsis_lines": share(sum(line.rstrip().endswith(ELLIPSES) for line in lines), len(lines)),
        "alpha_words": share(alpha, total if alpha_counts_signs else real),
        "stop_words": float(len(counts.keys() & stop_words)),
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
        top, repeats = (tuple(n for n, _ in pairs) for pairs in (self.max_top_ngrams, self.max_duplicate_ngrams))
        return prefixed("gopher", repetition(doc.text, words(doc.text), top, repeats))


def repetition(
    text: str, tokens: tuple[str, ...], top: tuple[int, ...], repeats: tuple[int, ...]
) -> dict[str, float | None]:
    """Return what the rules on repetition are about: shares of a text, 0 where it has fewer words than n."""
    paragraphs = _pieces(text.strip(), "\n\n")
    lines = _pieces(text, "\n")
    duplicate_paragraphs, duplicate_paragraph_chars = duplicates(paragraphs)
    duplicate_lines, duplicate_line_chars = duplicates(lines)
    chars = {"duplicate_paragraph_chars": duplicate_paragraph_chars, "duplicate_line_chars": duplicate_line_chars}
    ends = [0, *accumulate(map(len, tokens))]
    positions: Integers | None = None
    for n, keys in ngrams(number(tokens), max((*top, *repeats), default=0)):
        if n < min((*top, *repeats)):
            continue
        positions = repeated(keys, positions)
        if n in top:
            chars[f"top_{n}gram"] = _top_chars(n, keys, positions, ends)
        if n in repeats:
            chars[f"duplicate_{n}grams"] = _duplicate_chars(n, keys, positions, ends)
    return {
        "duplicate_paragraphs": share(duplicate_paragraphs, len(paragraphs)),
        "duplicate_lines": share(duplicate_lines, len(lines)),
        **{name: share(count, len(text)) for name, count in chars.items()},
    }


def _pieces(text: str, separator: str) -> list[str]:
    """Split at one line end or two and at any more that follow; a separator at either end has an empty piece beyond."""
    inner = [piece for part in text.split(separator) if (piece := part.lstrip("\n"))]
    edges = text.startswith(separator) + text.endswith(separator)
    return inner + [""] * edges if text else [""]


def _top_chars(n: int, keys: Keys, positions: Integers, ends: list[int]) -> int:
    """Return how long the most frequent n-gram is, with single spaces in it, times its count; of equals, the first."""
    if not keys.size:
        return 0  # fewer words than n
    first, most = 0, 1
    if positions.size:
        distinct, counts = tally(keys[positions])
        most = int(counts.max())
        first = int(positions[where(keys[positions], distinct[counts == most])[0]])
    return most * (ends[first + n] - ends[first] + n - 1)


def _duplicate_chars(n: int, keys: Keys, positions: Integers, ends: list[int]) -> int:
    """Return the length, without spaces, of the n-grams that stood earlier; none of them overlaps another."""
    seen: set[int] = set()
    chars = end = 0
    for position, key in zip(positions.tolist(), keys[positions].tolist(), strict=True):
        if position >= end and key in seen:
            end = position + n
            chars += ends[end] - ends[position]
        elif position >= end:
            seen.add(key)
    return chars
