"""What a report shows of a dataset, as plain values: rules with their samples, groups, lineage."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from manifests.differences import preview
from manifests.funnel import Measure, by_group, measures, series
from manifests.lineage import recipe_chain
from manifests.manifest import Manifest
from manifests.recorded import keeps
from manifests.rows import Row
from manifests.stage import Rule
from manifests.store import Store

NEAREST = 3  # rows on each side of a threshold
EXCERPT_CHARS = 1_500
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


def _facts(part: Manifest, measure: Measure, rule: Rule, values: pl.DataFrame) -> RuleFacts:
    distance = (pl.col("value") - rule.threshold).abs()
    passes = keeps(rule, pl.col("value"))
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
