import pytest
import torch

from trainer.losses import BLOCK_ROWS, IGNORE, next_token_loss, next_token_loss_ref


@pytest.mark.parametrize("rows", [1, BLOCK_ROWS, 2 * BLOCK_ROWS + 7])
def test_the_loss_in_blocks_equals_the_loss_of_all_logits(rows):
    torch.manual_seed(0)
    hidden, output = torch.randn(rows, 16).double().requires_grad_(), torch.randn(50, 16).double().requires_grad_()
    labels = torch.randint(0, 50, (rows,))
    labels[1::3] = IGNORE
    blocked, whole = (loss(hidden, output, labels) for loss in (next_token_loss, next_token_loss_ref))
    assert blocked.item() == pytest.approx(whole.item(), rel=1e-12)
    gradients = [torch.autograd.grad(loss / 3, [hidden, output]) for loss in (blocked, whole)]
    assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(*gradients, strict=True))


def test_large_logits_do_not_overflow():
    hidden = torch.tensor([[1e4, 0.0]], requires_grad=True)
    loss = next_token_loss(hidden, torch.eye(2), torch.tensor([1]))
    loss.backward()
    assert loss.item() == 1e4
    assert hidden.grad.tolist() == [[1.0, -1.0]]


def test_no_targets_no_loss():
    hidden = torch.ones(2, 3, requires_grad=True)
    loss = next_token_loss(hidden, torch.ones(5, 3), torch.full((2,), IGNORE))
    loss.backward()
    assert loss.item() == 0
    assert not hidden.grad.any()
