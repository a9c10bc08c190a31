"""Benchmarks kept out of a dataset: as an option of any program, and as a check before a version gets its name.

main = program(decontaminated(recipe), ...)                      # --decontaminate gsm8k,humaneval.jsonl#prompt
run(recipe(), "web", store=store, checks=[Uncontaminated(Decontaminate(("gsm8k",)))])
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from dedup.decontaminate import Decontaminate
from manifests.errors import BadRow
from manifests.manifest import Manifest
from manifests.stage import Map, Recipe
from manifests.store import Store
from manifests.view import View
from manifests.widened import widened

OPTION = "decontaminate"
_HELP = "Benchmarks to keep out: datasets, or files as FILE#COLUMN. A row that holds an item of theirs goes."
_SHOWN = 3  # rows that a refusal names


@dataclass(frozen=True)
class Uncontaminated:
    """A check of a manifest: no row holds an item of the benchmarks."""

    asked: Decontaminate
    map: Map = field(default=map, repr=False)

    def __call__(self, store: Store, manifest: Manifest) -> None:
        """Raise BadRow where a row does, with the first rows and their items."""
        view = View(store, manifest)
        drops = self.asked.resolve(store).select(view, self.map).drops
        if not drops:
            return
        wanted = {drop.shard for drop in drops[:_SHOWN]}
        ids = {part.ordinal: part.table(["id"])["id"] for part in view.slices if part.ordinal in wanted}
        held = [(ids[drop.shard][drop.row].as_py(), drop.twin or b"", drop.reason) for drop in drops[:_SHOWN]]
        shown = [f"{row_id.hex()} holds item {item.hex()} ({reason})" for row_id, item, reason in held]
        raise BadRow(
            f"{len(drops):,} of {manifest.rows:,} rows hold items of {', '.join(self.asked.against)}: "
            f"{', '.join(shown)}{', ...' if len(drops) > _SHOWN else ''}; put Decontaminate into the recipe"
        )


def decontaminated(recipe: Callable[..., Recipe]) -> Callable[..., Recipe]:
    """Return a recipe with one option more: benchmarks that are kept out of what it makes.

    A recipe that has this option itself keeps them out where that costs least, and is returned as it is.
    """

    def clean(made: Recipe, against: tuple[str, ...]) -> Recipe:
        return Recipe(made.name, (*made.steps, Decontaminate(against)))

    return widened(recipe, OPTION, Annotated[tuple[str, ...], _HELP], (), clean)
