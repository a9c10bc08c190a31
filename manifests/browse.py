"""Looking at rows: one with all that is known of it and its text on the way, or the first ones of a dataset.

See `manifests.sampling` for rows by chance, and `manifests.search` for those with some text in them.
"""

from dataclasses import dataclass
from typing import Any

from manifests import shard
from manifests.explain import tell
from manifests.history import known_stays
from manifests.lineage import chain_steps, recipe_chain
from manifests.manifest import Manifest
from manifests.plain import plain
from manifests.rows import Row
from manifests.store import Store
from manifests.story import Story
from manifests.texts import changes, texts
from manifests.view import View


@dataclass(frozen=True, slots=True)
class TextAt:
    """A row's text as a step left it."""

    number: int  # of the step, over the whole recipe
    title: str
    text: str
    diff: tuple[str, ...] = ()  # against the text before; empty for the first text that is known


@dataclass(frozen=True, slots=True)
class Shown:
    """All that is known of one row."""

    story: Story
    row: Row | None  # as it was last stored; None: it was dropped before
    texts: tuple[TextAt, ...]  # empty where no text of it was ever stored

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {"row": plain(self.row), "texts": plain(self.texts), "story": self.story.to_json()}


def show(store: Store, manifest: Manifest, row_id: bytes) -> Shown:
    """Return a row with all its columns, its story, and its text after each step that changed it.

    Also for a row that was dropped, with what is stored of it. Raises NotFound.
    """
    chain = recipe_chain(store, manifest)
    stays = known_stays(store, chain, row_id)
    steps = chain_steps(chain)
    titles = {step.number: step.title for step in steps if step.step or not step.number}
    numbers = {(step.part, step.step): step.number for step in steps}
    found: list[TextAt] = []
    for ordinal, step, text in texts(chain, stays):
        number = numbers[ordinal, step]
        diff = tuple(changes(found[-1].text, text)) if found else ()
        found.append(TextAt(number, titles[number], text, diff))
    row = next((stay.row for stay in reversed(stays) if stay.row), None)
    return Shown(tell(store, chain, stays), row, tuple(found))


def head(store: Store, manifest: Manifest, n: int) -> list[Row]:
    """Return the first rows of a dataset. Reads as many shards as that takes."""
    rows: list[Row] = []
    for part in View(store, manifest).slices:
        if len(rows) >= n:
            break
        rows += shard.decode(part.table().slice(0, n - len(rows)), part.kind)
    return rows
