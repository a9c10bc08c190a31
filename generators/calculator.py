"""The sums of a solution, worked out again: calculator annotations `<<48/2=24>>` and equations in its text.

An equation holds where both sides are equal, or where the right one is the left one rounded to its decimals. What is
no sum of numbers, such as `2x + 1 = 7` or `3 apples + 4 apples = 7 apples`, is not judged.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from generators.arithmetic import NUMBER, plain, value_of

MAX_SUMS = 500  # of a text that are looked at
_ANNOTATION = re.compile(r"<<([^<>\n]{1,400})>>")
_DECIMALS = re.compile(rf"\s*[-+$€£¥]*\s*(?:{NUMBER})%?\s*")
_PLAIN_NUMBER = re.compile(rf"-?(?:{NUMBER})")
_LEFT = re.compile(r"[-0-9.,+*/^()%$€£¥xX \t]{1,300}\Z")
_RIGHT = re.compile(r"[-0-9.,+*/^()%$€£¥xX \t]{1,300}")
_OPERATOR = re.compile(r"[0-9)%]\s*(?:[-+*/^(]|[xX](?=[\s0-9($]))")
_CLAUSE = re.compile(r"[,;、，；。](?=\s|[^0-9])|(?<=[0-9)])\.\s|\band\b|\bso\b")
_BULLET = re.compile(r"\A\s*(?:[-*+•]|[0-9]{1,2}[.)])\s+")
_REMAINDER = re.compile(r"\s*(?:remainder|rem\b|r\b|R\b|余り|あまり|\.{2,}|…)")
# √16 + 2 = 6, 5% of 200 + 10 = 20
_PART_OF_MORE = re.compile(r"(?:[_^<>≈\\~√|!]|(?:[0-9%]|percent|half|third|thirds|quarter|quarters)\s+of)\Z")
_RATIO = re.compile("[0-9] ?:[0-9]")
_CURRENCY = str.maketrans("", "", "$€£¥")


@dataclass(frozen=True, slots=True)
class Sum:
    """One equation between numbers."""

    said: str
    left: Fraction
    right: Fraction
    decimals: int | None = 0  # of the right side; None: it is a sum itself
    percent: bool = False  # whether the right side has its sign

    @property
    def holds(self) -> bool:
        """Whether both sides are equal, or the right one is rounded: 10/3 = 3.33, but not 10/3 = 3."""
        if self.left == self.right or (self.percent and self.left == self.right * 100):  # 20 - 5 = 15%
            return True
        return bool(self.decimals) and abs(self.left - self.right) * 2 * 10 ** (self.decimals or 0) <= 1


@dataclass(frozen=True, slots=True)
class Annotation:
    """One `<<sum=result>>`."""

    said: str
    left: Fraction | None  # None: no sum
    right: Fraction | None
    plain: bool  # whether the result is one number, as it should be

    @property
    def holds(self) -> bool:
        """Whether the calculator comes to the same result."""
        if self.left is None or self.right is None:
            return False
        return Sum(self.said, self.left, self.right, _decimals(self.said.rpartition("=")[2])).holds


def annotations(text: str) -> list[Annotation]:
    """Return the calculator annotations of a solution, in order."""
    found = []
    for said in _ANNOTATION.findall(text)[:MAX_SUMS]:
        left, _, right = said.rpartition("=")
        is_plain = bool(_PLAIN_NUMBER.fullmatch(right.strip()))
        found.append(Annotation(said, value_of(left), value_of(right), is_plain))
    return found


def strip_annotations(text: str) -> str:
    """Return a solution as it reads without a calculator."""
    return _ANNOTATION.sub("", text)


def equations(text: str) -> list[Sum]:
    """Return the equations between numbers in a text, without those of its annotations."""
    found: list[Sum] = []
    for line in plain(strip_annotations(text)).splitlines():
        if "=" in line:
            clauses = _CLAUSE.split(_BULLET.sub("", line[:4_000]).replace("&=", "="))
            found += [one for clause in clauses for one in _equations(clause)]
        if len(found) >= MAX_SUMS:
            break
    return found[:MAX_SUMS]


def _equations(line: str) -> Iterator[Sum]:
    sides = line.replace("**", "").replace("`", "").split("=")
    for place, (before, after) in enumerate(pairwise(sides)):
        left, right = _left(before, last=place > 0), _right(after)
        if not left or not right or not (_OPERATOR.search(left) or _OPERATOR.search(right)):
            continue
        values = value_of(left), value_of(right)
        if values[0] is not None and values[1] is not None:
            yield Sum(f"{left} = {right}", values[0], values[1], _decimals(right), right.endswith("%"))


def _left(text: str, *, last: bool) -> str | None:
    """Return the sum that a side ends with, or None where a letter or a sign before it makes it part of another."""
    found = _LEFT.search(text.rstrip())
    if found is None or _RATIO.search(text):
        return None
    side = found[0].translate(_CURRENCY).strip().lstrip(",").removeprefix(". ").strip()
    before = text[: found.start()].rstrip()
    if last and before:
        return None  # between two signs of equality stands more than a sum
    whole = bool(side) and side[0] not in "+*/^)%xX" and not _PART_OF_MORE.search(before)
    if not whole or (side[0] == "-" and before):
        return None
    return side


def _right(text: str) -> str | None:
    """Return the sum that a side begins with, or None where more belongs to it."""
    found = _RIGHT.match(text)
    if found is None or _REMAINDER.match(text, found.end()):
        return None
    side = found[0].rstrip(" \t,.-+*/(^xX").strip().translate(_CURRENCY).strip()
    goes_on = any(sign in "+*/^xX" for sign in found[0][len(found[0].rstrip(" \t,.-+*/(^xX")) :])  # 5 = 2 * y
    glued = found.end() < len(text) and text[found.end()].isalpha() and text[found.end() - 1].isdigit()
    return None if goes_on or (glued and text[found.end()] in "abnyz") else side


def _decimals(side: str) -> int | None:
    if not _DECIMALS.fullmatch(side):
        return None
    places = len(side.strip().rstrip("%").partition(".")[2])
    return places + 2 if side.strip().endswith("%") and places else places
