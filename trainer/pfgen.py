"""The scores of pfgen-bench (pfnet-research/pfgen-bench): how good a short answer is by many good ones.

    good = GoodAnswers(["...", "..."])
    mean([good.fluency(answer), good.truthfulness(answer), helpfulness(answer, keywords)])

All three take the best beginning of an answer, discounted where it is longer than 100 characters.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import Any

from manifests.errors import BadRecipe

LONGEST = 10  # characters of what fluency compares
FACT = 3  # characters of what truthfulness compares
WANTED = 100  # characters of an answer; 50 more and it is worth nothing
READ = 200  # characters that count at all
SURE = 200.0  # a three of characters in one of so many good answers is true
MARKS = frozenset("^$、。・「」『』（）【】［］〈〉《》")  # whose truth does not count


def discount(chars: int) -> float:
    """Return what an answer of so many characters is worth at most."""
    return 1 - max(chars - WANTED, 0) / 50


@dataclass(frozen=True)
class GoodAnswers:
    """Answers by people or good models to one question."""

    answers: Sequence[str]

    def __post_init__(self) -> None:
        if not self.answers or not all(self.answers):
            raise BadRecipe(
                "pfgen: a question without good answers, or with an empty one; expected some to compare with"
            )

    @cached_property
    def counts(self) -> Counter[str]:
        """In how many answers each string stands."""
        return Counter(part for answer in self.answers for parts in _new_at_each(answer) for part in parts)

    @cached_property
    def baseline(self) -> float:
        """What the good answers reach themselves, in the mean."""
        return fmean([self._common(answer) for answer in self.answers])

    def fluency(self, answer: str) -> float:
        """Return how much an answer has in common with the good ones; 1 is as much as they have with each other."""
        return self._common(answer) / self.baseline

    def truthfulness(self, answer: str) -> float:
        """Return the share of characters that stand in threes of characters which good answers have."""
        read = answer[:READ]
        known = [0.0] * len(read)
        for start in range(len(read) - FACT + 1):
            there = self.counts[read[start : start + FACT]]
            for place in range(start, start + FACT):
                known[place] = max(known[place], min(1.0, SURE * there / len(self.answers)))
        total, count, score, best = 0.0, 0, 0.0, 0.0
        for chars, (letter, sure) in enumerate(zip(read, known, strict=True), start=1):
            if letter not in MARKS:
                total, count = total + sure, count + 1
                score = total / count * discount(chars)
                best = max(best, score) if chars >= WANTED else best
        return max(best, score)

    def _common(self, answer: str) -> float:
        found, best = 0, 0.0
        for chars, parts in enumerate(_new_at_each(answer[:READ]), start=1):
            found += sum(self.counts[part] for part in parts)
            best = max(best, found * discount(chars))
        return best


def helpfulness(answer: str, keywords: Sequence[Mapping[str, Any]]) -> float:
    """Return how much of what an answer should tell stands in its best beginning.

    A keyword is {"t": pattern}, {"and": [...]} or {"or": [...]}, with an "importance" of 0 to 1. Raises BadRecipe.
    """
    answer = answer[:READ]
    ends = [(_told_by(answer, keyword), float(keyword.get("importance", 1.0))) for keyword in keywords]
    best = 0.0
    for chars in range(len(answer) + 1):
        score = discount(chars)
        for end, importance in ends:
            score *= 1 - importance if end is None or end > chars else 1
        best = max(best, score)
    return best


def _told_by(answer: str, keyword: Mapping[str, Any]) -> int | None:
    """Return after how many characters a keyword is told, None where it is not."""
    if "t" in keyword:
        try:
            found = re.search(keyword["t"], answer)
        except re.error as error:
            raise BadRecipe(f"pfgen: the keyword {keyword['t']!r} is no regular expression: {error}") from error
        return found.end() if found else None
    if not {"and", "or"} & keyword.keys():
        raise BadRecipe(f"pfgen: the keyword {dict(keyword)} has neither t, and, nor or")
    every = "and" in keyword
    ends = [_told_by(answer, one) for one in keyword["and" if every else "or"]]
    told = [end for end in ends if end is not None]
    if every:
        return max(told, default=0) if len(told) == len(ends) else None
    return min(told, default=None)


def _new_at_each(text: str) -> Iterator[list[str]]:
    """Yield at each character the strings of up to LONGEST characters that end there and were not seen before."""
    seen: set[str] = set()
    for end in range(1, len(text) + 1):
        parts = {text[max(0, end - chars) : end] for chars in range(1, LONGEST + 1) if chars <= end} - seen
        seen |= parts
        yield sorted(parts)
