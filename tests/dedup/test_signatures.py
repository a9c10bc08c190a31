import random

import numpy as np
import pyarrow as pa
import pytest

from dedup.columns import matrix
from dedup.compiled import compiled
from dedup.reference import gram_set, similarity
from dedup.signatures import Signatures, orders
from manifests.errors import BadRecipe
from tests.dedup.memory import view

IDEOGRAPHS = range(0x4E00, 0x9F00)  # enough of them that no gram comes twice in a text drawn from them


def signatures(*texts, **fields):
    side = Signatures(**fields)(view({str(place): text for place, text in enumerate(texts)}).slices[0].rows)
    return matrix(side.column("signature"), "<u4")


def drawn(rng, count):
    return "".join(map(chr, rng.choices(IDEOGRAPHS, k=count)))


def test_the_estimate_is_unbiased_with_the_deviation_of_128_draws():
    rng = random.Random(1)
    errors = []
    for _ in range(400):
        shared = drawn(rng, 212)
        one, other = signatures(shared + drawn(rng, 25), shared + drawn(rng, 25))
        errors.append(np.mean(one == other) - 0.8)  # 200 grams of 250 are shared
    assert abs(np.mean(errors)) < 0.006
    assert np.std(errors) == pytest.approx(0.0354, abs=0.004)


def test_the_estimate_follows_the_similarity_of_english_too():
    rng = random.Random(2)
    words = ("the", "of", "and", "to", "in", "is", "that", "for", "it", "as", "was", "with", "be", "by", "on")
    one, other = (" ".join(rng.choices(words, k=300)) for _ in range(2))
    mixed = one[:600] + other[600:]
    near, far = signatures(one, mixed)
    exact = similarity(gram_set(one, 13), gram_set(mixed, 13))
    assert np.mean(near == far) == pytest.approx(exact, abs=0.15)


def test_grams_are_a_set_so_that_repetition_does_not_count():
    once, thrice = signatures("abcdefghijklmnopqrstuvwxyz" * 2, "abcdefghijklmnopqrstuvwxyz" * 6)
    assert (once == thrice).all()


def test_a_signature_does_not_depend_on_its_neighbours():
    rng = random.Random(3)
    texts = [drawn(rng, rng.randrange(60)) for _ in range(600)]
    together = signatures(*texts)
    assert all((signatures(text)[0] == together[place]).all() for place, text in enumerate(texts[:40]))
    assert (signatures(*texts[::-1])[::-1] == together).all()


def test_fewer_permutations_are_the_first_of_more():
    text = "The quick brown fox jumps over the lazy dog"
    assert (signatures(text, permutations=32)[0] == signatures(text)[0][:32]).all()


def test_each_permutation_maps_different_numbers_to_different_ones():
    multipliers, _ = orders(128)
    assert (multipliers % 2 == 1).all()
    assert len(set(multipliers.tolist())) == 128


def test_no_rows_have_no_signatures():
    assert Signatures()(view({}).slices[0].rows).num_rows == 0


def test_rows_that_are_no_documents_are_refused():
    with pytest.raises(BadRecipe, match="minhash: rows have no text, only id, input_ids"):
        Signatures()(pa.table({"id": pa.array([], pa.binary(16)), "input_ids": []}))


def test_a_kernel_is_compiled_where_nothing_can_be_kept():
    def double(number: int) -> int:
        return 2 * number

    double.__code__ = double.__code__.replace(co_filename="/a/file/that/is/not/there.py")
    assert compiled(double)(21) == 42
