import random

import pytest

from dedup.minhash import MinHashDedup
from dedup.reference import gram_set, similarity
from tests.dedup.memory import drops, run

SHARP = MinHashDedup(threshold=0.8, bands=128, rows=1)  # proposes every pair that shares anything
IDEOGRAPHS = [chr(code) for code in range(0x4E00, 0x9F00)]


def distinct(count, seed=0):
    return "".join(random.Random(seed).sample(IDEOGRAPHS, count))


def changed(text, place):
    return text[:place] + "変"[: len(text) > place] + text[place + 1 :]


def jaccard(one, other):
    return similarity(gram_set(one, 13), gram_set(other, 13))


@pytest.mark.parametrize(("length", "expected"), [(30, 0.161), (50, 0.490), (100, 0.743), (200, 0.871), (500, 0.948)])
def test_one_changed_letter_costs_what_the_edit_model_says(length, expected):
    text = distinct(length)
    [(_, value)] = drops(
        MinHashDedup(threshold=0.1, bands=128, rows=1), {"a": text, "b": changed(text, length // 2)}
    ).values()
    assert value == (length - 25) / (length + 1)
    assert value == pytest.approx(expected, abs=6e-4)


def test_the_edit_decides_by_length_at_the_papers_threshold():
    short, long = distinct(100), distinct(200, seed=1)
    found = drops(MinHashDedup(), {"a": short, "b": changed(short, 50), "c": long, "d": changed(long, 100)})
    assert list(found.values()) in ([("c", 175 / 201)], [("d", 175 / 201)])


def test_a_pair_that_differs_in_one_word_of_a_sentence_is_kept():
    text = "The quick brown fox jumps over the lazy {} that sleeps beside an old wooden garden gate"
    dog, cat = text.format("dog"), text.format("cat")
    assert jaccard(dog, cat) == 0.6
    assert drops(SHARP, {"dog": dog, "cat": cat}) == {}


def test_a_similarity_of_exactly_the_threshold_is_near():
    text = distinct(137)
    one, other = text[:116], text[:104] + text[116:128]  # 92 shared grams of 116
    assert jaccard(one, other) == 92 / 116
    assert len(drops(MinHashDedup(threshold=92 / 116), {"a": one, "b": other})) == 1
    assert drops(MinHashDedup(threshold=92 / 116 + 1e-9), {"a": one, "b": other}) == {}


def test_short_texts_are_the_same_only_when_they_are_equal():
    texts = {"a": "こんにちは", "b": "こんにちは！", "c": "こんばんは", "d": "ok", "e": "no", "f": "OK."}
    found = drops(MinHashDedup(), texts)
    assert sorted(frozenset((row, twin)) for row, (twin, _) in found.items()) == [{"a", "b"}, {"d", "f"}]
    assert {value for _, value in found.values()} == {1.0}


def test_a_short_text_is_not_the_same_as_a_long_one_that_begins_with_it():
    assert drops(SHARP, {"a": "twelve chars", "b": "twelve chars and more"}) == {}


def test_texts_without_letters_are_not_all_the_same():
    assert drops(SHARP, {"a": "!!!", "b": "???", "c": "🙂", "d": " ", "e": "", "f": "=" * 50, "g": "-" * 50}) == {}


def test_empty_texts_are_duplicates_of_each_other():
    assert list(drops(MinHashDedup(), {"a": "", "b": ""}).values()) in ([("a", 1.0)], [("b", 1.0)])


def chain(links, step=15, length=200):
    text = distinct(length + step * links)
    return {f"{link:02}": text[step * link : step * link + length] for link in range(links)}


@pytest.mark.parametrize("seed", range(12))
def test_in_a_chain_no_row_is_dropped_for_one_that_is_far_from_it(seed):
    texts = chain(3)
    assert jaccard(texts["00"], texts["01"]) > 0.8 > jaccard(texts["00"], texts["02"])
    found = {row: twin for row, (twin, _) in drops(MinHashDedup(seed=seed), texts).items()}
    assert found in ({"00": "01", "02": "01"}, {"01": "00"}, {"01": "02"})


def test_chance_decides_which_row_of_a_chain_stays():
    outcomes = {frozenset(drops(MinHashDedup(seed=seed), chain(3))) for seed in range(30)}
    assert outcomes == {frozenset({"00", "02"}), frozenset({"01"})}


def test_a_long_chain_is_not_swallowed():
    texts = chain(40)
    found = drops(MinHashDedup(), texts)
    assert len(texts) - len(found) >= 40 / 3  # each row that stays has two neighbours at most
    for row, (twin, value) in found.items():
        assert value == jaccard(texts[row], texts[twin]) >= 0.8
        assert twin not in found


def test_common_boilerplate_does_not_join_different_texts():
    boilerplate = distinct(300)
    texts = {str(row): boilerplate + distinct(250, seed=row + 1) for row in range(300)}
    assert jaccard(texts["0"], texts["1"]) == pytest.approx(0.37, abs=0.01)
    assert drops(SHARP, texts) == {}


def test_a_template_thousands_of_times_leaves_one_row():
    template = distinct(400)
    texts = {str(row): f"{template} number {row}" for row in range(20_000)}
    found = drops(MinHashDedup(), texts)
    assert len(found) == 19_999
    assert len({twin for twin, _ in found.values()}) == 1


def test_thousands_of_rows_that_a_template_makes_alike_but_not_near_all_stay():
    template = distinct(200)
    texts = {str(row): template + distinct(36, seed=row + 1) for row in range(1_500)}
    assert jaccard(texts["0"], texts["1"]) == pytest.approx(0.72, abs=0.01)
    assert drops(MinHashDedup(), texts) == {}


def test_an_empty_effect_is_told():
    assert run(MinHashDedup(), {"a": "one"}, {"b": "two"}).warnings == ("minhash: 0 of 2 rows dropped",)
    assert run(MinHashDedup()).warnings == ("minhash: 0 of 0 rows dropped",)


def test_a_drop_says_where_why_and_for_whom():
    [drop] = run(MinHashDedup(), {"a": "alpha"}, {"b": "same text", "c": "Same text!"}).drops
    assert (drop.shard, drop.reason, drop.value, drop.threshold) == (1, "minhash/near_duplicate", 1.0, 0.8)
    assert drop.row in {0, 1}


def test_rare_characters_in_one_shard_do_not_shift_the_texts_of_the_next():
    greek, latin = "ΟΔΥΣΣΕΥΣ ΚΑΙ ΠΗΝΕΛΟΠΗ ΣΤΗΝ ΙΘΑΚΗ", "Odysseus and Penelope in Ithaca"
    found = drops(
        MinHashDedup(), {"a": greek, "b": latin}, {"c": greek.lower(), "d": latin.upper()}, {"e": greek + "!"}
    )
    assert {frozenset((row, twin)) for row, (twin, _) in found.items() if {row, twin} & {"b", "d"}} == {frozenset("bd")}
    assert len(found) == 3
