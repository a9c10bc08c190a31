"""Questions and answers as models write them, read with their faults.

    quiz = read("- Question: Who dances? Answer: Bees.")   # Quiz((Pair("Who dances?", "Bees."),), halves=0)
    fault(quiz.pairs[0], "Bees dance to show the way.", "en")  # None: the source says so

What is asked for is "Question:" and "Answer:", or 「質問：」 and 「答え：」; numbers, bullets, bold and the short forms
are understood too. A fault is one of FAULTS.
"""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from generators.english_words import COMMON
from generators.gates import strange
from generators.replies import numbers

FAULTS = {
    "ungrounded": "the answer says, or counts, what its source does not",
    "given_away": "the answer stands in its question",
    "about_text": "the question speaks of a text that the reader does not see",
    "repeated": "the question was asked before",
    "foreign": "letters of another script, or Chinese in Japanese, that its source does not have",
}
WORDS = {"en": ("Question: ", "Answer: "), "ja": ("質問：", "答え：")}
LEAST_GROUNDED = 0.5  # share of what an answer says that its source has to say too: answers are worded freely
_LEAD = r"[ \t>*#•・\-–.()（）\d]{0,12}"
_QUESTION = r"(?:questions?|q|質問|問題|問い|問)"
_ANSWER = r"(?:answers?|a|答え|回答|解答|答)"
_NUMBER = r"[ \t*]*\d{0,3}[ \t*]*[:：][ \t*]*"
_MARK = re.compile(
    rf"^{_LEAD}(?P<asks>{_QUESTION}){_NUMBER}|^{_LEAD}{_ANSWER}{_NUMBER}"
    rf"|(?<=[ \t　?？。])\**(?:Answer|答え|回答){_NUMBER}",
    re.IGNORECASE | re.MULTILINE,
)
_ABOUT = re.compile(
    r"\b(?:the|this|above|given|provided|input) (?:(?:above|given|provided|input) )?"
    r"(?:text|passage|article|paragraph|extract|author|document)s?\b"
    r"|(?:この|その|上の|上記の|次の|与えられた)(?:文章|文書|文|本文|記事|段落|テキスト)|本文|筆者",
    re.IGNORECASE,
)
_OPTIONS = re.compile(
    r"\bor\b|それとも|または|あるいは|どちら|どれ|いずれ|[(（][A-Da-dア-エ1-4][)）]|\b[A-D][.)]", re.IGNORECASE
)
_ENGLISH_WORD = re.compile(r"[a-z][a-z'’-]{3,}")
_JAPANESE_RUN = re.compile(r"[\u3005\u3400-\u4dbf\u4e00-\u9fff]{2,}|[ァ-ヺー]{2,}")
_STEM = 5  # letters: "planted" and "planting" are one word
_NEXT_ITEM = re.compile(r"(?:[ \t]|^)(?:\d{1,2}[.)]|[-•・#>]+)$")


class Pair(NamedTuple):
    """A question and its answer, without their marks."""

    question: str
    answer: str


class Quiz(NamedTuple):
    """What a reply asks and answers."""

    pairs: tuple[Pair, ...]
    halves: int  # questions without an answer, and answers without a question


def read(reply: str) -> Quiz:
    """Return the pairs of a reply; what stands before the first mark is none of them."""
    marks = list(_MARK.finditer(reply))
    ends = [*[mark.start() for mark in marks[1:]], len(reply)][: len(marks)]
    said = [(bool(mark["asks"]), _plain(reply[mark.end() : end])) for mark, end in zip(marks, ends, strict=True)]
    pairs: list[Pair] = []
    halves, asked = 0, ""
    for asks, text in said:
        if asks:
            halves += bool(asked)
            asked = text
        elif asked and text:
            pairs.append(Pair(asked, text))
            asked = ""
        else:
            halves += 1
            asked = ""
    return Quiz(tuple(pairs), halves + bool(asked))


def written(pairs: tuple[Pair, ...] | list[Pair], language: str) -> str:
    """Return pairs as one text, in the words of a language."""
    asks, answers = WORDS[language]
    return "\n\n".join([f"{asks}{pair.question}\n{answers}{pair.answer}" for pair in pairs])


def fault(pair: Pair, source: str, language: str, *, shown: bool = False) -> str | None:
    """Return what is wrong with a pair, one of FAULTS but "repeated", or None. `shown`: readers see the source too."""
    if not shown and _ABOUT.search(pair.question):
        return "about_text"
    if strange(f"{pair.question} {pair.answer}", source, language):
        return "foreign"
    if _folded(pair.answer) in _folded(pair.question) and not _OPTIONS.search(pair.question):
        return "given_away"
    said = f"{source} {pair.question}" if _OPTIONS.search(pair.question) else source
    if not numbers(pair.answer) <= numbers(f"{said} {pair.question}") or grounded(pair.answer, said) < LEAST_GROUNDED:
        return "ungrounded"
    return None


def sound(
    pairs: tuple[Pair, ...], source: str, language: str, *, shown: bool = False
) -> tuple[list[Pair], dict[str, int]]:
    """Return the pairs without a fault, and how many have each fault."""
    kept: list[Pair] = []
    faults: dict[str, int] = {}
    asked: set[str] = set()
    for pair in pairs:
        question = _folded(pair.question)
        found = "repeated" if question in asked else fault(pair, source, language, shown=shown)
        asked.add(question)
        if found:
            faults[found] = faults.get(found, 0) + 1
        else:
            kept.append(pair)
    return kept, faults


def grounded(answer: str, source: str) -> float:
    """Return the share of an answer's words, in Japanese of its kanji and katakana in twos, that its source has."""
    said = _terms(answer)
    return len(said & _terms(source)) / len(said) if said else 1.0


@lru_cache(maxsize=16)  # all pairs are held against one source
def _terms(text: str) -> frozenset[str]:
    folded = unicodedata.normalize("NFKC", text).casefold()
    english = {word[:_STEM] for word in _ENGLISH_WORD.findall(folded) if word not in COMMON}
    runs = _JAPANESE_RUN.findall(folded)
    return frozenset(english | {run[place : place + 2] for run in runs for place in range(len(run) - 1)})


def _folded(text: str) -> str:
    letters = [letter for letter in unicodedata.normalize("NFKC", text).casefold() if letter.isalnum()]
    return "".join(letters)


def _plain(text: str) -> str:
    """Return what stands behind a mark on one line, without bold and what leads to the next item."""
    return _NEXT_ITEM.sub("", " ".join(text.replace("**", "").split())).strip()
