"""Whether the user's turns are in the languages wanted: what a source says of a conversation can be wrong of them.

A turn is judged where it has enough letters, or kana, to be judged at all; short ones, such as "ok", are not.

turn_language/other     too much of what was judged is surely in another language
turn_language/unsure    the source says no language, and none of those wanted is likely
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from filters.language import KANA, NOT_LETTERS, LanguageIs
from manifests.rows import Conversation, Row
from manifests.stage import Kept, Rejected, Rule, Stage, Values, at_least, at_most, describe, judge


@dataclass(frozen=True, slots=True)
class TurnLanguage(Stage):
    """Judge each user turn by itself, and write the language that most of what was judged is in on the row.

    A conversation of which no turn is surely in any language keeps the language that its source says; where that says
    none, the likeliest language of all its turns together is taken: most such texts are code or a few words.
    """

    languages: tuple[str, ...]  # ISO 639-1
    min_score: float = 0.65  # probability from which a turn is surely in a language; FineWeb's threshold
    min_score_in_doubt: float = 0.15  # of the likeliest language; lid.176 gives English 0.12 where it knows nothing
    min_letters: int = 20  # that a turn without kana must have to be judged
    max_chars: int = 500  # of a turn that are looked at
    max_other: float = 0.5  # share of the judged characters that may be in other languages

    def rules(self) -> tuple[Rule, ...]:
        other = at_most("turn_language/other", "turn_language/other_share", self.max_other)
        return other + at_least("turn_language/unsure", "turn_language/known", 1.0)

    def describe(self) -> dict[str, Any]:
        """Return what decides, with the identifier and its model."""
        return describe(self) | {"identifier": self._identifier.describe()}

    def __call__(self, rows: Iterable[Conversation]) -> Iterator[Row | Kept | Rejected]:
        rules, identifier = self.rules(), self._identifier
        for row in rows:
            language, values = self._judged(row, identifier)
            yield judge(row if language == row.language else row.replace(language=language), values, rules)

    @property
    def _identifier(self) -> LanguageIs:
        return LanguageIs(self.languages, self.min_score, self.max_chars)

    def _judged(self, row: Conversation, identifier: LanguageIs) -> tuple[str | None, Values]:
        turns = [turn.content[: self.max_chars] for turn in row.messages if turn.role == "user"]
        chars: Counter[str | None] = Counter()
        judged = [turn for turn in turns if self._can_be_judged(turn)]
        for turn in judged:
            language, score = identifier.identify(turn)
            if score is not None and score >= self.min_score:
                chars[language] += len(turn)
        sure = sum(chars.values())
        wanted = Counter({language: count for language, count in chars.items() if language in self.languages})
        language = next((name for name, _ in (wanted or chars).most_common(1)), row.language)
        if language is None:
            likeliest, score = identifier.identify("\n".join(turns))
            language = likeliest if score is not None and score >= self.min_score_in_doubt else None
        values = {
            "turn_language/judged": float(len(judged)),
            "turn_language/other_share": 1 - wanted.total() / sure if sure else None,
            "turn_language/known": float(language in self.languages),
        }
        return language, values

    def _can_be_judged(self, turn: str) -> bool:
        return len(NOT_LETTERS.sub("", turn)) >= self.min_letters or bool(KANA.search(turn))
