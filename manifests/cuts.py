"""What a selection takes out of the rows of a shard."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Cuts:
    """Text that a selection takes out of the documents of one shard: parallel arrays, one place for each span.

    Spans of one row do not overlap. What is left keeps its id; a row of which only white space is left is dropped.
    """

    shard: int  # ordinal of the entry in the manifest
    reason: str
    emptied: str  # the reason where nothing is left
    rows: NDArray[np.int64]  # as `Drop.row`, ascending
    starts: NDArray[np.int64]  # characters from the start of the text, ascending within a row
    stops: NDArray[np.int64]
    twins: NDArray[np.uint8] | None = None  # [spans, 16]: id of the row that keeps what is taken out here
