import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from manifests.errors import BadRecipe
from tests.trainer.small import SETTINGS, trained
from trainer.prune_command import distil_model, prune_model


def test_a_model_is_pruned_and_learns_from_the_one_that_it_was(store, tmp_path):
    large, small, student = (str(tmp_path / name) for name in ("large", "small", "student"))
    trained(store, tmp_path / "large", replace(SETTINGS, steps=2))
    runner = CliRunner()
    arguments = [large, "texts", "--mlp-width", "24", "--batches", "1", "--length", "32", "--folder", small]
    done = runner.invoke(prune_model, [*arguments, "--store", store.url], catch_exceptions=False)
    assert done.stdout.strip().startswith(small)
    arguments = ["texts", "--teacher", large, "--start", small, "--folder", student, "--steps", "2", "--length", "32"]
    done = runner.invoke(
        distil_model, [*arguments, "--top", "8", "--json", "--store", store.url], catch_exceptions=False
    )
    assert json.loads(done.stdout)["steps"] == 2
    with pytest.raises(BadRecipe, match="a share from 0 to 1"):
        distil_model.main([*arguments, "--own", "2", "--store", store.url], standalone_mode=False)
