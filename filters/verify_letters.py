"""Constraints on Japanese letters: `ja:letters:*`. Kanji are U+4E00 to U+9FAF, as in M-IFEval: 々 is none."""

import re
from dataclasses import dataclass
from typing import ClassVar

from filters.constraint import LESS, Constraint, Relation, Texts, stands

_KANJI = re.compile(r"[\u4e00-\u9faf]")
_KANJI_RUN = re.compile(r"[\u4e00-\u9faf]+")
_READ = re.compile(r"[\u4e00-\u9faf]（[ぁ-ん]+）")  # the last kanji of a run, with its reading
_DIGIT = re.compile(r"\d")
_HIRAGANA = re.compile(r"[ぁ-ゖ]")
_KATAKANA = re.compile(r"[ァ-ヺｦ-ﾟ]")
_NOT_HIRAGANA = re.compile(r"[^\W\d_ぁ-ゖー]")
_NOT_KATAKANA = re.compile(r"[^\W\d_ァ-ヺーｦ-ﾟ]")


@dataclass(frozen=True, slots=True)
class Furigana(Constraint):
    """Each run of kanji is followed by its reading in hiragana, between full-width brackets."""

    id: ClassVar[str] = "ja:letters:furigana"
    stated: ClassVar = {
        "en": "Put the reading behind all kanji, in hiragana and full-width brackets, as in 猫（ねこ）.",
        "ja": "すべての漢字の後に、猫（ねこ）のように全角の括弧でふりがなを付けてください。",
    }

    @property
    def is_ceiling(self) -> bool:
        return True

    def holds(self, reply: str) -> bool:
        return len(_KANJI_RUN.findall(reply)) == len(_READ.findall(reply))


@dataclass(frozen=True, slots=True)
class _Lacks(Constraint):
    """None of some letters occurs."""

    banned: ClassVar[re.Pattern[str]] = _DIGIT

    @property
    def is_ceiling(self) -> bool:
        return True

    def holds(self, reply: str) -> bool:
        return self.banned.search(reply) is None


class Kansuuji(_Lacks):
    """No digit, of full width or not."""

    __slots__ = ()
    id: ClassVar[str] = "ja:letters:kansuuji"
    stated: ClassVar = {
        "en": "Write all numbers in kanji, and use no digits.",
        "ja": "数字はすべて漢数字で書いてください。",
    }


class NoHiragana(_Lacks):
    """No hiragana."""

    __slots__ = ()
    id: ClassVar[str] = "ja:letters:no_hiragana"
    stated: ClassVar = {"en": "Use no hiragana at all.", "ja": "ひらがなは一切使わないでください。"}
    banned: ClassVar[re.Pattern[str]] = _HIRAGANA


class NoKatakana(_Lacks):
    """No katakana, of half width or not."""

    __slots__ = ()
    id: ClassVar[str] = "ja:letters:no_katakana"
    stated: ClassVar = {"en": "Use no katakana at all.", "ja": "カタカナは一切使わないでください。"}
    banned: ClassVar[re.Pattern[str]] = _KATAKANA


class HiraganaOnly(_Lacks):
    """All letters are hiragana or ー; signs and digits may stand."""

    __slots__ = ()
    id: ClassVar[str] = "ja:letters:hiragana_only"
    stated: ClassVar = {"en": "Write in hiragana only.", "ja": "ひらがなだけで書いてください。"}
    banned: ClassVar[re.Pattern[str]] = _NOT_HIRAGANA

    def holds(self, reply: str) -> bool:
        return not any(found[0].isalpha() for found in self.banned.finditer(reply))  # ① and 〇 are numbers


class KatakanaOnly(HiraganaOnly):
    """All letters are katakana or ー; signs and digits may stand."""

    __slots__ = ()
    id: ClassVar[str] = "ja:letters:katakana_only"
    stated: ClassVar = {"en": "Write in katakana only.", "ja": "カタカナだけで書いてください。"}
    banned: ClassVar[re.Pattern[str]] = _NOT_KATAKANA


@dataclass(frozen=True, slots=True)
class NumberKanji(Constraint):
    """So many kanji."""

    id: ClassVar[str] = "ja:letters:kanji"
    stated: ClassVar = {
        "en": "Use {relation} {kanji_limit} kanji.",
        "ja": "漢字の使用は{kanji_limit}字{relation}にしてください。",
    }
    kanji_limit: int
    relation: Relation

    def holds(self, reply: str) -> bool:
        return stands(len(_KANJI.findall(reply)), self.relation, self.kanji_limit)

    def texts(self) -> Texts:
        return () if self.relation in LESS else ("字" * min(self.kanji_limit, 200),)
