"""The web recipes with a classifier: where it stands, and that nothing changes without one."""

import pytest

from corpus import web, web_code
from filters.classified import Classified
from manifests.errors import BadRecipe


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (web.recipe(education="models/education", min_education=3), Classified("models/education", min_points=3)),
        (web.recipe(education="models/education"), Classified("models/education")),
        (web_code.recipe(code="models/code", min_code=0.5), Classified("models/code", min_score=0.5)),
    ],
)
def test_a_classifier_measures_what_deduplication_left_and_before_masking(made, expected):
    names = [type(step).__name__ for step in made.steps]
    assert names[names.index("MinHashDedup") + 1 :] == ["Classified", "MaskPii"]
    assert made.steps[-2] == expected


@pytest.mark.parametrize("program", [web, web_code])
def test_without_a_classifier_there_is_no_such_step(program):
    assert not [step for step in program.recipe().steps if isinstance(step, Classified)]


def test_a_threshold_without_a_classifier_is_refused():
    with pytest.raises(BadRecipe, match="--education models/education"):
        web.recipe(min_education=3)
    with pytest.raises(BadRecipe, match="--code models/code"):
        web_code.recipe(min_code=0.5)
