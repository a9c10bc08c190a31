import dataclasses

import pytest

from manifests.errors import BadRecipe
from tests.trainer.small import CONFIG, trained
from trainer.average import mean_weights
from trainer.checkpoint import write_checkpoint
from trainer.choose import choose
from trainer.settings import Settings


def test_the_checkpoint_is_chosen_whose_worse_score_is_best():
    scores = {"early": (0.2, 0.80), "middle": (0.8, 0.78), "late": (1.0, 0.60), "bad": (0.5, 0.70)}
    found = choose(scores)
    assert found.best == "middle"
    assert found.front == ("early", "middle", "late")
    assert found.balance == pytest.approx({"early": 0.0, "middle": 0.75, "late": 0.0, "bad": 0.375})


def test_where_a_score_is_equal_everywhere_the_other_decides():
    assert choose({"a": (0.5, 0.1), "b": (0.5, 0.3)}).best == "b"
    assert choose({"a": (0.5, 0.3), "b": (0.5, 0.3)}).best == "a"


def test_what_is_beaten_is_never_chosen():
    assert choose({"a": (0.0, 1.0), "b": (1.0, 0.0), "c": (0.0, 0.5)}).front == ("a", "b")


@pytest.mark.parametrize("scores", [{}, {"a": (float("nan"), 1.0)}])
def test_scores_that_are_none_are_refused(scores):
    with pytest.raises(BadRecipe, match="expected two numbers"):
        choose(scores)


def test_models_of_another_window_have_no_mean(store, tmp_path):
    settings = Settings(steps=1, batch=2, length=32)
    one = trained(store, tmp_path / "one", settings)
    other = dataclasses.replace(one.job, config=dataclasses.replace(CONFIG, window=16))
    with pytest.raises(BadRecipe, match="has another config than"):
        mean_weights([one, _of(one, other, tmp_path / "two")])


def _of(checkpoint, job, path):
    return write_checkpoint(path, job, checkpoint.state, checkpoint.weights(), {}, [])
