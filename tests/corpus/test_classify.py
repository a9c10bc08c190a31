"""The program that measures a dataset with classifiers."""

import pytest
from click.testing import CliRunner

from corpus import classify
from filters.classified import Classified
from manifests.errors import BadRecipe
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from manifests.view import View
from tests.filters.tiny_classifier import stored
from tests.generators.tasks import texts


def test_rows_get_scores_and_those_below_the_threshold_go(tmp_path):
    store = stored(Store(str(tmp_path / "store")), tmp_path / "tiny")
    run(Recipe("all", ()), texts("plants", "sale"), store=store, tag="all")
    given = [
        "all",
        "--by",
        "models/tiny",
        "--least",
        "tiny=1",
        "--workers",
        "1",
        "--store",
        store.url,
        "--tag",
        "scored",
    ]
    done = CliRunner().invoke(classify.main, given)
    assert done.exit_code == 0, done.output
    made = store.manifest("scored")
    assert [(row.text, row.scores) for row in View(store, made)] == [("plants", {"classifier/tiny": 1.5752})]
    assert made.steps[-1].reasons == {"classifier/low_score_tiny": 1}


def test_several_classifiers_are_several_steps_each_with_its_threshold():
    made = classify.recipe(("models/education", "models/topic@2"), ("education=2.5",))
    assert made.steps == (Classified("models/education", min_score=2.5), Classified("models/topic@2"))


@pytest.mark.parametrize(
    ("by", "least", "message"),
    [
        ((), (), "give --by"),
        (("models/a",), ("b=1",), "no classifier of --by is called so"),
        (("models/a",), ("a=much",), "expected a name and a score"),
    ],
)
def test_options_that_say_nothing_are_refused(by, least, message):
    with pytest.raises(BadRecipe, match=message):
        classify.recipe(by, least)
