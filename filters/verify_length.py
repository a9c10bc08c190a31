"""Constraints on length: `length_constraints:*`.

Paragraphs are told apart by `***`, or by an empty line where a word of the n-th is asked for, as in the benchmarks.
IFEval counts English sentences with NLTK's Punkt; here a sentence ends with its marks before a blank, where these
belong to no abbreviation. Japanese ones end with 。!? outside brackets, or with the line, unless it ends in の.
"""

import re
from dataclasses import dataclass
from typing import ClassVar

from filters.constraint import Constraint, Relation, Texts, stands
from filters.sentences import ABBREVIATIONS
from manifests.errors import BadRow

PARAGRAPHS = "***"
_WORD = re.compile(r"\w+")
# A run of marks begins where no mark stands before: each is looked at once, however long it is.
_END = re.compile(r"""(?<![.!?])[.!?]++["')\]”’*_]*+(?=\s|$)""")
_LAST_WORD = re.compile(r"\S{0,12}$")
_JAPANESE_END = re.compile(r"[。!?！？]+")
_JAPANESE_SIGN = re.compile(r"([「『（(])|([」』）)])|[。!?！？]+")
_STARS = re.compile(r"\s?\*\*\*\s?")


@dataclass(frozen=True, slots=True)
class NumberSentences(Constraint):
    """So many sentences."""

    id: ClassVar[str] = "length_constraints:number_sentences"
    stated: ClassVar = {
        "en": "Write {relation} {num_sentences} sentences.",
        "ja": "答えの文の数は{num_sentences}文{relation}にしてください。",
    }
    num_sentences: int
    relation: Relation

    def holds(self, reply: str) -> bool:
        return stands(english_sentences(reply), self.relation, self.num_sentences)


class NumberSentencesJa(NumberSentences):
    """The same in Japanese."""

    __slots__ = ()
    id: ClassVar[str] = "ja:length_constraints:number_sentences"

    def holds(self, reply: str) -> bool:
        return stands(japanese_sentences(reply), self.relation, self.num_sentences)


@dataclass(frozen=True, slots=True)
class NumberParagraphs(Constraint):
    """Exactly so many paragraphs, with `***` between them and nothing empty inside."""

    id: ClassVar[str] = "length_constraints:number_paragraphs"
    stated: ClassVar = {
        "en": "Write exactly {num_paragraphs} paragraphs, separated by the divider ***.",
        "ja": "ちょうど{num_paragraphs}個の段落に分け、段落の間は「***」で区切ってください。",
    }
    num_paragraphs: int

    def holds(self, reply: str) -> bool:
        parts = _STARS.split(reply)
        said = [bool(part) and not part.isspace() for part in parts]
        return all(said[1:-1]) and sum(said) == self.num_paragraphs

    def texts(self) -> Texts:
        return (PARAGRAPHS,) * min(self.num_paragraphs - 1, 50)


class NumberParagraphsJa(NumberParagraphs):
    """The same in Japanese."""

    __slots__ = ()
    id: ClassVar[str] = "ja:length_constraints:number_paragraphs"


@dataclass(frozen=True, slots=True)
class NumberWords(Constraint):
    """So many words: runs of letters, digits and underscores."""

    id: ClassVar[str] = "length_constraints:number_words"
    stated: ClassVar = {
        "en": "Write {relation} {num_words} words.",
        "ja": "答えの英単語の数は{num_words}語{relation}にしてください。",
    }
    num_words: int
    relation: Relation

    def holds(self, reply: str) -> bool:
        return stands(len(_WORD.findall(reply)), self.relation, self.num_words)


@dataclass(frozen=True, slots=True)
class NumberLetters(Constraint):
    """So many characters, blanks included."""

    id: ClassVar[str] = "ja:length_constraints:number_letters"
    stated: ClassVar = {
        "en": "Write {relation} {num_letters} characters.",
        "ja": "答えは{num_letters}文字{relation}で書いてください。",
    }
    num_letters: int
    relation: Relation

    def holds(self, reply: str) -> bool:
        return stands(len(reply), self.relation, self.num_letters)


@dataclass(frozen=True, slots=True)
class NthParagraphFirstWord(Constraint):
    """So many paragraphs between empty lines, the n-th of which begins with a word, in any case."""

    id: ClassVar[str] = "length_constraints:nth_paragraph_first_word"
    stated: ClassVar = {
        "en": "Write exactly {num_paragraphs} paragraphs, with an empty line and nothing else between them. "
        'Paragraph {nth_paragraph} must begin with the word "{first_word}".',
        "ja": "段落の数はちょうど{num_paragraphs}個とし、段落の間は空行だけで区切ってください。"
        "{nth_paragraph}番目の段落は「{first_word}」で始めてください。",
    }
    num_paragraphs: int
    nth_paragraph: int
    first_word: str

    def __post_init__(self) -> None:
        Constraint.__post_init__(self)
        if self.nth_paragraph > self.num_paragraphs:
            raise BadRow(
                f"{self.id}: paragraph {self.nth_paragraph} of {self.num_paragraphs}; expected one that there is"
            )

    def holds(self, reply: str) -> bool:
        paragraphs = [part for part in reply.split("\n\n") if part and not part.isspace()]
        return len(paragraphs) == self.num_paragraphs and self._begins(paragraphs[self.nth_paragraph - 1].strip())

    def _begins(self, paragraph: str) -> bool:
        word = paragraph.split(maxsplit=1)[0].lstrip("'\"")
        return re.split(r"[.,?!'\"]", word, maxsplit=1)[0].lower() == self.first_word.strip().lower()

    def texts(self) -> Texts:
        return (self.first_word,)


class NthParagraphFirstWordJa(NthParagraphFirstWord):
    """The same in Japanese, where the paragraph begins with the letters of the word, after 「 or 『."""

    __slots__ = ()
    id: ClassVar[str] = "ja:length_constraints:nth_paragraph_first_word"

    def _begins(self, paragraph: str) -> bool:
        return paragraph.lstrip("「").lstrip("『").lower().startswith(self.first_word.strip().lower())


def english_sentences(text: str) -> int:
    """Return how many sentences a text has; what no mark ends is one too."""
    text = text.strip()
    count, end = 0, 0
    for mark in _END.finditer(text):
        last = _LAST_WORD.search(text, max(0, mark.start() - 12), mark.start() + 1)
        if mark.end() < len(text) and last and last[0].lstrip("\"'([") in ABBREVIATIONS:
            continue
        count, end = count + 1, mark.end()
    return count + (end < len(text))


def japanese_sentences(text: str) -> int:
    """Return how many sentences a text has, in the way of M-IFEval: a bracket's own marks end none."""
    text = text.replace("の\n", "の")
    if not any(sign in text for sign in "「『（("):
        return sum(1 for line in text.split("\n") for part in _JAPANESE_END.split(line) if part and not part.isspace())
    return sum([_outside(line) for line in text.split("\n")])


def _outside(line: str) -> int:
    count, depth, start = 0, 0, 0
    for sign in _JAPANESE_SIGN.finditer(line):
        if sign[1]:
            depth += 1
        elif sign[2]:
            depth = max(0, depth - 1)
        elif depth == 0:
            count += bool(line[start : sign.start()].strip())
            start = sign.end()
    return count + bool(line[start:].strip())
