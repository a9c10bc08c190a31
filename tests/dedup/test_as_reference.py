"""The fast way beside the slow and obvious one, and against the order and the shards of its input."""

import gzip
import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import reference
from dedup.minhash import MinHashDedup
from tests.dedup.memory import drops, named

CHATS = Path(__file__).parents[2].parent / "shared" / "data" / "chat-ja" / "real-persona-chat.4000.jsonl.gz"
WORDS = (
    "workshop",
    "text",
    "model",
    "token",
    "ledger",
    "row",
    "twin",
    "gram",
    "seed",
    "store",
    "工場",
    "文章",
    "対話",
    "評価",
)


def edited(rng, text):
    """Change a few words, so that near and not quite near texts arise."""
    words = text.split()
    for _ in range(rng.randrange(3)):
        words[rng.randrange(len(words))] = rng.choice(WORDS)
    return " ".join(words)


def family(seed, count):
    """Return texts of which each is new, or made from another one."""
    rng = random.Random(seed)
    texts = []
    for _ in range(count):
        new = " ".join(rng.choices(WORDS, k=rng.choice([1, 2, 40, 80])))
        texts.append(edited(rng, rng.choice(texts)) if texts and rng.random() < 0.7 else new)
    return {str(place): text for place, text in enumerate(texts)}


def brute_force(texts, seed=0):
    by_id = {named(name): text for name, text in texts.items()}
    names = {named(name): name for name in texts}
    gone = reference.dedup(by_id, threshold=0.8, ngram=13, seed=seed)
    return {names[row]: (names[twin], value) for row, (twin, value) in gone.items()}


@pytest.mark.parametrize("seed", range(8))
def test_every_drop_twin_and_similarity_is_that_of_comparing_all_pairs(seed):
    texts = family(seed, 120)
    found = drops(MinHashDedup(bands=128, rows=1, seed=seed), texts)
    assert found == brute_force(texts, seed)
    assert 3 < sum(value < 1 for _, value in found.values()) < 80


@pytest.mark.parametrize("seed", range(3))
def test_the_papers_bands_find_as_many_pairs_as_datasketch_with_the_same_bands(seed):
    texts = list(family(seed, 150).values())
    sets = [reference.gram_set(text, 13) for text in texts]
    everything = reference.edges(sets, reference.all_pairs(len(sets)), 0.8)
    theirs = reference.edges(sets, reference.proposed_pairs(sets, 128, 25, 5), 0.8)
    ours = {pair for pair in everything if drops(MinHashDedup(), {"a": texts[pair[0]], "b": texts[pair[1]]})}
    assert len(theirs) >= 0.99 * len(everything)
    assert len(ours) >= 0.99 * len(everything)


@given(st.integers(0, 5), st.data())
def test_the_outcome_depends_on_the_rows_not_on_their_order_or_shards(seed, data):
    texts = family(seed, 30)
    order = data.draw(st.permutations(list(texts)))
    cuts = sorted(data.draw(st.lists(st.integers(0, 30), max_size=4)))
    shards = [
        {name: texts[name] for name in order[first:last]} for first, last in zip([0, *cuts], [*cuts, 30], strict=True)
    ]
    assert drops(MinHashDedup(), *shards) == drops(MinHashDedup(), texts)


@given(st.lists(st.text("aab ", max_size=40), max_size=12), st.integers(0, 3))
def test_rows_that_go_are_near_a_row_that_stays_and_rows_that_stay_are_near_none(given_texts, seed):
    texts = {str(place): text for place, text in enumerate(given_texts)}
    assert drops(MinHashDedup(bands=128, rows=1, seed=seed), texts) == brute_force(texts, seed)


def test_real_chats_are_treated_as_by_comparing_all_pairs():
    if not CHATS.exists():
        pytest.skip(f"{CHATS} is absent")
    with gzip.open(CHATS, "rt", encoding="utf-8") as lines:
        turns = [turn["text"] for line in lines for turn in json.loads(line)["utterances"][:2]]
    texts = {str(place): text for place, text in enumerate(turns[:1_500])}
    found = drops(MinHashDedup(), texts)
    assert found == brute_force(texts)
    assert len(found) > 100
