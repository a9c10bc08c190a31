"""What a search for copies would do with another threshold, as far as recorded, and how surely it found what it did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from manifests.answer import Answer
from manifests.errors import BadRecipe, NotFound
from manifests.lineage import ChainStep, recipe_chain
from manifests.manifest import Manifest
from manifests.recorded import keeps
from manifests.stage import Rule
from manifests.store import Store
from manifests.twins import Twins, literals
from manifests.what_if import is_tighter, what_if
from manifests.wording import number

SIMILARITIES = (0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)  # of which the chance to be found is told
STEPS = 5  # thresholds between the one that there is and 1


@dataclass(frozen=True, slots=True)
class Return:
    """The rows that would no longer be copies of those they were dropped for."""

    answer: Answer
    twins: Twins  # their lines


def at_threshold(
    store: Store, manifest: Manifest, twins: Twins, threshold: float, reason: str | None = None
) -> list[Return]:
    """Return what would come back at a looser threshold: for one reason, or for all that have such a rule.

    Raises BadRecipe where the threshold is a tighter one everywhere: pairs between it and the present one were never
    recorded. Raises NotFound where no row was dropped by a threshold.
    """
    rules = [(step, rule) for step, rule in _rules(twins) if reason in {None, rule.reason}]
    if not rules:
        raise NotFound(f"no row was dropped for another one by a threshold{f' of {reason}' if reason else ''}")
    looser = [(step, rule) for step, rule in rules if not is_tighter(rule, threshold)]
    if not looser:
        told = ", ".join(f"{rule.reason} has {number(rule.threshold)}" for _, rule in rules)
        raise BadRecipe(
            f"{number(threshold)} would make copies of more rows ({told}): only pairs that were dropped are recorded, "
            "so this needs a run with that threshold; nothing before its step is made again"
        )
    return [
        Return(
            what_if(store, manifest, f"{step.number}:{rule.reason}", threshold),
            _returning(twins, step, rule, threshold),
        )
        for step, rule in looser
    ]


def thresholds(twins: Twins) -> list[dict[str, Any]]:
    """Return for each rule on likeness what would come back at some looser thresholds: threshold, rows, chars."""
    tables = []
    for step, rule in _rules(twins):
        gap = (1 - rule.threshold) / STEPS
        if rule.keep in {"<", "<="} and gap > 0:
            asked = [round(rule.threshold + gap * place, 4) for place in range(1, STEPS + 1)]
            found = [(one, _returning(twins, step, rule, one).lines) for one in asked]
            lines = [{"threshold": one, "rows": len(some), "chars": int(some["chars"].sum())} for one, some in found]
            tables.append({"title": step.title, "reason": rule.reason, "threshold": rule.threshold, "lines": lines})
    return tables


def chances(twins: Twins) -> list[dict[str, Any]]:
    """Return of each step that looks for pairs by bands the chance that it compares two rows of a similarity.

    That is 1 - (1 - s**r)**b for b bands of r rows (Broder 1997; Leskovec, Rajaraman and Ullman, section 3.4.2).
    """
    found = []
    for step in twins.steps:
        fields = literals(step)
        bands, rows = fields.get("bands"), fields.get("rows")
        if isinstance(bands, int) and isinstance(rows, int) and fields.get("search", "bands") == "bands":
            odds = {similarity: 1 - (1 - similarity**rows) ** bands for similarity in SIMILARITIES}
            found.append({"title": step.title, "bands": bands, "rows": rows, "chances": odds})
    return found


def notes(store: Store, manifest: Manifest) -> list[str]:
    """Return what the selections of the recipe noted when they ran, each note once."""
    parts = {part.id for part in recipe_chain(store, manifest)}
    told: Sequence[Mapping[str, Any]] = [record for record in store.runs() if record.get("manifest") in parts]
    return list(dict.fromkeys(note for record in told for note in record.get("notes", ())))


def _rules(twins: Twins) -> list[tuple[ChainStep, Rule]]:
    """Return the rules by which rows with a twin and a value were dropped, with their steps."""
    valued = twins.lines.filter(pl.col("value").is_not_null())
    given = set(valued.select("number", pl.col("reason").cast(pl.String)).unique().iter_rows())
    return [
        (step, Rule(**rule))
        for step in twins.steps
        if step.step
        for rule in step.record.rules
        if (step.number, rule["reason"]) in given
    ]


def _returning(twins: Twins, step: ChainStep, rule: Rule, threshold: float) -> Twins:
    asked = Rule(rule.reason, rule.measure, rule.keep, threshold)
    dropped = (pl.col("number") == step.number) & (pl.col("reason") == rule.reason) & pl.col("value").is_not_null()
    return Twins(twins.lines.filter(dropped & keeps(asked, pl.col("value"))), twins.steps)
