"""Sums as people write them, worked out exactly: `value_of("(1 + 1/2) x $3,000")` is 4,500.

Numbers with commas, a point or a percent sign, + - * / // ^ and brackets, with the signs and the LaTeX that stand for
them. What is written by others is never evaluated as code: the parser has no recursion, and its numbers have bounds.
"""

import re
import unicodedata
from collections.abc import Callable
from fractions import Fraction
from operator import add, mul, sub

MAX_CHARS = 400
MAX_DEPTH = 40  # brackets within brackets
MAX_BITS = 4_096  # of a numerator or a denominator
NUMBER = r"(?:[0-9]{1,3}(?:,[0-9]{2,3}){0,8},[0-9]{3}(?![0-9])|[0-9]{1,50})(?:\.[0-9]{1,50})?|\.[0-9]{1,50}"
_TOKEN = re.compile(rf"\s*(?:({NUMBER})(?![0-9.])|(\*\*|//|[-+*/^()%]))")
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]{1,80})\}\s*\{([^{}]{1,80})\}")
_POWER = re.compile(r"\^\{([^{}]{1,20})\}")
_TEXT = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox|operatorname)\s*\{([^{}]{0,80})\}")
_LATEX = {
    **dict.fromkeys((r"\times", r"\cdot", r"\ast"), "*"),
    r"\div": "/",
    r"\%": "%",
    **dict.fromkeys((r"\$", r"\,", r"\!", r"\;", r"\:", "{,}", r"\left", r"\right"), ""),
    **dict.fromkeys((r"\(", r"\)", r"\[", r"\]"), " "),
}
_LATEX_MARK = re.compile("|".join(map(re.escape, sorted(_LATEX, key=len, reverse=True))))
_SIGNS = str.maketrans({"−": "-", "–": "-", "—": "-", "×": "*", "✕": "*", "·": "*", "⋅": "*", "÷": "/", "⁄": "/"})
_SUPERSCRIPT = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_VULGAR = re.compile("[¼-¾⅐-⅞]")
_BESIDE = re.compile(r"(?<=[0-9)\s])[xX](?=\s*[0-9(.$])")
_WORK: dict[str, Callable[[Fraction, Fraction], Fraction]] = {"+": add, "-": sub, "*": mul}
_STRENGTH = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "neg": 3, "^": 4}


def plain(text: str) -> str:
    """Return a text with its full-width and LaTeX signs as ASCII has them: `½` is " 1/2", `10²` is "10^2".

    >>> plain(r"\\frac{3}{4} × ８")
    '((3)/(4)) * 8'
    """
    text = _VULGAR.sub(lambda one: f" {unicodedata.normalize('NFKC', one[0])}", text)
    text = _SUPERSCRIPT.sub(lambda run: f"^{run[0].translate(_SUPERSCRIPTS)}", text)
    text = unicodedata.normalize("NFKC", text).translate(_SIGNS)
    if "\\" in text or "{" in text:
        text = _POWER.sub(r"^(\1)", text)
        text = _TEXT.sub(r" \1 ", _FRACTION.sub(r"((\1)/(\2))", text))
        text = _LATEX_MARK.sub(lambda mark: _LATEX[mark[0]], text)
    return text


def value_of(text: str) -> Fraction | None:
    """Return what a sum comes to, or None where it is none, divides by 0 or goes beyond the bounds."""
    if len(text) > MAX_CHARS:
        return None
    text = _BESIDE.sub("*", plain(text)).replace("$", "").replace("[", "(").replace("]", ")")
    return _Sum().of(text)


class _Sum:
    """A shunting yard: numbers and operators on two stacks."""

    def __init__(self) -> None:
        self.values: list[Fraction] = []
        self.waiting: list[str] = []
        self.depth = 0

    def of(self, text: str) -> Fraction | None:
        place, after_value = 0, False
        text = text.strip()
        while place < len(text):
            found = _TOKEN.match(text, place)
            if found is None:
                return None
            place = found.end()
            after = self._number(found[1], after_value) if found[1] else self._sign(found[2], after_value)
            if after is None:
                return None
            after_value = after
        while after_value and self.waiting:
            if not self._work(self.waiting.pop()):
                return None
        return self.values[0] if after_value and len(self.values) == 1 else None

    def _number(self, digits: str, after_value: bool) -> bool | None:
        self.values.append(Fraction(digits.replace(",", "")))
        return None if after_value else True

    def _sign(self, sign: str, after_value: bool) -> bool | None:
        """Take a sign. Return whether a value stands before what follows, or None where the sum is none."""
        sign = "^" if sign == "**" else sign
        if sign == "(":
            self.depth += 1
            if after_value and not self._operator("*"):  # (2)(3)
                return None
            self.waiting.append(sign)
            return False if self.depth <= MAX_DEPTH else None
        if not after_value:
            self.waiting += ["neg"] if sign == "-" else []
            return False if sign in "+-" and len(self.waiting) <= MAX_CHARS else None
        if sign == "%":
            self.values[-1] /= 100
            return True
        if sign == ")":
            return self._close()
        return False if self._operator(sign) else None

    def _operator(self, sign: str) -> bool:
        least = _STRENGTH[sign] + (sign == "^")  # a power of a power is worked out from its right
        while self.waiting and self.waiting[-1] != "(" and _STRENGTH[self.waiting[-1]] >= least:
            if not self._work(self.waiting.pop()):
                return False
        self.waiting.append(sign)
        return True

    def _close(self) -> bool | None:
        self.depth -= 1
        while self.waiting:
            if (sign := self.waiting.pop()) == "(":
                return True
            if not self._work(sign):
                return None
        return None

    def _work(self, sign: str) -> bool:
        """Replace the values that a sign stands between by what they come to. Return whether that can be done."""
        if sign == "(":
            return False  # it was never closed
        last = self.values.pop()
        made = -last if sign == "neg" else _worked(sign, self.values.pop(), last)
        if made is None or max(made.numerator.bit_length(), made.denominator.bit_length()) > MAX_BITS:
            return False
        self.values.append(made)
        return True


def _worked(sign: str, left: Fraction, right: Fraction) -> Fraction | None:
    if sign in _WORK:
        return _WORK[sign](left, right)
    if sign in {"/", "//"}:
        return (left / right if sign == "/" else Fraction(left // right)) if right else None
    bits = max(left.numerator.bit_length(), left.denominator.bit_length())
    if right.denominator != 1 or bits * abs(right.numerator) > MAX_BITS or (not left and right < 0):
        return None
    return left**right.numerator
