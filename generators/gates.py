"""What a rewritten text must look like beside its source.

The tasks measure what needs both texts, while they have both at hand. The thresholds stand behind the cut, so that
another one costs no call.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from generators import fidelity
from generators.replies import copied_share, length_ratio, numbers_kept, repeated_share
from manifests.rows import Document
from manifests.stage import Kept, Rejected, Rule, Rules, Stage, Values, at_least, at_most
from manifests.store import Store

LENGTH, COPIED, NUMBERS, REPEATED = "gates/length_ratio", "gates/copied", "gates/numbers_kept", "gates/repeated"
LONGER, INCOMPLETE, FACTS = "gates/longer", "gates/incomplete", "gates/facts_lost"
TALK = "gates/talk"
FOREIGN, OWN, UNTRANSLATED, MARKS = "gates/foreign", "gates/own_script", "gates/untranslated", "gates/marks_changed"
SCRIPTS_TOLD = frozenset({"en", "ja"})  # languages whose letters are known
TOLD = 24.0  # width of a source in letters from which a copy, or another script, tells a fault from a name


def beside(text: str, source: str, language: str) -> dict[str, float]:
    """Return the scores of a text beside its source, both in one language, as the gates read them."""
    text, source = _single_blanks(text), _single_blanks(source)
    return {
        FOREIGN: strange(text, source, language),
        LENGTH: length_ratio(text, source),
        COPIED: copied_share(text, source),
        NUMBERS: numbers_kept(text, source),
    }


def strange(text: str, source: str, language: str) -> float:
    """Return how many letters of other scripts, or of Chinese in Japanese, a text has more than its source."""
    if language not in SCRIPTS_TOLD:
        return 0.0
    return max(0.0, float(fidelity.foreign(text, source, language) - fidelity.foreign(source, source, language)))


def translated(text: str, source: str, to: str) -> dict[str, float]:
    """Return the scores of a translation beside its source: those that need a longer source only where it is one."""
    told = fidelity.width(source) >= TOLD
    sure = {COPIED: copied_share(_single_blanks(text), _single_blanks(source)), OWN: fidelity.own_share(text, to)}
    return {
        LONGER: fidelity.deviation(text, source),
        INCOMPLETE: fidelity.incomplete(text, source),
        FACTS: fidelity.facts_lost(text, source),
        FOREIGN: float(fidelity.foreign(text, source, to)),
        UNTRANSLATED: float(fidelity.untranslated(text, source, to)),
        TALK: float(fidelity.talk(text, source)),
        MARKS: float(fidelity.marks_changed(text, source)),
        **(sure if told else {}),
    }


@lru_cache(maxsize=64)  # all candidates stand beside one source
def _single_blanks(text: str) -> str:
    return " ".join(text.split())


@dataclass(frozen=True, slots=True)
class Gates(Rules):
    """Keep the rewrites of a sensible length that neither copy their source nor run in circles. None is off.

    Reasons: gates/foreign, gates/short, gates/long, gates/copied, gates/lost_numbers, gates/repetitive.
    """

    min_length_ratio: float | None = None  # characters for each one of the source, blanks left out
    max_length_ratio: float | None = None
    max_copied: float | None = None  # share of pieces of 12 characters that stand in the source
    min_numbers_kept: float | None = None  # share of the source's numbers
    max_repeated: float | None = 0.3  # share of 12-grams of characters that stood in the text before
    max_foreign: float | None = 0.0  # letters

    def rules(self) -> tuple[Rule, ...]:
        return (
            *at_most("gates/foreign", FOREIGN, self.max_foreign),
            *at_least("gates/short", LENGTH, self.min_length_ratio),
            *at_most("gates/long", LENGTH, self.max_length_ratio),
            *at_most("gates/copied", COPIED, self.max_copied),
            *at_least("gates/lost_numbers", NUMBERS, self.min_numbers_kept),
            *at_most("gates/repetitive", REPEATED, self.max_repeated),
        )

    def measure(self, doc: Document) -> Values:
        values = {name: doc.scores.get(name) for name in (FOREIGN, LENGTH, COPIED, NUMBERS)}
        return values | {REPEATED: repeated_share(doc.text)}


@dataclass(frozen=True, slots=True)
class Faithful(Rules):
    """Keep the translations that are whole, in their language, and marked up as their source is. None is off.

    Of 2,000 references of WMT20 these thresholds refuse 3 %, see tests/benchmarks/bench_gates.py. Reasons:

    gates/untouched     it copies its source
    gates/other_script  letters of the wrong scripts: an answer in another language
    gates/foreign       some letters of the wrong script, or Chinese forms and words in Japanese
    gates/untranslated  a run of words of the source, not of names alone
    gates/broken        marks of Markdown, tags, addresses or code lost or added, or lines added
    gates/about_itself  it speaks of translating, of which its source does not
    gates/circular      it runs in circles
    gates/overlong      much longer than expected
    gates/clause_lost   shorter than expected, or fewer sentences
    gates/facts_lost    numbers, or names in capitals, are gone
    """

    max_copied: float | None = 0.5  # share of pieces of 12 characters that stand in the source
    min_own_script: float | None = 0.3  # share of letters
    max_foreign: float | None = 0.0  # letters
    max_untranslated: float | None = 1.0  # words in a row
    max_marks_changed: float | None = 0.0
    max_talk: float | None = 0.0  # words
    max_repeated: float | None = 0.3  # share of 12-grams of characters that stood in the text before
    max_longer: float | None = 4.0  # standard deviations over the expected length
    max_incomplete: float | None = 1.85  # the same below it, and 1.5 for each sentence less
    max_facts_lost: float | None = 0.7  # numbers, and half as much for names, beyond a quarter of all

    def rules(self) -> tuple[Rule, ...]:
        return (
            *at_most("gates/untouched", COPIED, self.max_copied),
            *at_least("gates/other_script", OWN, self.min_own_script),
            *at_most("gates/foreign", FOREIGN, self.max_foreign),
            *at_most("gates/untranslated", UNTRANSLATED, self.max_untranslated),
            *at_most("gates/broken", MARKS, self.max_marks_changed),
            *at_most("gates/about_itself", TALK, self.max_talk),
            *at_most("gates/circular", REPEATED, self.max_repeated),
            *at_most("gates/overlong", LONGER, self.max_longer),
            *at_most("gates/clause_lost", INCOMPLETE, self.max_incomplete),
            *at_most("gates/facts_lost", FACTS, self.max_facts_lost),
        )

    def measure(self, doc: Document) -> Values:
        names = (COPIED, OWN, FOREIGN, UNTRANSLATED, MARKS, TALK, LONGER, INCOMPLETE, FACTS)
        return {name: doc.scores.get(name) for name in names} | {REPEATED: repeated_share(doc.text)}


@dataclass(frozen=True, slots=True)
class IfLonger(Stage):
    """Apply a gate to texts of some width only: a heading of three words has no language that could be told."""

    width: float  # in letters of English
    gate: Stage

    @property
    def title(self) -> str:
        """The gate, and for whom."""
        return f"{self.gate.title} (from {self.width:g} letters)"

    def rules(self) -> tuple[Rule, ...]:
        return self.gate.rules()

    def resolve(self, store: Store) -> "IfLonger":
        return replace(self, gate=self.gate.resolve(store))

    def __call__(self, rows: Iterable[Document]) -> Iterator[Document | Kept | Rejected]:
        for row in rows:
            if fidelity.width(row.text) < self.width:
                yield Kept(row)
            else:
                yield from self.gate([row])  # type: ignore[misc] # a gate judges the row that it is given
