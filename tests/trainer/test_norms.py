import torch
from torch.nn.functional import rms_norm, silu

from trainer.norms import RMSNorm


def equal(fast, slow, inputs):
    assert torch.allclose(fast, slow, atol=1e-12)
    gradients = [torch.autograd.grad(y.sin().sum(), inputs) for y in (fast, slow)]
    return all(torch.allclose(a, b, atol=1e-12) for a, b in zip(*gradients, strict=True))


def test_a_norm_and_its_gradients_are_pytorchs():
    torch.manual_seed(0)
    norm, x = RMSNorm(8, 1e-5).double(), torch.randn(2, 3, 8).double().requires_grad_()
    torch.nn.init.normal_(norm.weight)
    assert equal(norm(x), rms_norm(x, (8,), norm.weight, 1e-5), [x, norm.weight])


def test_a_gated_norm_is_the_norm_of_what_the_gate_lets_through():
    torch.manual_seed(0)
    norm, wide = RMSNorm(8, 1e-5).double(), torch.randn(2, 3, 16).double().requires_grad_()
    torch.nn.init.normal_(norm.weight)
    x, gate = wide.chunk(2, -1)
    assert equal(norm.gated(x, gate), rms_norm(x * silu(gate), (8,), norm.weight, 1e-5), [wide, norm.weight])


def test_zeros_have_a_norm():
    x = torch.zeros(1, 4, requires_grad=True)
    RMSNorm(4, 1e-5)(x).sum().backward()
    assert x.grad.isfinite().all()
