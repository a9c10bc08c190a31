import pytest
import torch

from manifests.errors import BadRecipe
from tests.trainer.small import CONFIG
from trainer.log_probs import by_document, document_log_probs, token_log_probs
from trainer.losses import IGNORE, next_token_loss
from trainer.model import Hybrid
from trainer.preference_loss import Pairs, PreferenceLoss


def loss(chosen_tokens=1, rejected_tokens=1, gap=1.0, **factors):
    """The loss of one pair: log-probabilities -10 and -12, those of the reference -11 and -11.5."""
    policy, reference = (Pairs(torch.tensor([a]), torch.tensor([b])) for a, b in ((-10.0, -12.0), (-11.0, -11.5)))
    lengths = (torch.tensor([float(tokens)]) for tokens in (chosen_tokens, rejected_tokens))
    return PreferenceLoss(**factors)(policy, reference, *lengths, torch.tensor([gap])).item()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, 0.62096),
        ({"per_token": 0.01, "chosen_tokens": 30, "rejected_tokens": 20}, 0.57594),
        ({"per_token": 0.01, "chosen_tokens": 20, "rejected_tokens": 30}, 0.66846),
        ({"per_gap": 1.0, "gap": 1.0}, 0.62096),
        ({"per_gap": 1.0, "gap": 3.0}, 1.27596),
        ({"per_gap": 0.5, "gap": 3.0}, 0.91260),
        ({"per_nll": 1.0, "chosen_tokens": 8}, 1.87096),
    ],
)
def test_losses_of_preference_are_those_computed_by_hand(given, expected):
    assert loss(**given) == pytest.approx(expected, abs=5e-6)


def test_a_longer_chosen_reply_costs_less():
    lengths = [loss(per_token=0.01, chosen_tokens=tokens, rejected_tokens=20) for tokens in (10, 20, 30, 40)]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[1] == pytest.approx(loss())


def test_the_mean_of_the_chosen_reply_is_its_own_not_that_of_the_batch():
    policy = Pairs(torch.tensor([-8.0, -2.0]), torch.tensor([-8.0, -2.0]))
    one = torch.tensor([8.0, 1.0])
    found = PreferenceLoss(per_nll=1.0)(policy, policy, one, one, one) - PreferenceLoss()(policy, policy, one, one, one)
    assert found.tolist() == pytest.approx([1.0, 2.0])


def test_equal_rewards_have_no_offset():
    with pytest.raises(BadRecipe, match="rewarded no more"):
        loss(per_gap=1.0, gap=0.0)
    with pytest.raises(BadRecipe, match="beta above 0"):
        PreferenceLoss(beta=0)


def test_log_probabilities_of_single_tokens_add_up_to_the_loss_of_all():
    torch.manual_seed(0)
    hidden, output = torch.randn(600, 16).requires_grad_(), torch.randn(50, 16).requires_grad_()
    labels = torch.randint(0, 50, (600,))
    labels[1::3] = IGNORE
    found = token_log_probs(hidden, output, labels)
    assert not found[1::3].any()
    sums = [-found.sum(), next_token_loss(hidden, output, labels)]
    assert sums[0].item() == pytest.approx(sums[1].item(), rel=1e-5)
    gradients = [torch.autograd.grad(one, [hidden, output]) for one in sums]
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(*gradients, strict=True))


def test_without_a_label_there_is_nothing_and_a_gradient_of_zero():
    hidden = torch.ones(2, 3, requires_grad=True)
    token_log_probs(hidden, torch.ones(5, 3), torch.full((2,), IGNORE)).sum().backward()
    assert not hidden.grad.any()


def test_sums_are_taken_by_the_number_of_the_document():
    values, documents = torch.tensor([1.0, 2.0, 4.0, 8.0]), torch.tensor([3, 5, 3, 6])
    assert by_document(values, documents, torch.tensor([3, 5])).tolist() == [5.0, 2.0]


def test_log_probabilities_of_packed_documents_are_those_of_separate_ones():
    model, lengths = Hybrid(CONFIG), (7, 20, 5)
    tokens = torch.randint(0, CONFIG.vocabulary, (1, sum(lengths)), generator=torch.Generator().manual_seed(0))
    documents = torch.repeat_interleave(torch.tensor([4, 5, 9]), torch.tensor(lengths))[None]
    labels = torch.cat([tokens[:, 1:], tokens[:, :1]], 1)
    labels[:, [3, *(sum(lengths[: n + 1]) - 1 for n in range(3))]] = IGNORE
    packed = document_log_probs(model, tokens, labels, documents, torch.tensor([4, 5, 9]))
    alone = []
    for number in (4, 5, 9):
        kept = documents[0] == number
        one = document_log_probs(model, tokens[:, kept], labels[:, kept], documents[:, kept], torch.tensor([number]))
        alone.append(one.item())
    assert packed.tolist() == pytest.approx(alone, abs=1e-4)
