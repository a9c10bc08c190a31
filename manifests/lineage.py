"""The way back: from a manifest through its parents to where its rows were first read."""

from collections.abc import Iterator
from typing import Any

from manifests.errors import NotFound
from manifests.manifest import Manifest
from manifests.store import Store


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
