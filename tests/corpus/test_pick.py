import json

import pytest
from click.testing import CliRunner

from corpus.pick import main, recipe
from filters.buckets import ScoreBuckets
from filters.categories import CategoryTargets
from filters.chosen import RandomShare
from filters.percentile import TopShare
from manifests.errors import BadRecipe
from manifests.view import View
from tests.pools import doc, stored


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({"by": ("edu",)}, (TopShare("edu", 0.1),)),
        (
            {"by": ("edu",), "top": 0.2, "skip": 0.1, "groups": ("language",)},
            (TopShare("edu", 0.2, 0.1, ("language",)),),
        ),
        ({"by": ("edu", "wiki"), "buckets": ("0", "0.5", "1")}, (ScoreBuckets(("edu", "wiki"), (0.0, 0.5, 1.0)),)),
        (
            {"label": ("topic",), "weights": ("sports=0.2", "a=b=1")},
            (CategoryTargets(("topic",), weights=(("sports", 0.2), ("a=b", 1.0))),),
        ),
        ({"by": ("edu",), "chance": 0.5}, (TopShare("edu", 0.1), RandomShare(0.5))),
    ],
)
def test_options_become_steps(options, steps):
    assert recipe(**options).steps == steps


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "give --by SCORE"),
        ({"by": ("a", "b")}, "several need --buckets"),
        ({"label": ("topic",), "weights": ("sports",)}, "sports; expected name=share"),
        ({"label": ("topic",), "weights": ("sports=many",)}, "many; expected shares"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, told):
    with pytest.raises(BadRecipe, match=told):
        recipe(**options)


def test_the_program_names_what_stays():
    store = stored([doc(f"d{n}", n / 10) for n in range(10)])
    given = ["pool", "--by", "edu", "--top", "0.3", "--workers", "1", "--json", "--store", store.url]
    done = CliRunner().invoke(main, given, catch_exceptions=False)
    assert json.loads(done.stdout)["ref"] == "pick@1"
    assert {row.text for row in View(store, store.manifest("pick"))} == {"d7", "d8", "d9"}
    assert "threshold 0.7000" in done.stderr
