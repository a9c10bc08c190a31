"""What MinHash finds beside exact comparison of all pairs: of planted edits, and of real chats where they are had."""

import os
import random
from collections import defaultdict

import numpy as np
import pytest

from dedup.minhash import MinHashDedup, chance
from tests.benchmarks import planted
from tests.dedup import oracle, sharegpt
from tests.dedup.pairs import banded, distinct, judged

RECALL = 0.995  # of the pairs at 0.8 or more


def salad(seed, count):
    """Return texts of different lengths, in words of the same vocabulary."""
    rng = random.Random(seed)
    words = ["".join(rng.choices("etaoinshrdlu", k=rng.randint(2, 9))) for _ in range(2_000)]
    return [" ".join(rng.choices(words, k=rng.randint(3, 120))) for _ in range(count)]


def planted_texts(seed, originals, rows):
    return [text for text, *_ in planted.corpus(salad(seed, originals), rows, seed)]


@pytest.mark.parametrize("seed", range(3))
def test_the_oracle_finds_what_comparing_each_with_each_finds(seed):
    texts = [*planted_texts(seed, 20, 100), "", "", "!!!", "ok", "OK.", "no", "工場の文章", "工場の文章。"]
    everything = {
        (one, other): value
        for other in range(len(texts))
        for one in range(other)
        if (value := oracle.jaccard(texts[one], texts[other])) >= 0.8
    }
    assert oracle.near_pairs(texts) == everything
    assert sum(value < 1 for value in everything.values()) > 15


def test_the_oracle_knows_the_sentence_whose_last_word_changed():
    text = "The quick brown fox jumps over the lazy {} that sleeps beside an old wooden garden gate"
    assert oracle.jaccard(text.format("dog"), text.format("cat")) == 0.6
    assert oracle.near_pairs([text.format("dog"), text.format("cat")]) == {}
    assert oracle.near_pairs([text.format("dog"), text.format("cat")], threshold=0.6) == {(0, 1): 0.6}


def test_planted_edits_are_found_and_nothing_goes_that_is_not_near():
    found = judged(planted_texts(0, 80, 700), MinHashDedup())
    assert found.proposed >= RECALL
    assert found.apart >= RECALL
    assert found.gone > 200
    assert found.wrong == 0


def test_bands_that_miss_pairs_are_seen_to_miss_them():
    found = judged(planted_texts(0, 80, 700), MinHashDedup(bands=9, rows=13))
    assert found.proposed < found.apart < RECALL
    assert found.wrong == 0


def test_copies_are_found_as_often_as_the_formula_says():
    originals = [text for text in salad(4, 300) if len(text) > 200]
    rows = list(planted.corpus(originals, 12 * len(originals), seed=4))
    texts = [text for text, *_ in rows]
    pairs = [(original, place) for place, (_, original, kind, _) in enumerate(rows) if kind != "original"]
    asked, by_step = MinHashDedup(), defaultdict(list)
    for (one, other), found in zip(pairs, banded(texts, pairs, asked).tolist(), strict=True):
        value = oracle.jaccard(texts[one], texts[other])
        by_step[round(20 * value) / 20].append((found, chance(value, asked.bands, asked.rows)))
    for step in (0.6, 0.7, 0.8, 0.9, 1.0):
        found, expected = np.mean(by_step[step], axis=0)
        assert found == pytest.approx(expected, abs=0.05), step
        assert len(by_step[step]) > 60


@pytest.mark.network
@pytest.mark.skipif(os.environ.get("KOBA_NETWORK") != "1", reason="downloads 27 MB; set KOBA_NETWORK=1")
@pytest.mark.parametrize(("what", "expected"), [(sharegpt.joined, 454), (sharegpt.user_turns, 1_317)])
def test_real_chats_lose_only_what_is_near_and_nearly_all_that_is(what, expected):
    found = judged(distinct(what(sharegpt.found() or sharegpt.fetch())), MinHashDedup())
    assert found.pairs == expected
    assert found.proposed >= RECALL
    assert found.apart >= RECALL
    assert found.wrong == 0
