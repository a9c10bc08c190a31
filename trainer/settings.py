"""How a model is trained, as literals."""

import math
from dataclasses import dataclass
from typing import Any, Literal

from manifests.errors import BadRecipe

# swallow-cpt: continual pre-training of Llama-3.1-Swallow-8B-v0.5, its report's table of hyper-parameters. It tells of
# no warm-up. plamo-long: from a window to 32K tokens (PLaMo 2, section 3.1.3), which tells of no learning rate.
PRESETS: dict[str, dict[str, Any]] = {
    "plamo-long": {"full_attention": True, "rope_theta": 1e6, "length": 32_768},
    "swallow-cpt": {
        "learning_rate": 2.5e-5,
        "final_share": 0.1,  # 2.5e-6 at the end
        "batch": 1_024,
        "clip": 1.0,
        "weight_decay": 0.1,
        "beta1": 0.9,
        "beta2": 0.95,
        "epsilon": 1e-8,
        "schedule": "cosine",
    },
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything but the data and the model's shape that decides on the weights. Give `steps` or `epochs`."""

    steps: int | None = None
    epochs: int | None = None  # passes over the data; for one dataset only
    batch: int = 8  # sequences in a step
    length: int = 512  # tokens in a sequence
    micro_batches: int = 1  # a batch is worked off in so many parts, to save memory; processes share them
    learning_rate: float = 1e-3  # the highest
    schedule: Literal["cosine", "wsd"] = "cosine"  # after the warm-up: see `rate`
    decay_share: float = 0.1  # of all steps, at the end, in which wsd brings the learning rate down
    final_share: float = 0.1  # of the learning rate, at the end
    warmup_steps: int = 100
    beta1: float = 0.9
    beta2: float = 0.95
    epsilon: float = 1e-8  # of AdamW
    weight_decay: float = 0.1  # of matrices; norms, biases, A_log, D and dt_bias have none
    clip: float = 1.0  # norm of all gradients together
    precision: Literal["fp32", "bf16"] = "fp32"  # of the large products; weights, moments and sums stay in float32
    seed: int = 0

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.epochs is None):
            raise BadRecipe("settings: give either steps or epochs")
        counts = ("steps", "epochs", "batch", "length", "micro_batches")
        for name, value in ((name, getattr(self, name)) for name in counts):
            if value is not None and value < 1:
                raise BadRecipe(f"settings: {name} is {value}; expected 1 or more")
        if self.batch % self.micro_batches:
            raise BadRecipe(f"settings: {self.batch} sequences do not divide into {self.micro_batches} micro-batches")
        for name, known in (("schedule", ("cosine", "wsd")), ("precision", ("fp32", "bf16"))):
            if getattr(self, name) not in known:
                raise BadRecipe(f"settings: {name} is {getattr(self, name)!r}; expected {' or '.join(known)}")
        for name in ("decay_share", "final_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise BadRecipe(f"settings: {name} is {getattr(self, name)}; expected a share from 0 to 1")

    def total_steps(self, tokens: int) -> int:
        """Return the steps of the whole training, on data with so many tokens."""
        if self.steps is not None:
            return self.steps
        return math.ceil(tokens * (self.epochs or 0) / (self.batch * self.length))

    def rate(self, step: int, total: int) -> float:
        """Return the learning rate of a step, counted from 1: a linear warm-up, then a schedule.

        cosine: half a cosine down to `final_share`. wsd: the highest until the last `decay_share` of all steps, then
        down by the root of what is done of them (Hägele et al. 2024, arXiv:2405.18392, "1-sqrt").
        """
        warmup = min(self.warmup_steps, total)
        if step <= warmup:
            return self.learning_rate * step / warmup
        if self.schedule == "cosine":
            done = (step - warmup) / (total - warmup)
            left = (1 + math.cos(math.pi * done)) / 2
        else:
            decay = min(total - warmup, math.ceil(total * self.decay_share))
            left = 1 - math.sqrt(max(0, step - (total - decay)) / decay) if decay else 1.0
        return self.learning_rate * (self.final_share + (1 - self.final_share) * left)
