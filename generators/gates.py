"""What a rewritten text must look like beside its source.

The tasks measure what needs both texts, while they have both at hand. The thresholds stand behind the cut, so that
another one costs no call.
"""

from dataclasses import dataclass
from functools import lru_cache

from generators.replies import copied_share, length_ratio, numbers_kept, repeated_share
from manifests.rows import Document
from manifests.stage import Rule, Rules, Values, at_least, at_most

LENGTH, COPIED, NUMBERS, REPEATED = "gates/length_ratio", "gates/copied", "gates/numbers_kept", "gates/repeated"


def beside(text: str, source: str) -> dict[str, float]:
    """Return the scores of a text beside its source, as the gates read them."""
    text, source = _single_blanks(text), _single_blanks(source)
    return {
        LENGTH: length_ratio(text, source),
        COPIED: copied_share(text, source),
        NUMBERS: numbers_kept(text, source),
    }


@lru_cache(maxsize=64)  # all candidates stand beside one source
def _single_blanks(text: str) -> str:
    return " ".join(text.split())


@dataclass(frozen=True, slots=True)
class Gates(Rules):
    """Keep the rewrites of a sensible length that neither copy their source nor run in circles. None is off.

    Reasons: gates/short, gates/long, gates/copied, gates/lost_numbers, gates/repetitive.
    """

    min_length_ratio: float | None = None  # characters for each one of the source, blanks left out
    max_length_ratio: float | None = None
    max_copied: float | None = None  # share of pieces of 12 characters that stand in the source
    min_numbers_kept: float | None = None  # share of the source's numbers
    max_repeated: float | None = 0.3  # share of 12-grams of characters that stood in the text before

    def rules(self) -> tuple[Rule, ...]:
        return (
            *at_least("gates/short", LENGTH, self.min_length_ratio),
            *at_most("gates/long", LENGTH, self.max_length_ratio),
            *at_most("gates/copied", COPIED, self.max_copied),
            *at_least("gates/lost_numbers", NUMBERS, self.min_numbers_kept),
            *at_most("gates/repetitive", REPEATED, self.max_repeated),
        )

    def measure(self, doc: Document) -> Values:
        values = {name: doc.scores.get(name) for name in (LENGTH, COPIED, NUMBERS)}
        return values | {REPEATED: repeated_share(doc.text)}
