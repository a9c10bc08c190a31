"""Names, dates and figures in English, found by rule.

Self-Tuning takes them from spaCy's statistical model, which no package of an index carries; the taggers that come with
their lexicon are too slow (textblob: 1,300 documents of 1.3 kB a second, for the tags alone) and know no names. What
is found here is what writing itself marks: runs of capitalised words, quoted titles, dates, amounts. The first word of
a sentence has a capital anyway; it is a name where it stands with a capital elsewhere in the text, or is an acronym.
"""

import re
import sys

from filters.sentences import sentences as split
from generators.english_words import COMMON, DATES, DETERMINERS, IN_NAMES, NO_PHRASE, PREPOSITIONS, SAYINGS
from generators.mentions import Mention, Reader, Sentence

MIN_CHARS, MAX_CHARS = 20, 400  # of a sentence that one can be asked about
LONGEST_PHRASE = 7  # words
LONGEST_ACRONYM = 6  # letters: a longer word in capitals is shouted

_CAPITAL = "".join([chr(code) for code in range(sys.maxunicode >> 8) if chr(code).isupper()])
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?)"
)
_DAY = r"[0-3]?\d(?:st|nd|rd|th)?"
_MANY = r"(?:\ (?:thousand|million|billion|trillion))"
_WORD = (
    rf"(?:(?:Mr|Mrs|Ms|Dr|Prof|St|Mt)\.(?=\ )|(?:[{_CAPITAL}]\.){{2,}}|[{_CAPITAL}]\.(?=\ ?[{_CAPITAL}])"
    rf"|[{_CAPITAL}]\w*+(?:(?!['’]s\b)['’&]\w++|-[{_CAPITAL}]\w*+)*+)"
)
_PARTICLE = r"(?:(?:of\ the|of|de\ la|de|del|della|van\ der|van|von\ der|von|der|den|di|da|du|al|bin|ibn|&)\ )"
_MENTION = re.compile(
    rf"""(?<![\w.,/:@#$\\-])(?<!\w\()(?=[{_CAPITAL}\d$€£¥])(?:
      (?P<date>{_DAY}\ {_MONTH}(?:,?\ \d{{4}}\b)?
             | {_MONTH}\ {_DAY}(?:,?\ \d{{4}}\b)?(?!\d)
             | {_MONTH},?\ \d{{4}}
             | (?:1[5-9]|20)\d\ds? )
    | (?P<number>(?:US)?[$€£¥]\ ?\d[\d,]*+(?:\.\d+)?{_MANY}?
               | (?:\d{{1,3}}(?:,\d{{3}})++|\d++)(?:\.\d++)?(?:{_MANY}?(?:%|\ percent|\ per\ cent)|{_MANY})?)
    | (?<=["“])(?P<title>[{_CAPITAL}][^"“”]{{1,60}}+)(?=["”])
    | (?P<name>{_WORD}(?:\ {_PARTICLE}?{_WORD})*+)
    )(?![\w@/\\(%]|:\S|[.,]\d|-\w|\.\w)""",
    re.VERBOSE,
)
_MARK = re.compile(r"[.!?][\"'”’)\]]*$")
_BEGINS = re.compile(rf"[\"'“‘(\[]*[{_CAPITAL}\d]")


def sentences(text: str) -> list[Sentence]:
    """Return the whole sentences of a text, without headings and items of lists, and what they mention."""
    whole = [
        sentence
        for line in text.split("\n")
        if len(line) >= MIN_CHARS
        for sentence in split(line)
        if MIN_CHARS <= len(sentence) <= MAX_CHARS and _is_whole(sentence)
    ]
    found = [[(match, match.lastgroup) for match in _MENTION.finditer(sentence)] for sentence in whole]
    known = {
        word
        for sentence, matches in zip(whole, found, strict=True)
        for match, kind in matches
        if kind == "name" and not _begins(sentence, match.start())
        for word in match.group().split()
    }
    return [
        Sentence(
            sentence, tuple([mention for match, kind in matches for mention in _mention(sentence, match, kind, known)])
        )
        for sentence, matches in zip(whole, found, strict=True)
    ]


def last_phrase(sentence: str) -> tuple[int, int] | None:
    """Return where the noun phrase stands that ends a sentence behind a preposition, without the full stop."""
    end = len(sentence) - 1
    if sentence[end] not in ".!?" or not sentence[end - 1].isalnum():
        return None
    words = list(re.finditer(r"\S+", sentence[:end]))
    for place in range(len(words) - 2, max(0, len(words) - 2 - LONGEST_PHRASE), -1):
        word = words[place + 1].group()
        if (not word[-1].isalnum() and place + 2 < len(words)) or word.lower() in NO_PHRASE:
            return None
        before = words[place].group()
        if before.lower() in PREPOSITIONS:
            phrase = [word.group() for word in words[place + 1 :]]
            return (words[place + 1].start(), end) if _is_phrase(before.lower(), phrase) else None
    return None


def _is_phrase(preposition: str, words: list[str]) -> bool:
    """Tell whether the words behind a preposition can be all of a noun phrase."""
    first, last = words[0], words[-1].lower()
    named = first.lower() in DETERMINERS or first[0].isupper() or first[0].isdigit()
    if len(words) == 1 and (last in SAYINGS or last in DETERMINERS or len(last) < 3):
        return False
    if not named and (preposition == "to" or first.endswith("ing") or not first[0].isalpha()):
        return False  # to see, by using
    return not last.endswith(("ly", "ed")) and last not in DETERMINERS and last not in {"and", "or"}


def _is_whole(sentence: str) -> bool:
    return (
        bool(_MARK.search(sentence) and _BEGINS.match(sentence)) and sentence.count(" ") >= 3 and not sentence.isupper()
    )


def _begins(sentence: str, start: int) -> bool:
    """Tell whether a word there has its capital from the beginning of a sentence, or from a colon or a quotation."""
    before = sentence[:start].rstrip("\"'“‘([ ")
    return not before or (before[-1] in ":;.!?—–-" and not before.endswith(("Mr.", "Mrs.", "Ms.", "Dr.", "St.")))


def _mention(sentence: str, match: re.Match[str], kind: str | None, known: set[str]) -> list[Mention]:
    text, start = match.group(), match.start()
    if kind == "date":
        return [Mention(text, start, "date")]
    if kind == "number":
        return [Mention(text, start, "number")] if len(text) > 1 else []
    if kind == "title":
        return [Mention(text, start, "title")] if _is_title(text) else []
    return _name(sentence, text, start, known)


def _is_title(text: str) -> bool:
    words = [word for word in text.split() if len(word) > 3] or [text]
    return text[-1] not in ",.!?;: " and sum(word[0].isupper() for word in words) * 2 > len(words)


def _name(sentence: str, text: str, start: int, known: set[str]) -> list[Mention]:
    """Return a run of capitalised words as a name, without the words before it that have their capital for nothing."""
    words = text.split(" ")
    begins = _begins(sentence, start)
    while words and (_is_needless(words) or (begins and _is_unsure(words, known))):
        start += len(words[0]) + 1
        begins = False
        del words[0]
        while words and not words[0][0].isupper():  # a particle
            start += len(words[0]) + 1
            del words[0]
    while words and (_is_common(words[-1]) or not words[-1][0].isupper() or _is_initial(words[-1])):
        del words[-1]
    text = " ".join(words)
    is_unit = len(text) < 4 and sentence[: max(0, start - 1)][-1:].isdigit()  # 197 Nm
    is_shouted = text.isupper() and max(map(len, words)) > LONGEST_ACRONYM
    if len(text) < 2 or is_unit or is_shouted:
        return []
    return [Mention(text, start, "date" if text in DATES else "name")]


def _is_initial(word: str) -> bool:
    return len(word) == 2 and word[1] == "."


def _is_needless(words: list[str]) -> bool:
    return _is_common(words[0]) and not (len(words) > 1 and words[0].lower() in IN_NAMES)


def _is_common(word: str) -> bool:
    return word.lower().replace("’", "'").partition("'")[0] in COMMON


def _is_unsure(words: list[str], known: set[str]) -> bool:
    """Tell whether the first word of a sentence may be no name: nothing but its place gives it the capital."""
    first = words[0]
    if first in known or any(letter.isupper() or letter.isdigit() for letter in first[1:]):
        return False
    return len(words) == 1 or first.endswith(("ing", "ly", "ed"))


ENGLISH = Reader(sentences, last_phrase)
