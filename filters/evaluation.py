"""What is known of how a classifier did: evaluation.json, typed, for it may come from another's store."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec

from manifests.errors import BadSource

Interval: TypeAlias = tuple[float | None, float | None, float | None]  # value and ends; None for what cannot be said


class Bin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tenth of the scale of scores."""

    low: float
    high: float
    rows: int
    predicted: float  # mean score of its texts
    true: float  # mean of their labels


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Scores held against labels."""

    ece: float  # expected calibration error: mean distance of the two, weighted by texts
    bins: tuple[Bin, ...]


class Evaluation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The figures on texts that were held out, and what was learned from."""

    classifier: str
    texts: int
    sites: int
    folds: int
    seed: int
    labels: dict[str, int]
    languages: dict[str, int]
    left_out: dict[str, int]  # rows, by why
    settings: dict[str, Any]
    libraries: dict[str, str]
    measures: dict[str, Interval]
    by_fold: tuple[dict[str, float | None], ...]
    confusion: tuple[tuple[int, ...], ...]  # true class, then predicted one
    calibration: Calibration

    def measure(self, name: str) -> float | None:
        """Return one measure over all folds; None where it cannot be said or is none of these."""
        return self.measures.get(name, (None, None, None))[0]


def read_evaluation(data: bytes, classes: Sequence[str], name: str) -> Evaluation:
    """Return the figures from their bytes, which may be hostile. Raises BadSource."""
    try:
        found = msgspec.json.decode(data, type=Evaluation)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BadSource(f"{name}: evaluation.json holds no figures of ours: {error!s:.200}; train it again") from error
    if len(found.confusion) != len(classes) or any(len(row) != len(classes) for row in found.confusion):
        raise BadSource(f"{name}: evaluation.json is about other than its {len(classes)} classes; train it again")
    return found


def shown(interval: Interval) -> str:
    """Return "0.820 (0.750 to 0.880)", or "-" for what could not be said."""
    value, low, high = interval
    if value is None:
        return "-"
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} ({low:.3f} to {high:.3f})"
