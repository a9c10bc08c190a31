"""How long a text may be: length/too_short and length/too_long, in characters."""

from dataclasses import dataclass

from manifests.rows import Conversation, Document
from manifests.stage import Rule, Rules, Values, at_least, at_most


@dataclass(frozen=True, slots=True)
class Length(Rules):
    """Keep the texts of a sensible length, in characters (code points); of a conversation, of all its turns."""

    min_chars: int | None = None
    max_chars: int | None = None

    def rules(self) -> tuple[Rule, ...]:
        return at_least("length/too_short", "length/chars", self.min_chars) + at_most(
            "length/too_long", "length/chars", self.max_chars
        )

    def measure(self, row: Document | Conversation) -> Values:
        texts = [turn.content for turn in row.messages] if isinstance(row, Conversation) else [row.text]
        return {"length/chars": float(sum(map(len, texts)))}
