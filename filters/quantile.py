"""Where to cut a pool that is in order: exact, over all shards, in memory that does not grow with the pool.

Every row has a key of 64 bits, and its id tells rows of one key apart. The cut is found digit by digit: each pass
over the shards counts the next 16 bits of those keys that may still hold it, and the last one brings these rows here.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from manifests import shard
from manifests.stage import Map

if TYPE_CHECKING:
    from manifests.view import Beside

DIGIT = 16  # bits that one pass counts
WIDTH = 64
GATHERED_ROWS = 100_000  # that may hold a cut: so few are looked at one by one
Place: TypeAlias = tuple[int, bytes]  # of a row in the order: its key and its id
END: Place = (2**WIDTH, b"")  # behind all rows


class Keyed(NamedTuple):
    """Rows in a group (-1: in none), with their key, the smallest first, and their size."""

    groups: NDArray[np.int64]
    keys: NDArray[np.uint64]
    sizes: NDArray[np.int64]


Lens: TypeAlias = Callable[[pa.Table], Keyed]


def cuts(
    beside: Sequence["Beside"], lens: Lens, amounts: Mapping[int, Sequence[int]], map: Map
) -> dict[int, list[Place]]:
    """Return for each group, and each amount, the place of the first row that is over it.

    The rows before it add up to the amount; where sizes are not all 1, to less by less than that row's size.
    """
    searches = [_Search(group, number, amount) for group, its in amounts.items() for number, amount in enumerate(its)]
    found: dict[tuple[int, int], Place] = {}
    depth = 0
    while searches:
        depth += DIGIT
        wanted = {(search.group, search.prefix) for search in searches}
        counts = _merged(map(_Count(lens, frozenset(wanted), depth), beside))
        narrowed = [search.narrowed(counts[search.group, search.prefix]) for search in searches]
        open_ = [search for search in narrowed if search.rows]
        found |= {(search.group, search.number): END for search in narrowed if not search.rows}
        few = {(one.group, one.prefix): one.rows for one in open_}
        if sum(few.values()) <= GATHERED_ROWS or depth == WIDTH:
            rows = _joined(map(_Gather(lens, frozenset(few), depth), beside))
            found |= {(one.group, one.number): one.place(rows[one.group, one.prefix]) for one in open_}
            break
        searches = open_
    return {group: [found[group, number] for number in range(len(its))] for group, its in amounts.items()}


def before(keyed: Keyed, ids: NDArray[np.bytes_], places: Mapping[int, Place]) -> NDArray[np.bool_]:
    """Tell for each row whether it comes before the place that its group is cut at."""
    stays = np.zeros(len(ids), np.bool_)
    for group, (key, row_id) in places.items():
        here = keyed.groups == group
        if key >= 2**WIDTH:
            stays |= here
        else:
            at = np.uint64(key)
            stays |= here & ((keyed.keys < at) | ((keyed.keys == at) & (ids < row_id)))
    return stays


def descending(values: NDArray[np.float32], ids: NDArray[np.bytes_]) -> NDArray[np.uint64]:
    """Return keys that put the highest value first, and among equal ones the smallest id."""
    bits = (values + np.float32(0)).view(np.uint32)  # -0.0 is 0.0
    ascending = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31)).astype(np.uint32)
    leading = np.ascontiguousarray(ids).view(">u4").reshape(len(ids), -1)[:, 0] if len(ids) else np.zeros(0, np.uint32)
    keys: NDArray[np.uint64] = ((~ascending).astype(np.uint64) << np.uint64(32)) | leading.astype(np.uint64)
    return keys


def row_ids(column: pa.ChunkedArray) -> NDArray[np.bytes_]:
    """Return ids as values that compare as their bytes do."""
    return np.ascontiguousarray(shard.fixed_bytes(column)).view("S16").ravel()


class _Rows(NamedTuple):
    keys: NDArray[np.uint64]
    ids: NDArray[np.bytes_]
    sizes: NDArray[np.int64]


_Bins: TypeAlias = dict[int, tuple[int, int]]  # by the next digit: rows, and the sum of their sizes
_Of: TypeAlias = tuple[int, int]  # a group, and the leading bits of keys


@dataclass(frozen=True)
class _Search:
    """One amount in one group: what is left of it behind the rows that come before those with this prefix."""

    group: int
    number: int
    amount: int
    prefix: int = 0
    rows: int = 0  # that have the prefix

    def narrowed(self, bins: _Bins) -> "_Search":
        """Return the search one digit on; without rows where all rows together stay within the amount."""
        left = self.amount
        for digit in sorted(bins):
            rows, size = bins[digit]
            if size > left:
                return _Search(self.group, self.number, left, (self.prefix << DIGIT) | digit, rows)
            left -= size
        return _Search(self.group, self.number, left)

    def place(self, rows: _Rows) -> Place:
        """Return the place of the first row that is over the amount."""
        order = np.lexsort((rows.ids, rows.keys))
        at = order[np.searchsorted(np.cumsum(rows.sizes[order]), self.amount, side="right")]
        return int(rows.keys[at]), rows.ids[at].ljust(16, b"\0")


@dataclass(frozen=True)
class _Count:
    lens: Lens
    wanted: frozenset[_Of]
    depth: int  # bits, with the digit that is counted

    def __call__(self, beside: "Beside") -> dict[_Of, _Bins]:
        keyed = self.lens(beside.table())
        return {one: self._bins(keyed, *one) for one in self.wanted}

    def _bins(self, keyed: Keyed, group: int, prefix: int) -> _Bins:
        here = _with_prefix(keyed, group, prefix, self.depth - DIGIT)
        digits = (keyed.keys[here] >> np.uint64(WIDTH - self.depth)) & np.uint64(2**DIGIT - 1)
        present, at, rows = np.unique(digits, return_inverse=True, return_counts=True)
        sums = np.zeros(len(present), np.int64)
        np.add.at(sums, at, keyed.sizes[here])
        return dict(zip(present.tolist(), zip(rows.tolist(), sums.tolist(), strict=True), strict=True))


@dataclass(frozen=True)
class _Gather:
    lens: Lens
    wanted: frozenset[_Of]
    depth: int

    def __call__(self, beside: "Beside") -> dict[_Of, _Rows]:
        table = beside.table()
        keyed, ids = self.lens(table), row_ids(table["id"])
        found = {}
        for one in self.wanted:
            here = _with_prefix(keyed, *one, self.depth)
            found[one] = _Rows(keyed.keys[here], ids[here], keyed.sizes[here])
        return found


def _with_prefix(keyed: Keyed, group: int, prefix: int, bits: int) -> NDArray[np.bool_]:
    here: NDArray[np.bool_] = keyed.groups == group
    return here & (keyed.keys >> np.uint64(WIDTH - bits) == np.uint64(prefix)) if bits else here


def _merged(parts: Iterable[dict[_Of, _Bins]]) -> dict[_Of, _Bins]:
    totals: dict[_Of, _Bins] = defaultdict(dict)
    for part in parts:
        for one, bins in part.items():
            its = totals[one]
            for digit, (rows, size) in bins.items():
                known = its.get(digit, (0, 0))
                its[digit] = (known[0] + rows, known[1] + size)
    return totals


def _joined(parts: Iterable[dict[_Of, _Rows]]) -> dict[_Of, _Rows]:
    pieces: dict[_Of, list[_Rows]] = defaultdict(list)
    for part in parts:
        for one, rows in part.items():
            pieces[one].append(rows)
    return {
        one: _Rows(*[np.concatenate(columns) for columns in zip(*some, strict=True)]) for one, some in pieces.items()
    }
