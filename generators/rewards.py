"""Rewards: one number for the last reply of a conversation, by a model that was trained to give it.

    Rewarded(SequenceReward("models/reward"))                        # one output: the reward
    Rewarded(SequenceReward("models/nemotron", weights=NEMOTRON_4))  # attributes, weighted

The score is `reward/value`, and `reward/output_1`, ... are the model's own outputs where it has several. They are
stored as they are: attributes that were rounded to whole numbers would make ties and small gaps of what is neither.

reward/no_conversation  the row is no conversation that ends with a reply
reward/too_long         prompt and reply together are longer than the model reads
reward/not_a_number     the model gives no finite number
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from threading import Lock
from typing import ClassVar, NamedTuple, Protocol

from generators.weights import Model, find_model
from manifests.errors import BadRecipe, BadSource
from manifests.rows import Conversation, Message, Row
from manifests.stage import Rejected, Stage
from manifests.store import Store
from manifests.used import Used

REWARD = "reward/value"
# Helpfulness, correctness, coherence, complexity, verbosity: the model cards of Nemotron-4-340B-Reward, whose first
# four outputs mean nothing, and of the 70B model.
ATTRIBUTES = (0.3, 0.74, 0.46, 0.47, -0.33)
NEMOTRON_4 = (0.0, 0.0, 0.0, 0.0, *ATTRIBUTES)
ATTRIBUTES_70B = (0.65, 0.8, 0.45, 0.55, -0.4)
_OPENING = Lock()


class Rating(NamedTuple):
    """What a model says of a conversation."""

    tokens: int
    outputs: tuple[float, ...] | None  # None: it is too long to be read


class Rater(Protocol):
    """A loaded reward model."""

    def rate(self, messages: Sequence[Message]) -> Rating:
        """Return its outputs for a conversation. A pure function of the messages: no other one is read with them."""


class Reward(Protocol):
    """What gives a number to replies: a frozen dataclass of literals that names its model."""

    @property
    def model(self) -> str | Model:
        """A ref; `run` puts the digests of what it finds there in the fingerprint."""

    @property
    def weights(self) -> tuple[float, ...]:
        """How much each output counts in the reward."""

    @property
    def max_tokens(self) -> int:
        """Longest conversation, in the model's tokens."""

    def open(self) -> Rater:
        """Load the model, once it is resolved. Raises BadSource."""


@dataclass(frozen=True, slots=True)
class SequenceReward:
    """A model for sequence classification, as Hugging Face has them, read one conversation at a time."""

    model: str | Model = "models/reward"
    weights: tuple[float, ...] = (1.0,)
    max_tokens: int = 4_096

    def open(self) -> Rater:
        """Load it."""
        from generators.sequence_reward import opened  # noqa: PLC0415 - a recipe is read without torch

        return opened(found(self.model), self.max_tokens)


@dataclass(frozen=True, slots=True)
class Rewarded(Stage):
    """Put a reward on every conversation that ends with a reply. All others are refused."""

    dear: ClassVar[bool] = True
    libraries: ClassVar[tuple[str, ...]] = ("torch", "transformers", "tokenizers")

    reward: Reward

    def resolve(self, store: Store) -> "Rewarded":
        model = self.reward.model
        resolved = find_model(model, store) if isinstance(model, str) else model
        return replace(self, reward=replace(self.reward, model=resolved))  # type: ignore[type-var] # a dataclass

    def used(self) -> Used:
        model = found(self.reward.model)
        return Used({model.name: model.manifest or model.weights})

    @property
    def title(self) -> str:
        """What it rates with."""
        return type(self.reward).__name__

    def __call__(self, rows: Iterable[Row]) -> Iterator[Row | Rejected]:
        rater: Rater | None = None
        for row in rows:
            if not isinstance(row, Conversation) or not row.messages or row.messages[-1].role != "assistant":
                yield Rejected(row, "reward/no_conversation")
                continue
            rater = rater or self._opened()
            yield self._rated(row, rater.rate(row.messages))

    def _rated(self, row: Conversation, rating: Rating) -> Row | Rejected:
        if rating.outputs is None:
            return Rejected(row, "reward/too_long", rating.tokens, self.reward.max_tokens)
        reward = weighted(rating.outputs, self.reward.weights)
        if not isfinite(reward):
            return Rejected(row, "reward/not_a_number")
        outputs = {f"reward/output_{place}": value for place, value in enumerate(rating.outputs, start=1)}
        return row.replace(scores={**row.scores, **(outputs if len(outputs) > 1 else {}), REWARD: reward})

    def _opened(self) -> Rater:
        with _OPENING:  # units are threads of one process
            return self.reward.open()


def weighted(outputs: Sequence[float], weights: Sequence[float]) -> float:
    """Return the reward that outputs stand for. Raises BadSource unless there is a weight for each of them."""
    if len(outputs) != len(weights):
        raise BadSource(
            f"reward: the model has {len(outputs)} outputs; expected {len(weights)}, one for each weight: "
            "give weights that fit it, 0 for an output that means nothing"
        )
    return sum([output * weight for output, weight in zip(outputs, weights, strict=True) if weight])


def found(model: str | Model) -> Model:
    """Return a model that was resolved. Raises BadRecipe where it was not."""
    if isinstance(model, str):
        raise BadRecipe(f"reward: {model!r} has no fingerprint; resolve it first: recipe.resolve(store)")
    return model
