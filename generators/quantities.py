"""The quantity that a phrase names, as an exact number: "$1,080.00 a week", "about two thirds", 「3万5千円」.

A percentage is the number before its sign, for that is how references have it: 25% is 25, and is the same as .25 too.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from generators.arithmetic import NUMBER, plain, value_of
from generators.number_words import JAPANESE, KANJI, SCALES, english, japanese

MAX_CHARS = 400  # of a phrase that are read
MAX_DIGITS = 60  # of a number that is written down
_FINE = 4  # decimals that an answer may have of itself
_AMOUNT = re.compile(
    rf"""(?<![A-Za-z0-9])
    (?P<sign>[-+]\s?)?(?:US|A|C)?[$€£¥₹]?\s?(?P<minus>-)?
    (?:(?P<whole>[0-9]{{1,9}})\s+(?P<up>[0-9]{{1,9}})/(?P<down>[0-9]{{1,9}})(?![0-9])
      |(?P<above>{NUMBER})\s*/\s*(?P<below>{NUMBER})(?![0-9/])
      |(?P<of>[0-9]{{1,15}})\s*分の\s*(?P<some>[0-9]{{1,15}})(?![0-9])
      |(?P<mixed>[0-9][0-9,]{{0,30}}(?:\.[0-9]{{1,30}})?[十百千万億兆][0-9.,{KANJI}]{{0,30}})
      |(?P<number>{NUMBER})(?:[eE](?P<power>[-+]?[0-9]{{1,2}}))?(?![0-9]|[abnxyz]\b|e[-+]?[0-9]))
    (?:\s?(?P<scale>hundred|thousand|million|billion|trillion|dozen)\b|(?P<k>k)(?![A-Za-z]))?
    (?:\s?(?P<percent>%|percent\b|per\ cent\b|パーセント)|(?P<tenths>割))?""",
    re.VERBOSE | re.IGNORECASE,
)
_LATEX_PART = re.compile(rf"\(\((-?(?:{NUMBER}))\)/\((-?(?:{NUMBER}))\)\)")
_BRACKETS = re.compile(r"(?<![0-9A-Za-z])\([^()]{0,200}\)|\[[^\[\]]{0,200}\]")
# Roots and circles have no exact number here, and an expression with a variable is none.
_NO_NUMBER = re.compile(
    r"[√∛π∞]|\\(?:sqrt|pi|log|ln|sin|cos|tan|infty)|\b(?:sqrt|pi)\b"
    r"|\b[xyzabnk]\s*[-+*/^]|\b[a-z]\s*[*/^]\s*[0-9]|[-+*/^]\s*[xyzabnk]\b|[0-9)][xyzabn]\b"
)
_EITHER = re.compile(r"\b(?:and|or)\b|[;；]|(?:と|や|か|または|もしくは|、|,)\s*\Z", re.IGNORECASE)
_THEN_ASIDE = re.compile(r"\b(?:in|per|for|of|over|after|at|on|by|from|every|each|within|during|out|to|with|than)\b")
_HIRAGANA = re.compile("[ぁ-ん]")
_INNER = re.compile(r"\([^()]{0,200}\)")
_NOT_A_SUM = re.compile(r"[0-9)]\s*[-+]|%")  # 5-6 is no -1
_LEADING = re.compile(
    r"(?:about|around|approximately|exactly|only|just|a total of|the|約|およそ|ちょうど|合計で?|[\s:：])+"
)
_UNIT_POWER = re.compile(r"(?<=[A-Za-z]{2}|[ 0-9][ms])\s*\^\s*\(?[23]\)?")
_AND_A_PART = re.compile(r"(?<=[0-9])(?: and |と)(?=[0-9]+/[0-9])")
_AND_A_HALF = re.compile(r"(?<=[0-9]) and a half\b")
_KANJI_PART = re.compile(rf"([{KANJI}0-9]{{1,20}})分の([{KANJI}0-9]{{1,20}})")


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact number. Equal ones are the same vote."""

    value: Fraction
    percent: bool = False

    def __str__(self) -> str:
        return written(self.value) + "%" * self.percent

    def same(self, other: "Quantity") -> bool:
        """Tell whether two are the same answer: equal, or the one is the other rounded, or as a percentage."""
        if self.value == other.value or _rounded(self.value, other.value) or _rounded(other.value, self.value):
            return True
        one = self.value / 100 if self.percent else self.value
        return self.percent != other.percent and one == (other.value / 100 if other.percent else other.value)


def _rounded(short: Fraction, long: Fraction) -> bool:
    """Tell whether a number of two to four decimals is a number of more, or without an end, rounded: 33.33 is 100/3."""
    if 10**_FINE % long.denominator == 0:
        return False
    places = next((places for places in range(2, _FINE + 1) if 10**places % short.denominator == 0), None)
    return places is not None and short.denominator > 1 and abs(short - long) * 2 * 10**places <= 1


def exact(given: str | float | Decimal | Fraction) -> Quantity | None:
    """Return what is one number, or None: 18, 18.0 and "18" are equal."""
    if isinstance(given, str):
        found = quantities(given)
        return found[0] if len(found) == 1 else None
    try:
        return Quantity(Fraction(str(given)))
    except ValueError:  # not a number, or infinite
        return None


def quantities(phrase: str) -> tuple[Quantity, ...]:
    """Return the different numbers that a phrase offers: one where it is an answer, several where it is undecided.

    What stands in brackets, what a preposition makes a circumstance, and in Japanese what comes before the last number
    of a phrase are no offers: "18 eggs in 3 days" offers 18, 「3日で18個」 too, "3 hours 30 minutes" two numbers.
    """
    text = _LATEX_PART.sub(r" \1/\2 ", plain(phrase[:MAX_CHARS])).strip(" \t\n.,:;!?。、*_`\"'")
    text = _AND_A_PART.sub(" ", _AND_A_HALF.sub(".5", _UNIT_POWER.sub("", text)))
    text = text.rpartition("=")[2].strip() or text
    if _NO_NUMBER.search(text):
        return ()
    if not _NOT_A_SUM.search(_INNER.sub("", text)) and not text.isalnum() and (value := value_of(text)) is not None:
        return (Quantity(value),)
    outside = _BRACKETS.sub(" ", text)
    text = outside if _AMOUNT.search(outside) else text
    found: list[Quantity] = []
    end, aside = 0, False
    for one in _AMOUNT.finditer(text):
        quantity = _read(one, text)
        gap, end = text[end : one.start()], one.end()
        if found and not _EITHER.search(gap):
            if aside or _THEN_ASIDE.search(gap):
                aside = True
                continue
            if _HIRAGANA.search(gap):
                found.pop()
        if quantity:
            found.append(quantity)
    if not found:
        found = [one for one in (_in_words(text),) if one]
    return tuple(dict.fromkeys(found))


def amounts(phrase: str) -> tuple[Quantity, ...]:
    """Return every different quantity that stands in a phrase in digits, also those that are circumstances."""
    text = _LATEX_PART.sub(r" \1/\2 ", plain(phrase[:MAX_CHARS]))
    found = (_read(one, text) for one in _AMOUNT.finditer(text))
    return tuple(dict.fromkeys([one for one in found if one]))


def written(value: Fraction) -> str:
    """Return a number as text: decimal where that is exact and short, else as a fraction."""
    rest, places = value.denominator, 0
    while rest % 10 == 0 or rest % 2 == 0 or rest % 5 == 0:
        rest, places = rest // (10 if rest % 10 == 0 else 2 if rest % 2 == 0 else 5), places + 1
    if rest != 1 or places > MAX_DIGITS:
        return f"{value.numerator}/{value.denominator}"
    if not places:
        return str(value.numerator)
    digits = f"{abs(value.numerator) * 10**places // value.denominator:0{places + 1}}"
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def _read(one: re.Match[str], text: str) -> Quantity | None:
    """Return what an amount comes to, or None where it has no value: x/0."""
    if one["whole"]:
        value = _divided(one["up"], one["down"])
        value = None if value is None else int(one["whole"]) + value
    elif one["above"]:
        value = _divided(one["above"], one["below"])
    elif one["of"]:
        value = _divided(one["some"], one["of"])
    elif one["mixed"]:
        value = japanese(one["mixed"].rstrip(".,"))
    else:
        value = Fraction(one["number"].replace(",", "")) * Fraction(10) ** int(one["power"] or 0)
    if value is None:
        return None
    scale = (one["scale"] or "").lower()
    value *= 1_000 if one["k"] else {**SCALES, "hundred": 100, "dozen": 12}.get(scale, 1)
    before = text[: one.start()].rstrip()[-1:]
    if one["minus"] or ((one["sign"] or "").startswith("-") and not (before.isalnum() or before in {")", "%"})):
        value = -value
    return Quantity(value * 10 if one["tenths"] else value, bool(one["percent"] or one["tenths"]))


def _divided(above: str, below: str) -> Fraction | None:
    divisor = Fraction(below.replace(",", ""))
    return Fraction(above.replace(",", "")) / divisor if divisor else None


def _in_words(text: str) -> Quantity | None:
    text = text[found.end() :] if (found := _LEADING.match(text)) else text
    if (part := _KANJI_PART.match(text)) and (below := japanese(part[1])):
        above = japanese(part[2])
        return None if above is None else Quantity(above / below)
    if text.startswith("半分"):
        return Quantity(Fraction(1, 2))
    if (run := JAPANESE.match(text)) and (value := japanese(run[0])) is not None:
        return Quantity(value * 10 if text[run.end() : run.end() + 1] == "割" else value)
    number = english(text)
    return None if number is None else Quantity(number, bool(re.search(r"\bper ?cent\b", text[:80])))
