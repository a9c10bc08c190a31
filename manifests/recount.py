"""The counts of a manifest's steps as they would be had a row been refused: its way is taken out of them again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from msgspec.structs import asdict, replace

from manifests.ledger import Counts
from manifests.manifest import StepRecord

TAKEDOWN = "forget/takedown"  # the reason that `manifests.transform` gives for it


@dataclass(frozen=True, slots=True)
class Way:
    """What one manifest did to one row, step by step."""

    born: int  # the step that made it; 0: it was read
    end: Literal["kept", "dropped", "used"]  # "used": other rows were made from it
    at: int  # step where it ended; of a row that was kept, the last one
    reason: str  # for which it was dropped
    altered: tuple[int, ...]  # steps that gave it another payload


def take_out(counts: Sequence[Counts], way: Way) -> None:
    """Undo the counting of a row."""
    dropped_at_birth = way.end == "dropped" and way.at == way.born
    if way.born:
        counts[way.born].derived -= not dropped_at_birth
    else:
        counts[0].rows_in -= 1
        counts[0].kept -= not dropped_at_birth
    for step in range(way.born + 1, way.at + 1):
        counts[step].rows_in -= 1
        counts[step].kept -= step < way.at or way.end == "kept"
    for step in way.altered:
        counts[step].altered -= 1
    if way.end == "dropped":
        counts[way.at].dropped -= 1
        counts[way.at].reasons[way.reason] -= 1


def refuse(counts: Sequence[Counts], born: int) -> None:
    """Count a row as refused where it came up."""
    counts[0].rows_in += born == 0
    counts[born].drop(TAKEDOWN)


def counts_of(steps: Sequence[StepRecord]) -> list[Counts]:
    """Return the counts of steps, to be changed."""
    names = ("rows_in", "kept", "dropped", "altered", "derived")
    return [
        Counts(**{name: value for name, value in asdict(step).items() if name in names}, reasons=dict(step.reasons))
        for step in steps
    ]


def with_counts(steps: Sequence[StepRecord], counts: Sequence[Counts]) -> tuple[StepRecord, ...]:
    """Return steps with other counts."""
    return tuple(
        replace(
            step,
            rows_in=count.rows_in,
            kept=count.kept,
            dropped=count.dropped,
            altered=count.altered,
            derived=count.derived,
            reasons={reason: rows for reason, rows in sorted(count.reasons.items()) if rows},
        )
        for step, count in zip(steps, counts, strict=True)
    )
