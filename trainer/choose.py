"""Which checkpoint to keep, by two scores: what it was trained for, and what it must not have lost.

    chosen = choose({part.path: (phonebook, pfgen) for part in checkpoints(folder)})

PLaMo 2 weighs long contexts against the quality of its Japanese in this way (arXiv:2509.04897, section 3.1.4), "the
optimal balance" of the two; how it weighs them is not published.
"""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from manifests.errors import BadRecipe

Named = TypeVar("Named", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Chosen(Generic[Named]):
    """What was chosen among what."""

    best: Named
    front: tuple[Named, ...]  # those to which no other is equal in both scores and better in one, as they were given
    balance: Mapping[Named, float]  # 0 to 1, see `choose`


def choose(scores: Mapping[Named, tuple[float, float]]) -> Chosen[Named]:
    """Choose the one whose worse score is best, of two scores that are the better the higher.

    Each score counts from 0, the lowest of all that are given, to 1, the highest. Where two are equal in their worse
    score the better one decides, then their order. Raises BadRecipe where there is none, or a score is no number.
    """
    wrong = [name for name, both in scores.items() if not all(math.isfinite(score) for score in both)]
    if not scores or wrong:
        raise BadRecipe(f"scores of {wrong[0] if wrong else 'nothing'}: expected two numbers for each checkpoint")
    lows, highs = ([pick(both[side] for both in scores.values()) for side in (0, 1)] for pick in (min, max))
    scaled = {
        name: tuple([(both[side] - lows[side]) / (highs[side] - lows[side] or 1) for side in (0, 1)])
        for name, both in scores.items()
    }
    front = tuple([name for name, both in scores.items() if not any(_beats(other, both) for other in scores.values())])
    best = max(front, key=lambda name: sorted(scaled[name]))
    return Chosen(best, front, {name: min(both) for name, both in scaled.items()})


def _beats(other: tuple[float, float], both: tuple[float, float]) -> bool:
    return other != both and all(ours <= theirs for ours, theirs in zip(both, other, strict=True))
