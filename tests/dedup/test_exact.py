import pytest

from dedup.exact import ExactDedup
from manifests.errors import BadRecipe
from tests.dedup.memory import drops, run


def test_of_equal_texts_one_stays_and_is_the_twin_of_all_others():
    found = drops(ExactDedup(), {"a": "same", "b": "other"}, {"c": "same", "d": "same"})
    assert len(found) == 2
    [(twin, value)] = set(found.values())
    assert {*found, twin} == {"a", "c", "d"}
    assert value == 1.0


def test_white_space_and_unicode_form_do_not_count():
    assert len(drops(ExactDedup(), {"a": "a\u3000b\n\n", "b": "a b"}, {"c": "が", "d": "か\u3099"})) == 2


def test_case_and_punctuation_count():
    assert drops(ExactDedup(), {"a": "Same", "b": "same", "c": "same."}) == {}


def test_the_literal_form_compares_texts_as_they_are():
    assert drops(ExactDedup(form="literal"), {"a": "a  b", "b": "a b", "c": "が", "d": "か\u3099"}) == {}
    assert len(drops(ExactDedup(form="literal"), {"a": "a  b", "b": "a  b"})) == 1


def test_an_unknown_form_is_refused():
    with pytest.raises(BadRecipe, match="form is 'loose'; expected one of nfc_space, literal"):
        ExactDedup(form="loose")


def test_which_one_stays_depends_on_the_seed():
    texts = dict.fromkeys("abcd", "same")
    stay = {min(set(texts) - set(drops(ExactDedup(seed=seed), texts))) for seed in range(40)}
    assert stay == set("abcd")


def test_order_and_shards_have_no_say():
    texts = {str(row): str(row % 7) for row in range(40)}
    split = [dict(list(texts.items())[start : start + 9][::-1]) for start in range(0, 40, 9)]
    assert drops(ExactDedup(), texts) == drops(ExactDedup(), *split[::-1], {})


def test_an_empty_effect_is_told():
    assert run(ExactDedup(), {"a": "one", "b": "two"}).warnings == ("exact: 0 of 2 rows dropped",)
    assert run(ExactDedup()).warnings == ("exact: 0 of 0 rows dropped",)


def test_a_drop_says_where_and_why():
    [drop] = run(ExactDedup(), {"a": "alpha"}, {"b": "same", "c": "same"}).drops
    assert (drop.shard, drop.reason, drop.value, drop.threshold) == (1, "exact/duplicate", 1.0, 1.0)
