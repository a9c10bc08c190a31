"""Constraints on how Japanese sentences end: `ja:startend:sentence_unified_end`, `ja:detectable_format:nominal_ending`.

M-IFEval asks Janome (IPADIC) for nouns; here they are SudachiPy's, of which some have other names: pronouns, suffixes
of nouns and what IPADIC calls the stems of adjectival verbs are nouns here too. A closing bracket may stand between the
noun and the mark.
"""

import re
from dataclasses import dataclass
from typing import ClassVar

from filters.constraint import Constraint, Texts
from filters.japanese_words import Word, tagged_words

_DOUBLE_QUOTED = re.compile(r"『[^『』\n]*』")
_QUOTED = re.compile(r"「[^「」\n]*」")
_END = re.compile(r"[。！？]")
_ENDS = frozenset("。！？!?\n")
_CLOSING = frozenset("」』）)")


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
        text = _QUOTED.sub("", _DOUBLE_QUOTED.sub("", reply))
        said = [part.rstrip() for part in _END.split(text) if part and not part.isspace()]
        return bool(said) and all(part.endswith(self.ending) for part in said)

    def texts(self) -> Texts:
        return (f"{self.ending}。",)


@dataclass(frozen=True, slots=True)
class NominalEnding(Constraint):
    """At least so many sentences or lines end with a noun (体言止め)."""

    id: ClassVar[str] = "ja:detectable_format:nominal_ending"
    stated: ClassVar = {
        "en": "End at least {count} sentences with a noun (taigen-dome).",
        "ja": "体言止めの文を少なくとも{count}つ使ってください。",
    }
    count: int

    def holds(self, reply: str) -> bool:
        found, last = 0, None
        for word in tagged_words(reply):
            if word.text[0] in _ENDS:
                found += last is not None and _is_noun(last)
                last = None
            elif word.text[0] not in _CLOSING and not word.text.isspace():
                last = word
        return found + (last is not None and _is_noun(last)) >= self.count


def _is_noun(word: Word) -> bool:
    return word.part_of_speech[0] in {"名詞", "代名詞", "形状詞"} or word.part_of_speech[:2] == ("接尾辞", "名詞的")
