"""The report on scores, before and after a selection by them."""

import pytest
from lxml import html

from filters.chosen import RandomShare
from filters.percentile import TopShare
from manifests.report.page import dataset_page
from manifests.report.scored import scored
from tests.manifests.test_report import HOSTILE
from tests.pools import cut, doc, selected, stored

ROWS = [
    doc(
        f"text {n}",
        n / 100,
        text=f"text {n} " + "x" * n,
        language="en" if n % 4 else "ja",
        url=f"https://www.site{n % 3}.example/{n}",
        labels={"topic": "science" if n >= 50 else "sports", "title": f"title {n}"},
    )
    for n in range(100)
]


@pytest.fixture(scope="module")
def store():
    return stored(*cut(ROWS, 3))


def test_a_dataset_with_scores_shows_their_spread_by_group_best_first(store):
    told = scored(store, store.manifest("pool"))
    [edu] = told["scores"]
    assert (edu["name"], edu["rows"], edu["without"], edu["kept"], edu["thresholds"]) == ("edu", 100, 0, 100, [])
    groups = {table["name"]: table["lines"] for table in edu["groups"]}
    assert "title" not in groups  # each row has another one
    assert [(line["group"], line["rows"], line["middle"]) for line in groups["topic"]] == [
        ("science", 50, 0.745),
        ("sports", 50, 0.245),
    ]
    assert [line["group"] for line in groups["domain"]] == ["site2.example", "site0.example", "site1.example"]
    assert sum(line["rows"] for line in groups["language"]) == 100


def test_after_a_selection_the_pool_is_shown_with_what_stayed_and_the_threshold(store):
    made = selected(store, TopShare("edu", 0.1), RandomShare(0.5)).manifest
    told = scored(store, made)
    [edu] = told["scores"]
    assert (told["looked"], told["rows"], edu["kept"], edu["thresholds"]) == (100, 100, 5, [0.9])
    topics = next(table["lines"] for table in edu["groups"] if table["name"] == "topic")
    assert {line["group"]: line["share"] for line in topics} == {"science": 0.1, "sports": 0.0}


def test_each_decile_has_texts_from_its_middle(store):
    [edu] = scored(store, store.manifest("pool"))["scores"]
    assert [(one["from"], one["high"], one["low"]) for one in edu["deciles"]][:2] == [(0, 0.99, 0.9), (10, 0.89, 0.8)]
    assert all(one["low"] <= sample["value"] <= one["high"] for one in edu["deciles"] for sample in one["samples"])
    assert [len(one["samples"]) for one in edu["deciles"]] == [2] * 10
    assert edu["deciles"][0]["samples"][0]["text"].startswith("text 95")


def test_a_cut_tells_what_it_leaves(store):
    [edu] = scored(store, store.manifest("pool"))["scores"]
    costs = {cost["share"]: cost for cost in edu["costs"]}
    assert edu["unit"] == "characters"
    assert costs[0.1] | {"of": 0} == {
        "share": 0.1,
        "threshold": 0.9,
        "rows": 10,
        "size": sum(len(row.text) for row in ROWS[90:]),
        "of": 0,
    }
    assert costs[1.0]["of"] == 1.0


def test_tokens_are_told_where_all_rows_have_them():
    store = stored([row.replace(token_count=7) for row in ROWS])
    [edu] = scored(store, store.manifest("pool"))["scores"]
    assert edu["unit"] == "tokens"
    assert edu["costs"][3]["size"] == 70


def test_a_dataset_without_scores_has_no_such_section():
    store = stored([doc("a"), doc("b")])
    assert scored(store, store.manifest("pool")) is None
    assert "scores" not in dataset_page(store, store.manifest("pool"), "pool")


def test_hostile_names_of_scores_and_labels_are_text():
    rows = [
        doc(
            f"row {n}",
            scores={HOSTILE[0]: n, HOSTILE[1]: 1.0},
            labels={HOSTILE[2]: HOSTILE[n % 2]},
            text=HOSTILE[n % 7],
        )
        for n in range(30)
    ]
    store = stored(*cut(rows, 2))
    made = selected(store, TopShare(HOSTILE[0], 0.2)).manifest
    page = html.fromstring(dataset_page(store, made, "pool"))
    assert page.xpath("//script | //iframe | //img | //object | //embed | //link | //form | //base") == []
    assert [name for element in page.iter() for name in element.attrib if name.lower().startswith("on")] == []
    titles = [title.text_content() for title in page.xpath("//h2[@id='scores']/following::h3")]
    assert set(HOSTILE[:2]) <= set(titles)
