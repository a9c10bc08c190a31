"""Constraints on how Japanese sentences end: `ja:startend:sentence_unified_end`, `ja:detectable_format:nominal_ending`.

Quotations are left out of both. M-IFEval asks Janome (IPADIC) for nouns; here they are SudachiPy's, of which some have
other names: pronouns, suffixes of nouns and what IPADIC calls the stems of adjectival verbs are nouns here too.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from filters.constraint import Constraint, Texts
from filters.japanese_words import Word, tagged_words

_DOUBLE_QUOTED = re.compile(r"『[^『』\n]*』")
_QUOTED = re.compile(r"「[^「」\n]*」")
_END = re.compile(r"[。！？]")


@dataclass(frozen=True, slots=True)
class SentenceUnifiedEnd(Constraint):
    """All sentences outside quotations end with the same letters, and so does what stands behind the last mark."""

    id: ClassVar[str] = "ja:startend:sentence_unified_end"
    stated: ClassVar = {
        "en": "End every sentence with 「{ending}」.",
        "ja": "すべての文の文末を「{ending}」で統一してください。",
    }
    ending: str

    def holds(self, reply: str) -> bool:
        said = [part.rstrip() for part in _END.split(_said(reply)) if part and not part.isspace()]
        return bool(said) and all(part.endswith(self.ending) for part in said)

    def texts(self) -> Texts:
        return (f"{self.ending}。",)


@dataclass(frozen=True, slots=True)
class NominalEnding(Constraint):
    """At least so many sentences end with a noun (体言止め), right before 。！ or ？."""

    id: ClassVar[str] = "ja:detectable_format:nominal_ending"
    stated: ClassVar = {
        "en": "End at least {count} sentences with a noun (taigen-dome).",
        "ja": "「静かな夜。」のような体言止めの文を少なくとも{count}つ使ってください。",
    }
    count: int

    def holds(self, reply: str) -> bool:
        text = _said(reply)
        if len(_END.findall(text)) < self.count:  # most often there is nothing to analyse
            return False
        words = tagged_words(text)
        ends = [_END.match(word.text) is not None and _is_noun(last) for last, word in pairwise(words)]
        return sum(ends) >= self.count


def _said(reply: str) -> str:
    """Return a reply without its quotations."""
    return _QUOTED.sub("", _DOUBLE_QUOTED.sub("", reply))


def _is_noun(word: Word) -> bool:
    return word.part_of_speech[0] in {"名詞", "代名詞", "形状詞"} or word.part_of_speech[:2] == ("接尾辞", "名詞的")
