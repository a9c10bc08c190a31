from dataclasses import replace

import pytest
import torch
from click.testing import CliRunner

from manifests.errors import BadRecipe
from tests.trainer.small import CONFIG, SETTINGS, trained
from trainer.checkpoint import checkpoint_at
from trainer.config import Config
from trainer.grow import grow, grown_weights
from trainer.grow_command import grow_model
from trainer.model import Hybrid
from trainer.train import train

WIDER = {"width": 64, "mlp_width": 80, "heads": 6, "key_heads": 2, "ssm_heads": 4}
PLAMO = replace(CONFIG, variant="plamo2", ssm_heads=2)


def random_model(config: Config) -> Hybrid:
    """A model whose norms are not all ones."""
    model = Hybrid(config, seed=1)
    with torch.no_grad():
        for number, (name, weights) in enumerate(model.named_parameters()):
            if weights.dim() == 1 and "A_log" not in name:
                weights.add_(0.1 * torch.randn(weights.shape, generator=torch.Generator().manual_seed(number)))
    return model


def grown(old: Hybrid, config: Config, **options) -> Hybrid:
    made = Hybrid(config)
    weights = grown_weights(dict(old.named_parameters()), old.config, config, **options)
    assert weights.keys() == dict(made.named_parameters()).keys()
    made.load_state_dict(weights, strict=False)
    return made


@pytest.mark.parametrize(
    ("config", "changes"),
    [
        (CONFIG, WIDER),
        (replace(CONFIG, tied=False), WIDER),
        (CONFIG, {"pattern": "MAMAMA"}),
        (CONFIG, {"pattern": "MMAA"} | WIDER),
        (replace(CONFIG, ssm_groups=2, ssm_heads=4, ssm_head_width=16), WIDER | {"ssm_heads": 8}),
        (PLAMO, WIDER | {"pattern": "MAMA"}),
    ],
    ids=["wider", "untied", "deeper", "both", "groups", "plamo2"],
)
@torch.no_grad()
def test_a_grown_model_has_the_logits_of_the_small_one(config, changes):
    old = random_model(config)
    large = replace(config, head_width=config.attention_head, **changes)
    tokens = torch.randint(0, config.vocabulary, (2, 40), generator=torch.Generator().manual_seed(0))
    new = grown(old, large)
    assert sum(one.numel() for one in new.parameters()) > 1.5 * sum(one.numel() for one in old.parameters())
    assert (new(tokens) - old(tokens)).abs().max() < 1e-4
    tiled = grown(old, large, way="tiling")
    assert (tiled(tokens) - old(tokens)).abs().max() > 1e-2


def test_tiling_keeps_every_number_and_copies_whole_layers():
    old = random_model(CONFIG)
    new = dict(
        grown(
            old, replace(CONFIG, width=48, ssm_heads=3, heads=3, key_heads=1, pattern="MAMA"), way="tiling"
        ).named_parameters()
    )
    theirs = dict(old.named_parameters())["model.layers.0.shared_mlp.input_linear.weight"]
    ours = new["model.layers.0.shared_mlp.input_linear.weight"]
    assert torch.equal(ours[:, :32], theirs)
    assert torch.equal(ours[:, 32:], theirs[:, :16])
    assert torch.equal(new["model.layers.2.shared_mlp.input_linear.weight"], ours)


def test_noise_parts_the_gradients_of_what_was_repeated():
    old, tokens = random_model(CONFIG), torch.arange(60).reshape(2, 30)
    differences = []
    for noise in (0.0, 0.1):
        new = grown(old, replace(CONFIG, **WIDER, head_width=16), noise=noise)
        new(tokens).logsumexp(-1).sum().backward()
        gradient = dict(new.named_parameters())["model.layers.0.shared_mlp.output_linear.weight"].grad
        left, right = gradient[:32], gradient[32:]
        differences.append(((left - right).norm() / left.norm()).item())
    assert differences[0] < 1e-3
    assert differences[1] > 0.05


def test_a_training_goes_on_from_a_grown_checkpoint_with_its_loss(store, tmp_path):
    small = trained(store, tmp_path / "small")
    config = replace(CONFIG, width=64, heads=4, key_heads=2, ssm_heads=4)
    made = grow(store, small, config, tmp_path / "grown")
    assert made == checkpoint_at(tmp_path / "grown")
    assert made.record["made_of"][0]["weights"] == small.weights_digest
    steps = [train(store, {"texts": 1}, one.job.config, replace(SETTINGS, steps=1), tmp_path / name, start=one)
             for one, name in ((small, "on"), (made, "grown-on"))]  # fmt: skip
    first = [one.metrics()[0]["loss"] for one in steps]
    assert first[0] == pytest.approx(first[1], abs=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 16, "ssm_heads": 2}, "growing makes none smaller"),
        ({"width": 48, "heads": 3, "ssm_heads": 3}, "a norm runs over it"),
        ({"vocabulary": 400}, "keeps all but"),
        ({"pattern": "MM"}, "keeps its layers"),
        ({"pattern": "AMAM"}, "another order"),
    ],
)
def test_what_cannot_be_grown_is_refused(changes, message):
    with pytest.raises(BadRecipe, match=message):
        grown_weights(dict(Hybrid(CONFIG).named_parameters()), CONFIG, replace(CONFIG, **changes))


def test_the_command_doubles_a_model(store, tmp_path):
    trained(store, tmp_path / "small", replace(SETTINGS, steps=1))
    arguments = [str(tmp_path / "small"), "--folder", str(tmp_path / "large"), "--pattern", "MAMA", "--store"]
    done = CliRunner().invoke(grow_model, [*arguments, store.url], catch_exceptions=False)
    assert "32 wide, layers MA → 64, MAMA" in done.stderr
    assert checkpoint_at(tmp_path / "large").job.config.ssm_heads == 2 * CONFIG.ssm_heads
