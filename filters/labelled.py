"""Labelled texts to learn from: a dataset that a model labelled, or a dataset for each class.

    by_label(store, ("labels/web", "labels/wiki"), "education")
    by_set(store, {"wikipedia": "wiki-ja", "web": "web-ja"})

Texts are in the order of a hash of their ids, so that equal rows in other shards teach the same. Of equal texts one
stays; with different labels none does.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from filters.hosts import host_of, registered_domain
from manifests.errors import BadRecipe
from manifests.lineage import ancestry
from manifests.manifest import Manifest
from manifests.rows import Document, Row
from manifests.store import Store
from manifests.view import View


class Example(NamedTuple):
    """One text with its label."""

    key: bytes  # a hash of the row's id: their order
    text: str
    label: str
    site: str  # all of a site is learned from, or all of it is held out
    language: str | None


@dataclass(frozen=True, slots=True)
class Labelled:
    """Texts, in order, and where they are from."""

    examples: tuple[Example, ...]
    parents: tuple[str, ...]  # ids of the datasets
    licences: tuple[str, ...]  # of the rows
    left_out: Mapping[str, int]  # rows, by why
    most: int = 0  # points that the rubric knows; 0: not known, or names

    @property
    def counts(self) -> dict[str, int]:
        """How many texts have each label, in the order of the labels."""
        return dict(sorted(Counter([one.label for one in self.examples]).items()))

    @property
    def languages(self) -> dict[str, int]:
        """How many texts are in each language that is said, the commonest first."""
        return dict(Counter([one.language for one in self.examples if one.language]).most_common())


def by_label(store: Store, names: tuple[str, ...], label: str, apart: tuple[str, ...] = ()) -> Labelled:
    """Return the rows of datasets with their value of one label, such as `generators.annotate` writes.

    `apart`: sites each of whose pages is a site of its own. Raises NotFound, and BadRecipe where no row has the label.
    """
    manifests = [_documents(store, name) for name in names]
    left_out: Counter[str] = Counter()
    others: Counter[str] = Counter()

    def labelled() -> Iterator[tuple[Row, str]]:
        for row in chain.from_iterable(View(store, manifest) for manifest in manifests):
            if label in row.labels:
                yield row, row.labels[label]
            else:
                left_out["no label"] += 1
                others.update(list(row.labels))

    examples = _examples(labelled(), apart, left_out)
    if not examples:
        known = ", ".join(name for name, _ in others.most_common(8)) or "none"
        raise BadRecipe(
            f"{', '.join(names)}: none of {sum(one.rows for one in manifests):,} rows has a text with the label "
            f"{label!r}; their labels are {known}; make some with `koba run annotate {names[0]} --rubric {label}`"
        )
    made = chain.from_iterable(ancestry(store, manifest) for manifest in manifests)
    most = max((_most(step.describe, label) for part in made for step in part.steps), default=0)
    return Labelled(examples, *_origins(manifests), left_out, most)


def by_set(
    store: Store, sets: Mapping[str, str], apart: tuple[str, ...] = (), per_class: int | None = None
) -> Labelled:
    """Return the rows of several datasets, labelled with the class that each is given for.

    `per_class`: so many of each at most, by chance. Raises NotFound, BadRecipe.
    """
    manifests = {label: _documents(store, name) for label, name in sets.items()}
    left_out: Counter[str] = Counter()
    rows = ((row, label) for label, manifest in manifests.items() for row in View(store, manifest))
    examples = _examples(rows, apart, left_out)
    if per_class:
        taken: Counter[str] = Counter()
        kept = []
        for one in examples:
            taken[one.label] += 1
            if taken[one.label] <= per_class:
                kept.append(one)
        left_out["more than asked for"] = len(examples) - len(kept)
        examples = tuple(kept)
    return Labelled(examples, *_origins(manifests.values()), left_out)


def _origins(manifests: Iterable[Manifest]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return ids and licences of datasets."""
    made = list(manifests)
    parents = {manifest.id for manifest in made}
    licences = {licence for manifest in made for licence in manifest.licences}
    return tuple(sorted(parents)), tuple(sorted(licences))


def _documents(store: Store, name: str) -> Manifest:
    manifest = store.manifest(name)
    if manifest.kind != Document.kind:
        raise BadRecipe(
            f"{name}: expected documents, found rows of kind {manifest.kind}, which have no text to learn from; name "
            "the dataset that they were made from"
        )
    return manifest


def _examples(rows: Iterable[tuple[Row, str]], apart: tuple[str, ...], left_out: Counter[str]) -> tuple[Example, ...]:
    """Return one example for each text, in order; `left_out` counts the rest."""
    found: dict[bytes, Example | None] = {}
    made = []
    for row, label in rows:
        text = row.text if isinstance(row, Document) else ""
        if text.strip():
            made.append(Example(hashlib.sha256(row.id).digest(), text, label, site_of(row, apart), row.language))
        else:
            left_out["no text"] += 1
    for one in sorted(made):
        key = hashlib.sha256(one.text.encode("utf-8", "replace")).digest()
        before = found.setdefault(key, one)
        if before is not one:
            left_out["text again"] += 1
            if before is not None and before.label != one.label:
                found[key] = None
    kept = tuple([one for one in found.values() if one is not None])
    if len(kept) < len(found):
        left_out["text with several labels"] = len(found) - len(kept)
    return kept


def site_of(row: Row, apart: tuple[str, ...] = ()) -> str:
    """Return the registered domain of a row, its address where that is one of `apart`; without any, its parents."""
    host = host_of(row.url) if row.url else None
    if host is None:
        return (row.parents[0] if row.parents else row.id).hex()
    site = registered_domain(host) or host
    return str(row.url) if site in apart else site


def _most(described: Any, label: str) -> int:
    """Return the points that the rubric of a label knows, as a step of `generators.annotate` describes it."""
    if isinstance(described, Mapping):
        if described.get("name") == label and isinstance(described.get("most"), int):
            return int(described["most"])
        return max((_most(one, label) for one in described.values()), default=0)
    return 0
