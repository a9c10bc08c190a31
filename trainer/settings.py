"""How a model is trained, as literals."""

import math
from dataclasses import dataclass

from manifests.errors import BadRecipe


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything but the data and the model's shape that decides on the weights. Give `steps` or `epochs`."""

    steps: int | None = None
    epochs: int | None = None  # passes over the data; for one dataset only
    batch: int = 8  # sequences in a step
    length: int = 512  # tokens in a sequence
    micro_batches: int = 1  # a batch is worked off in so many parts, to save memory
    learning_rate: float = 1e-3  # the highest
    final_share: float = 0.1  # of the learning rate, at the end of the cosine
    warmup_steps: int = 100
    beta1: float = 0.9
    beta2: float = 0.95
    weight_decay: float = 0.1  # of matrices; norms, biases, A_log, D and dt_bias have none
    clip: float = 1.0  # norm of all gradients together
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

    def total_steps(self, tokens: int) -> int:
        """Return the steps of the whole training, on data with so many tokens."""
        if self.steps is not None:
            return self.steps
        return math.ceil(tokens * (self.epochs or 0) / (self.batch * self.length))

    def rate(self, step: int, total: int) -> float:
        """Return the learning rate of a step, counted from 1: a linear warm-up, then a cosine."""
        warmup = min(self.warmup_steps, total)
        if step <= warmup:
            return self.learning_rate * step / warmup
        done = (step - warmup) / (total - warmup)
        share = self.final_share + (1 - self.final_share) * (1 + math.cos(math.pi * done)) / 2
        return self.learning_rate * share
