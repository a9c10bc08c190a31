"""What won, written back: the chosen reply in the place of the given one, where it is better by a margin.

PLaMo 2 replaces translated replies of low quality by what its own policy said best (section 3.2.2).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from generators.dialogue import asked
from generators.pooled import OF, POLICY
from generators.preference_pairs import CHOSEN, GIVEN_REWARD, WINNER
from manifests.errors import BadRecipe, BadRow
from manifests.licences import joined
from manifests.rows import Conversation, Message, Preference, Row
from manifests.stage import Kept, Stage, describe
from manifests.store import Store
from manifests.view import View

GAIN = "write_back/gain"
PAIR, CANDIDATE = "write_back/pair", "write_back/reply"  # labels: the pair and the candidate that won, in hex


class _Better(NamedTuple):
    """A reply that won."""

    prompt: tuple[Message, ...]
    reply: tuple[Message, ...]
    gain: float
    pair: bytes
    candidate: bytes
    call: bytes | None
    licence: str | None


@dataclass(frozen=True, slots=True)
class WriteBack(Stage):
    """Put chosen replies into the conversations that they are replies to; all others stay as they are.

    What gets another reply is a new row made from the old one. Its labels name the pair and the candidate, its call the
    one that wrote the reply. Raises BadRecipe where `pairs` are no pairs, BadRow where they answer other prompts.
    """

    pairs: str  # a dataset of pairs, by its ref; `run` puts its id in the fingerprint
    margin: float = 0.0  # by which the chosen reward has to be above the given one's
    store: Store | None = field(default=None, compare=False)  # no part of the identity

    def resolve(self, store: Store) -> "WriteBack":
        return replace(self, pairs=store.resolve(self.pairs))

    def within(self, store: Store) -> "WriteBack":
        return replace(self, store=store)

    def describe(self) -> dict[str, Any]:
        told = describe(self)
        return {**told, "fields": {name: value for name, value in told["fields"].items() if name != "store"}}

    def __call__(self, rows: Iterable[Row]) -> Iterator[Row | Kept]:
        better = self._better()
        for row in rows:
            found = better.get(row.hex)
            yield row if found is None else _replaced(row, found)

    def _better(self) -> dict[str, _Better]:
        """Return by conversation the replies that are better: they alone are held in memory."""
        if self.store is None:
            raise BadRecipe("WriteBack: call it within a store, as `run` does")
        manifest = self.store.manifest(self.pairs)
        if manifest.kind != Preference.kind:
            raise BadRecipe(
                f"{self.pairs} is a dataset of kind {manifest.kind}; expected pairs, as `preferences` makes"
            )
        return {pair.labels[OF]: _told(pair) for pair in View(self.store, manifest) if self._wins(pair)}

    def _wins(self, pair: Row) -> bool:
        if pair.labels.get(WINNER) != POLICY or GIVEN_REWARD not in pair.scores or OF not in pair.labels:
            return False
        gain = _gain(pair)
        return gain > 0 and gain >= self.margin


def _gain(pair: Row) -> float:
    return pair.scores[CHOSEN] - pair.scores[GIVEN_REWARD]


def _told(pair: Row) -> _Better:
    if not isinstance(pair, Preference):
        raise BadRow(f"WriteBack: row {pair.hex} is a {pair.kind}; expected a preference")
    candidate = pair.parents[0] if pair.parents else b""
    return _Better(pair.prompt, pair.chosen, _gain(pair), pair.id, candidate, pair.call, pair.licence)


def _replaced(row: Row, better: _Better) -> Kept:
    if not isinstance(row, Conversation) or asked(row.messages) != better.prompt:
        raise BadRow(
            f"WriteBack: row {row.hex} is not the conversation that pair {better.pair.hex()} answers; make the pairs "
            "from this version of the dataset"
        )
    made = row.derive(
        messages=(*better.prompt, *better.reply),
        scores={**row.scores, GAIN: better.gain},
        labels={**row.labels, PAIR: better.pair.hex(), CANDIDATE: better.candidate.hex()},
        call=better.call,
        licence=joined(row.licence, better.licence),
    )
    return Kept(made, {GAIN: better.gain})
