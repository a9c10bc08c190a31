"""How two texts differ, word by word, with a little of what they share around each difference.

    for piece in word_diff("a quick brown fox", "a quick red fox"):
        print(piece.mark, piece.text)    # same "a quick ", out "brown", in "red", same " fox"

A word is one where spaces part words. Japanese and Chinese are compared character by character (katakana by runs), and
so are other scripts that write no spaces. What two texts of any size share at both ends costs no more than reading it;
of what is between, the first `MOST_WORDS` words are compared.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rapidfuzz.distance import Indel

from manifests.wording import count

Mark: TypeAlias = Literal["same", "out", "in", "skipped"]

MOST_WORDS = 8_192  # of each text between the shared ends: the memory is their product in bits, 8 MB
MOST_CHANGES = 12
CONTEXT_CHARS = 40
LONGEST_CHARS = 400  # of one piece; the middle of a longer one is left out

_BLOCK = 65_536  # characters that are compared at once
_LONGEST_WORD = 200  # characters that are gone back for the start of a word
_SEAM = 2  # equal letters between two differences that are too few to be read as a part of their own

_ACCENT = "\u0300-\u036f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u3099\u309a\ufe00-\ufe0f\U000e0100-\U000e01ef"
_UNSPACED = (  # Thai to Lao, Myanmar, Khmer, hiragana, Han
    "\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_KATAKANA = "\u30a1-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_WORD = re.compile(
    rf"\s+|[{_UNSPACED}][{_ACCENT}]*|[{_KATAKANA}]+|"
    rf"(?:[^\W_{_UNSPACED}{_KATAKANA}][{_ACCENT}]*)+(?:['’][^\W_{_UNSPACED}{_KATAKANA}]+)*|.[{_ACCENT}]*",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the comparison: what both texts have, what only the first has (out) or the second (in).

    A piece that is `skipped` says in words what is not shown.
    """

    mark: Mark
    text: str


def words(text: str) -> list[str]:
    """Return the words of a text, with all that stands between them: joined, they are the text."""
    return _WORD.findall(text)


def word_diff(before: str, after: str) -> tuple[Piece, ...]:
    """Return what makes `after` of `before`; nothing where they are equal."""
    start = _shared(before, after)
    start = min(_word_start(text, start) for text in (before, after))
    end = min(_shared_end(before, after), len(before) - start, len(after) - start)
    end = min(_word_end(text, end) for text in (before, after))
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    if not old and not new:
        return ()
    changes, left = _changes(old, new)
    ends = (before[max(0, start - CONTEXT_CHARS) : start], before[len(before) - end :][:CONTEXT_CHARS])
    pieces = list(_shown(changes))
    head = [Piece("same", f"{'…' if start > CONTEXT_CHARS else ''}{ends[0]}")] if start else []
    if left:
        return (*head, *pieces, Piece("skipped", f" … {left} are not compared"))
    if len(changes) > MOST_CHANGES:
        return (*head, *pieces)
    tail = [Piece("same", f"{ends[1]}{'…' if end > CONTEXT_CHARS else ''}")] if end else []
    return (*head, *pieces, *tail)


def _changes(old: str, new: str) -> tuple[list[tuple[str, str, str]], str]:
    """Return what is shared, out and in, one after the other; and in words what was too long to be compared."""
    if not old or not new:
        return [("", old, new)], ""
    olds, news = (words(text[: 8 * MOST_WORDS])[:MOST_WORDS] for text in (old, new))
    numbers: dict[str, int] = {}
    sides = [[numbers.setdefault(word, len(numbers)) for word in side] for side in (olds, news)]
    found: list[tuple[str, str, str]] = []
    for step in Indel.opcodes(*sides):
        shared, gone, come = found.pop() if found else ("", "", "")
        out, into = "".join(olds[step.src_start : step.src_end]), "".join(news[step.dest_start : step.dest_end])
        if step.tag != "equal":
            found.append((shared, gone + out, come + into))
        elif not gone and not come:
            found.append((shared + out, "", ""))
        else:
            found += [(shared, gone, come), (out, "", "")]
    found, sizes = _seamless(found), [sum(map(len, side)) for side in (olds, news)]
    if sizes == [len(old), len(new)]:
        return found, ""
    cut = list(_cut(found))
    rest = [len(text) - size for text, size in zip((old, new), sizes, strict=True)]
    return cut, f"{rest[0]:,} characters and the {rest[1]:,} in their place"


def _cut(found: Sequence[tuple[str, str, str]]) -> Iterator[tuple[str, str, str]]:
    """Yield differences but for the one at the end: it may be there only because both texts were cut there."""
    whole = found[:-1] if len(found[-1][0]) > CONTEXT_CHARS or found[-1][1] or found[-1][2] else found[:-2]
    yield from whole or found[:1]
    if whole and (shared := found[len(whole)][0]):
        yield shared, "", ""


def _seamless(found: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Join differences with next to nothing between them."""
    joined: list[tuple[str, str, str]] = []
    for shared, gone, come in found:
        if joined and (gone or come) and len(shared.strip()) < _SEAM:
            before, out, into = joined.pop()
            joined.append((before, out + shared + gone, into + shared + come))
        else:
            joined.append((shared, gone, come))
    return joined


def _shown(changes: Sequence[tuple[str, str, str]]) -> Iterator[Piece]:
    for number, (shared, gone, come) in enumerate(changes):
        if number == MOST_CHANGES:
            yield Piece("skipped", f" … and {count(len(changes) - number, 'more difference')}")
            return
        if shared:
            longer = len(shared) > 2 * CONTEXT_CHARS
            yield Piece("same", f"{shared[:CONTEXT_CHARS]} … {shared[-CONTEXT_CHARS:]}" if longer else shared)
        if gone:
            yield Piece("out", _shortened(gone))
        if come:
            yield Piece("in", _shortened(come))


def _shortened(text: str) -> str:
    if len(text) <= LONGEST_CHARS:
        return text
    half = LONGEST_CHARS // 2
    return f"{text[:half]} … {len(text) - 2 * half:,} characters … {text[-half:]}"


def _shared(one: str, other: str) -> int:
    """Return how many characters two texts have in common at their start."""
    at, block, most = 0, _BLOCK, min(len(one), len(other))
    while block:
        while at + block <= most and one[at : at + block] == other[at : at + block]:
            at += block
        block //= 2
    return at


def _shared_end(one: str, other: str) -> int:
    at, block, most = 0, _BLOCK, min(len(one), len(other))
    while block:
        while at + block <= most and _block_before(one, at, block) == _block_before(other, at, block):
            at += block
        block //= 2
    return at


def _block_before(text: str, end: int, size: int) -> str:
    return text[len(text) - end - size : len(text) - end]


def _word_start(text: str, at: int) -> int:
    """Return where the word begins that `at` is in, or `at` where that is between two words."""
    start = place = max(0, at - _LONGEST_WORD)
    for word in words(text[start : at + 1]):
        if place + len(word) > at:
            return place
        place += len(word)
    return at


def _word_end(text: str, end: int) -> int:
    """Return what of the last `end` characters does not begin within a word."""
    at = len(text) - end
    if not at:
        return end
    first = words(text[at - 1 : at + _LONGEST_WORD])[0]
    return max(0, end - len(first) + 1) if len(first) > 1 else end
