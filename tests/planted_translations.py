"""Faults planted in references: what a gate should catch, beside what it should let pass.

The parallel texts are WMT20's news and Tatoeba's everyday sentences, in `../shared/data/parallel-enja`.
"""

import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from generators.engine import Reply
from generators.translate import into, recipe
from manifests.rows import Document, row_id
from manifests.stage import Rejected

DATA = Path(__file__).parents[1].parent / "shared" / "data" / "parallel-enja"
CHINESE = (
    "我们",
    "这个",
    "问题是",
    "已经",
    "什么",
    "总统",
    "他们",
    "没有",
    "认为",
    "经济发展",
    "但是",
    "可以",
    "因为",
    "时候",
)
LOST = (1 / 3, 2 / 3)  # of a text that may go with a clause

Pair = tuple[str, str]  # source, reference
Plant = Callable[[str, str, str, random.Random], str | None]  # source, reference, language: what stands there instead


def pairs(name: str, source: str, to: str, lines: int = 1) -> list[Pair]:
    """The pairs of a corpus, so many lines of it in one: news has one sentence a line."""
    sides = [(DATA / f"{name}.{language}").read_text(encoding="utf-8").splitlines() for language in (source, to)]
    joined = [
        [("" if language == "ja" else " ").join(side[at : at + lines]) for at in range(0, len(side), lines)]
        for side, language in zip(sides, (source, to), strict=True)
    ]
    return list(zip(*joined, strict=True))


def copied(source: str, _reference: str, _to: str, _rng: random.Random) -> str:
    """The source itself."""
    return source


def chinese(_source: str, reference: str, to: str, rng: random.Random) -> str | None:
    """A Chinese word in the middle of a Japanese text."""
    middle = len(reference) // 2
    return reference[:middle] + rng.choice(CHINESE) + reference[middle:] if to == "ja" else None


def loop(_source: str, reference: str, _to: str, _rng: random.Random) -> str:
    """Twelve times the same twenty characters, and no end."""
    start = len(reference) // 3
    return reference[:start] + reference[start : start + 20] * 12


def clause_lost(_source: str, reference: str, to: str, _rng: random.Random) -> str | None:
    """A third to two thirds of the text gone, from a comma or a full stop on; none where there is no such place."""
    ends = [found.end() for found in re.finditer("[、。]|[,.;] ", reference[:-1])]
    cuts = [end for end in ends if LOST[0] <= 1 - end / len(reference) <= LOST[1]]
    return reference[: cuts[-1]].rstrip("、。,.; ") + ("。" if to == "ja" else ".") if cuts else None


PLANTS: dict[str, Plant] = {"copied": copied, "Chinese": chinese, "clause lost": clause_lost, "loop": loop}


def refused(found: Sequence[tuple[str, str]], to: str) -> list[str | None]:
    """Why the gates of translate refuse each text beside its source, or None."""
    task, gate = into(to), recipe(to, "echo", "echo").steps[2]
    rows = []
    for number, (source, text) in enumerate(found):
        segment = Document(id=row_id("document", "planted", str(number)), text=source)
        rows.append(task.parse(segment, Reply(text, "stop", 1, 1)))
    outcomes = [row if isinstance(row, Rejected) else next(iter(gate([row]))) for row in rows]
    return [one.reason if isinstance(one, Rejected) else None for one in outcomes]


def planted(given: Sequence[Pair], plant: Plant, to: str, seed: int = 0) -> list[tuple[str, str]]:
    """Each source with its spoilt reference, where the fault can be planted."""
    rng = random.Random(seed)
    spoilt = [(source, plant(source, reference, to, rng)) for source, reference in given]
    return [(source, text) for source, text in spoilt if text is not None]
