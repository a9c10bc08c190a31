import pytest
import torch

from trainer.products import gradient, linear, product


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize(("rows", "inner", "outer"), [(1, 1, 1), (7, 64, 5), (70, 33, 130), (256, 256, 1160)])
def test_a_product_is_as_exact_as_its_precision(dtype, rows, inner, outer):
    torch.manual_seed(0)
    left, right = torch.randn(rows, inner).to(dtype), torch.randn(outer, inner).to(dtype)
    exact = left.double() @ right.double().T
    assert product(left, right).dtype == dtype
    assert (product(left, right).double() - exact).abs().max() <= 4 * torch.finfo(dtype).eps * inner


def test_transposed_factors_are_read_as_they_lie():
    torch.manual_seed(0)
    left, right = torch.randn(40, 30), torch.randn(40, 50)
    assert torch.allclose(gradient(left, right), left.T @ right, atol=1e-5)
    assert torch.allclose(gradient(right, left), right.T @ left, atol=1e-5)
    assert torch.allclose(product(left.T, right.T), left.T @ right, atol=1e-5)


def test_the_gradients_of_a_linear_layer_are_those_of_its_definition():
    torch.manual_seed(0)
    x, weight = torch.randn(2, 3, 4).double().requires_grad_(), torch.randn(5, 4).double().requires_grad_()
    assert torch.autograd.gradcheck(linear, (x, weight))


def test_equal_products_are_equal_to_the_bit():
    torch.manual_seed(0)
    left, right = torch.randn(300, 200), torch.randn(100, 200)
    assert torch.equal(product(left, right), product(left, right))
