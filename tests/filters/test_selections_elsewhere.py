"""Selections whose work is done by other processes: all that goes there and comes back is pickled on its way."""

import pickle

import pytest

from dedup.decontaminate import Decontaminate
from filters.buckets import ScoreBuckets
from filters.categories import CategoryTargets
from filters.chosen import RandomShare
from filters.percentile import TopShare
from tests.pools import cut, doc, selected, stored
from trainer.held_out import HeldOut

QUESTION = "Which of these rivers flows through more than two countries on its way to the sea, and past how many mills?"
ROWS = [
    doc(f"d{n}", n / 40, labels={"topic": "ab"[n % 2]}, text=QUESTION if n % 10 == 0 else f"text {n}")
    for n in range(40)
]


def elsewhere(function, items):
    for item in items:
        there, given = pickle.loads(pickle.dumps((function, item)))  # noqa: S301 - ours
        yield pickle.loads(pickle.dumps(there(given)))  # noqa: S301 - ours


@pytest.mark.parametrize(
    "selection",
    [
        TopShare("edu", 0.3, by=("topic",)),
        ScoreBuckets(("edu",), (0.5, 0.5, 1.0)),
        CategoryTargets(weights=(("a", 0.3),)),
        RandomShare(0.4),
        HeldOut("train", 0.3),
        Decontaminate(("items",)),
    ],
    ids=lambda one: one.title,
)
def test_a_selection_gives_the_same_there(selection):
    store, other = stored(*cut(ROWS, 4)), stored(ROWS)
    for one in (store, other):
        one.tag("items", one.manifest("pool").id)
    here, there = selected(other, selection).manifest, selected(store, selection, map=elsewhere).manifest
    assert 0 < there.rows < 40
    assert there.content == here.content
