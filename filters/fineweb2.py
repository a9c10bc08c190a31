"""The rules of FineWeb-2 (Penedo et al. 2025, arXiv:2506.20920) for Japanese: its pipeline's, with its thresholds.

These are the rules of Gopher and FineWeb over Japanese words, with thresholds that were set for this language
(`configs/jpn_Jpan.yml` in its repository). Those on paragraphs, on characters of duplicate lines in Gopher's sense and
on short lines are off there, and are not here. Its first rule, on a language score of GlotLID, is not here either: that
is another model. Refused, with the value and its threshold, in this order:

fineweb2/duplicate_lines              share of lines that were there before
fineweb2/top_{2,3,4}gram              share of characters in the commonest run of so many words
fineweb2/duplicate_{5..10}grams       share of characters in runs of so many words that were there before
fineweb2/no_lines                     there is no text
fineweb2/few_ended_lines              share of lines that end in a mark such as "。"
fineweb2/duplicate_line_chars         share of characters in lines that were there before
fineweb2/list                         line ends for each word
fineweb2/few_words                    words that have a letter or a digit; fineweb2/many_words: likewise
fineweb2/short_words                  mean characters of a word; fineweb2/long_words: likewise
fineweb2/many_hashes                  of such signs, for each word; fineweb2/many_ellipses: likewise
fineweb2/many_bullet_lines            share of lines; fineweb2/many_ellipsis_lines: likewise
fineweb2/few_alpha_words              share of words that have a letter
fineweb2/few_stop_words               different ones of fifteen: "の", "に", "を", ...
"""

from dataclasses import dataclass
from typing import ClassVar

from filters.fineweb import END_MARKS, line_measures
from filters.gopher import quality, repetition
from filters.japanese_words import LIBRARIES, japanese_words
from filters.measures import prefixed
from manifests.rows import Document
from manifests.stage import Rule, Rules, Values, at_least, at_most


@dataclass(frozen=True, slots=True)
class FineWeb2Japanese(Rules):
    """Keep running Japanese text that does not repeat itself. None, or no pair for an n, turns a rule off."""

    libraries: ClassVar[tuple[str, ...]] = LIBRARIES

    max_duplicate_lines: float | None = 0.375
    max_top_ngrams: tuple[tuple[int, float], ...] = ((2, 0.121), (3, 0.129), (4, 0.145))
    max_duplicate_ngrams: tuple[tuple[int, float], ...] = (
        (5, 0.307),
        (6, 0.283),
        (7, 0.264),
        (8, 0.248),
        (9, 0.234),
        (10, 0.223),
    )
    min_ended_lines: float | None = 0.167
    end_marks: tuple[str, ...] = END_MARKS
    max_duplicate_line_chars: float | None = 0.1  # share of the characters
    max_line_ends: float | None = 0.162  # for each word
    min_words: int | None = 50
    max_words: int | None = 100_000
    min_word_chars: float | None = 1.0  # their mean length
    max_word_chars: float | None = 5.0
    max_hashes: float | None = 0.1  # for each word
    max_ellipses: float | None = 0.1
    max_bullet_lines: float | None = 0.9
    max_ellipsis_lines: float | None = 0.3
    min_alpha_words: float | None = 0.759
    min_stop_words: int | None = 2
    stop_words: tuple[str, ...] = tuple("のにをはたてがとで年し・月れさ")

    def rules(self) -> tuple[Rule, ...]:
        limits = (
            (at_most, "duplicate_lines", "duplicate_lines", self.max_duplicate_lines),
            *((at_most, f"top_{n}gram", f"top_{n}gram", most) for n, most in self.max_top_ngrams),
            *((at_most, f"duplicate_{n}grams", f"duplicate_{n}grams", most) for n, most in self.max_duplicate_ngrams),
            (at_least, "no_lines", "lines", 1),
            (at_least, "few_ended_lines", "ended_lines", self.min_ended_lines),
            (at_most, "duplicate_line_chars", "duplicate_line_chars", self.max_duplicate_line_chars),
            (at_most, "list", "line_ends", self.max_line_ends),
            (at_least, "few_words", "words", self.min_words),
            (at_most, "many_words", "words", self.max_words),
            (at_least, "short_words", "word_chars", self.min_word_chars),
            (at_most, "long_words", "word_chars", self.max_word_chars),
            (at_most, "many_hashes", "hashes", self.max_hashes),
            (at_most, "many_ellipses", "ellipses", self.max_ellipses),
            (at_most, "many_bullet_lines", "bullet_lines", self.max_bullet_lines),
            (at_most, "many_ellipsis_lines", "ellipsis_lines", self.max_ellipsis_lines),
            (at_least, "few_alpha_words", "alpha_words", self.min_alpha_words),
            (at_least, "few_stop_words", "stop_words", self.min_stop_words),
        )
        return tuple(
            rule
            for limit, reason, measure, threshold in limits
            for rule in limit(f"fineweb2/{reason}", f"fineweb2/{measure}", threshold)
        )

    def measure(self, doc: Document) -> Values:
        tokens = japanese_words(doc.text)
        top, repeats = (tuple(n for n, _ in pairs) for pairs in (self.max_top_ngrams, self.max_duplicate_ngrams))
        repeated = repetition(doc.text, tokens, top, repeats)
        return prefixed(
            "fineweb2",
            {name: value for name, value in repeated.items() if "paragraph" not in name}
            | line_measures(doc.text, len(tokens), self.end_marks, short_chars=0)
            | quality(doc.text, tokens, self.stop_words),
        )
