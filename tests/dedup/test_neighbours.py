"""Candidates by faiss. The figures are those of b-bit minwise hashing (Li and König 2010) and of its binomials."""

import math
from itertools import combinations

import numpy as np
import pytest

from dedup import reference
from dedup.clusters import components
from dedup.neighbours import (
    Search,
    bit_distances,
    codes,
    how_exact,
    near_codes,
    near_vectors,
    pairs_by,
    scattered,
    search_for,
)
from dedup.signatures import Signatures
from manifests.errors import BadRecipe
from tests.dedup.memory import view

ONE_BIT = {"bits": 1, "tables": 8, "values": 16}


def planted(similarity, pairs, seed=0):
    """Signatures of which rows 0 and 1, 2 and 3, ... each agree in a value with this chance, and no others."""
    rng = np.random.default_rng(seed)
    made = rng.integers(0, 2**32, (2 * pairs, 128), dtype=np.uint32)
    made[1::2] = np.where(rng.random((pairs, 128)) < similarity, made[::2], made[1::2])
    return made


def signed(texts):
    column = Signatures()(view({str(row): text for row, text in enumerate(texts)}).slices[0].rows)["signature"]
    return np.array([np.frombuffer(value.as_py(), "<u4") for value in column])


def edited(count, seed=1):
    """`count` texts in families: each is a text of one's own or one like an earlier one but for a few letters."""
    rng = np.random.default_rng(seed)
    texts = []
    for row in range(count):
        if row % 3 == 0:
            texts.append("".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), int(rng.integers(150, 500)))))
        else:
            letters = list(texts[row - row % 3])
            for place in rng.integers(0, len(letters), int(rng.integers(1, 4))):
                letters[place] = "Q"
            texts.append("".join(letters))
    return texts


@pytest.mark.parametrize(
    ("bits", "agree", "mismatches", "deviation"),
    [(1, 0.9, 12.8, 0.053), (2, 0.85, 19.2, 0.042), (4, 0.8125, 24.0, 0.037), (8, 0.80078, 25.5, 0.035)],
)
def test_values_of_a_few_bits_agree_as_often_as_theory_has_it(bits, agree, mismatches, deviation):
    one = bit_distances(0.8, bits, 1)
    assert one[0] == pytest.approx(agree, abs=1e-5)
    assert 128 * (1 - one[0]) == pytest.approx(mismatches, abs=0.01)
    spread = math.sqrt(one[0] * (1 - one[0]) / 128) / (1 - 0.5**bits)
    assert spread == pytest.approx(deviation, abs=5e-4)


@pytest.mark.parametrize("bits", [1, 4])
def test_codes_are_as_far_apart_as_their_distribution_says(bits):
    signatures = planted(0.8, 2_000)
    flipped = codes(signatures[::2], bits) ^ codes(signatures[1::2], bits)
    found = np.unpackbits(flipped, axis=1).sum(1)
    expected = bit_distances(0.8, bits, 128)
    numbers = np.arange(len(expected))
    mean = float(expected @ numbers)
    deviation = math.sqrt(float(expected @ (numbers - mean) ** 2))
    assert mean == pytest.approx(12.8 * bits)
    assert found.mean() == pytest.approx(mean, abs=4 * deviation / math.sqrt(2_000))
    assert found.std() == pytest.approx(deviation, rel=0.06)


@pytest.mark.parametrize(
    ("tables", "values", "flips", "recall"),
    [(8, 16, 0, 0.80), (8, 16, 1, 0.997), (8, 16, 2, 1.0), (16, 8, 0, 1.0), (4, 32, 2, 0.845), (4, 32, 3, 0.972)],
)
def test_tables_over_one_bit_codes_find_the_share_that_they_are_known_to(tables, values, flips, recall):
    search = Search(bits=1, tables=tables, values=values, flips=flips)
    assert search.chance(0.8) == pytest.approx(recall, abs=0.011)
    found = pairs_by(search, planted(0.8, 1_000))
    assert len(found) / 1_000 == pytest.approx(search.chance(0.8), abs=0.045)


def test_the_default_finds_what_25_bands_of_5_find():
    found = near_codes(planted(0.8, 2_000), 0.8)
    assert search_for(0.8, 128).chance(0.8) > 0.9999
    assert len(found) / 2_000 > 0.998


def test_short_texts_do_not_share_their_codes():
    short = [f"{word}{number}" for word in ("ok", "yes", "no", "hm") for number in range(50)]
    packed = codes(signed(short), 1)
    assert len(np.unique(packed, axis=0)) == 200
    assert len(near_codes(signed(short), 0.8)) == 0


def test_values_are_scattered_as_murmurhash3_does():
    assert scattered(np.array([[0, 1, 0xDEADBEEF]], np.uint32)).tolist() == [[0, 0x514E28B7, 0x0DE5C6A9]]


@pytest.fixture(scope="module")
def compared():
    """The signatures of 500 texts and their edges by brute force; of texts with equal signatures, the first."""
    texts = edited(500)
    sets = [reference.gram_set(text, 13) for text in texts]
    edges = reference.edges(sets, reference.all_pairs(500), 0.8)
    signatures = signed(texts)
    return signatures, of_firsts(signatures, edges)


def of_firsts(signatures, edges):
    content = [row.tobytes() for row in signatures]
    pairs = [(content.index(content[one]), content.index(content[other])) for one, other in edges]
    return {(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]}


@pytest.mark.parametrize("search", [search_for(0.8, 128), Search(**ONE_BIT, flips=2), Search(tables=0)])
def test_brute_force_over_500_texts_gives_the_same_edges(compared, search):
    signatures, edges = compared
    found = of_firsts(signatures, pairs_by(search, signatures).tolist())
    assert len(edges) > 200
    assert len(edges & found) >= 0.99 * len(edges)


def test_each_with_each_misses_no_pair_of_signatures_that_share_enough_values():
    signatures = np.concatenate([planted(similarity, 60, seed) for seed, similarity in enumerate((0.6, 0.65, 0.8))])
    search = Search(tables=0, bits=2)
    equal = (signatures[:, None] == signatures[None]).sum(2)
    expected = [[one, other] for one, other in combinations(range(360), 2) if equal[one, other] >= search.least]
    assert 60 < len(expected) < 180
    assert pairs_by(search, signatures).tolist() == expected


def test_pairs_are_sorted_and_name_each_once():
    found = pairs_by(search_for(0.8, 128), np.concatenate([planted(0.9, 50)] * 2))
    assert (found[:, 0] < found[:, 1]).all()
    assert found.tolist() == [list(pair) for pair in sorted(set(map(tuple, found.tolist())))]
    assert found.dtype == np.int64


def test_equal_signatures_are_a_star_around_the_first():
    signatures = planted(0.9, 2)[[0, 2, 0, 1, 0]]
    assert near_codes(signatures, 0.8, joined=False).tolist() == [[0, 2], [0, 3], [0, 4]]


def test_100_000_equal_signatures_are_no_clique():
    signatures = np.repeat(planted(0.9, 1)[:1], 100_000, axis=0)
    found = near_codes(signatures, 0.8, joined=False)
    assert len(found) == 99_999
    assert (found[:, 0] == 0).all()


def test_joined_pairs_have_the_same_components_and_are_fewer_than_rows():
    rng = np.random.default_rng(5)
    signatures = np.repeat(planted(0.9, 10), 30, axis=0)
    signatures[np.arange(600), rng.integers(0, 128, 600)] = rng.integers(0, 2**32, 600, dtype=np.uint32)
    every, joined = (near_codes(signatures, 0.8, joined=only).tolist() for only in (False, True))
    assert len(joined) == 600 - 10
    assert len(every) > 10 * len(joined)
    as_sets = [{frozenset(part) for part in components(range(600), map(tuple, edges))} for edges in (every, joined)]
    assert as_sets[0] == as_sets[1]


@pytest.mark.parametrize("permutations", [1, 4, 16, 63, 200])
def test_any_number_of_permutations_will_do(permutations):
    signatures = np.random.default_rng(0).integers(0, 2**32, (20, permutations), dtype=np.uint32)
    signatures[7] = signatures[3]
    assert [3, 7] in near_codes(signatures, 0.8).tolist()


def test_no_rows_have_no_pairs():
    assert near_codes(np.empty((0, 128), np.uint32), 0.8).shape == (0, 2)
    assert near_codes(planted(0.8, 1)[:1], 0.8).shape == (0, 2)


def test_it_says_what_is_exact_and_what_is_not():
    assert how_exact(0.8, 128) == (
        "candidates by faiss, IndexBinaryMultiHash: approximate, 25 tables keyed by 5 values (20 bits) find 99.998% of "
        "the pairs at 0.8; codes within 107 of 512 bits, exactly compared; of 128 values two signatures must share 79, "
        "as all but one in a million of the pairs at 0.8 do"
    )
    assert "IndexBinaryFlat: exact, codes of 128 x 4 bits are compared each with each" in Search(tables=0).how_exact()
    assert "8 tables keyed by 16 values (16 bits, looked up with up to 1 of them flipped) find 99.7%" in (
        Search(**ONE_BIT, flips=1).how_exact()
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"bits": 3}, "128 values of 3 bits; expected"),
        ({"threshold": 0.0}, "threshold is 0.0"),
        ({"tables": 26}, "26 tables of 5 values need 130 permutations, but there are 128"),
        ({"values": 30}, "expected tables of 1 to 62 bits"),
        ({"flips": -1}, "-1 flips"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(fields, message):
    with pytest.raises(BadRecipe, match=message):
        Search(**fields)


def test_signatures_of_another_length_are_refused():
    with pytest.raises(BadRecipe, match=r"signatures of shape \(2, 64\); expected \[rows, 128\]"):
        pairs_by(Search(), planted(0.8, 1)[:, :64])


def clouds(count, seed=0):
    """Vectors of length one, each with a second one beside it at a cosine of about 0.97."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((count, 32))
    both = np.concatenate([centres, centres + 0.25 * rng.standard_normal((count, 32))]).astype(np.float32)
    return both / np.linalg.norm(both, axis=1, keepdims=True)


def test_vectors_compared_each_with_each_are_those_of_a_matrix_product():
    vectors = clouds(300)
    one, other = np.nonzero(np.triu(vectors @ vectors.T >= 0.9, 1))
    found = near_vectors(vectors, 0.9, cells=0, visited=0, seed=0)
    products = (vectors[found[:, 0]] * vectors[found[:, 1]]).sum(1)
    assert found[products >= 0.9].tolist() == np.column_stack([one, other]).tolist()
    assert products.min() >= 0.9 - 2e-4


def test_vectors_in_cells_find_most_of_these_and_again_the_same():
    vectors = clouds(1_000)
    exact = {tuple(pair) for pair in near_vectors(vectors, 0.9, cells=0, visited=0, seed=0).tolist()}
    found = near_vectors(vectors, 0.9, cells=40, visited=8, seed=3)
    assert {tuple(pair) for pair in found.tolist()} <= exact
    assert len(found) > 0.9 * len(exact)
    assert found.tolist() == near_vectors(vectors, 0.9, cells=40, visited=8, seed=3).tolist()
