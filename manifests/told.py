"""What a selection decides of one shard only where its mask is written: drops by the million never meet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from manifests.stage import Drop


@dataclass(frozen=True, slots=True)
class Told:
    """What a selection says of the visible rows of one shard."""

    drops: Sequence[Drop] = ()
    values: Mapping[str, Sequence[float | None]] = field(default_factory=dict)  # by measure, one for each row
