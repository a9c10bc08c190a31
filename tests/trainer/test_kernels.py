"""The kernels of mamba-ssm and causal-conv1d beside plain PyTorch. The comparison needs a GPU and both packages."""

from importlib.util import find_spec

import pytest
import torch

from manifests.errors import BadRecipe
from tests.trainer.test_model import LAYOUTS, SMALL
from trainer.kernels import NEEDED, conv, on_cuda, scan
from trainer.layout import Layout
from trainer.model import Hybrid

needs_gpu = pytest.mark.skipif(
    not torch.cuda.is_available() or not all(find_spec(name) for name in NEEDED),
    reason="needs an NVIDIA GPU, mamba-ssm and causal-conv1d: pip install koba[gpu]",
)


def gradients(function, inputs):
    copies = [tensor.clone().requires_grad_() for tensor in inputs]
    made = function(*copies)
    return made, torch.autograd.grad(made.square().sum(), copies)


def nearly(one, other):
    scale = other.abs().max()
    return (one - other).abs().max() <= 2e-3 * scale  # the kernels count in TF32


@needs_gpu
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("groups", [1, 2])
def test_the_scan_of_mamba_ssm_equals_ours(layout, groups):
    torch.manual_seed(0)
    layout = Layout(layout.documents.cuda())
    x, dt = torch.randn(2, 70, 4, 64).cuda(), torch.rand(2, 70, 4).cuda()
    B, C = torch.randn(2, 70, groups, 16).cuda(), torch.randn(2, 70, groups, 16).cuda()
    inputs = [x, dt, -torch.arange(1.0, 5.0).cuda(), B, C]
    ours, theirs = (
        gradients(lambda *args, by=choice: scan(*args, layout=layout, chunk=64, choice=by), inputs)
        for choice in ("torch", "mamba_ssm")
    )
    assert nearly(theirs[0], ours[0])
    assert all(nearly(a, b) for a, b in zip(theirs[1], ours[1], strict=True))


@needs_gpu
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_convolution_of_causal_conv1d_equals_ours(layout):
    torch.manual_seed(0)
    layout = Layout(layout.documents.cuda())
    inputs = [torch.randn(2, 70, 64).cuda(), torch.randn(64, 1, 4).cuda(), torch.randn(64).cuda()]
    ours, theirs = (
        gradients(lambda *args, by=choice: conv(*args, layout=layout, choice=by), inputs)
        for choice in ("torch", "mamba_ssm")
    )
    assert nearly(theirs[0], ours[0])
    assert all(nearly(a, b) for a, b in zip(theirs[1], ours[1], strict=True))


def test_on_a_cpu_the_kernels_are_not_used_unless_they_are_asked_for():
    cpu = torch.device("cpu")
    assert not on_cuda("auto", cpu)
    assert not on_cuda("torch", torch.device("cuda"))
    with pytest.raises(BadRecipe, match="the model is on cpu, they run on CUDA only; use --kernels auto"):
        on_cuda("mamba_ssm", cpu)


@pytest.mark.skipif(bool(find_spec(NEEDED[0])), reason="mamba-ssm is installed here")
def test_kernels_that_are_not_installed_are_named_with_a_remedy():
    assert not on_cuda("auto", torch.device("cuda"))
    with pytest.raises(BadRecipe, match=r"mamba_ssm, .*not installed; pip install"):
        on_cuda("mamba_ssm", torch.device("cuda"))


def test_a_model_hands_the_switch_to_its_layers():
    with pytest.raises(BadRecipe, match="run on CUDA only"):
        Hybrid(SMALL, kernels="mamba_ssm")(torch.zeros(1, 4, dtype=torch.long))
