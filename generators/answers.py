"""The final answer of a solution: after `####`, in a box, after "The answer is" or 「答え」, else on its last line.

    answers("... so she makes $18.\\n#### 18")   # (Answer(mark="####", said="18", quantity=Quantity(18)),)

Marks are tried in that order; `####` and boxes are held against each other. Several answers that differ are all
returned, for a solution that has two has none. An answer that is no number, such as "Tuesday", has no quantity.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from generators.quantities import MAX_CHARS, Quantity, amounts, quantities

MAX_TEXT = 60_000  # characters of a solution, from its end
MOST_PHRASES = 50  # of a solution, the last ones
MOST_BOXES = 200  # of a solution, the first ones
HASHES, BOX, PHRASE, LAST_LINE = "####", "box", "phrase", "last line"
_HASHES = re.compile(r"^[ \t>*]*####[ \t]*(.*)$", re.MULTILINE)
_BOX = re.compile(r"\\(?:boxed|fbox)\s*")
_IS = r"(?:\s+(?:to|of|for)\s[^.:\n。]{1,80}?)?\s*(?:is\b|was\b|will be\b|would be\b|should be\b|=|:)\s*:?\s*"
_PHRASE = re.compile(
    rf"\banswer{_IS}(?=(?P<en>[^\n]{{1,400}}))"
    r"|(?:答え|解答|回答|正解)[^\n。:はが]{0,12}(?:は|が|:|：)\s*(?=(?P<ja>[^\n]{1,400}))",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[。!?！？]|\.(?=\s|$)")
_STARTS_AS_NUMBER = re.compile(r"[-+−]?\s?(?:\\?\$|[€£¥₹\\(])?\s?[-+−]?(?:\\[dt]?frac|\.?[0-9０-９])")
_ITEM = re.compile(r"[0-9]{1,2}[.):]\s+[^\s0-9]")  # a heading: "#### 1. Find the price"
_NO_TEXT = re.compile(r"[\s`*_#>$\\()\[\]{}.。-]*")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a solution says that it comes to."""

    mark: str  # where it stands: "####", "box", "phrase" or "last line"
    said: str
    quantity: Quantity | None  # None: it is no number


def answers(solution: str) -> tuple[Answer, ...]:
    """Return the different answers that a solution gives, in their order; none where it gives none."""
    text = solution[-MAX_TEXT:]
    bold = text.replace("**", "").replace("__", "")
    marked = [*_different(HASHES, [said for _, said in _after_hashes(bold)]), *_different(BOX, _boxed(text))]
    if not marked:
        marked = _different(PHRASE, _phrases(bold))
    if not marked:
        marked = _last_line(bold)
    return tuple({_identity(one): one for one in reversed(marked)}.values())[::-1]


def strip_answer(solution: str) -> str:
    """Return a solution without its lines of `####` that hold an answer."""
    held = [line.span() for line, _ in _after_hashes(solution)]
    for start, end in reversed(held):
        solution = solution[:start] + solution[end:]
    return solution.rstrip()


def _identity(one: Answer) -> object:
    return one.quantity.value if one.quantity else one.said.casefold()


def _different(mark: str, phrases: Iterable[str]) -> list[Answer]:
    """Return an answer for each quantity that some phrases offer; a phrase without one is an answer in words."""
    found: list[Answer] = []
    for phrase in phrases:
        said = phrase.strip()[:MAX_CHARS]
        offered = quantities(said)
        found += [Answer(mark, said, one) for one in offered] or [Answer(mark, said, None)]
    return found


def _after_hashes(text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Yield lines of `####` with what they say. One is a heading where it begins with no number and is not the last."""
    for line in _HASHES.finditer(text):
        said = line[1].strip()
        if _ITEM.match(said) or _NO_TEXT.fullmatch(said):
            continue
        if _STARTS_AS_NUMBER.match(said) or _NO_TEXT.fullmatch(text, line.end()):
            yield line, said


def _boxed(text: str) -> Iterator[str]:
    """Yield what stands in boxes; one that is never closed holds nothing."""
    for mark in islice(_BOX.finditer(text), MOST_BOXES):
        if text[mark.end() : mark.end() + 1] != "{":
            if bare := re.match(r"[-0-9.,]+", text[mark.end() : mark.end() + MAX_CHARS]):
                yield bare[0]
            continue
        depth = 0
        for place in range(mark.end(), min(len(text), mark.end() + MAX_CHARS)):
            depth += {"{": 1, "}": -1}.get(text[place], 0)
            if not depth:
                yield text[mark.end() + 1 : place]
                break


def _phrases(text: str) -> Iterator[str]:
    for found in deque(_PHRASE.finditer(text), MOST_PHRASES):
        said = _SENTENCE.split(found["en"] or found["ja"], maxsplit=1)[0].strip()
        if not _NO_TEXT.fullmatch(said):
            yield said


def _last_line(text: str) -> list[Answer]:
    """Return the one number of the last line, if it has just one: behind its last `=`, if it has any."""
    last = next((line for line in reversed(text.splitlines()) if not _NO_TEXT.fullmatch(line)), "")
    last = re.sub(r"\A\s*(?:[-*+>]|[0-9]{1,2}[.)])\s+", "", last)[-MAX_CHARS:]
    if _BOX.search(last):
        return []  # it was never closed
    offered = quantities(last) if "=" in last else amounts(last)
    return [Answer(LAST_LINE, last.strip(), offered[0])] if len(offered) == 1 else []
