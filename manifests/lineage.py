"""The way back: from a manifest through its parents to where its rows were first read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from manifests.errors import NotFound
from manifests.manifest import Manifest, StepRecord
from manifests.store import Store


@dataclass(frozen=True, slots=True)
class ChainStep:
    """One step of a recipe, as people count them and as the part that it belongs to counts it."""

    number: int  # over the whole chain; 0: reading the source, and later inputs count as the step before them
    part: int  # ordinal of the manifest in the chain
    step: int  # in that manifest, whose step 0 is its input
    record: StepRecord

    @property
    def title(self) -> str:
        """What people call the step."""
        return step_title(self.record.describe) or self.record.stage


def ancestry(store: Store, manifest: Manifest) -> list[Manifest]:
    """Return a manifest and all its ancestors, each once, youngest first."""
    return list(_walk(store, manifest, set()))


def recipe_chain(store: Store, manifest: Manifest) -> list[Manifest]:
    """Return the manifests that one recipe made, in order: from its first part to `manifest`."""
    chain = [manifest]
    while len(chain[-1].parents) == 1:
        chain.append(store.manifest(chain[-1].parents[0]))
    return chain[::-1]


def recipe_steps(store: Store, manifest: Manifest) -> list[dict[str, Any]]:
    """Return how each step on the way from the source to `manifest` describes itself."""
    return [step.describe for part in recipe_chain(store, manifest) for step in part.steps[1:]]


def chain_steps(chain: Sequence[Manifest]) -> list[ChainStep]:
    """Return the steps of the manifests that one recipe made, in order, the input of each included."""
    steps: list[ChainStep] = []
    number = 0
    for ordinal, part in enumerate(chain):
        for step, record in enumerate(part.steps):
            number += step > 0
            steps.append(ChainStep(number, ordinal, step, record))
    return steps


def step_title(described: Mapping[str, Any]) -> str:
    """Return the title of a step that describes itself so: "Words", or "Kana (ja)"; "" for an input."""
    fields = described.get("fields", {})
    inner = fields.get("stage") if isinstance(fields, Mapping) else None
    name = str(described.get("stage", ""))
    if name == "Only" and isinstance(inner, Mapping):
        return f"{step_title(inner)} ({fields.get('language')})"
    return name


def _walk(store: Store, manifest: Manifest, seen: set[str]) -> Iterator[Manifest]:
    if manifest.id in seen:
        return
    seen.add(manifest.id)
    yield manifest
    for parent in manifest.parents:
        try:
            yield from _walk(store, store.manifest(parent), seen)
        except NotFound as error:
            raise NotFound(f"{manifest.id[:16]} names a parent that is gone: {error}") from error
