from dataclasses import replace

import pytest
import torch
from click.testing import CliRunner

from manifests.errors import BadRecipe
from tests.trainer.small import SETTINGS, trained
from trainer.checkpoint import checkpoint_at
from trainer.merge_command import merge_models


def test_two_models_are_merged_by_their_weights(store, tmp_path):
    parts = [trained(store, tmp_path / str(seed), replace(SETTINGS, steps=1, seed=seed)) for seed in (0, 1)]
    arguments = [
        f"{tmp_path / '0'}=3",
        f"{tmp_path / '1'}=1",
        "--folder",
        str(tmp_path / "merged"),
        "--store",
        store.url,
    ]
    CliRunner().invoke(merge_models, arguments, catch_exceptions=False)
    name = "model.embed_tokens.weight"
    expected = sum(share * part.weights()[name].double() for share, part in zip((0.75, 0.25), parts, strict=True))
    assert torch.equal(checkpoint_at(tmp_path / "merged").weights()[name], expected.float())
    with pytest.raises(BadRecipe, match="there already"):
        merge_models.main(arguments, standalone_mode=False)
