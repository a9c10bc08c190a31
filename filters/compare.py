"""Several sets of rules on the same documents: where they agree, and why they do not.

    made = compare(View(store, manifest), {"v1": named("swallow-v1"), "v2": named("swallow-v2")}, limit=1_000)
    made.groups[0].agreements[0].kappa

A document goes through the stages of each set in turn, so that what rules measure on the same text, its words above
all, is measured once. Nothing is written.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from manifests import canonical
from manifests.errors import BadRecipe, BadSource
from manifests.plain import plain
from manifests.rows import Document, Row
from manifests.sampling import sample
from manifests.stage import Kept, Rejected, Stage
from manifests.view import View

EXCERPT_CHARS = 300


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two sets decide on the same documents, in numbers of documents."""

    a: str
    b: str
    both: int  # keep it
    only_a: int
    only_b: int
    neither: int

    @property
    def jaccard(self) -> float | None:
        """Share of those that both keep in those that one of them keeps; None where neither keeps any."""
        either = self.both + self.only_a + self.only_b
        return self.both / either if either else None

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa: 1 for the same decisions, 0 for what chance gives; None where both decide the same on all."""
        documents = self.both + self.only_a + self.only_b + self.neither
        keep_a, keep_b = self.both + self.only_a, self.both + self.only_b
        by_chance = keep_a * keep_b + (documents - keep_a) * (documents - keep_b)  # times documents squared
        most = documents * documents
        return (documents * (self.both + self.neither) - by_chance) / (most - by_chance) if by_chance < most else None


@dataclass(frozen=True, slots=True)
class Group:
    """The documents of one language, or all."""

    name: str  # "all", an ISO 639-1 code, or "none" for documents without a language
    documents: int
    kept: Mapping[str, int]  # by set
    agreements: tuple[Agreement, ...]  # of each pair of sets


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a set drops a document."""

    stage: str
    reason: str
    value: float | None
    threshold: float | None


@dataclass(frozen=True, slots=True)
class Example:
    """A document on which sets differ."""

    id: bytes
    url: str | None
    language: str | None
    excerpt: str
    kept_by: tuple[str, ...]
    refusals: Mapping[str, Refusal]  # by set


@dataclass(frozen=True, slots=True)
class Comparison:
    """What several sets make of the same documents."""

    sets: Mapping[str, tuple[str, ...]]  # titles of the stages, by set
    documents: int
    groups: tuple[Group, ...]  # all first, then languages, the commonest first
    reasons: Mapping[str, Mapping[str, int]]  # documents by set and reason, the commonest first
    examples: tuple[Example, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        told: dict[str, Any] = plain(self)
        for group, shown in zip(self.groups, told["groups"], strict=True):
            for agreement, line in zip(group.agreements, shown["agreements"], strict=True):
                line |= {"jaccard": agreement.jaccard, "kappa": agreement.kappa}
        return told


def compare(
    view: View,
    sets: Mapping[str, tuple[Stage, ...]],
    limit: int | None = 1_000,
    *,
    language: str | None = None,
    seed: int = 0,
    examples: int = 3,
) -> Comparison:
    """Decide on the documents of a dataset by each set, on `limit` of them by chance or on all (None).

    `examples`: how many documents to show that one set of a pair keeps and the other drops. Raises BadRecipe where
    there is no set, BadSource where there is no document.
    """
    if not sets:
        raise BadRecipe("no set of rules to compare; name some, such as swallow-v1,swallow-v2")
    if view.manifest.kind != Document.kind:
        raise BadSource(f"the dataset holds rows of kind {view.manifest.kind!r}; rules are compared on documents")
    judge = _Judge({name: tuple(_ready(stage, view) for stage in stages) for name, stages in sets.items()})
    documents = _documents(view, limit, language, seed)
    verdicts = [(doc, judge(doc)) for doc in documents]
    if not verdicts:
        of = f" in {language!r}" if language else ""
        raise BadSource(f"the dataset shows no document{of}; there is nothing to compare rules on")
    pairs = tuple(combinations(sets, 2))
    languages = Counter(doc.language or "none" for doc, _ in verdicts)
    told = [("all", verdicts)] + [
        (name, [(doc, found) for doc, found in verdicts if (doc.language or "none") == name])
        for name, _ in languages.most_common()
    ]
    reasons = {name: Counter(why.reason for _, found in verdicts if (why := found[name])) for name in sets}
    return Comparison(
        sets={name: tuple(stage.title for stage in stages) for name, stages in sets.items()},
        documents=len(verdicts),
        groups=tuple(_group(name, [found for _, found in some], sets, pairs) for name, some in told),
        reasons={name: dict(counts.most_common()) for name, counts in reasons.items()},
        examples=_examples(verdicts, pairs, examples),
    )


_Verdicts = Mapping[str, Refusal | None]  # by set; None: it keeps the document


class _Judge:
    def __init__(self, sets: Mapping[str, tuple[Stage, ...]]) -> None:
        self.sets = {
            name: [(canonical.digest(stage), stage) for stage in stages] for name, stages in sets.items()
        }  # stages of several sets are known by their digest

    def __call__(self, doc: Document) -> _Verdicts:
        known: dict[tuple[str, int], tuple[Row, list[Any]]] = {}  # with the row, for an id may be used again
        found: dict[str, Refusal | None] = {}
        for name, stages in self.sets.items():
            rows: list[Row] = [doc]
            refusal = None
            for digest, stage in stages:
                outcomes = []
                for row in rows:
                    at = (digest, id(row))
                    if at not in known:
                        known[at] = (row, list(stage([row])))
                    outcomes += known[at][1]
                rows = [one.row if isinstance(one, Kept) else one for one in outcomes if not isinstance(one, Rejected)]
                if not rows:
                    refusal = _refusal(stage, outcomes)
                    break
            found[name] = refusal
        return found


def _refusal(stage: Stage, outcomes: Sequence[Any]) -> Refusal:
    last = next((one for one in reversed(outcomes) if isinstance(one, Rejected)), None)
    if last is None:
        raise BadRecipe(
            f"{stage.title} yielded neither a row nor a refusal; it cannot be compared one document at a time"
        )
    return Refusal(stage.title, last.reason, last.value, last.threshold)


def _ready(stage: Stage, view: View) -> Stage:
    return stage.resolve(view.store).within(view.store)


def _documents(view: View, limit: int | None, language: str | None, seed: int) -> Iterable[Document]:
    """Yield documents, by chance where not all are wanted."""
    rows: Iterable[Row | None] = view
    if limit is not None and limit < view.rows:
        rows = [one.row for one in sample(view.store, view.manifest, limit, seed, language=language)]
    for row in rows:
        if isinstance(row, Document) and language in {None, row.language}:
            yield row


def _group(name: str, verdicts: Sequence[_Verdicts], sets: Iterable[str], pairs: Iterable[tuple[str, str]]) -> Group:
    agreements = []
    for a, b in pairs:
        counts = Counter((found[a] is None, found[b] is None) for found in verdicts)
        agreements.append(
            Agreement(a, b, counts[True, True], counts[True, False], counts[False, True], counts[False, False])
        )
    kept = {one: sum(found[one] is None for found in verdicts) for one in sets}
    return Group(name, len(verdicts), kept, tuple(agreements))


def _examples(
    verdicts: Sequence[tuple[Document, _Verdicts]], pairs: Iterable[tuple[str, str]], most: int
) -> tuple[Example, ...]:
    """Return documents on which a pair differs, so many each way; one that shows several differences stands once."""
    chosen: dict[bytes, Example] = {}
    for keeps, drops in [way for a, b in pairs for way in ((a, b), (b, a))]:
        differing = [(doc, found) for doc, found in verdicts if found[keeps] is None and found[drops] is not None]
        for doc, found in differing[:most]:
            chosen[doc.id] = Example(
                id=doc.id,
                url=doc.url,
                language=doc.language,
                excerpt=doc.text[:EXCERPT_CHARS],
                kept_by=tuple(name for name, why in found.items() if why is None),
                refusals={name: why for name, why in found.items() if why is not None},
            )
    return tuple(chosen.values())
