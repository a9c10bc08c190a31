"""Code that runs in circles: a long string that is at once said again.

code_repetition/repeated    100 characters or more stand twice in a row
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from manifests.rows import Document
from manifests.stage import Rule, Rules, Values, at_most

_ASKED = 100_000  # places that are compared, of one text: beyond them it is nothing but repetition


def repeated(text: str, shortest: int = 100) -> int:
    """Return the length of a string of `shortest` characters or more that is immediately repeated, or 0.

    In a string of at least 2k characters stands a block of k that begins at a multiple of k, and in its repetition it
    stands again. So the blocks are looked for further on, and what is between a block and its double is compared.
    """
    size = shortest // 2
    asked = 0
    for start in range(0, len(text) - size, size):
        for other in _found_again(text, text[start : start + size], start + shortest):
            asked += 1
            period = other - start
            if asked > _ASKED or _equal_back(text, start, other) + _equal_on(text, start, other) >= period:
                return period
    return 0


def _found_again(text: str, block: str, place: int) -> Iterator[int]:
    while (place := text.find(block, place)) >= 0:
        yield place
        place += 1


def _equal_on(text: str, one: int, other: int) -> int:
    """Return how many characters from two places on are the same."""
    return _longest(lambda length: text[one : one + length] == text[other : other + length], len(text) - other)


def _equal_back(text: str, one: int, other: int) -> int:
    """Return how many characters before two places are the same."""
    return _longest(lambda length: text[one - length : one] == text[other - length : other], one)


def _longest(holds: Callable[[int], bool], most: int) -> int:
    """Return the largest length that holds, where all smaller ones do and none beyond it."""
    low, high = 0, min(64, most)
    while high < most and holds(high):
        low, high = high, min(2 * high, most)
    if holds(high):
        return high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


@dataclass(frozen=True, slots=True)
class CodeRepetition(Rules):
    """Keep the texts in which nothing long is at once said again (SwallowCode: src/tools/remove_repetition.py)."""

    max_repeated: float | None = 0.0  # characters that stand twice in a row
    shortest: int = 100  # characters of such a string
    min_chars: int = 1_000  # shorter texts are not looked at

    def rules(self) -> tuple[Rule, ...]:
        return at_most("code_repetition/repeated", "repeated_chars", self.max_repeated)

    def measure(self, doc: Document) -> Values:
        long = len(doc.text) >= self.min_chars
        return {"repeated_chars": float(repeated(doc.text, self.shortest)) if long else 0.0}
