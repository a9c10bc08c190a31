"""Figures of the literature on MinHash that our choices rest on, computed anew."""

import math

import pytest
from datasketch import MinHashLSH

from dedup.minhash import chance
from tests.dedup import oracle

STEPS = (0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
TABLE = """
450 x 20  0.0163  0.3018  0.7605  0.9946  1.0     1.0     1.0
 40 x 20  0.0015  0.0314  0.1193  0.3711  0.7943  0.9944  1.0
"""


@pytest.mark.parametrize("line", TABLE.strip().splitlines())
def test_the_chance_to_share_a_band_is_that_of_other_corpora_too(line):
    count, _, rows, *expected = line.split()
    found = [chance(similarity, int(count), int(rows)) for similarity in STEPS]
    assert found == pytest.approx([float(value) for value in expected], abs=5e-5)


@pytest.mark.parametrize(
    ("weights", "bands", "rows", "at_threshold"),
    [
        ((0.5, 0.5), 9, 13, 0.399),
        ((0.4, 0.6), 10, 12, 0.509),
        ((0.3, 0.7), 11, 11, 0.628),
        ((0.2, 0.8), 12, 10, 0.744),
        ((0.1, 0.9), 14, 9, 0.867),
    ],
)
def test_datasketchs_choice_of_bands_loses_pairs_at_the_threshold_which_ours_does_not(
    weights, bands, rows, at_threshold
):
    index = MinHashLSH(threshold=0.8, num_perm=128, weights=weights)
    assert (index.b, index.r) == (bands, rows)
    assert chance(0.8, bands, rows) == pytest.approx(at_threshold, abs=6e-4)
    assert chance(0.8, bands=25, rows=5) > 0.9999


@pytest.mark.parametrize(("similarity", "expected"), [(0.7, 0.0051), (0.75, 0.0898), (0.85, 0.936), (0.9, 0.9996)])
def test_an_estimate_from_128_values_reaches_the_threshold_as_often_as_the_binomial_says(similarity, expected):
    needed = math.ceil(0.8 * 128)
    ways = [math.comb(128, k) * similarity**k * (1 - similarity) ** (128 - k) for k in range(needed, 129)]
    assert sum(ways) == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize(("length", "expected"), [(100, 0.743), (200, 0.871), (1_000, 0.974)])
def test_one_letter_in_the_middle_costs_thirteen_grams(length, expected):
    text = "".join(chr(0x4E00 + place) for place in range(length))
    edited = f"{text[: length // 2]}変{text[length // 2 + 1 :]}"
    found = oracle.jaccard(text, edited)
    assert found == (length - 25) / (length + 1)
    assert found == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize(("length", "near"), [(232, False), (234, True)])
def test_a_word_of_five_letters_may_be_exchanged_from_a_length_on(length, near):
    text = "".join(chr(0x4E00 + place) for place in range(length))
    middle = length // 2
    edited = text[:middle] + "一二三四五" + text[middle + 5 :]
    grams = length - 12
    assert oracle.jaccard(text, edited) == (grams - 17) / (grams + 17)
    assert bool(oracle.near_pairs([text, edited], threshold=205 / 239)) == near
