"""What another threshold would change, from what the ledger recorded: nothing is run.

    answer = what_if(store, manifest, "gopher/few_words", 100)
    sentence(answer)    # "gopher/few_words at 100 instead of 50: GopherQuality would refuse 912 more rows ..."

A tighter threshold is answered exactly as long as no selection comes after it. Of the rows that a looser one lets
through, only the other rules of the same step are known: what comes after has never seen them. Of a selection that
drops copies it is known which rows it would no longer take for copies of the ones they were dropped for, and no more.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from manifests.answer import NOTHING, Answer, Change, Direction
from manifests.descent import descendants
from manifests.errors import Ambiguous, BadRecipe, NotFound
from manifests.ledger import value_column
from manifests.lineage import ChainStep, chain_steps, recipe_chain
from manifests.lookup import Keys, keys, visible
from manifests.manifest import Manifest
from manifests.recorded import REPEATED, facts_of, keeps, pick, selects, twins
from manifests.stage import Rule
from manifests.store import Store
from manifests.wording import count, number

_SHOWN = 20  # reasons that a message lists


def what_if(store: Store, manifest: Manifest, rule: str, threshold: float) -> Answer:
    """Return what another threshold for the rule with this reason would change.

    Where several steps have a rule with the same reason, put the step's number before it: "3:length/too_long".
    Raises NotFound where no step has such a rule, Ambiguous, and BadRecipe for a rule whose step decides on all rows
    together and so has no recorded values to go by: but for a looser one of a step that names a twin for each row.
    """
    if not math.isfinite(threshold):
        raise BadRecipe(f"{threshold} is no threshold for {rule}; give a finite number")
    chain = recipe_chain(store, manifest)
    step, place = _located(chain, rule)
    return _Question(store, chain, step, place, threshold).answer()


class _Question:
    """One rule, its other threshold, and the ledgers of the chain."""

    def __init__(self, store: Store, chain: Sequence[Manifest], step: ChainStep, place: int, threshold: float) -> None:
        self.store, self.chain, self.step = store, chain, step
        rules = [Rule(**rule) for rule in step.record.rules]
        self.rule, self.new = rules[place], replace(rules[place], threshold=threshold)
        self.others = rules[place + 1 :]  # those before it let the row pass, or it would have another reason
        self.columns = ["dropped_at", "reason", *dict.fromkeys(self._column(one) for one in rules)]
        self.rows = chain[-1].rows
        self.notes: list[str] = []

    def answer(self) -> Answer:
        """Ask for the rows that the rule would treat otherwise, and what would become of them."""
        if self.new == self.rule:
            return self._answer("same", at_least=self.rows, at_most=self.rows)
        tighter = is_tighter(self.rule, self.new.threshold)
        if selects(self.store, self.chain, self.step.part):
            lines = twins(self.store, self.chain[self.step.part])
            if tighter or lines["twin"].null_count:
                raise BadRecipe(
                    f"{self.rule.reason} at {number(self.new.threshold)}: {self.step.title} decides on all rows "
                    "together and records values only of those it drops; to see this threshold, run the recipe with "
                    "it: nothing before this step is made again"
                )
            return self._parted(lines)
        return self._tighter() if tighter else self._looser()

    def _tighter(self) -> Answer:
        came_through = pl.col("dropped_at").is_null() | (pl.col("dropped_at") > self.step.step)
        code = pl.when(came_through & ~self._keeps(self.new)).then(0)
        refused = pick(self.store, self.chain[self.step.part], self.columns, code)
        gone = descendants(self.store, self.chain[self.step.part], np.unique(keys(refused["id"])), self.step.step)
        come, certain, bounded = self._repeated(self.step.part), True, True  # of other rows in the place of these
        for ordinal, part in enumerate(self.chain[self.step.part + 1 :], start=self.step.part + 1):
            if part.steps[-1].dropped and selects(self.store, self.chain, ordinal):
                back = self._back(ordinal, gone)
                certain = certain and back is not None and not come  # what comes back may displace others
                come += back or 0
            bounded = bounded and not (come and any(record.derived for record in part.steps))
            gone = descendants(self.store, part, gone)
            come += self._repeated(ordinal)
        ids = gone[visible(self.store, self.chain[-1], gone)]
        final = Change.of(facts_of(self.store, self.chain, ids))
        left = self.rows - len(ids)
        return self._answer(
            "tighter",
            at_step=Change.of(refused),
            final=final,
            at_least=left if certain else None,
            at_most=left + come if certain and bounded else None,
        )

    def _looser(self) -> Answer:
        part = self.chain[self.step.part]
        code: Any = pl.when(self._through(self.new).is_null()).then(None)
        for place, other in enumerate(self.others, start=1):
            code = code.when(~self._keeps(other)).then(place)
        found = pick(self.store, part, self.columns, code.otherwise(0))
        passed = Change.of(found.filter(pc.equal(found["code"], 0)))
        codes = found["code"].to_pylist()
        refused_else = {other.reason: codes.count(place) for place, other in enumerate(self.others, start=1)}
        later = [step for step in chain_steps(self.chain) if step.number > self.step.number and step.step]
        selecting = any(
            selects(self.store, self.chain, ordinal) for ordinal in range(len(self.chain)) if ordinal > self.step.part
        )
        derives = any(step.record.derived for step in later)
        certain = not later or not passed.rows
        return self._answer(
            "looser",
            at_step=passed,
            final=passed if certain else NOTHING,
            at_least=self.rows + passed.rows * certain if certain or not selecting else None,
            at_most=self.rows + passed.rows if certain or not (selecting or derives) else None,
            refused_else={reason: rows for reason, rows in refused_else.items() if rows},
            next_step=later[0].title if later else None,
        )

    def _parted(self, lines: pa.Table) -> Answer:
        """Answer for a step that dropped rows for twins, and would no longer take some of them for twins."""
        found = pick(self.store, self.chain[self.step.part], self.columns, self._through(self.new))
        parted = Change.of(found)
        if parted.rows:
            for_these = np.isin(keys(lines["id"]), keys(found["id"]))
            stayed = len(np.unique(keys(lines["twin"].filter(pa.array(for_these)))))
            self.notes.append(
                f"it dropped them for {count(stayed, 'other row')}; whether one of them is a twin of yet another row, "
                "or would itself take the place of one, was not compared: to know, run the recipe with this threshold"
            )
        later = [step for step in chain_steps(self.chain) if step.number > self.step.number and step.step]
        return self._answer(
            "looser", at_step=parted, at_least=None, at_most=None, next_step=later[0].title if later else None
        )

    def _back(self, ordinal: int, gone: Keys) -> int | None:
        """Return how many rows a selection dropped only because of rows that go; None where it decides otherwise."""
        step = next(step for step in chain_steps(self.chain) if step.part == ordinal and step.step)
        lines = twins(self.store, self.chain[ordinal])
        if lines["twin"].null_count:
            self.notes.append(f"{step.title} decides on all rows together, and how without these is not known")
            return None
        stayed = keys(lines["twin"])
        back = np.isin(stayed, gone) & ~np.isin(keys(lines["id"]), gone)
        if back.any():
            survivors = len(np.unique(stayed[back]))
            self.notes.append(
                f"in the place of {count(survivors, 'row')} that would go, {step.title} would let at least one each "
                f"of {count(int(back.sum()), 'row')} come back that it dropped for them"
            )
        return int(back.sum())

    def _repeated(self, ordinal: int) -> int:
        """Return how many rows of a part were masked at its end because an earlier one has their id."""
        rows = self.chain[ordinal].steps[-1].reasons.get(REPEATED, 0) if len(self.chain[ordinal].steps) > 1 else 0
        if rows:
            self.notes.append(f"{count(rows, 'row')} with a repeated id might come in the place of those that go")
        return rows

    def _through(self, rule: Rule) -> pl.Expr:
        """Return 0 for a row that was dropped for the rule's reason and that `rule` keeps; null for all others."""
        refused = (pl.col("dropped_at") == self.step.step) & (pl.col("reason") == rule.reason)
        measured = pl.col(self._column(rule)).is_not_null()
        return pl.when((refused & measured & self._keeps(rule)).fill_null(value=False)).then(0)

    def _keeps(self, rule: Rule) -> pl.Expr:
        return keeps(rule, pl.col(self._column(rule)))

    def _column(self, rule: Rule) -> str:
        return value_column(self.step.step, rule.measure)

    def _answer(self, direction: Direction, **told: Any) -> Answer:
        return Answer(
            rule=self.rule,
            threshold=self.new.threshold,
            step=self.step.number,
            title=self.step.title,
            direction=direction,
            rows=self.rows,
            notes=tuple(self.notes),
            **told,
        )


def is_tighter(rule: Rule, threshold: float) -> bool:
    """Tell whether the rule would keep less with this threshold."""
    return threshold != rule.threshold and (threshold > rule.threshold) == (rule.keep in {">=", ">"})


def _located(chain: Sequence[Manifest], rule: str) -> tuple[ChainStep, int]:
    """Return the step that has the rule, and the rule's place in it."""
    number, _, reason = rule.rpartition(":")
    rules = [(step, place, one["reason"]) for step in chain_steps(chain) for place, one in enumerate(step.record.rules)]
    found = [
        (step, place) for step, place, name in rules if name == reason and (not number or str(step.number) == number)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        shown = ", ".join(f"{step.number}:{reason} ({step.title})" for step, _ in found)
        raise Ambiguous(f"{rule} is the reason of several rules: {shown}; put the number of one step before it")
    names = sorted({name for _, _, name in rules})
    if reason not in names and any(reason in step.record.reasons for step in chain_steps(chain)):
        problem = f"{rule}: rows were dropped for this reason, but not by a threshold"
    else:
        problem = f"no step of the recipe has a rule with the reason {rule!r}"
    close = get_close_matches(reason, names, n=5) or names
    raise NotFound(f"{problem}; there are {', '.join(close[:_SHOWN]) or 'none'}")
