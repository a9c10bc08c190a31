"""How well scores tell labels: agreement, errors, F1, AUC and calibration, with intervals over sites.

    held_out(truth, scores, said, sites, task)

Intervals are 95 % of 1,000 draws of sites with replacement: pages of a site are alike, and rows drawn one by one would
make every figure look surer than it is.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

DRAWS, FEW_DRAWS = 1_000, 200  # the latter from `MANY` texts on
MANY = 50_000
BINS = 10
DIGITS = 4

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was predicted for texts that were held out; each array has a value a text."""

    truth: Integers  # class; of points the class is the number
    said: Integers  # class that was predicted
    scores: Floats  # points, or the probability of the positive or of the likeliest class
    sites: Integers  # number of the site
    folds: Integers  # number of the fold
    classes: tuple[str, ...]
    points: bool  # whether classes are numbers and can be subtracted
    positive: NDArray[np.bool_] | None  # truly on the good side of the threshold; None: there is no such side
    found: NDArray[np.bool_] | None  # predicted to be
    top: float  # of the scale of `scores`


def held_out(outcome: Outcome, seed: int = 0) -> dict[str, Any]:
    """Return all figures as plain JSON: for each measure its value and the ends of its interval."""
    weights = np.ones(len(outcome.truth))
    values = measures(outcome, weights)
    chance = np.random.default_rng(seed)
    sites = int(outcome.sites.max()) + 1
    draws = DRAWS if len(weights) < MANY else FEW_DRAWS
    drawn = []
    for _ in range(draws):
        times = np.bincount(chance.integers(0, sites, sites), minlength=sites)
        drawn.append(list(measures(outcome, times[outcome.sites].astype(np.float64)).values()))
    table = np.array(drawn, np.float64)
    intervals = {name: [_short(value), *_ends(table[:, place])] for place, (name, value) in enumerate(values.items())}
    parts = [measures(outcome, (outcome.folds == fold).astype(np.float64)) for fold in np.unique(outcome.folds)]
    return {
        "measures": intervals,
        "by_fold": [{name: _short(value) for name, value in one.items()} for one in parts],
        "confusion": confusion(outcome.truth, outcome.said, len(outcome.classes)),
        "calibration": calibration(_truth_of_scores(outcome), outcome.scores, outcome.top),
    }


def measures(outcome: Outcome, weights: Floats) -> dict[str, float]:
    """Return each measure, with each text counted so many times; NaN for what cannot be said of these."""
    found = {"agreement": _mean(outcome.truth == outcome.said, weights)}
    if outcome.points:
        errors = outcome.scores - outcome.truth
        found["within_one"] = _mean(np.abs(outcome.truth - outcome.said) <= 1, weights)
        found["rmse"] = float(np.sqrt(_mean(errors**2, weights)))
        found["mae"] = _mean(np.abs(errors), weights)
    else:
        found["macro_f1"] = _macro_f1(outcome, weights)
    if outcome.positive is not None and outcome.found is not None:
        found |= _f1(outcome.positive, outcome.found, weights)
        found["auc"] = auc(outcome.positive, outcome.scores, weights)
    return found


def auc(positive: NDArray[np.bool_], scores: Floats, weights: Floats | None = None) -> float:
    """Return how probably a positive has a higher score than a negative; equal scores count half.

    >>> auc(np.array([False, True, True]), np.array([0.1, 0.1, 0.9]))
    0.75
    """
    weights = np.ones(len(scores)) if weights is None else weights
    values, place = np.unique(scores, return_inverse=True)
    good = np.bincount(place, weights * positive, len(values))
    bad = np.bincount(place, weights * ~positive, len(values))
    pairs = good.sum() * bad.sum()
    return float((good * (bad.cumsum() - bad / 2)).sum() / pairs) if pairs else float("nan")


def calibration(truth: Floats, scores: Floats, top: float, bins: int = BINS) -> dict[str, Any]:
    """Return for each tenth of the scale what was predicted and what was true on average.

    "ece" is the expected calibration error (Guo et al. 2017): the mean distance of the two, weighted by texts.
    """
    place = np.clip((scores / top * bins).astype(np.int64), 0, bins - 1)
    table, distance = [], 0.0
    for number in range(bins):
        here = place == number
        if here.any():
            low, high = number * top / bins, (number + 1) * top / bins
            said, true = float(scores[here].mean()), float(truth[here].mean())
            row = {"rows": int(here.sum()), "predicted": _short(said), "true": _short(true)}
            table.append({"low": _short(low), "high": _short(high), **row})
            distance += abs(said - true) * int(here.sum())
    return {"ece": _short(distance / max(1, len(scores))), "bins": table}


def confusion(truth: Integers, said: Integers, classes: int) -> list[list[int]]:
    """Return how many texts of each class (rows) were said to be of each (columns)."""
    counts = np.bincount(truth * classes + said, minlength=classes * classes)
    return [[int(count) for count in row] for row in counts.reshape(classes, classes)]


def _ends(drawn: Floats) -> list[float | None]:
    known = drawn[~np.isnan(drawn)]
    return [_short(value) for value in np.percentile(known, [2.5, 97.5])] if len(known) else [None, None]


def _truth_of_scores(outcome: Outcome) -> Floats:
    if outcome.points:
        return outcome.truth.astype(np.float64)
    right = outcome.positive if outcome.positive is not None else outcome.truth == outcome.said
    return np.asarray(right, np.float64)


def _f1(positive: NDArray[np.bool_], found: NDArray[np.bool_], weights: Floats) -> dict[str, float]:
    hits = float((weights * (positive & found)).sum())
    wanted, taken = float((weights * positive).sum()), float((weights * found).sum())
    return {
        "f1": _ratio(2 * hits, wanted + taken),
        "precision": _ratio(hits, taken),
        "recall": _ratio(hits, wanted),
    }


def _macro_f1(outcome: Outcome, weights: Floats) -> float:
    each = [_f1(outcome.truth == one, outcome.said == one, weights)["f1"] for one in range(len(outcome.classes))]
    known = [value for value in each if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def _mean(values: NDArray[Any], weights: Floats) -> float:
    return _ratio(float((values * weights).sum()), float(weights.sum()))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def _short(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), DIGITS)
