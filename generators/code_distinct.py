"""Items of code that are there already: the same seed, problem or solution once all white space is gone (Magicoder).

distinct/seed       the same snippet inspired another item
distinct/problem    the same problem
distinct/solution   the same solution
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import pyarrow as pa

from generators.code_items import PROBLEM, SNIPPET
from manifests.stage import Drop, Map, Selected, Selection

if TYPE_CHECKING:
    from manifests.view import View

_REASONS = ("distinct/seed", "distinct/problem", "distinct/solution")


@dataclass(frozen=True, slots=True)
class DistinctItems(Selection):
    """Of items with the same seed, problem or solution keep the one with the least id, on any sharding.

    Candidates of one seed are several items of it: only other parents' count as the same seed.
    """

    def select(self, view: "View", map: Map) -> Selected:  # noqa: ARG002 - the items of a model are few
        rows = sorted(
            [
                (row, shard, place, keys)
                for shard, part in enumerate(view.slices)
                for place, (row, keys) in _items(part.table(["id", "text", "labels", "parents"]))
            ]
        )
        seen: dict[tuple[str, bytes], tuple[bytes, bytes]] = {}
        drops = []
        for row, shard, place, keys in rows:
            known = [(reason, seen[reason, key]) for reason, key, owner in keys if _taken(seen, reason, key, owner)]
            if known:
                drops.append(Drop(shard, place, known[0][0], twin=known[0][1][0]))
            else:
                seen.update({(reason, key): (row, owner) for reason, key, owner in keys})
        return Selected(drops)


def _taken(seen: dict[tuple[str, bytes], tuple[bytes, bytes]], reason: str, key: bytes, owner: bytes) -> bool:
    found = seen.get((reason, key))
    return found is not None and not (reason == _REASONS[0] and found[1] == owner)


_Keys = list[tuple[str, bytes, bytes]]


def _items(table: pa.Table) -> Iterator[tuple[int, tuple[bytes, _Keys]]]:
    """Yield of each row its place, its id, and for each reason what it is compared by and its parents."""
    columns = [table[name].to_pylist() for name in ("id", "text", "labels", "parents")]
    for place, (row, text, labels, parents) in enumerate(zip(*columns, strict=True)):
        known = dict(labels or ())
        said = (known.get(SNIPPET, ""), known.get(PROBLEM, ""), text)
        owner = b"".join(parents or ())
        yield place, (row, [(reason, _bare(each), owner) for reason, each in zip(_REASONS, said, strict=True) if each])


def _bare(text: str) -> bytes:
    return sha256("".join(text.split()).encode()).digest()[:16]
