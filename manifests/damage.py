"""Parts of a source that could not be read: where they are, for the person who has the file.

A source marks them, see `Rejected.damage`. A run warns of the first ones: among all the pages that a recipe does not
want, a record that is lost would never be noticed.
"""

from collections.abc import Iterable, Iterator

import msgspec

from manifests.stage import Rejected
from manifests.terminal import safe
from manifests.wording import position

MAX_TOLD = 10  # of a run
_CELLS = 160


class Damage(msgspec.Struct):
    """The damage in one unit of work."""

    parts: int = 0
    told: list[str] = []  # where the first ones are, and what is wrong

    def add(self, refusal: Rejected) -> None:
        """Note a refusal with which a part of the source is lost."""
        origin = refusal.row.origin
        if refusal.damage is not None and origin:
            self.parts += 1
            if len(self.told) < MAX_TOLD:
                place = position(origin.file, origin.offset)
                self.told.append(f"{place}: {refusal.reason}: {safe(refusal.damage, _CELLS)}")


def warnings(found: Iterable[Damage]) -> Iterator[str]:
    """Yield what to tell of the damage in all units of a run: the first ones, and how many more there are."""
    parts = 0
    told: list[str] = []
    for damage in found:
        parts += damage.parts
        told += damage.told
    yield from told[:MAX_TOLD]
    if parts > MAX_TOLD:
        yield f"{parts - MAX_TOLD:,} more parts of the source cannot be read: see `koba sample NAME --reason REASON`"
