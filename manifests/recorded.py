"""What the ledger's tables recorded of many rows at once, a part of a recipe at a time."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from manifests import shard
from manifests.commit import in_threads
from manifests.ledger import ALTERED, DROPPED, value_column
from manifests.lookup import Keys, keys
from manifests.manifest import Manifest
from manifests.stage import Rule
from manifests.store import Store

Thin: TypeAlias = Callable[[Keys], list[int]]

REPEATED = "input/repeated_id"  # the reason of rows whose id another row has
FACTS = pa.schema([("id", pa.binary(16)), ("domain", pa.string()), ("language", pa.string()), ("chars", pa.int32())])


def pick(store: Store, part: Manifest, columns: Sequence[str], code: pl.Expr, thin: Thin | None = None) -> pa.Table:
    """Return the facts of those rows that a part looked at and for which `code`, made of `columns`, is not null.

    A column that a table does not have is null there. Columns: those of FACTS, `code`, and `unit`, the table's number.
    `thin` says which of the keys found in one table are wanted.
    """

    def look(item: tuple[int, str]) -> pa.Table:
        number, digest = item
        data = store.get(digest)
        found = shard.read_parquet(data, columns)
        frame = pl.DataFrame(pl.from_arrow(found)).with_columns(
            pl.lit(None, pl.Float64).alias(name) for name in columns if name not in found.column_names
        )
        codes = frame.select(code.cast(pl.Int32)).to_series()
        hits = codes.is_not_null().arg_true()
        if not len(hits):
            return _EMPTY
        if thin:
            found = shard.read_parquet(data, ["id"]).take(hits.to_arrow())
            hits = hits.gather(thin(keys(found["id"])))
        facts = shard.read_parquet(data, FACTS.names).select(FACTS.names).take(hits.to_arrow())
        units = pa.array(np.full(len(hits), number, np.int32))
        return facts.append_column("code", codes.gather(hits).to_arrow()).append_column("unit", units)

    return pa.concat_tables([_EMPTY, *in_threads(look, enumerate(part.ledger.values))])


def facts_of(store: Store, chain: Sequence[Manifest], ids: Keys) -> pa.Table:
    """Return the facts of rows, sorted ids, as the last part that looked at them left them."""
    found = [FACTS.empty_table()]
    for part in reversed(chain):
        if not len(ids):
            break

        def look(digest: str, ids: Keys = ids) -> pa.Table:
            lines = shard.read_parquet(store.get(digest), FACTS.names).select(FACTS.names)
            return lines.take(pa.array(np.flatnonzero(np.isin(keys(lines["id"]), ids))))

        found += in_threads(look, part.ledger.values)
        ids = np.setdiff1d(ids, np.concatenate([keys(table["id"]) for table in found]))
    return pa.concat_tables(found)


def selects(store: Store, chain: Sequence[Manifest], ordinal: int) -> bool:
    """Tell whether a part of a chain is a selection; True where a part that dropped nothing may be one."""
    if not ordinal or len(chain[ordinal].steps) != 2:
        return False
    part, before = chain[ordinal], chain[ordinal - 1]
    step = part.steps[1]
    if [entry.shard for entry in part.entries] != [entry.shard for entry in before.entries]:
        return bool(step.altered) and _cuts(store, part)
    measures = sorted({value_column(1, rule["measure"]) for rule in step.rules})
    if step.dropped or not measures:
        return True
    return not len(pick(store, part, measures, pl.when(pl.any_horizontal(pl.col(measures).is_not_null())).then(0)))


def keeps(rule: Rule, value: pl.Expr) -> pl.Expr:
    """Return `rule.keeps` of a row's value, as an expression. No number stands in any relation to NaN."""
    held = {
        ">=": value >= rule.threshold,
        "<=": value <= rule.threshold,
        ">": value > rule.threshold,
        "<": value < rule.threshold,
    }[rule.keep]
    return value.is_null() | (held & value.is_not_nan())


def twins(store: Store, part: Manifest) -> pa.Table:
    """Return `id, twin` of each row that a selection dropped; twin is null where none stays in its place."""

    def look(digest: str) -> pa.Table:
        lines = shard.read_parquet(store.get(digest), ["id", "action", "reason", "twin"])
        dropped = pc.and_(pc.equal(lines["action"], DROPPED), pc.not_equal(lines["reason"], REPEATED))
        return lines.filter(dropped).select(["id", "twin"])

    return pa.concat_tables(in_threads(look, part.ledger.decisions))


def _cuts(store: Store, part: Manifest) -> bool:
    """Tell whether rows were altered for a reason, "family/what": a stage that alters them gives its title."""
    tables = (shard.read_parquet(store.get(digest), ["action", "reason"]) for digest in part.ledger.decisions)
    return any(
        pc.any(pc.and_(pc.equal(table["action"], ALTERED), pc.match_substring(table["reason"], "/"))).as_py()
        for table in tables
    )


_EMPTY = FACTS.append(pa.field("code", pa.int32())).append(pa.field("unit", pa.int32())).empty_table()
