import math

import numpy as np
import pytest

from dedup import bands
from dedup.minhash import MinHashDedup, chance
from manifests.errors import BadRecipe
from tests.dedup.memory import run

TABLE = """
 9 x 13  0.0117  0.0839  0.1946  0.3988  0.6864  0.9286  0.9985
14 x  8  0.2111  0.5645  0.7716  0.9235  0.9884  0.9996  1.0
16 x  8  0.2374  0.6133  0.8151  0.9470  0.9938  0.9999  1.0
20 x  6  0.6154  0.9182  0.9802  0.9977  0.9999  1.0     1.0
25 x  5  0.8678  0.9899  0.9989  1.0     1.0     1.0     1.0
"""


def lower_tail(count, trials, odds):
    return sum(math.comb(trials, k) * odds**k * (1 - odds) ** (trials - k) for k in range(count))


@pytest.mark.parametrize("line", TABLE.strip().splitlines())
def test_the_chance_to_share_a_band_is_that_of_the_literature(line):
    count, _, rows, *expected = line.split()
    found = [chance(similarity, int(count), int(rows)) for similarity in (0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)]
    assert found == pytest.approx([float(value) for value in expected], abs=5e-5)


def test_a_look_at_the_texts_is_refused_to_one_pair_in_a_million_at_the_threshold():
    least = bands.least_agreement(0.8, 128)
    assert lower_tail(least, 128, 0.8) <= 1e-6 < lower_tail(least + 1, 128, 0.8)


def test_half_of_the_pairs_at_the_threshold_are_estimated_below_it():
    assert 1 - lower_tail(103, 128, 0.8) == pytest.approx(0.5, abs=0.03)
    assert 1 - lower_tail(103, 128, 0.7) == pytest.approx(0.0051, abs=1e-4)


def test_only_equal_signatures_can_be_those_of_equal_sets():
    assert bands.least_agreement(1.0, 128) == 128


def test_buckets_hold_the_rows_that_agree_in_a_band():
    rng = np.random.default_rng(0)
    signatures = rng.integers(0, 3, (60, 6), dtype=np.uint32)
    found = bands.buckets(signatures, bands=3, rows=2)
    for band in range(3):
        columns = signatures[:, 2 * band : 2 * band + 2]
        for row in range(60):
            place = found.places[band, row]
            after = found.members[band, place:][: found.stops[band, place] - place]
            assert after.tolist() == [other for other in range(row, 60) if (columns[other] == columns[row]).all()]


def test_bands_too_steep_for_the_threshold_are_told_with_the_figure():
    selected = run(MinHashDedup(bands=9, rows=13), {"a": "one", "b": "one"})
    assert selected.warnings == (
        "minhash: 9 x 13 bands find 39.9% of the pairs at 0.8; many bands of few rows find more, as 25 x 5 does",
    )


def test_bands_and_rows_the_wrong_way_round_are_refused():
    with pytest.raises(BadRecipe, match=r"2 x 60 bands find 0\.0% of the pairs at 0\.8.*such as 25 x 5"):
        MinHashDedup(bands=2, rows=60)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"bands": 26}, "26 bands of 5 rows need 130 permutations, but there are 128"),
        ({"threshold": 1.5}, "threshold is 1.5"),
        ({"threshold": 0.0}, "threshold is 0.0"),
        ({"ngram": 0}, "ngram is 0; expected at least 1"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(fields, message):
    with pytest.raises(BadRecipe, match=message):
        MinHashDedup(**fields)
