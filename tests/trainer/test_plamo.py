"""PLaMo 2's layers against the formulas of the report, written out token by token."""

import dataclasses

import torch
from torch.nn.functional import linear, silu, softplus

from tests.trainer.test_model import SMALL, documents
from trainer.model import Hybrid, is_matrix
from trainer.plamo import PlamoAttention, PlamoMamba

PLAMO = dataclasses.replace(SMALL, variant="plamo2", window=24)


def stirred(model):
    """The same model with weights that no initialisation makes, so that none of them can be left out unseen."""
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(torch.randn(weights.shape, generator=draw) * 0.1)
    return model


def rms(x, epsilon):
    return x / (x.square().mean(-1, keepdim=True) + epsilon).sqrt()


def mamba(w, x, config):
    """One mixer over x [T, D], one token after the other."""
    heads, width, state = config.ssm_heads, config.ssm_head_width, config.ssm_state
    both = linear(x, w["in_proj.weight"]).reshape(len(x), heads, 2, width)
    z, inputs = both[:, :, 0], both[:, :, 1].reshape(len(x), -1)
    padded = torch.cat([torch.zeros(config.conv_taps - 1, inputs.shape[1]), inputs])
    taps = w["conv1d.weight"][:, 0].T
    convolved = torch.stack([silu((padded[t : t + config.conv_taps] * taps).sum(0)) for t in range(len(x))])
    bcdt = linear(convolved, w["bcdt_proj.weight"])
    B, C = (rms(part, config.epsilon) for part in (bcdt[:, :state], bcdt[:, state : 2 * state]))
    B, C = B * w["B_norm_weight"], C * w["C_norm_weight"]
    dt = rms(bcdt[:, 2 * state :], config.epsilon) * w["dt_norm_weight"]
    dt = softplus(linear(dt, w["dt_proj.weight"]) + w["dt_bias"])
    held, steps = torch.zeros(heads, width, state), []
    for t in range(len(x)):
        token = convolved[t].reshape(heads, width)
        decay = torch.exp(-w["A_log"].exp() * dt[t])
        held = held * decay[:, None, None] + (dt[t][:, None] * token)[..., None] * B[t]
        steps.append(((held @ C[t]) + w["D"][:, None] * token) * silu(z[t]))
    return linear(torch.stack(steps).flatten(1), w["out_proj.weight"])


def attention(w, x, config):
    """One layer of attention over x [T, D], from all pairs of tokens."""
    heads, key_heads, width = config.heads, config.key_heads, config.attention_head
    qkv = linear(x, w["qkv_proj.weight"])
    q, k, v = qkv.split([heads * width, key_heads * width, key_heads * width], -1)
    q = rms(q.reshape(-1, heads, width), 1e-6) * w["q_weight"]
    k = rms(k.reshape(-1, key_heads, width), 1e-6) * w["k_weight"]
    angles = torch.arange(len(x))[:, None] * config.rope_theta ** -(torch.arange(0, width, 2) / width)
    turn = torch.polar(torch.ones_like(angles), angles)[:, None]
    pairs = [torch.complex(*part.chunk(2, -1)) * turn for part in (q, k)]
    q, k = (torch.cat([part.real, part.imag], -1) for part in pairs)
    k, v = (part.reshape(-1, key_heads, width).repeat_interleave(heads // key_heads, 1) for part in (k, v))
    scores = torch.einsum("ihp,jhp->hij", q, k) * width**-0.5
    distance = torch.arange(len(x))[:, None] - torch.arange(len(x))
    scores = scores.masked_fill((distance < 0) | (distance > config.window - 1), -torch.inf)
    return linear(torch.einsum("hij,jhp->ihp", scores.softmax(-1), v).flatten(1), w["o_proj.weight"])


def logits(weights, tokens, config):
    """The whole model by its definition, over one sequence."""
    w = {name: value.double() for name, value in weights.items()}
    x = w["model.embed_tokens.weight"][tokens]
    for i, letter in enumerate(config.pattern):
        at = {name.removeprefix(f"model.layers.layers.{i}."): value for name, value in w.items() if f".{i}." in name}
        mixer = {name.removeprefix("mixer."): value for name, value in at.items() if name.startswith("mixer.")}
        before = rms(x, config.epsilon) * (at["pre_mixer_norm.weight"] + 1)
        mixed = (mamba if letter == "M" else attention)(mixer, before, config)
        x = x + rms(mixed, config.epsilon) * (at["post_mixer_norm.weight"] + 1 / 5)
        gate, value = linear(
            rms(x, config.epsilon) * (at["pre_mlp_norm.weight"] + 1), at["mlp.gate_up_proj.weight"]
        ).chunk(2, -1)
        added = linear(silu(gate) * value, at["mlp.down_proj.weight"])
        x = x + rms(added, config.epsilon) * (at["post_mlp_norm.weight"] + 5**-1.5)
    return rms(x, config.epsilon) * (w["model.norm.weight"] + 1) @ w["model.embed_tokens.weight"].T


def test_plamo_2_counts_as_its_formulas_do():
    torch.set_default_dtype(torch.float64)
    try:
        model = stirred(Hybrid(PLAMO)).double()
        tokens = torch.arange(60) * 7 % 50
        expected = logits(dict(model.named_parameters()), tokens, PLAMO)
        with torch.no_grad():
            assert torch.allclose(model(tokens[None])[0], expected, atol=1e-6)  # RoPE's angles are float32
    finally:
        torch.set_default_dtype(torch.float32)


def test_packed_documents_of_plamo_2_are_apart():
    model = stirred(Hybrid(PLAMO))
    sizes = [5, 33, 1, 90]
    texts = [torch.randint(0, 50, (1, size), generator=torch.Generator().manual_seed(size)) for size in sizes]
    with torch.no_grad():
        packed = model(torch.cat(texts, 1), documents(*sizes))
        assert (packed - torch.cat([model(text) for text in texts], 1)).abs().max() < 1e-5


def test_first_weights_of_plamo_2_are_those_of_its_norms():
    model = Hybrid(PLAMO)
    mixers = [layer.mixer for layer in model.model.blocks]
    assert [type(mixer) for mixer in mixers] == [PlamoMamba, PlamoAttention] * 2
    ones = [*(getattr(mixers[0], f"{name}_norm_weight") for name in ("B", "C", "dt")), mixers[1].q_weight]
    assert all(torch.equal(weights, torch.ones_like(weights)) for weights in ones)
    norms = [weights for name, weights in model.named_parameters() if name.endswith("norm.weight")]
    assert len(norms) == 17
    assert not any(weights.any() for weights in norms)


def test_weights_of_norms_do_not_decay():
    kept = {name for name, weights in Hybrid(PLAMO).named_parameters() if not is_matrix(name, weights)}
    assert {"model.layers.layers.1.mixer.q_weight", "model.layers.layers.0.mixer.D", "model.norm.weight"} <= kept
    assert not any("proj" in name or "embed" in name for name in kept)
