"""What is asked of a model, what comes back, and what an engine must do to be used.

An engine is a loaded model, long-lived: `submit(request)` returns a future, so that the next requests are on their way
before the last ones are answered. Where it runs is a `Place`: no part of any identity, but the argument of a run.
"""

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import msgspec

from generators.chunks import estimate
from manifests import canonical
from manifests.errors import BadRecipe
from manifests.rows import Message

if TYPE_CHECKING:
    from generators.forms import Form
    from generators.weights import Model

FinishReason: TypeAlias = Literal["stop", "length", "too_long", "content_filter"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How replies are drawn. Every field has a value, so that no default of a server or a model can slip in."""

    max_tokens: int = 1_024  # of one reply; one that is cut here is refused
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None  # above 1: tokens of the prompt and of the reply so far become less likely
    stop: tuple[str, ...] = ()
    n: int = 1  # candidates for each request; all are kept as rows
    seed: int = 0  # each candidate's own seed is derived from it, the request and its number
    max_ratio: float | None = None  # of one reply, in tokens for each one of the prompt (estimated): a loop ends early
    form: "Form | None" = None  # what a reply has to look like; one that does not is refused

    def __post_init__(self) -> None:
        if self.n < 1 or self.max_tokens < 1 or self.temperature < 0 or not 0 < self.top_p <= 1:
            raise BadRecipe(f"{self}: expected n and max_tokens of 1 or more, temperature >= 0, 0 < top_p <= 1")
        if self.max_ratio is not None and self.max_ratio <= 0:
            raise BadRecipe(f"{self}: expected a max_ratio above 0, or None for no such limit")
        if self.n > 1 and self.temperature == 0:
            raise BadRecipe(f"{self.n} candidates at temperature 0 are {self.n} times the same; ask for 1, or raise it")

    def limit(self, prompt: str) -> int:
        """Return the longest reply to a prompt, in tokens."""
        if self.max_ratio is None:
            return self.max_tokens
        return max(1, min(self.max_tokens, round(self.max_ratio * estimate(prompt))))

    @property
    def key(self) -> bytes:
        """Digest of what bears on a single reply that ends by itself: neither `n` nor a length limit does."""
        literals = self.describe()["fields"]
        return bytes.fromhex(canonical.digest({name: literals[name] for name in literals if name not in _NOT_OF_ONE}))

    def describe(self) -> dict[str, Any]:
        """Return what a recipe's fingerprint is taken over. What came later than calls that are stored is left out."""
        fields = canonical.field_values(self)
        return {"type": "Sampling", "fields": {name: fields[name] for name in fields if name != "form" or self.form}}


_NOT_OF_ONE = {"n", "max_tokens", "max_ratio", "seed"}  # the seed is in each candidate's derived seed


@dataclass(frozen=True, slots=True)
class Raw:
    """A prompt for a model without a chat template: `text.format(**quoted)`, quoted texts neutralised first."""

    text: str
    quoted: Mapping[str, str] = field(default_factory=dict)


Prompt: TypeAlias = str | tuple[Message, ...] | Raw  # a string is one message of the user


class Request(msgspec.Struct, frozen=True):
    """One reply that is wanted: the fully rendered prompt and all that bears on the answer."""

    prompt: str
    sampling: Sampling
    seed: int
    candidate: int = 0
    messages: tuple[Message, ...] | None = None  # for a server that applies the chat template itself
    max_context: int | None = None  # tokens of prompt and reply together


class Reply(msgspec.Struct, frozen=True, gc=False):
    """What a model answered."""

    text: str
    finish_reason: FinishReason  # "too_long": the prompt alone fills the context; nothing was generated
    tokens_in: int
    tokens_out: int
    logprob: float | None = None  # sum over the reply's tokens, natural logarithm
    candidate: int = 0


class Engine(Protocol):
    """A loaded model."""

    @property
    def capacity(self) -> int:
        """How many requests it works on at once."""

    def submit(self, request: Request) -> "Future[Reply]":
        """Take a request. The future raises Incomplete where no reply could be had after all retries."""

    def close(self) -> None:
        """Let go of the model."""


class Place(Protocol):
    """Where an engine runs. Equal places share an engine."""

    def open(self, model: "Model") -> Engine:
        """Load the model. Raises BadRecipe where this place cannot run it."""


class Task(Protocol):
    """What a dataset asks of a model: two pure functions of literals. `prompt` and `parse` touch nothing else."""

    def prompt(self, row: Any, /) -> Prompt:
        """Return what to ask about a row."""

    def parse(self, row: Any, reply: Reply, /) -> Any:
        """Return the new row (`row.derive(...)`), the row with something added, or a Rejected. Does not raise."""
