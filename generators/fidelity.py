"""How a translation stands to its source, by what can be counted: length, sentences, numbers, names, scripts, marks.

The figures behind the length were taken from 2,000 pairs of English and Japanese news (WMT20): the width of a text
counts a kanji as 3 letters and a kana as 1.8; a translation is 1.1 times as wide as its source, give or take less the
longer it is. Other pairs of languages differ more.
"""

import math
import re
import unicodedata
from collections import Counter
from functools import lru_cache

HAN, KANA, HANGUL, LATIN, OTHER = "han", "kana", "hangul", "latin", "other"
SCRIPTS = {  # that a language is written in, Latin beside all of them
    "ja": frozenset({HAN, KANA}),
    "zh": frozenset({HAN}),
    "ko": frozenset({HANGUL, HAN}),
}
_HAN, _KANA, _HANGUL = "\u3005\u3400-\u4dbf\u4e00-\u9fff", "\u3041-\u3096\u30a1-\u30fa\u30fc", "\uac00-\ud7a3"
_HAN_RUN, _KANA_RUN = re.compile(f"[{_HAN}]+"), re.compile(f"[{_KANA}]+")
_HANGUL_RUN, _LATIN_RUN = re.compile(f"[{_HANGUL}]+"), re.compile("[A-Za-zÀ-ÖØ-öø-ɏ]+")
_OTHER_RUN = re.compile(f"[^\\W\\d_A-Za-zÀ-ÖØ-öø-ɏ{_HAN}{_KANA}{_HANGUL}]+")
# Words of Chinese grammar whose characters Japanese has too.
_CHINESE = re.compile(
    "没有|但是|可以|如果|或者|不是|就是|我的|他的|的人(?![々ぁ-んァ-ヶ一-龯])|的是|一个|以及|自己的|不会|不能|只有|都是|也是|也不|了一|在一|是一"
)
_WORDS = re.compile(r"[A-Za-z][A-Za-z'’-]*(?:[ \t]+[A-Za-z][A-Za-z'’-]*)+")
_END = re.compile(r"[。！？.!?…\n]+[」』）)\"'”’\]]*")
_PLAIN_END = frozenset(".!?…")  # which ends a sentence before a blank only: not in 2.5
_NOT_AN_END = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|St|No|vs|Jr|Sr|Gen|Rep|Sen|Gov|Prof|e\.g|i\.e)|\b[A-Z])\.\Z")
_UNITS = {"千": 10**3, "万": 10**4, "百万": 10**6, "千万": 10**7, "億": 10**8, "千億": 10**11, "兆": 10**12}
_UNITS |= {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)[ \t-]?(百万|千万|千億|千|万|億|兆|[Tt]housand|[MmBb]illion|[Tt]rillion)?")
_VAGUE = (
    "年",
    "月",
    "秒",
    "分",
    "代",
    "か月",
    "ヶ月",
    "カ月",
)  # of which dates and times are made, each language in its way
_NAME = re.compile(r"(?<![A-Za-z0-9])(?<![A-Z] )[A-Z][A-Z0-9&]{2,5}(?![A-Za-z0-9]| [A-Z]{2})")  # NATO: most keep it
_CAPITALS = re.compile("[A-Z]{3}")
_CODE = re.compile(r"`{1,3}[^`\n]+`{1,3}|https?://[^\s)>\]」）、。]+|<[/A-Za-z][^<>\n]*>|\{[^{}\n]*\}")
_MARKS = re.compile(r"`{1,3}[^`\n]+`{1,3}|https?://[^\s)>\]」）、。]+|<[/A-Za-z][^<>\n]*>|\]\(|\*\*|\||```")
_MARKED = re.compile(r"[`<*|｜\]]|://")
_LEADING = re.compile(r"[ \t]*(?:#{1,6}|[-*+>]|\d{1,9}[.)])[ \t]")
_COMMA = re.compile(r",(?<=[0-9],)(?=[0-9]{3})")
_POINT = re.compile(r"(?<=\d)・(?=\d)")
LONGEST = 20  # digits of a number
_TALK = re.compile(r"\btranslat(?:e[ds]?|ing|ions?|ors?)\b|翻訳|訳文|原文|訳しま|和訳|英訳", re.IGNORECASE)
_OF_TRANSLATION = re.compile("translat|interpret|original|traduc|traduz|traduir|übersetz|翻|訳|번역|译", re.IGNORECASE)
MUCH_HAN = 16
SMALL = 12  # numbers up to here are written as words, as months or not at all


@lru_cache(maxsize=256)  # as the next ones: all candidates are compared with one source, and each is measured twice
def width(text: str) -> float:
    """Return about how many letters of English a text is worth; blanks do not count."""
    letters = float(sum(map(len, text.split())))
    if text.isascii():
        return letters
    han = sum(map(len, _HAN_RUN.findall(text)))
    kana = sum(map(len, _KANA_RUN.findall(text)))
    return letters + 2.0 * han + 0.8 * kana


def deviation(text: str, source: str) -> float:
    """Return by how many standard deviations a translation is longer than expected; negative where it is shorter."""
    wide, given = width(text) + 4, width(source) + 4
    return (math.log(wide / given) - 0.1) / math.sqrt(0.05**2 + 1.3**2 / given + (4 / given) ** 2)


def sentences(text: str) -> int:
    """Return how many sentences a text has, of lines and what ends with a full stop; at least one."""
    count, start = 0, 0
    for end in _END.finditer(text):
        if end[0][0] in _PLAIN_END and not _ends_here(text, start, end):
            continue
        count += any(map(str.isalnum, text[start : end.start()]))
        start = end.end()
    return max(1, count + any(map(str.isalnum, text[start:])))


def _ends_here(text: str, start: int, end: re.Match[str]) -> bool:
    """Tell whether a full stop of English ends a sentence, and neither a number nor an abbreviation."""
    if "\n" not in end[0] and end.end() < len(text) and not text[end.end()].isspace():
        return False
    return end[0][0] != "." or not _NOT_AN_END.search(text, max(start, end.start() - 6), end.start() + 1)


def incomplete(text: str, source: str) -> float:
    """Return how much speaks for something left out.

    Standard deviations below the expected length, and 1.5 for each sentence less, beyond one of ten.
    """
    fewer = _sentences(source) - sentences(text) - 0.1 * _sentences(source)
    return 1.5 * max(0.0, math.ceil(fewer)) - deviation(text, source)


def facts_lost(text: str, source: str) -> float:
    """Return how many numbers above twelve a translation lost, beyond a quarter of them.

    A name in capitals counts a half: many are written out in another language.
    """
    numbers, names = _wanted(source)
    if not numbers and not names:
        return 0.0
    plain = _plain(text)
    lost = len(numbers - _amounts(plain)) + 0.5 * sum([name not in plain for name in names])
    return lost - 0.25 * (len(numbers) + len(names))


def foreign(text: str, source: str, to: str) -> int:
    """Return the letters of a translation in scripts that its language is not written in, and in Chinese forms.

    Letters outside the scripts of East Asia are no fault where the source has them too. Much kanji and no kana at all
    is Chinese.
    """
    allowed, letters = SCRIPTS.get(to, frozenset()), _scripts(_bare(text))
    found = sum([len(letters[script]) for script in (HAN, KANA, HANGUL) if script not in allowed])
    found += sum([not _latin(letter) and letter not in source for letter in letters[OTHER]])
    if to == "ja" and letters[HAN]:
        found += sum(map(len, _CHINESE.findall(text))) + _not_japanese(letters[HAN])
        found += len(letters[HAN]) if len(letters[HAN]) >= MUCH_HAN and not letters[KANA] else 0
    return found


def own_share(text: str, to: str) -> float:
    """Return the share of letters, code aside, in the scripts of a language; 1 for those that Latin is enough for."""
    own = SCRIPTS.get(to)
    if own is None:
        return 1.0
    letters = _scripts(_bare(text))
    return sum([len(letters[script]) for script in own]) / max(1, sum(map(len, letters.values())))


def untranslated(text: str, source: str, to: str) -> int:
    """Return the longest run of words, one of them in small letters, that a text in another script took over."""
    if to not in SCRIPTS:
        return 0
    runs = [run[0] for run in _WORDS.finditer(_bare(text)) if run[0] in source]
    return max([len(run.split()) for run in runs if any(word[0].islower() for word in run.split())], default=0)


def talk(text: str, source: str) -> int:
    """Return how often a text speaks of translating where its source does not: it talks about the task."""
    if "訳" not in text and "ransl" not in text.lower():
        return 0
    return 0 if _OF_TRANSLATION.search(source) else len(_TALK.findall(text))


def marks_changed(text: str, source: str) -> int:
    """Return how many marks of Markdown, tags, addresses and pieces of code were lost or added, and lines added."""
    there, here = _marks(source), _marks(text)
    lines = max(0, text.strip().count("\n") - source.strip().count("\n"))
    leading = bool(_LEADING.match(text)) and not _LEADING.match(source)
    lost = (there - here).total() - (there - here)["|"]  # a bar that a sentence had may go; a new one cuts a cell
    return lost + (here - there).total() + lines + leading


@lru_cache(maxsize=256)
def _bare(text: str) -> str:
    return _CODE.sub(" ", text) if any(mark in text for mark in ("`", "<", "{", "://")) else text


@lru_cache(maxsize=256)
def _scripts(text: str) -> dict[str, str]:
    """Return the letters of a text by their script."""
    found = {LATIN: "".join(_LATIN_RUN.findall(text))}
    if text.isascii():
        return found | {HAN: "", KANA: "", HANGUL: "", OTHER: ""}
    return found | {
        HAN: "".join(_HAN_RUN.findall(text)),
        KANA: "".join(_KANA_RUN.findall(text)),
        HANGUL: "".join(_HANGUL_RUN.findall(text)),
        OTHER: "".join(_OTHER_RUN.findall(text)),
    }


def _not_japanese(letters: str) -> int:
    """Return how many characters are in none of the sets that Japanese is written with: 说 is not, 説 is."""
    return letters.encode("cp932", "replace").count(b"?")  # no byte of another character is one


def _latin(letter: str) -> bool:
    return ord(letter) < 0x250 or 0xFF21 <= ord(letter) <= 0xFF5A or unicodedata.normalize("NFKC", letter) < "\u0250"


@lru_cache(maxsize=256)
def _sentences(text: str) -> int:
    return sentences(text)


@lru_cache(maxsize=256)
def _marks(text: str) -> Counter[str]:
    return Counter(_MARKS.findall(text.replace("｜", "|")) if _MARKED.search(text) else ())


def _plain(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


@lru_cache(maxsize=256)
def _wanted(text: str) -> tuple[frozenset[float], frozenset[str]]:
    plain = _plain(text)
    names = _NAME.findall(plain) if _CAPITALS.search(plain) else ()
    return _amounts(plain, vague=False), frozenset(names)


def _amounts(text: str, *, vague: bool = True) -> frozenset[float]:
    """Return the numbers above twelve, with their units: 2万5千 is 25,000, and so is 25 thousand."""
    found: set[float] = set()
    before: tuple[float, int, int] | None = None  # an amount, its unit, and where it ended
    plain = _COMMA.sub("", text) if "," in text else text
    plain = _POINT.sub(".", plain) if "・" in plain else plain
    for number in _AMOUNT.finditer(plain):
        if len(number[1]) > LONGEST or (not vague and plain.startswith(_VAGUE, number.end())):
            continue
        unit = _UNITS.get((number[2] or "").lower(), 1)
        amount = float(number[1]) * unit
        if before and unit < before[1] and not plain[before[2] : number.start()].strip():
            found.discard(before[0])
            amount = round(amount + before[0], 4)
        before = amount, unit, number.end()
        if amount > SMALL:
            found.add(amount)
    return frozenset(found)
