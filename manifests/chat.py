"""Conversations as one text, or as tokens with a loss mask: one separator token, as in PLaMo 2 (section 3.3.1).

    text = ChatFormat().render(messages, reply=True)         # what a model is asked with
    turns = ChatFormat().encode(messages, tokenizer)         # what it learns from

A text is the first token, then for each message the separator, the role, a line end, the content and a line end. An
instruction is the user's, the material that it is about is `input`; pre-training also knows `output` and `dataset`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from manifests.errors import BadRecipe, BadRow
from manifests.rows import Message
from manifests.tokens import Tokenizer

ROLES = ("system", "user", "assistant", "input", "output", "dataset")
LEARNT = "assistant"


class Turns(msgspec.Struct, frozen=True, gc=False):
    """A conversation as a model sees it: `loss_mask` is True where a token is to be learnt."""

    input_ids: tuple[int, ...]
    loss_mask: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class ChatFormat:
    """How messages are written. Raises BadRecipe where a text could not be kept apart from its tokens."""

    first: str = "<|plamo:bos|>"
    separator: str = "<|plamo:op|>"
    roles: tuple[str, ...] = ROLES

    def __post_init__(self) -> None:
        for token in (self.first, self.separator):
            if len(token) < 2 or re.search(r"\s", token):
                raise BadRecipe(f"chat format: {token!r} is no token; expected 2 characters or more, no white space")
        if bad := [role for role in self.roles if not re.fullmatch(r"[a-z_]+", role)]:
            raise BadRecipe(f"chat format: {', '.join(map(repr, bad))}: expected roles of lower-case letters")

    def render(self, messages: Sequence[Message], *, reply: bool = False) -> str:
        """Return messages as one text, up to where the assistant's `reply` begins, or else with the last separator.

        A content that holds one of the two tokens is broken up, see `neutral`. Raises BadRow where a role is unknown.
        """
        self._check(messages)
        turns = [f"{self.separator}{one.role}\n{self.neutral(one.content)}\n" for one in messages]
        end = f"{LEARNT}\n" if reply else ""
        return f"{self.first}{''.join(turns)}{self.separator}{end}"

    def parse(self, text: str) -> tuple[Message, ...]:
        """Return the messages of a text that `render` wrote. Raises BadRow where it did not."""
        first, *turns = text.split(self.separator)
        if first != self.first or not turns:
            raise BadRow(f"chat: a text that begins with {text[:40]!r}; expected {self.first!r} and {self.separator!r}")
        if turns[-1] not in {"", f"{LEARNT}\n"}:
            raise BadRow(
                f"chat: the last turn does not end ({turns[-1][-40:]!r}); expected {self.separator!r} behind it"
            )
        messages: list[Message] = []
        for turn in turns[:-1]:
            role, found, content = turn.partition("\n")
            if not found or not content.endswith("\n"):
                raise BadRow(f"chat: the turn {turn[:40]!r}; expected a role, a line end, a content and a line end")
            messages.append(Message(role, content[:-1]))
        self._check(messages)
        return tuple(messages)

    def encode(self, messages: Sequence[Message], tokenizer: Tokenizer) -> Turns:
        """Return the tokens of messages. What the assistant says is learnt, with its line end and the next separator.

        The two tokens are put by their ids: in a content they are plain text, whatever it says. Raises BadRecipe where
        the tokenizer does not have them, BadRow where a role is unknown.
        """
        self._check(messages)
        first, separator = tokenizer.token_id(self.first), tokenizer.token_id(self.separator)
        pieces = [piece for one in messages for piece in _pieces(one)]
        ids, mask, follows = [first], [False], False
        for (_, learnt, begins), piece in zip(
            pieces, tokenizer.encode_batch([text for text, _, _ in pieces]), strict=True
        ):
            if begins:
                ids.append(separator)
                mask.append(follows)
            ids += piece
            mask += [learnt] * len(piece)
            follows = learnt
        return Turns((*ids, separator), (*mask, follows))

    def neutral(self, text: str) -> str:
        """Return a text without the two tokens: a space stands behind the first character of each."""
        tokens = re.compile("|".join(map(re.escape, sorted((self.first, self.separator), key=len, reverse=True))))
        while tokens.search(text):  # where tokens overlap, breaking up one leaves another
            text = tokens.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)
        return text

    def _check(self, messages: Sequence[Message]) -> None:
        for place, one in enumerate(messages):
            if one.role not in self.roles:
                raise BadRow(
                    f"chat: message {place} is of {one.role!r:.60}; expected one of {', '.join(self.roles)}: rename it"
                )


def _pieces(message: Message) -> list[tuple[str, bool, bool]]:
    """Return what is encoded together, whether it is learnt, and whether the separator stands before it."""
    if message.role != LEARNT:
        return [(f"{message.role}\n{message.content}\n", False, True)]
    return [(f"{LEARNT}\n", False, True), (f"{message.content}\n", True, False)]
