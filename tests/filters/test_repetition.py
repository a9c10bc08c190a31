from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from filters.repetition import duplicates, ngrams, number, repeated, tally, where

TEXTS = st.lists(st.sampled_from(["a", "b", "ab", "", "c"]), max_size=60)


def test_duplicates_are_the_items_that_stood_earlier():
    assert duplicates(["one", "two", "one", "one"]) == (2, 6)
    assert duplicates([]) == (0, 0)


@given(TEXTS)
def test_equal_items_have_equal_numbers(items):
    numbers = number(items).tolist()
    assert [a == b for a in items for b in items] == [a == b for a in numbers for b in numbers]


@given(TEXTS)
def test_ngrams_count_as_they_do_when_they_are_tuples(items):
    for n, keys in ngrams(number(items), 10):
        grams = [tuple(items[i : i + n]) for i in range(len(items) - n + 1)]
        distinct, counts = tally(keys)
        assert sorted(counts.tolist()) == sorted(Counter(grams).values())
        assert np.all(distinct[:-1] < distinct[1:])
        often = where(keys, distinct[counts > 1]).tolist()
        assert often == [i for i, gram in enumerate(grams) if grams.count(gram) > 1]


@given(st.lists(st.sampled_from("ab"), max_size=40))
def test_what_is_repeated_is_found_among_what_was_repeated_before(items):
    positions = None
    for n, keys in ngrams(number(items), 6):
        positions = repeated(keys, positions)
        grams = ["".join(items[start : start + n]) for start in range(len(keys))]
        assert positions.tolist() == [start for start, gram in enumerate(grams) if grams.count(gram) > 1]
