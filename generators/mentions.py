"""What a text can be asked about: its sentences, and what is named, dated or counted in each."""

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["date", "name", "number", "term", "title"]


class Mention(NamedTuple):
    """One name, date or figure in a sentence."""

    text: str
    start: int  # in the sentence
    kind: Kind

    @property
    def end(self) -> int:
        """Where it ends in the sentence."""
        return self.start + len(self.text)


class Sentence(NamedTuple):
    """One sentence of a text, with what it mentions in its order."""

    text: str
    mentions: tuple[Mention, ...]


class Reader(NamedTuple):
    """How the texts of a language are read."""

    sentences: Callable[[str], list[Sentence]]
    last_phrase: Callable[[str], tuple[int, int] | None]  # where the phrase stands that ends a sentence


def distinct(mentions: Iterable[Mention]) -> list[Mention]:
    """Return the first mention of each text, in their order; letter case makes no difference."""
    found: dict[str, Mention] = {}
    for mention in mentions:
        found.setdefault(mention.text.casefold(), mention)
    return list(found.values())


def may_be_the_same(one: str, other: str) -> bool:
    """Tell whether two names may mean the same: one stands within the other, or is made of its initials."""
    short, long = sorted((one.casefold(), other.casefold()), key=len)
    if short in long:
        return True
    return short == "".join([word[0] for word in long.split() if word[0].isalnum()])
