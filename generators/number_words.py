"""Numbers written as words or in kanji: "one hundred and five", "three quarters", 三千五百, ４分の３, 3万5千."""

import re
from fractions import Fraction

_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
ONES = {word: number for number, word in enumerate([*_ONES.split(), "seventeen", "eighteen", "nineteen"])}
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
TENS = {word: 10 * number for number, word in enumerate(_TENS, 2)}
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
PARTS = {"half": 2, "halves": 2, "quarter": 4, "quarters": 4, "third": 3, "thirds": 3, "fifth": 5, "fifths": 5}
PARTS |= {"fourth": 4, "fourths": 4, "sixth": 6, "sixths": 6, "eighth": 8, "eighths": 8, "tenth": 10, "tenths": 10}
_WORD = re.compile(r"[a-z]+")
_MOST_WORDS = 24

_DIGITS = {kanji: number for number, kanji in enumerate("〇一二三四五六七八九")} | {"零": 0}
_SMALL = {"十": 10, "百": 100, "千": 1_000}
_LARGE = {"万": 10**4, "億": 10**8, "兆": 10**12}
KANJI = "〇零一二三四五六七八九十百千万億兆"
JAPANESE = re.compile(rf"[0-9.,{KANJI}]{{1,40}}")  # more than what `japanese` takes for a number
_PIECE = re.compile(r"([0-9][0-9,]*(?:\.[0-9]+)?)|(.)")


def english(text: str) -> Fraction | None:
    """Return the number that a text begins with in words, or None where it begins with none.

    >>> english("twenty-five dollars")
    Fraction(25, 1)
    """
    words = _WORD.findall(text.lower()[:300])[:_MOST_WORDS]
    sign = 1
    if words and words[0] in {"minus", "negative"}:
        sign, words = -1, words[1:]
    article = words[:1] in (["a"], ["an"])
    words = words[article:]
    used, whole = _whole(words)
    rest = words[used:]
    if rest[:1] == ["and"] and len(rest) > 1:
        part = _part(rest[1:])
        if part is not None:
            return sign * ((whole or 0) + part)
    if rest and rest[0] in PARTS and (whole is not None or article or rest[0] == "half"):  # "third" alone is a place
        return sign * Fraction(1 if whole is None else whole, PARTS[rest[0]])
    return None if whole is None else Fraction(sign * whole)


def _part(words: list[str]) -> Fraction | None:
    """Return the fraction that some words begin with, such as "three quarters" or "a half"."""
    words = words[1:] if words[0] in {"a", "an"} else words
    used, number = _whole(words)
    if used < len(words) and words[used] in PARTS:
        return Fraction(1 if number is None else number, PARTS[words[used]])
    return None


def _whole(words: list[str]) -> tuple[int, int | None]:
    """Return how many words are a whole number, and that number."""
    total, group, used = 0, None, 0
    for place, word in enumerate(words):
        if _fits(word, group):
            group = (group or 0) + ONES.get(word, TENS.get(word, 0))
        elif word == "hundred":
            group = (group or 1) * 100
        elif word in SCALES and (group or not total):
            total, group = total + (1 if group is None else group) * SCALES[word], 0
        elif word == "dozen":
            group = (group or 1) * 12
        elif word == "and" and group and words[place + 1 : place + 2] and _is_number(words[place + 1]):
            continue
        else:
            break
        used = place + 1
    return used, None if group is None else total + group


def _is_number(word: str) -> bool:
    return word in ONES or word in TENS


def _fits(word: str, group: int | None) -> bool:
    """Tell whether a word goes on with a number below a thousand: "twenty" with "five", but not "two" with "five"."""
    tens = (group or 0) % 100
    return (not tens and _is_number(word)) or (tens >= 20 and not tens % 10 and 0 < ONES.get(word, 0) < 10)


def japanese(text: str) -> Fraction | None:
    """Return a number written in kanji, or in digits and kanji, or None where the text is no such number.

    >>> japanese("3万5千")
    Fraction(35000, 1)
    """
    if len(text) > 40 or not set(KANJI).intersection(text):
        return None
    if all(letter in _DIGITS for letter in text):  # 二〇二四
        return Fraction("".join([str(_DIGITS[letter]) for letter in text]))
    total, group, digit = Fraction(0), Fraction(0), None
    small = large = 10**16  # each unit is below the one before it
    for number, letter in _PIECE.findall(text):
        if number or letter in _DIGITS:
            if digit is not None:
                return None
            digit = Fraction(number.replace(",", "")) if number else Fraction(_DIGITS[letter])
        elif _SMALL.get(letter, small) < small:
            small = _SMALL[letter]
            group, digit = group + (1 if digit is None else digit) * small, None
        elif _LARGE.get(letter, large) < large:
            small, large = 10**16, _LARGE[letter]
            total, group, digit = total + (group + (digit or 0) or 1) * large, Fraction(0), None
        else:
            return None
    return total + group + (digit or 0)
