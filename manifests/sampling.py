"""Rows by chance: a few of those that a dataset shows, or of those that its recipe dropped.

    for found in sample(store, manifest, 5, seed=0, dropped=True, reason="gopher/few_words"):
        print(found.row_id.hex(), found.decision)

Chosen by the index and the ledger, so that only those shards are read that hold a chosen row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from manifests import canonical
from manifests.commit import in_threads, read_index
from manifests.errors import NotFound
from manifests.history import Decision, refusal
from manifests.ledger import domains
from manifests.lineage import chain_steps, recipe_chain
from manifests.lookup import Keys, key_bytes, keys, places, rows_at, visible
from manifests.manifest import Manifest
from manifests.plain import plain
from manifests.recorded import pick
from manifests.rows import ID_BYTES, Row
from manifests.store import Store


@dataclass(frozen=True, slots=True)
class Sampled:
    """One row of a sample."""

    row_id: bytes
    row: Row | None  # as it was last stored; None: it was dropped before
    domain: str | None
    language: str | None
    chars: int | None
    number: int | None = None  # of the step that dropped it, over the whole recipe
    title: str | None = None  # of that step
    decision: Decision | None = None  # why it was dropped

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        told: dict[str, Any] = plain(self)
        return {"id": told.pop("row_id"), **told}


def sample(
    store: Store,
    manifest: Manifest,
    n: int,
    seed: int,
    *,
    dropped: bool = False,
    reason: str | None = None,
    language: str | None = None,
    domain: str | None = None,
) -> list[Sampled]:
    """Return `n` rows by chance, or all there are: the same ones for the same rows and seed, however they are sharded.

    Takes rows that the dataset shows, or with `dropped` those that its recipe dropped, if asked for one reason only.
    A row that was refused because another one has its id is not among them. Raises NotFound for an unknown reason.
    """
    wanted = [
        pl.col(name) == value for name, value in (("language", language), ("domain", domain)) if value is not None
    ]
    if dropped or reason is not None:
        return _dropped(store, recipe_chain(store, manifest), n, seed, reason, wanted)
    ids = _matching(store, manifest, wanted) if wanted else _some(store, manifest, n, seed)
    some = key_bytes(ids[chosen(n, seed, ids)])
    where = places(store, manifest, some)
    rows = rows_at(store, manifest, [where[row_id] for row_id in some])
    hosts = domains([row.url for row in rows]).to_pylist()
    return [Sampled(row.id, row, host, row.language, _chars(row)) for row, host in zip(rows, hosts, strict=True)]


def chosen(n: int, seed: int, ids: Keys) -> list[int]:
    """Return the positions of `n` of some sorted ids: those that follow points which only the seed tells.

    Ids are hashes, so every row is as likely as any other; and rows that are added push only few out of the sample.
    """
    taken: dict[int, None] = {}
    for point in _points(min(n, len(ids)), seed):
        at = int(np.searchsorted(ids, np.bytes_(point))) % len(ids)
        while at in taken:
            at = (at + 1) % len(ids)
        taken[at] = None
    return list(taken)


def _dropped(
    store: Store, chain: Sequence[Manifest], n: int, seed: int, reason: str | None, wanted: Sequence[pl.Expr]
) -> list[Sampled]:
    known = sorted({name for part in chain for step in part.steps for name in step.reasons})
    if reason is not None and reason not in known:
        close = get_close_matches(reason, known, n=5) or known
        raise NotFound(f"no row was dropped for {reason!r}; rows were dropped for {', '.join(close) or 'nothing'}")
    wanted = [*wanted, pl.col("reason") == reason] if reason is not None else wanted
    code = pl.when(pl.all_horizontal(pl.col("dropped_at").is_not_null(), *wanted)).then(pl.col("dropped_at"))
    columns, thin = ["dropped_at", "reason", "language", "domain"], partial(_thinned, n, seed)
    tables = [pick(store, part, columns, code, thin) for part in chain]
    lines = pa.concat_tables(
        [table.append_column("part", pa.array(np.full(len(table), part))) for part, table in enumerate(tables)]
    )
    lines = lines.take(pa.array(np.argsort(keys(lines["id"]), kind="stable")))
    steps = {(step.part, step.step): step for step in chain_steps(chain)}

    def told(line: dict[str, Any]) -> Sampled:
        ordinal, row_id = line["part"], line["id"]
        step, before = steps[ordinal, line["code"]], chain[ordinal - 1] if ordinal else None
        where = places(store, before, [row_id]) if before else {}
        return Sampled(
            row_id=row_id,
            row=rows_at(store, before, list(where.values()))[0] if before and where else None,
            domain=line["domain"],
            language=line["language"],
            chars=line["chars"],
            number=step.number,
            title=step.title,
            decision=refusal(store, chain[ordinal], line["unit"], row_id),
        )

    return in_threads(told, lines.take(pa.array(chosen(n, seed, keys(lines["id"])), pa.int64())).to_pylist())


def _some(store: Store, manifest: Manifest, n: int, seed: int) -> Keys:
    """Return the ids of those buckets of the index that the sample's points fall into; of all if these hold too few."""
    bits = max(0, len(manifest.index) - 1).bit_length()
    hit = sorted(
        {int.from_bytes(point, "big") >> (8 * ID_BYTES - bits) for point in _points(min(n, manifest.rows), seed)}
    )
    buckets = [manifest.index[bucket] for bucket in hit if bucket < len(manifest.index)]
    if sum(bucket.rows for bucket in buckets) < n:
        buckets = list(manifest.index)
    found = in_threads(lambda bucket: keys(read_index(store, bucket, ("id",))["id"]), buckets)
    return np.concatenate([np.empty(0, f"S{ID_BYTES}"), *found])


def _matching(store: Store, manifest: Manifest, wanted: Sequence[pl.Expr]) -> Keys:
    """Return the ids of the visible rows of which the ledger's facts are as wanted, sorted."""
    code = pl.when(pl.all_horizontal(pl.col("dropped_at").is_null(), *wanted)).then(0)
    lines = pick(store, manifest, ["dropped_at", "language", "domain"], code)
    ids = np.unique(keys(lines["id"]))
    shown: Keys = ids[visible(store, manifest, ids)]
    return shown


def _thinned(n: int, seed: int, ids: Keys) -> list[int]:
    """Return the positions of those ids, unsorted ones of one table, that can be among the chosen ones of all."""
    order = np.argsort(ids)
    found: list[int] = order[chosen(n, seed, ids[order])].tolist()
    return found


def _points(n: int, seed: int) -> list[bytes]:
    return [canonical.digest_parts(b"sample", b"%d" % seed, b"%d" % number)[:ID_BYTES] for number in range(n)]


def _chars(row: Row) -> int | None:
    text = getattr(row, "text", None)
    return None if text is None else len(text)
