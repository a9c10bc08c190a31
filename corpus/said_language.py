"""What language a conversation is in, as its source says.

said_language/other     the source says another language than those wanted, or one that nobody knows
"""

from dataclasses import dataclass

from corpus.chat_records import SAID
from manifests.rows import Conversation
from manifests.stage import Rule, Rules, Values, at_least


@dataclass(frozen=True, slots=True)
class SaidLanguage(Rules):
    """Keep the conversations that are said to be in one of some languages; what nothing is said of goes on."""

    languages: tuple[str, ...]  # ISO 639-1

    def rules(self) -> tuple[Rule, ...]:
        return at_least("said_language/other", "said_language/wanted", 1.0)

    def measure(self, row: Conversation) -> Values:
        if row.language is None and SAID not in row.labels:
            return {"said_language/wanted": None}
        return {"said_language/wanted": float(row.language in self.languages)}
