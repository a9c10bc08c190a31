"""Constraints on words and letters: `keywords:*`, in English and Japanese.

In English a keyword is found in any case and within words; a forbidden word only as a whole one. In Japanese a keyword
counts where it begins and ends with words. M-IFEval compares a keyword with the words of Janome (IPADIC); here they are
SudachiPy's (mode C). They differ in compounds, of which the two dictionaries hold others as one word, and in keywords
of several words: these are found here, while none of Janome's words equals them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from filters.constraint import LESS, Constraint, Relation, Texts, stands
from filters.japanese_words import tagged_words
from manifests.errors import BadRow

TO_KATAKANA = 96  # from the number of a hiragana to that of its katakana
_SENTENCE = re.compile(r"[^。！？\n]+[。！？\n]?")


@dataclass(frozen=True, slots=True)
class HasKeywords(Constraint):
    """All keywords occur."""

    id: ClassVar[str] = "keywords:existence"
    stated: ClassVar = {
        "en": "Include the keywords {keywords} in your reply.",
        "ja": "{keywords}という語をすべて使って答えてください。",
    }
    keywords: Texts

    def holds(self, reply: str) -> bool:
        lowered = reply.lower()
        return all(word.lower() in lowered for word in self.keywords)

    def texts(self) -> Texts:
        return self.keywords


class HasKeywordsJa(HasKeywords):
    """All keywords occur as words."""

    __slots__ = ()
    id: ClassVar[str] = "ja:keywords:existence"

    def holds(self, reply: str) -> bool:
        return all(next(occurrences(reply, word), None) is not None for word in self.keywords)


@dataclass(frozen=True, slots=True)
class KeywordFrequency(Constraint):
    """A keyword occurs often, or seldom, enough."""

    id: ClassVar[str] = "keywords:frequency"
    stated: ClassVar = {
        "en": 'Use the word "{keyword}" {relation} {frequency} times.',
        "ja": "「{keyword}」という語の使用回数は{frequency}回{relation}にしてください。",
    }
    keyword: str
    frequency: int
    relation: Relation

    def holds(self, reply: str) -> bool:
        return stands(reply.lower().count(self.keyword.strip().lower()), self.relation, self.frequency)

    def texts(self) -> Texts:
        return () if self.relation in LESS else (self.keyword,) * min(self.frequency, 50)


class KeywordFrequencyJa(KeywordFrequency):
    """A keyword occurs often, or seldom, enough as a word."""

    __slots__ = ()
    id: ClassVar[str] = "ja:keywords:frequency"

    def holds(self, reply: str) -> bool:
        return stands(sum(1 for _ in occurrences(reply, self.keyword.strip())), self.relation, self.frequency)


@dataclass(frozen=True, slots=True)
class ForbiddenWords(Constraint):
    """None of some words occurs as a whole word, in any case."""

    id: ClassVar[str] = "keywords:forbidden_words"
    stated: ClassVar = {
        "en": "Do not use any of these words: {forbidden_words}.",
        "ja": "{forbidden_words}という語は使わないでください。",
    }
    forbidden_words: Texts

    @property
    def is_ceiling(self) -> bool:
        return True

    def holds(self, reply: str) -> bool:
        lowered = reply.lower()
        return not any(_is_whole_in(lowered, word.lower()) for word in self.forbidden_words)


class ForbiddenWordsJa(ForbiddenWords):
    """None of some words occurs as words."""

    __slots__ = ()
    id: ClassVar[str] = "ja:keywords:forbidden_words"

    def holds(self, reply: str) -> bool:
        return not any(next(occurrences(reply, word), None) is not None for word in self.forbidden_words)


@dataclass(frozen=True, slots=True)
class LetterFrequency(Constraint):
    """A letter occurs often, or seldom, enough, in any case."""

    id: ClassVar[str] = "keywords:letter_frequency"
    stated: ClassVar = {
        "en": 'The letter "{letter}" must occur {let_relation} {let_frequency} times in your reply.',
        "ja": "「{letter}」という文字の使用回数は{let_frequency}回{let_relation}にしてください。",
    }
    letter: str
    let_frequency: int
    let_relation: Relation

    def __post_init__(self) -> None:
        Constraint.__post_init__(self)
        one_letter(self.id, self.letter)

    def holds(self, reply: str) -> bool:
        return stands(reply.lower().count(self.letter.lower()), self.let_relation, self.let_frequency)

    def texts(self) -> Texts:
        return () if self.let_relation in LESS else (self.letter * min(self.let_frequency, 200),)


class LetterFrequencyJa(LetterFrequency):
    """A letter occurs often, or seldom, enough; a hiragana is counted with its katakana."""

    __slots__ = ()
    id: ClassVar[str] = "ja:keywords:letter_frequency"

    def holds(self, reply: str) -> bool:
        found = reply.count(self.letter)
        if "ぁ" <= self.letter <= "ゖ":
            found += reply.count(chr(ord(self.letter) + TO_KATAKANA))
        return stands(found, self.let_relation, self.let_frequency)


def one_letter(name: str, letter: str) -> None:
    """Raise BadRow where a letter is more than one character."""
    if len(letter) != 1:
        raise BadRow(f"{name}: letter is {letter!r:.80}; expected one character")


def occurrences(reply: str, word: str) -> Iterator[int]:
    """Yield where a word, or several in a row, stand in a reply: they begin and end where words do."""
    if word not in reply:  # most often there is nothing to analyse
        return
    for sentence in _SENTENCE.finditer(reply):
        if word in sentence[0]:
            starts, ends = _edges(sentence[0])
            place = sentence[0].find(word)
            while place >= 0:
                if place in starts and place + len(word) in ends:
                    yield sentence.start() + place
                place = sentence[0].find(word, place + 1)


@lru_cache(maxsize=64)  # the next keyword of the same reply; sentences are short
def _edges(sentence: str) -> tuple[frozenset[int], frozenset[int]]:
    words = tagged_words(sentence)
    return frozenset([word.start for word in words]), frozenset([word.end for word in words])


def _is_whole_in(text: str, word: str) -> bool:
    place = text.find(word)
    while place >= 0:
        end = place + len(word)
        inside = place > 0 and _joins(text[place - 1]) and _joins(word[0])
        if not inside and not (end < len(text) and _joins(text[end]) and _joins(word[-1])):
            return True
        place = text.find(word, place + 1)
    return False


def _joins(letter: str) -> bool:
    return letter.isalnum() or letter == "_"
