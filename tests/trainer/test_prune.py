from dataclasses import replace

import pytest
import torch

from manifests.errors import BadRecipe
from tests.trainer.small import CONFIG, SETTINGS, trained
from trainer.data import Batch, Loader
from trainer.importance import importance
from trainer.mix import open_mix
from trainer.model import Hybrid
from trainer.prune import Target, prune, pruned_weights
from trainer.train import train

DEEP = replace(CONFIG, pattern="MAMA")
PLAMO = replace(DEEP, variant="plamo2")


def batches(count=2, size=4, length=24):
    for number in range(count):
        draw = torch.Generator().manual_seed(number)
        tokens = torch.randint(0, CONFIG.vocabulary, (size, length), generator=draw)
        documents = (torch.arange(length) >= 10).int().expand(size, length).contiguous()
        yield Batch(number, tokens, tokens, documents)


def pruned(model, target):
    weights, config = pruned_weights(dict(model.named_parameters()), model.config, target, importance(model, batches()))
    made = Hybrid(config)
    made.load_state_dict(weights, strict=False)
    assert weights.keys() == dict(made.named_parameters()).keys()
    return made


@pytest.mark.parametrize("config", [DEEP, PLAMO], ids=["granite", "plamo2"])
@torch.no_grad()
def test_what_does_nothing_is_left_out_and_nothing_changes(config):
    model, tokens = Hybrid(config), next(batches()).tokens
    into = "input_linear" if config.variant == "granite" else "gate_up_proj"
    for block in model.model.blocks:
        mlp = block.shared_mlp if config.variant == "granite" else block.mlp
        getattr(mlp, into).weight[5:21] = 0  # gates: their units say nothing
    names = dict(model.named_parameters())
    if config.variant == "granite":
        names["model.layers.2.mamba.out_proj.weight"].zero_()  # a layer that adds nothing
        names["model.layers.2.shared_mlp.output_linear.weight"].zero_()
    else:
        names["model.layers.layers.2.post_mixer_norm.weight"].fill_(-1 / 5)
        names["model.layers.layers.2.post_mlp_norm.weight"].fill_(-(5**-1.5))
    small = pruned(model, Target(mlp_width=32, layers=3))
    assert small.config.pattern == "MAA"
    assert (small(tokens) - model(tokens)).abs().max() < 1e-5


@torch.no_grad()
def test_heads_of_attention_are_chosen_among_those_that_share_keys():
    config = replace(CONFIG, heads=4, key_heads=2)
    model = Hybrid(config)
    attention = model.model.blocks[1].self_attn
    attention.v_proj.weight.mul_(torch.tensor([1.0, 10.0]).repeat_interleave(8)[:, None])
    small = pruned(model, Target(heads=2))
    assert small.config.heads == 2
    assert small.config.key_heads == 2
    assert torch.equal(small.model.blocks[1].self_attn.k_proj.weight, attention.k_proj.weight)
    one_group = pruned(model, Target(heads=2, key_heads=1))
    assert torch.equal(one_group.model.blocks[1].self_attn.v_proj.weight, attention.v_proj.weight[8:])


@torch.no_grad()
def test_heads_of_mamba_keep_their_decay_and_their_place_in_all_weights():
    config = replace(CONFIG, ssm_heads=4, ssm_head_width=16, ssm_groups=2, width=32)
    model = Hybrid(config)
    mamba = model.model.blocks[0].mamba
    mamba.in_proj.weight[64 + 16 : 64 + 32] *= 10  # x of head 1
    mamba.in_proj.weight[64 + 48 : 64 + 64] *= 10  # of head 3
    small = pruned(model, Target(ssm_heads=2)).model.blocks[0].mamba
    assert torch.equal(small.A_log, mamba.A_log[[1, 3]])
    assert torch.equal(small.in_proj.weight[32:48], mamba.in_proj.weight[80:96])
    assert torch.equal(small.out_proj.weight[:, :16], mamba.out_proj.weight[:, 16:32])
    assert torch.equal(small.conv1d.weight[32:], mamba.conv1d.weight[64:])


@pytest.mark.parametrize("config", [DEEP, PLAMO], ids=["granite", "plamo2"])
def test_every_width_can_be_pruned_at_once(config):
    target = Target(width=16, mlp_width=24, heads=1, ssm_heads=1, ssm_head_width=16, layers=2)
    small = pruned(Hybrid(config), target)
    assert small(next(batches()).tokens).isfinite().all()
    assert sum(one.numel() for one in small.parameters()) < 0.5 * sum(
        one.numel() for one in Hybrid(config).parameters()
    )


def test_a_pruned_checkpoint_is_better_than_one_without_what_did_most_and_learns_on(store, tmp_path):
    settings = replace(SETTINGS, steps=30, learning_rate=5e-3)
    large = trained(store, tmp_path / "large", settings)
    loader = Loader(open_mix(store, large.job.data), length=32, batch=2, seed=0)
    calibration = [loader.next() for _ in range(3)]
    made = prune(store, large, Target(mlp_width=24), calibration, tmp_path / "pruned")
    assert made.job.config.mlp_width == 24
    assert made.record["made_of"][0]["pruned"]["mlp_width"] == 24
    model = Hybrid(large.job.config)
    model.load_state_dict(large.weights(), strict=False)
    scores = importance(model, calibration)
    worst = replace(scores, mlp=tuple(-one for one in scores.mlp))
    losses = []
    for how in (scores, worst):
        weights, config = pruned_weights(large.weights(), large.job.config, Target(mlp_width=24), how)
        small = Hybrid(config)
        small.load_state_dict(weights, strict=False)
        logits = small(calibration[0].tokens, calibration[0].documents)
        losses.append(torch.nn.functional.cross_entropy(logits.flatten(0, 1), calibration[0].labels.flatten()).item())
    assert losses[0] < losses[1]
    on = train(store, {"texts": 1}, made.job.config, replace(SETTINGS, steps=2), tmp_path / "on", start=made)
    assert on.job.start == made.weights_digest


def test_nothing_grows_by_pruning():
    with pytest.raises(BadRecipe, match="leaves 1 to 32"):
        Target(width=64).of(CONFIG)
    with pytest.raises(BadRecipe, match="no batches"):
        importance(Hybrid(CONFIG), [])
