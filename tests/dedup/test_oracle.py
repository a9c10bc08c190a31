"""What MinHash finds beside exact comparison of all pairs: of planted edits, and of real chats where they are had."""

import os
import random
from collections import defaultdict

import numpy as np
import pytest

from dedup.minhash import MinHashDedup, chance
from tests.benchmarks import planted
from tests.dedup import oracle, sharegpt
from tests.dedup.memory import drops
from tests.dedup.pairs import banded, proposed

RECALL = 0.995  # of the pairs at 0.8 or more


def salad(seed, count):
    """Return texts of different lengths, in words of the same vocabulary."""
    rng = random.Random(seed)
    words = ["".join(rng.choices("etaoinshrdlu", k=rng.randint(2, 9))) for _ in range(2_000)]
    return [" ".join(rng.choices(words, k=rng.randint(3, 120))) for _ in range(count)]


def planted_texts(seed, originals, rows):
    return [text for text, *_ in planted.corpus(salad(seed, originals), rows, seed)]


def survivors(texts, asked):
    """Return for each text that goes the one that stays in its place, and their similarity."""
    found = drops(asked, {str(place): text for place, text in enumerate(texts)})
    return {int(row): (int(twin), value) for row, (twin, value) in found.items()}


def judged(texts, asked):
    """Return the share of the exact pairs that are proposed, the share that no longer stay together, and the drops."""
    pairs = oracle.near_pairs(texts, asked.threshold, asked.ngram)
    gone = survivors(texts, asked)
    let_through = proposed(texts, list(pairs), asked).mean()
    apart = np.mean([one in gone or other in gone for one, other in pairs])
    return let_through, apart, gone


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
    texts = planted_texts(0, 80, 700)
    let_through, apart, gone = judged(texts, MinHashDedup())
    assert let_through >= RECALL
    assert apart >= RECALL
    assert len(gone) > 200
    for row, (twin, value) in gone.items():
        assert value == oracle.jaccard(texts[row], texts[twin]) >= 0.8
        assert twin not in gone


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
@pytest.mark.parametrize("what", [sharegpt.joined, sharegpt.user_turns])
def test_real_chats_lose_only_what_is_near_and_nearly_all_that_is(what):
    texts = distinct(what(sharegpt.found() or sharegpt.fetch()))
    let_through, apart, gone = judged(texts, MinHashDedup())
    assert let_through >= RECALL
    assert apart >= RECALL
    assert all(value == oracle.jaccard(texts[row], texts[twin]) >= 0.8 for row, (twin, value) in gone.items())


def distinct(texts):
    """Return one text for each sequence of letters: pairs of equal ones would hide the others by their number."""
    return list({oracle.letters(text): text for text in texts}.values())
