"""What a report shows of a dataset, as plain values: rules with their samples, groups, near-duplicates, lineage."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from manifests import shard
from manifests.differences import preview, read_places
from manifests.funnel import Measure, by_group, measures, series
from manifests.ledger import DROPPED
from manifests.lineage import recipe_chain
from manifests.lookup import places
from manifests.manifest import Manifest
from manifests.rows import Row
from manifests.stage import Rule
from manifests.store import Store

NEAREST = 3  # rows on each side of a threshold
EXCERPT_CHARS = 1_500
MOST_TWINS = 12
MOST_DOMAINS = 25


@dataclass(frozen=True)
class RuleFacts:
    """A rule, the values it was held against, and the ids of the rows nearest to its threshold."""

    stage: str
    rule: Rule
    dropped: int
    kept_values: NDArray[np.float64]
    dropped_values: NDArray[np.float64]
    nearest: tuple[tuple[bytes, float, bool], ...]  # id, value, kept


def rule_facts(store: Store, manifest: Manifest) -> Iterator[RuleFacts]:
    """Yield every rule of the recipe, in the order in which it is applied."""
    parts = {part.id: part for part in recipe_chain(store, manifest)}
    for measure in measures(store, manifest):
        if measure.rules:
            part = parts[measure.part]
            values = series(store, part, measure.step, measure.name)
            yield from (_facts(part, measure, rule, values) for rule in measure.rules)


def group_facts(store: Store, manifest: Manifest, column: Any) -> list[dict[str, Any]]:
    """Return how each domain or language fared, the largest first."""
    table = by_group(store, manifest, column).rename({"top_reason": "reason"})
    return [
        {name: value or (0 if name in _NUMBERS else value) for name, value in row.items()} for row in table.to_dicts()
    ]


def twin_pairs(store: Store, manifest: Manifest) -> list[dict[str, Any]]:
    """Return dropped rows and the rows that survive in their place: of each reason the ones that are least alike."""
    found = pl.concat(list(_twins(store, manifest)) or [pl.DataFrame(schema=_TWINS)])
    few = found.sort("value", "id").group_by("reason", maintain_order=True).head(MOST_TWINS)
    return few.sort("reason", "value", descending=[True, False]).head(MOST_TWINS).to_dicts()


def rows_anywhere(store: Store, manifest: Manifest, ids: Iterable[bytes]) -> dict[bytes, Row]:
    """Return rows by id as the last part of the recipe that holds them left them; one that none stored is left out."""
    wanted, found = set(ids), dict[bytes, Row]()
    for part in reversed(recipe_chain(store, manifest)):
        here = places(store, part, wanted - set(found))
        where = np.array(sorted((place.shard, place.row) for place in here.values()), np.int64).reshape(-1, 2)
        found |= {row.id: row for row in read_places(store, part, where)}
    return found


def excerpt(row: Row | None) -> str:
    """Return the beginning of a row's text."""
    return (
        (preview(row, EXCERPT_CHARS) or "") if row else "(never stored: it was refused before its text was extracted)"
    )


def lineage(store: Store, manifest: Manifest) -> list[dict[str, Any]]:
    """Return the parts of the recipe, the last one first."""
    parts = recipe_chain(store, manifest)[::-1]
    return [
        {"id": part.id, "rows": part.rows, "steps": [step.stage for step in part.steps[1:]], "models": [*part.models]}
        for part in parts
    ]


def sources(store: Store, manifest: Manifest) -> list[dict[str, Any]]:
    """Return the files that the rows were first read from."""
    records = chain.from_iterable(part.sources for part in recipe_chain(store, manifest))
    return [msgspec.to_builtins(record) for record in records]


_NUMBERS = ("looked", "kept", "dropped", "chars")
_TWINS = {"id": pl.Binary, "reason": pl.String, "value": pl.Float64, "twin": pl.Binary}


def _facts(part: Manifest, measure: Measure, rule: Rule, values: pl.DataFrame) -> RuleFacts:
    distance = (pl.col("value") - rule.threshold).abs()
    passing = {">=": pl.col("value") >= rule.threshold, "<=": pl.col("value") <= rule.threshold}
    passing |= {">": pl.col("value") > rule.threshold, "<": pl.col("value") < rule.threshold}
    passes = passing[rule.keep]
    sides = [values.filter(pl.col("kept")), values.filter(~pl.col("kept") & ~passes)]
    near = [side.sort(distance, "id").head(NEAREST).iter_rows() for side in sides]
    return RuleFacts(
        stage=measure.stage,
        rule=rule,
        dropped=part.steps[measure.step].reasons.get(rule.reason, 0),
        kept_values=values.filter(pl.col("kept"))["value"].to_numpy(),
        dropped_values=values.filter(~pl.col("kept"))["value"].to_numpy(),
        nearest=tuple(chain(*near)),
    )


def _twins(store: Store, manifest: Manifest) -> Iterator[pl.DataFrame]:
    columns = [*_TWINS, "action"]
    parts: Sequence[Manifest] = recipe_chain(store, manifest)
    for digest in dict.fromkeys(digest for part in parts for digest in part.ledger.decisions):
        lines = pl.DataFrame(shard.read_parquet(store.get(digest), columns))
        chosen = lines.filter(
            pl.col("twin").is_not_null() & (pl.col("action") == DROPPED) & (pl.col("twin") != pl.col("id"))
        )
        yield chosen.select([pl.col(name).cast(kind) for name, kind in _TWINS.items()])
