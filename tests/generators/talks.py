"""Conversations, and a reward that is read off a reply."""

import re
from dataclasses import dataclass

from generators.rewards import Rating
from generators.weights import echo_model
from manifests.rows import Conversation, Message, row_id
from tests.manifests.stages import Source

LETTERS = {"u": "user", "a": "assistant", "s": "system", "i": "input"}


def talk(*turns: str, **more: object) -> Conversation:
    """A conversation of turns such as "u How many bees?"."""
    messages = tuple([Message(LETTERS.get(turn[:1], turn[:1]), turn[2:]) for turn in turns])
    return Conversation(
        id=row_id("conversation", "talks", repr(turns)), source="talks", messages=messages, language="en", **more
    )


@dataclass(frozen=True)
class Talks:
    """A unit of conversations."""

    given: tuple[Conversation, ...]

    @property
    def key(self):
        return [row.hex for row in self.given]

    @property
    def file(self):
        return f"{len(self.given)} conversations"

    def rows(self):
        yield from self.given


def talks(*given: Conversation) -> Source:
    return Source((Talks(given),))


@dataclass(frozen=True, slots=True)
class Worth:
    """The numbers that a reply names; of more than 100 characters none is read, and "nothing" is no number."""

    model: object = echo_model()
    weights: tuple[float, ...] = (1.0,)
    max_tokens: int = 100

    def open(self):
        return self

    def rate(self, messages):
        said = messages[-1].content
        if len(said) > self.max_tokens:
            return Rating(len(said), None)
        if "nothing" in said:
            return Rating(len(said), (float("nan"),))
        return Rating(len(said), tuple([float(one) for one in re.findall(r"-?\d+(?:\.\d+)?", said)]))
