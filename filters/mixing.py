"""Several datasets as one, by weights: masks over the shards of all of them, and how often each would be read.

    parts = portions(store, {"web": 3, "code": 1}, size=1_000_000_000, of="tokens")
    mix(store, parts, tag="mix")

Of a dataset that has more than its part, rows stay by chance. One that has less would be read several times: a dataset
holds no row twice, so a mix of that kind is trained by weights (`koba train web=3 code=1`), and only planned here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar

from filters.chosen import RandomShare
from filters.marks import Of
from manifests import canonical, ledger
from manifests.commit import Draft, commit
from manifests.errors import BadRecipe, BadSource
from manifests.manifest import Ledger, Manifest
from manifests.masking import Masked, Masking, Share
from manifests.run import run
from manifests.stage import Map, Recipe, Selected, Selection
from manifests.store import Ref, Store
from manifests.view import View

FIELDS = ("name", "manifest", "share", "size", "taken", "epochs")  # of a portion
MOST_EPOCHS = 4  # more of the same text teaches less (Muennighoff et al. 2023; Swallow v2: a decline from 3.15 on)


@dataclass(frozen=True, slots=True)
class Portion:
    """One dataset of a mix."""

    name: str
    manifest: str
    share: float  # of the mix
    size: int  # rows, characters or tokens that the dataset has
    taken: int  # that the mix takes of it, counted each time that they are read

    @property
    def epochs(self) -> float:
        """How often the dataset is read."""
        return self.taken / self.size


@dataclass(frozen=True, slots=True)
class Mix(Selection):
    """Put datasets together that portions were taken of; no row is left out here. A step of `mix`, and of no recipe."""

    version: ClassVar[int] = 1

    shares: tuple[tuple[str, float], ...]  # by the id of the dataset that was taken from
    of: Of

    def select(self, view: View, map: Map) -> Selected:  # noqa: ARG002 - all rows stay
        return Selected()


def portions(
    store: Store, weights: Mapping[str, float | None], *, size: int | None = None, of: Of = "tokens"
) -> tuple[Portion, ...]:
    """Return what a mix of so many rows, characters or tokens takes of each dataset.

    Weights are shares of the mix, up to a factor; None stands for what the dataset has. Without `size`, the mix is the
    largest that reads no dataset twice. Raises BadRecipe, BadSource, NotFound.
    """
    found = {name: store.manifest(name) for name in weights}
    if len({manifest.id for manifest in found.values()}) < len(weights) or not weights:
        raise BadRecipe(f"mix: {', '.join(weights) or 'nothing'}: expected different datasets, each named once")
    sizes = {name: _size(name, manifest, of) for name, manifest in found.items()}
    given = {name: float(sizes[name]) if weight is None else weight for name, weight in weights.items()}
    if wrong := [f"{name}={weight:g}" for name, weight in given.items() if not 0 < weight < float("inf")]:
        raise BadRecipe(f"mix: {', '.join(wrong)}; expected weights above 0")
    total = sum(given.values())
    whole = size or int(min(sizes[name] * total / weight for name, weight in given.items()))
    return tuple(
        Portion(name, found[name].id, weight / total, sizes[name], round(whole * weight / total))
        for name, weight in given.items()
    )


def warnings(parts: Sequence[Portion]) -> tuple[str, ...]:
    """Return what is to be said of datasets that are read too often."""
    return tuple(
        f"{part.name} would be read {part.epochs:.2f} times: above {MOST_EPOCHS} a text teaches less"
        for part in parts
        if part.epochs > MOST_EPOCHS
    )


def mix(
    store: Store, parts: Sequence[Portion], *, of: Of = "tokens", tag: str, seed: int = 0, map: Map = map
) -> tuple[Manifest, Ref]:
    """Make one dataset of portions, none of which is more than its dataset, and name it.

    A row that several of them have is kept once. Raises BadRecipe where a dataset would have to be read again, or their
    rows are of several kinds.
    """
    if again := [f"{part.name} {part.epochs:.2f} times" for part in parts if part.taken > part.size]:
        shown = " ".join(f"{part.name}={part.share:.4g}" for part in parts)
        raise BadRecipe(
            f"mix: {', '.join(again)}: a dataset holds no row twice; train by weights (koba train {shown}), or give a "
            "smaller size"
        )
    chosen = [_taken(store, part, of, seed, map) for part in parts]
    kinds = sorted({manifest.kind for manifest in chosen})
    if len(kinds) > 1:
        raise BadRecipe(f"mix: rows are of several kinds ({', '.join(kinds)}); a dataset holds one")
    step = Mix(tuple((part.manifest, round(part.share, 6)) for part in parts), of)
    slices = chain.from_iterable(View(store, manifest).slices for manifest in chosen)
    masked: list[Masked] = list(map(Masking(step), [Share(part, (), None) for part in slices]))
    counts = (ledger.Counts(), ledger.Counts())
    for one in masked:
        ledger.add_counts(counts, one.counts)
    made = commit(
        store,
        Draft(
            kind=kinds[0],
            entries=tuple(one.entry for one in masked),
            steps=(step,),
            counts=counts,
            fingerprint=canonical.digest([step]),
            ledger=Ledger(values=tuple(one.values for one in masked), decisions=tuple(one.decisions for one in masked)),
            parents=tuple(manifest.id for manifest in chosen),
        ),
    )
    known = [ref for ref in store.history(tag) if ref.manifest == made.id]
    return made, known[-1] if known else store.tag(tag, made.id)


def _taken(store: Store, part: Portion, of: Of, seed: int, map: Map) -> Manifest:
    if part.taken >= part.size:
        return store.manifest(part.manifest)
    recipe = Recipe("portion", (RandomShare(size=part.taken, of=of, seed=seed),))
    return run(recipe, part.manifest, store=store, map=map).manifest


def _size(name: str, manifest: Manifest, of: Of) -> int:
    size = {"rows": manifest.rows, "chars": manifest.chars, "tokens": manifest.tokens}[of]
    if not size:
        raise BadSource(f"mix: {name} has no {of}; count tokens (--tokenizer of `koba run`), or mix by rows or chars")
    return size
