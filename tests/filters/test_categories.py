import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.buckets import ScoreBuckets
from filters.categories import CategoryTargets
from filters.chosen import RandomShare
from manifests.errors import BadRecipe
from tests.pools import Heard, cut, decisions, doc, kept, selected, stored

ROWS = [
    *(doc(f"sports{n}", labels={"topic": "sports"}) for n in range(60)),
    *(doc(f"science{n}", labels={"topic": "science"}) for n in range(20)),
    *(doc(f"plain{n}") for n in range(10)),
]


def counts(texts):
    return {name: sum(text.startswith(name) for text in texts) for name in ("sports", "science", "plain")}


def test_weights_thin_out_the_categories_that_they_name():
    store = stored(*cut(ROWS, 4))
    made = selected(store, CategoryTargets(weights=(("sports", 0.25),))).manifest
    assert counts(kept(store, made)) == {"sports": 15, "science": 20, "plain": 10}
    assert {line["reason"] for line in decisions(store, made)} == {"category/over_target"}


def test_shares_make_the_largest_dataset_that_has_them():
    store = stored(*cut(ROWS, 4))
    made = selected(store, CategoryTargets(shares=(("sports", 0.6), ("science", 0.4)))).manifest
    assert counts(kept(store, made)) == {"sports": 30, "science": 20, "plain": 0}
    assert {line["reason"] for line in decisions(store, made)} == {"category/over_target", "category/unwanted"}


def test_what_the_pool_cannot_meet_is_told():
    store, heard = stored(*cut(ROWS, 2)), Heard()
    asked = CategoryTargets(shares=(("sports", 0.5), ("science", 0.5)), size=60)
    assert counts(kept(store, selected(store, asked, heard=heard).manifest)) == {
        "sports": 30,
        "science": 20,
        "plain": 0,
    }
    assert any("too little for the targets in rows: science 20 of 30" in said for said in heard.said)


def test_a_row_without_the_label_has_a_category_of_its_own():
    store = stored(*cut(ROWS, 2))
    made = selected(store, CategoryTargets(weights=(("(none)", 0.0),))).manifest
    assert counts(kept(store, made)) == {"sports": 60, "science": 20, "plain": 0}


def test_several_labels_are_one_category():
    rows = [
        doc(f"{language}{n}", language=language, labels={"topic": "news"})
        for n in range(4)
        for language in ("en", "ja")
    ]
    store = stored(rows)
    made = selected(store, CategoryTargets(by=("topic", "language"), weights=(("news / ja", 0.5),))).manifest
    assert sorted(text[:2] for text in kept(store, made)) == ["en"] * 4 + ["ja"] * 2


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "either shares or weights"),
        ({"shares": (("a", 0.5), ("b", 0.6))}, "add up to 1.1"),
        ({"weights": (("a", 1.5),)}, "a=1.5"),
        ({"weights": (("a", 0.5), ("a", 0.5))}, "a is named twice"),
        ({"weights": (("a", 0.5),), "size": 3}, "size is 3"),
    ],
)
def test_targets_that_make_no_sense_are_refused(fields, told):
    with pytest.raises(BadRecipe, match=told):
        CategoryTargets(**fields)


def test_a_category_that_no_row_is_in_is_refused_with_those_there_are():
    with pytest.raises(BadRecipe, match=r"no row has topic 'sport'; there are sports"):
        selected(stored(ROWS), CategoryTargets(weights=(("sport", 0.5),)))


@settings(max_examples=6, deadline=None)
@given(st.integers(1, 6), st.integers(0, 3), st.randoms(use_true_random=False))
def test_neither_shards_nor_their_order_change_what_chance_takes(shards, seed, random):
    rows = list(ROWS)
    random.shuffle(rows)
    one, many = stored(ROWS), stored(*cut(rows, shards))
    for asked in (
        CategoryTargets(weights=(("sports", 0.3),), seed=seed),
        RandomShare(0.4, seed=seed),
        RandomShare(size=17, seed=seed),
    ):
        assert kept(one, selected(one, asked).manifest) == kept(many, selected(many, asked).manifest)


def test_a_larger_share_by_chance_has_the_rows_of_a_smaller_one():
    store = stored(*cut(ROWS, 3))
    some, more = (kept(store, selected(store, RandomShare(share)).manifest) for share in (0.1, 0.3))
    assert len(some) == 9
    assert len(more) == 27
    assert some < more
    assert some != kept(store, selected(store, RandomShare(0.1, seed=1)).manifest)


def test_a_share_by_chance_of_a_share_by_chance_is_one():
    store = stored([doc(f"d{n}") for n in range(1_000)])
    half = kept(store, selected(store, RandomShare(0.5)).manifest)
    other = kept(store, selected(store, CategoryTargets(by=("language",), weights=(("(none)", 0.5),))).manifest)
    assert 200 < len(half & other) < 300


def test_more_than_there_is_is_told():
    store, heard = stored(ROWS), Heard()
    assert len(kept(store, selected(store, RandomShare(size=1_000), heard=heard).manifest)) == 90
    assert any("1,000 rows were asked for, the pool has 90" in said for said in heard.said)


@pytest.mark.parametrize("fields", [{}, {"share": 0.5, "size": 3}, {"share": 2.0}, {"size": 0}])
def test_a_share_by_chance_that_is_none_is_refused(fields):
    with pytest.raises(BadRecipe, match="chance: "):
        RandomShare(**fields)


def test_each_bucket_keeps_its_share():
    rows = [doc(f"d{n:02}", n / 100) for n in range(100)]
    store = stored(*cut(rows, 3))
    made = selected(store, ScoreBuckets(("edu",), (0.0, 0.1, 0.5, 1.0))).manifest
    numbers = [int(text[1:]) // 25 for text in kept(store, made)]
    assert [numbers.count(bucket) for bucket in range(4)] == [0, 3, 13, 25]
    assert {line["value"] for line in decisions(store, made)} == {0.0, 1.0, 2.0}


def test_the_highest_bucket_of_several_scores_counts():
    rows = [doc(f"d{n}", n, scores={"edu": n, "wiki": 9 - n}) for n in range(10)]
    store = stored(*cut(rows, 2))
    made = selected(store, ScoreBuckets(("edu", "wiki"), (0.0, 0.0, 0.0, 0.0, 1.0))).manifest
    assert kept(store, made) == {"d0", "d1", "d8", "d9"}


def test_rows_without_any_score_are_in_no_bucket():
    store = stored([doc("a", 1.0), doc("b", 2.0), doc("c")])
    made = selected(store, ScoreBuckets(("edu",), (1.0, 1.0))).manifest
    assert [line["reason"] for line in decisions(store, made)] == ["bucket/no_score"]


@pytest.mark.parametrize("fields", [{"scores": (), "shares": (1.0, 1.0)}, {"scores": ("a",), "shares": (1.0,)}])
def test_buckets_that_are_none_are_refused(fields):
    with pytest.raises(BadRecipe, match="bucket: "):
        ScoreBuckets(**fields)
