"""Pairs of replies: of each pool the one with the highest reward against the one with the lowest (PLaMo 2, 3.2.2).

preferences/alone          a candidate has no other in its pool that has a reward
preferences/between        a candidate is neither the best nor the worst of its pool
preferences/equal_rewards  all candidates of the pool have the same reward
preferences/equal_texts    the best and the worst say the same
preferences/small_gap      their rewards are too close

Scores of a pair: `preferences/chosen`, `rejected` and `gap`, `given` for the reply that the conversation had, all
rewards of the pool from the highest on as `preferences/reward_1`, ..., and `preferences/longer`: by how many characters
the chosen reply is longer.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import isfinite, nan
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from generators.dialogue import asked
from generators.pooled import GIVEN, OF, WRITTEN_BY
from manifests.decoding import SCORE_DIGITS
from manifests.errors import BadRecipe, BadRow
from manifests.rows import Conversation, Preference
from manifests.stage import Drop, Kept, Map, Rejected, Rule, Selected, Selection, Stage, at_least
from manifests.view import Slice, View

CHOSEN, REJECTED, GAP = "preferences/chosen", "preferences/rejected", "preferences/gap"
LONGER, GIVEN_REWARD = "preferences/longer", "preferences/given"
WINNER, LOSER = "preferences/chosen_by", "preferences/rejected_by"  # labels: who wrote them


@dataclass(frozen=True, slots=True)
class Pairs(Stage):
    """Make one pair of each pool. Of equal rewards the lowest id counts, so that no order of candidates matters."""

    reward: str  # the name of a score

    def __call__(self, rows: Iterable[Conversation]) -> Iterator[Kept | Rejected]:
        for _, group in groupby(rows, key=lambda row: row.parents):
            pool = sorted(group, key=lambda row: row.id)
            rated = [row for row in pool if isfinite(row.scores.get(self.reward, nan))]
            ids = {row.id for row in rated} if len(rated) > 1 else set()
            yield from [Rejected(row, "preferences/alone") for row in pool if row.id not in ids]
            if ids:
                yield from self._paired(rated)

    def _paired(self, pool: Sequence[Conversation]) -> Iterator[Kept | Rejected]:
        rewards = [row.scores[self.reward] for row in pool]
        best, worst = extremes(rewards)
        for place, row in enumerate(pool):
            if place not in {best, worst}:
                yield Rejected(row, "preferences/between", rewards[place])
        scores = _rewards(rewards, [row.labels.get(WRITTEN_BY) == GIVEN for row in pool])
        pair = _pair(pool[best], pool[worst], scores)
        if rewards[best] == rewards[worst]:
            yield Rejected(pair, "preferences/equal_rewards", rewards[best], values=scores)
        elif pair.chosen[0].content.strip() == pair.rejected[0].content.strip():
            yield Rejected(pair, "preferences/equal_texts", scores[GAP], values=scores)
        else:
            yield Kept(pair, pair.scores)


def extremes(rewards: Sequence[float]) -> tuple[int, int]:
    """Return the places of the highest and of the lowest reward, of equals the first; two places in any case."""
    places = range(len(rewards))
    best = min(places, key=lambda place: -rewards[place])
    return best, min([place for place in places if place != best], key=lambda place: rewards[place])


def _rewards(rewards: Sequence[float], given: Sequence[bool]) -> dict[str, float]:
    ranked = sorted(rewards, reverse=True)
    scores = {CHOSEN: ranked[0], REJECTED: ranked[-1], GAP: round(ranked[0] - ranked[-1], SCORE_DIGITS)}
    scores |= {f"preferences/reward_{rank}": reward for rank, reward in enumerate(ranked, start=1)}
    if True in given:
        scores[GIVEN_REWARD] = rewards[given.index(True)]
    return scores


def _pair(best: Conversation, worst: Conversation, scores: dict[str, float]) -> Preference:
    prompt = asked(best.messages)
    if prompt != asked(worst.messages) or len(prompt) == len(best.messages):
        raise BadRow(f"Pairs: rows {best.hex} and {worst.hex} do not answer the same prompt; expected rows of Pool")
    chosen, rejected = best.messages[-1:], worst.messages[-1:]
    labels = {WINNER: best.labels.get(WRITTEN_BY, ""), LOSER: worst.labels.get(WRITTEN_BY, "")}
    facts: dict[str, Any] = best.shared() | {
        "labels": {name: best.labels[name] for name in (OF,) if name in best.labels}
    }
    facts["labels"] |= {name: value for name, value in labels.items() if value}
    facts["scores"] = {**scores, LONGER: float(len(chosen[0].content) - len(rejected[0].content))}
    made = Preference(**facts, prompt=prompt, chosen=chosen, rejected=rejected)
    return made.derive(parents=(best.id, worst.id), source="preferences")


@dataclass(frozen=True, slots=True)
class WideGap(Selection):
    """Drop pairs whose rewards are too close: below a gap, or the share of all with the smallest gaps.

    It says how much longer chosen replies are: much longer, and the reward likes length. Raises BadRecipe where a pair
    has no gap.
    """

    min_gap: float | None = None  # in the reward's own units
    drop_share: float | None = None  # at most so many of the pairs, from the smallest gap on

    def __post_init__(self) -> None:
        if self.drop_share is not None and not 0 <= self.drop_share < 1:
            raise BadRecipe(f"gap: drop_share is {self.drop_share}; expected 0 or more, below 1")

    def rules(self) -> tuple[Rule, ...]:
        return at_least("preferences/small_gap", GAP, 0.0)

    def select(self, view: View, map: Map) -> Selected:
        read = list(map(_read, view.slices))
        found = np.concatenate([np.zeros((0, 2)), *read])
        if np.isnan(found[:, 0]).any():
            raise BadRecipe(f"gap: {int(np.isnan(found[:, 0]).sum())} rows have no {GAP}; expected rows of Pairs")
        threshold = self._threshold(found[:, 0])
        drops = [
            Drop(part.ordinal, row, "preferences/small_gap", float(gaps[row, 0]), threshold)
            for part, gaps in zip(view.slices, read, strict=True)
            for row in np.flatnonzero(gaps[:, 0] < threshold).tolist()
        ]
        return Selected(drops, notes=_notes(found, threshold))

    def _threshold(self, gaps: NDArray[np.float64]) -> float:
        limits = [0.0 if self.min_gap is None else self.min_gap]
        if self.drop_share is not None and len(gaps):
            limits.append(float(np.sort(gaps)[int(self.drop_share * len(gaps))]))
        return max(limits)


def _read(part: Slice) -> NDArray[np.float64]:
    """Return gap and difference of lengths of each row, NaN for what it does not have."""
    scores = part.table(["scores"])["scores"]
    columns = [pc.map_lookup(scores, name, "first").cast(pa.float64()).fill_null(np.nan) for name in (GAP, LONGER)]
    return np.round(np.column_stack([column.to_numpy() for column in columns]), SCORE_DIGITS)


def _notes(found: NDArray[np.float64], threshold: float) -> tuple[str, ...]:
    kept = found[found[:, 0] >= threshold]
    told = f"gap: {len(kept):,} of {len(found):,} pairs kept; threshold {threshold:.4f}"
    if not len(kept):
        return (told,)
    longer = kept[:, 1]
    share = float((longer > 0).mean())
    mean = float(longer.mean())
    return (
        told,
        f"length: chosen replies are on average {mean:+.1f} characters longer, and longer in {share:.0%} of pairs",
    )
