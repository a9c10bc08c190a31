import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters import quantile
from filters.percentile import TopShare
from manifests.errors import BadRecipe
from manifests.funnel import measures, series
from tests.pools import Heard, cut, decisions, doc, kept, selected, stored

TENTHS = [doc(f"d{n}", n / 10) for n in range(10)]


def test_the_top_share_stays_and_the_others_name_the_threshold_that_the_pool_gave():
    store = stored(*cut(TENTHS, 3))
    made = selected(store, TopShare("edu", 0.3)).manifest
    assert kept(store, made) == {"d7", "d8", "d9"}
    lines = decisions(store, made)
    assert {(line["reason"], line["threshold"]) for line in lines} == {("top/below", 0.7)}
    assert sorted(line["value"] for line in lines) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]


def test_a_band_leaves_out_what_is_above_it():
    store = stored(*cut(TENTHS, 2))
    made = selected(store, TopShare("edu", 0.2, skip=0.1)).manifest
    assert kept(store, made) == {"d7", "d8"}
    assert [(line["value"], line["threshold"]) for line in decisions(store, made) if line["reason"] == "top/above"] == [
        (0.9, 0.8)
    ]


def test_bands_side_by_side_share_no_row_and_leave_none_out():
    rows = [doc(f"d{n}", (n * 7 % 13) / 13) for n in range(33)]
    store = stored(*cut(rows, 4))
    bands = [
        kept(store, selected(store, TopShare("edu", share, skip)).manifest)
        for share, skip in ((0.1, 0.0), (0.2, 0.1), (0.7, 0.3))
    ]
    assert sum(map(len, bands)) == len(set.union(*bands)) == 33


def test_of_equal_scores_the_smaller_id_stays_and_the_user_hears_of_it():
    rows = [doc(f"d{n}", 1.0) for n in range(20)] + [doc("low", 0.0)]
    store, heard = stored(*cut(rows, 3)), Heard()
    made = selected(store, TopShare("edu", 0.2), heard=heard).manifest
    first = sorted(rows[:20], key=lambda row: row.id)[:4]
    assert kept(store, made) == {row.text for row in first}
    assert sum(line["reason"] == "top/tied" for line in decisions(store, made)) == 16
    assert any("16 have just the score at the threshold" in said for said in heard.said)


def test_each_group_gives_its_own_share():
    rows = [doc(f"en{n}", n / 10, language="en") for n in range(10)]
    rows += [doc(f"ja{n}", n, language="ja") for n in range(5)]
    store = stored(*cut(rows, 2))
    made = selected(store, TopShare("edu", 0.2, by=("language",))).manifest
    assert kept(store, made) == {"en9", "en8", "ja4"}


def test_a_share_of_the_characters_is_not_exceeded():
    rows = [doc("a" * 50, 0.9), doc("b" * 30, 0.8), doc("c" * 20, 0.7)]
    store = stored(rows)
    assert kept(store, selected(store, TopShare("edu", 0.8, of="chars")).manifest) == {"a" * 50, "b" * 30}
    assert kept(store, selected(store, TopShare("edu", 0.79, of="chars")).manifest) == {"a" * 50}


@pytest.mark.parametrize("missing", ["drop", "keep"])
def test_rows_without_a_score_are_no_part_of_the_share(missing):
    rows = [*TENTHS, doc("none"), doc("nan", math.nan)]
    store, heard = stored(*cut(rows, 3)), Heard()
    made = selected(store, TopShare("edu", 0.5, missing=missing), heard=heard).manifest
    assert kept(store, made) == {f"d{n}" for n in range(5, 10)} | ({"none", "nan"} if missing == "keep" else set())
    assert any("2 of 12 rows have no edu" in said for said in heard.said)


def test_all_scores_are_in_the_ledger():
    store = stored(TENTHS)
    made = selected(store, TopShare("edu", 0.5)).manifest
    [measure] = [one for one in measures(store, made) if one.name == "edu"]
    found = series(store, made, measure.step, "edu")
    assert sorted(found["value"]) == [n / 10 for n in range(10)]
    assert found["kept"].sum() == 5


@pytest.mark.parametrize(
    ("rows", "asked", "told"),
    [
        ([doc("a", 1.0), doc("b", 1.0)], TopShare("edu"), "the same edu, 1: no share"),
        ([doc("a", 1.0), doc("b", 2.0)], TopShare("edo"), r"no row has a score 'edo'.*there are edu"),
        ([doc("a"), doc("b")], TopShare("edu"), "there are none"),
        ([doc("a", 1.0), doc("b", 2.0)], TopShare("edu", of="tokens"), "2 of 2 rows have no tokens"),
    ],
)
def test_what_cannot_be_ordered_is_refused(rows, asked, told):
    with pytest.raises(BadRecipe, match=told):
        selected(stored(rows), asked)


def test_an_empty_pool_is_refused():
    store = stored([doc("a", 1.0), doc("b", 2.0)])
    with pytest.raises(BadRecipe, match="the pool is empty"):
        selected(store, TopShare("edu", 0.1), TopShare("edu", 0.1))


@pytest.mark.parametrize("fields", [{"share": 0.0}, {"share": 1.1}, {"share": 0.6, "skip": 0.5}, {"missing": "guess"}])
def test_a_share_that_is_none_is_refused(fields):
    with pytest.raises(BadRecipe, match="top: "):
        TopShare("edu", **fields)


SCORES = st.one_of(st.sampled_from([0.0, -0.0, 0.5, 1.0, -2.5]), st.floats(-1e6, 1e6, width=32))


@settings(max_examples=15, deadline=None)
@given(st.lists(SCORES, min_size=2, max_size=40), st.integers(1, 5), st.sampled_from([0.1, 0.29, 0.5, 1.0]))
def test_any_sharding_gives_the_exact_top(scores, shards, share):
    rows = [doc(f"d{n}", score) for n, score in enumerate(scores)]
    rounded = {row.text: round(row.scores["edu"], 4) + 0.0 for row in rows}
    if len(set(rounded.values())) < 2:
        return
    order = sorted(rows, key=lambda row: (-np.float32(rounded[row.text]), row.id))
    wanted = {row.text for row in order[: int(len(rows) * share + 0.5)]}
    store = stored(*[part for part in cut(rows, shards) if part])
    assert kept(store, selected(store, TopShare("edu", share)).manifest) == wanted


def test_the_cut_is_found_digit_by_digit_where_the_pool_is_too_large_to_be_looked_at(monkeypatch):
    monkeypatch.setattr(quantile, "GATHERED_ROWS", 0)
    rows = [doc(f"d{n}", (n * 37 % 50) / 1000) for n in range(200)]
    store = stored(*cut(rows, 3))
    order = sorted(rows, key=lambda row: (-row.scores["edu"], row.id))
    assert kept(store, selected(store, TopShare("edu", 0.27)).manifest) == {row.text for row in order[:54]}
