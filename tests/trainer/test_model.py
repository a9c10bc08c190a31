import dataclasses

import pytest
import torch
from torch.nn.functional import linear, silu

from manifests.errors import BadRecipe
from trainer.attention import attend, attend_fused, attend_ref
from trainer.config import Config
from trainer.layout import Layout
from trainer.mlp import SwiGLU
from trainer.model import Hybrid, parameter_count
from trainer.scan import scan, scan_ref
from trainer.short_conv import short_conv

SMALL = Config(
    vocabulary=50, pattern="MAMA", width=64, mlp_width=96, heads=2, key_heads=1, ssm_heads=4, ssm_head_width=32,
    ssm_state=16, chunk=16,
)  # fmt: skip


def documents(*sizes):
    """One packed sequence of documents of these sizes, [1, T]."""
    return torch.repeat_interleave(torch.arange(len(sizes), dtype=torch.int32), torch.tensor(sizes))[None]


LAYOUTS = [
    Layout(torch.cat([documents(5, 20, 45), documents(70)])),
    Layout(torch.cat([documents(*[1] * 70), documents(16, 16, 32, 6)])),
    Layout.whole((2, 70), torch.device("cpu")),
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("chunk", [1, 16, 70, 128])
def test_the_scan_in_chunks_equals_the_scan_by_tokens(layout, groups, chunk):
    torch.manual_seed(0)
    x, dt = torch.randn(2, 70, 4, 8), torch.rand(2, 70, 4)
    B, C = torch.randn(2, 70, groups, 16), torch.randn(2, 70, groups, 16)
    A = -torch.arange(1, 5) * 0.5
    inputs = [tensor.double().requires_grad_() for tensor in (x, dt, A, B, C)]
    fast, slow = scan(*inputs, layout=layout, chunk=chunk), scan_ref(*inputs, layout=layout)
    assert torch.allclose(fast, slow, atol=1e-11)
    gradients = [torch.autograd.grad(y.square().sum(), inputs) for y in (fast, slow)]
    assert all(torch.allclose(a, b, atol=1e-8) for a, b in zip(*gradients, strict=True))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("window", [None, 1, 16, 35, 69, 70, 100])
@pytest.mark.parametrize("way", [attend, attend_fused])
def test_attention_in_blocks_equals_attention_with_one_mask(layout, window, way):
    torch.manual_seed(0)
    inputs = [torch.randn(2, heads, 70, 8).double().requires_grad_() for heads in (4, 2, 2)]
    mixed = [attend_any(*inputs, layout, window) for attend_any in (way, attend_ref)]
    assert torch.allclose(*mixed, atol=1e-12)
    gradients = [torch.autograd.grad(y.sin().sum(), inputs) for y in mixed]
    assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(*gradients, strict=True))


def test_the_convolution_sees_no_other_document():
    torch.manual_seed(0)
    x, weight, bias = torch.randn(1, 12, 3), torch.randn(3, 1, 4), torch.randn(3)
    packed = short_conv(x, weight, bias, Layout(documents(5, 1, 6)))
    apart = [short_conv(part, weight, bias, Layout.whole(part.shape[:2], x.device)) for part in x.split([5, 1, 6], 1)]
    assert torch.allclose(packed, torch.cat(apart, 1), atol=1e-6)


@pytest.mark.parametrize("length", [1, 3, 12])
def test_the_gradients_of_the_convolution_are_those_of_its_definition(length):
    torch.manual_seed(0)
    sizes = (2, 8, 2) if length == 12 else (length,)
    x, weight, bias = torch.randn(1, length, 3), torch.randn(3, 1, 4), torch.randn(3)
    inputs = [tensor.double().requires_grad_() for tensor in (x, weight, bias)]
    assert torch.autograd.gradcheck(lambda *args: short_conv(*args, Layout(documents(*sizes))), inputs)


@pytest.mark.parametrize("pattern", ["M", "A", "MAMA"])
@pytest.mark.parametrize("window", [None, 24])
def test_packed_logits_equal_separate_logits(pattern, window):
    model = Hybrid(dataclasses.replace(SMALL, pattern=pattern, window=window))
    torch.manual_seed(0)
    sizes = [5, 33, 1, 90, 64, 7]
    texts = [torch.randint(0, 50, (1, size)) for size in sizes]
    with torch.no_grad():
        packed = model(torch.cat(texts, 1), documents(*sizes))
        apart = torch.cat([model(text) for text in texts], 1)
    assert (packed - apart).abs().max() < 1e-5  # of logits with a standard deviation of 1


@pytest.mark.parametrize("window", [None, 24])
def test_no_token_sees_a_later_one(window):
    model = Hybrid(dataclasses.replace(SMALL, window=window))
    tokens = torch.arange(50)[None]
    changed = tokens.clone()
    changed[0, 30] = 7
    with torch.no_grad():
        before, after = model(tokens), model(changed)
    assert torch.equal(before[:, :30], after[:, :30])
    assert (before[:, 30:] - after[:, 30:]).abs().amax(-1).min() > 0


def test_the_gradients_of_the_mlp_are_those_of_its_definition():
    torch.manual_seed(0)
    mlp, x = SwiGLU(6, 10).double(), torch.randn(2, 3, 6).double().requires_grad_()
    weights = list(mlp.parameters())
    gate, value = linear(x, weights[0]).chunk(2, -1)
    outputs = [mlp(x), linear(silu(gate) * value, weights[1])]
    assert torch.allclose(*outputs, atol=1e-12)
    gradients = [torch.autograd.grad(y.sin().sum(), [x, *weights]) for y in outputs]
    assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(*gradients, strict=True))


def test_weights_depend_on_seed_and_name_alone():
    one, longer, other = Hybrid(SMALL), Hybrid(dataclasses.replace(SMALL, pattern="MAMAM")), Hybrid(SMALL, seed=1)
    weights = one.state_dict()
    assert all(torch.equal(longer.state_dict()[name], value) for name, value in weights.items())
    assert not torch.equal(other.state_dict()["model.embed_tokens.weight"], weights["model.embed_tokens.weight"])


def test_first_weights_have_the_stated_spread():
    model = Hybrid(Config())
    for name, weights in model.named_parameters():
        if weights.dim() >= 2:
            assert weights.std().item() == pytest.approx(weights[0].numel() ** -0.5, rel=0.1), name
    mixer = model.model.layers[0].mamba
    assert torch.equal(mixer.A_log.exp().round(), torch.arange(1.0, 9.0))
    steps = torch.nn.functional.softplus(mixer.dt_bias)
    assert 1e-3 <= steps.min() <= steps.max() <= 1e-1


def test_a_tied_matrix_counts_once():
    tied, loose = (parameter_count(Hybrid(dataclasses.replace(SMALL, tied=tied))) for tied in (True, False))
    assert loose - tied == SMALL.vocabulary * SMALL.width


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pattern": "MX"}, "expected letters M"),
        ({"pattern": ""}, "expected letters M"),
        ({"heads": 3}, "3 heads of an even width"),
        ({"heads": 4, "key_heads": 3}, "3 key heads"),
        ({"ssm_heads": 3}, "no multiple of the width"),
        ({"ssm_groups": 3}, "3 groups"),
        ({"window": 0}, "expected 1 token or more"),
    ],
)
def test_a_shape_that_cannot_be_is_refused(change, message):
    with pytest.raises(BadRecipe, match=message):
        dataclasses.replace(SMALL, **change)
