"""Which units of a dataset stand somewhere else as well, found by sorting their digests."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_HALF = 32  # bits: of a place, its row's rank stands in the upper half


class Repeats(NamedTuple):
    """The units whose digest enough rows have, group by group; units are numbered through all rows."""

    units: NDArray[np.int64]  # in each group ascending
    groups: NDArray[np.int64]  # where each group begins
    firsts: NDArray[np.int64]  # of each group, the unit that stands first

    def after_the_first(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return all units but the first of each group, ascending, and for each of them its first."""
        firsts = np.repeat(self.firsts, np.diff(np.append(self.groups, len(self.units))))
        others = self.units != firsts
        units, firsts = self.units[others], firsts[others]
        order = np.argsort(units)
        return units[order], firsts[order]

    def everywhere(self) -> NDArray[np.int64]:
        """Return all units, ascending."""
        return np.sort(self.units)


def repeats(digests: NDArray[np.uint64], rows: NDArray[np.int32], ranks: NDArray[np.int64], min_count: int) -> Repeats:
    """Group the units with equal digests [units, 2] that at least `min_count` rows have.

    `rows` names the row of each unit, ascending; of a group, the first unit is that in the row of lowest rank, and in
    it the first one. Takes 60 bytes a unit beside what is given, and the time of one sort.
    """
    order = np.argsort(digests[:, 0], kind="stable")
    order = order[_in_runs(_begins(digests[order, 0]))]  # what is there once needs no further look
    if len(order) and _mixed(digests, order):
        order = order[np.lexsort((digests[order, 1], digests[order, 0]))]
        order = order[_in_runs(_begins(digests[order, 0]) | _begins(digests[order, 1]))]
    begins = _begins(digests[order, 0]) | _begins(digests[order, 1])
    if min_count > 1 and len(order):
        new_row = begins | _begins(rows[order])
        groups = np.flatnonzero(begins)
        enough = np.add.reduceat(new_row.astype(np.int64), groups) >= min_count
        chosen = np.repeat(enough, np.diff(np.append(groups, len(order))))
        order, begins = order[chosen], begins[chosen]
    groups = np.flatnonzero(begins)
    if not len(order):
        return Repeats(order, groups, order)
    places = (ranks[rows[order]] << _HALF) | (order - np.searchsorted(rows, rows[order]))
    least = np.repeat(np.minimum.reduceat(places, groups), np.diff(np.append(groups, len(order))))
    return Repeats(order, groups, order[places == least])


def _begins(values: NDArray[np.uint64] | NDArray[np.int32]) -> NDArray[np.bool_]:
    """Tell for each value whether it differs from the one before."""
    begins = np.ones(len(values), np.bool_)
    begins[1:] = values[1:] != values[:-1]
    return begins


def _in_runs(begins: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell for each value whether a neighbour equals it."""
    alone: NDArray[np.bool_] = begins & np.append(begins[1:], True)
    return ~alone


def _mixed(digests: NDArray[np.uint64], order: NDArray[np.int64]) -> bool:
    """Tell whether some units agree in the first half of their digests only."""
    return bool((~_begins(digests[order, 0]) & _begins(digests[order, 1])).any())
