"""The loss of learning from preferences: DPO, and what PLaMo 2 and others add to it.

    loss_N = PreferenceLoss(beta=0.1, per_token=0.01)(policy, reference)

With d the log-probability of the chosen reply less that of the rejected one, of the model less of its reference:

    DPO      -log s(beta d)                                  Rafailov et al. 2023, arXiv:2305.18290
    R-DPO    -log s(beta d + per_token (|chosen| - |rejected|))   Park et al. 2024, arXiv:2403.19159, equation 9
    ODPO     -log s(beta d - per_gap log(reward gap))        Amini et al. 2024, arXiv:2402.10571
    RPO      + per_nll times the chosen reply's mean negative log-probability   Pang et al. 2024, arXiv:2404.19733v3

They add up: each is on where its factor is not zero.
"""

# N pairs

from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import logsigmoid

from manifests.errors import BadRecipe


@dataclass(frozen=True, slots=True)
class Pairs:
    """Log-probabilities of replies, each summed over the reply's tokens, in nats."""

    chosen: Tensor  # [N]
    rejected: Tensor  # [N]


@dataclass(frozen=True, slots=True)
class PreferenceLoss:
    """How a pair of replies is weighed."""

    beta: float = 0.1
    per_token: float = 0.0  # of R-DPO; above 0 a longer chosen reply counts as won more easily. Not times beta
    per_gap: float = 0.0  # of ODPO
    per_nll: float = 0.0  # of RPO; the mean is over the tokens of each reply, not of the batch

    def __post_init__(self) -> None:
        if not self.beta > 0 or min(self.per_token, self.per_gap, self.per_nll) < 0:
            raise BadRecipe(f"{self}: expected a beta above 0, and no factor below 0")

    def __call__(
        self, policy: Pairs, reference: Pairs, chosen_tokens_N: Tensor, rejected_tokens_N: Tensor, gaps_N: Tensor
    ) -> Tensor:
        """Return the loss of each pair, [N]. Gaps are rewards of chosen less rejected; ODPO wants them above 0."""
        margin_N = (policy.chosen - reference.chosen) - (policy.rejected - reference.rejected)
        wanted_N = self.beta * margin_N
        if self.per_token:
            wanted_N = wanted_N + self.per_token * (chosen_tokens_N - rejected_tokens_N)
        if self.per_gap:
            if not bool((gaps_N > 0).all()):
                raise BadRecipe("per_gap: a chosen reply is rewarded no more than the rejected one, or has no reward")
            wanted_N = wanted_N - self.per_gap * gaps_N.log()
        return self.per_nll * -policy.chosen / chosen_tokens_N.clamp_min(1) - logsigmoid(wanted_N)
