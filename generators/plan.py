"""What a run will cost, from a sample of its rows, and how that compares with what it did cost.

What the sample pays for is kept, so it is not paid for again. A plan is remembered: the record of a later run of the
same recipe on the same rows holds what was foreseen beside what was asked for and paid.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from generators.purse import Price, Purse, with_purse
from manifests import canonical
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole run as the sample predicts it, calls that are known already included."""

    rows: int  # of the source
    sampled: int
    calls: int
    tokens_in: int
    tokens_out: int
    hours: float | None  # at the speed of the sample; None where it had nothing to ask

    def __str__(self) -> str:
        hours = "an unknown time" if self.hours is None else f"{self.hours:,.2f} hours"
        return (
            f"{self.rows:,} rows: about {self.calls:,} calls, {self.tokens_in:,} tokens in, {self.tokens_out:,} out, "
            f"{hours} (from {self.sampled} rows)"
        )

    def priced(self, price: Price) -> str:
        """Return it in words, with what it will cost."""
        cost = price.of(self.tokens_in, self.tokens_out)
        return f"{self}, for about {cost:,.4g}" if cost else str(self)


def plan(recipe: Recipe, source: str, *, store: Store, sample: int = 32) -> Plan:
    """Run a recipe on the first rows of a dataset and return what all of it will take. Raises Incomplete."""
    purse = Purse()
    rows = store.manifest(source).rows
    clock = time.perf_counter()
    run(with_purse(recipe, purse), source, store=store, limit=sample)
    seconds = time.perf_counter() - clock
    sampled = min(rows, sample)
    scale = rows / max(1, sampled)
    made = Plan(
        rows=rows,
        sampled=sampled,
        calls=round(purse.calls * scale),
        tokens_in=round(purse.tokens_in * scale),
        tokens_out=round(purse.tokens_out * scale),
        hours=seconds / purse.paid_calls * purse.calls * scale / 3_600 if purse.paid_calls else None,
    )
    store.put_action(_key(recipe, source, store), asdict(made), makes=[])
    return made


def foreseen(recipe: Recipe, source: str, store: Store) -> Plan | None:
    """Return the last plan of a recipe on a dataset, or None where there was none."""
    record = store.action(_key(recipe, source, store))
    return Plan(**record["result"]) if record else None


def reconciled(purse: Purse, predicted: Plan | None) -> Mapping[str, Any]:
    """Return what the record of a run says of its model calls: those asked for, those paid, and what was foreseen.

    Units that were made before are in the plan and not asked about again: compare by rows.
    """
    asked: dict[str, float] = {"rows": purse.rows, "calls": purse.calls}
    asked |= {"tokens_in": purse.tokens_in, "tokens_out": purse.tokens_out}
    asked["cost"] = purse.price.of(purse.tokens_in, purse.tokens_out)
    paid: dict[str, float] = {"calls": purse.paid_calls, "tokens_in": purse.paid_tokens - purse.paid_out}
    paid |= {"tokens_out": purse.paid_out, "cost": purse.cost}
    before = None
    if predicted:
        before = asdict(predicted) | {"cost": purse.price.of(predicted.tokens_in, predicted.tokens_out)}
    return {"model_calls": {"asked": asked, "paid": paid, "predicted": before}}


def told(purse: Purse, predicted: Plan | None) -> str:
    """Return the same in words."""
    cost = f" for {purse.cost:,.4g}" if purse.cost else ""
    said = f"{purse.calls:,} model calls, of which {purse.paid_calls:,} new: {purse.paid_tokens:,} tokens{cost}"
    if predicted is None:
        return said
    tokens, foreseen_tokens = purse.tokens_in + purse.tokens_out, predicted.tokens_in + predicted.tokens_out
    return (
        f"{said}; foreseen were {predicted.calls:,} calls with {foreseen_tokens:,} tokens for {predicted.rows:,} rows, "
        f"and {purse.rows:,} took {tokens:,}"
    )


def _key(recipe: Recipe, source: str, store: Store) -> str:
    """Return under which key a plan is remembered."""
    return canonical.digest({"plan": recipe.resolve(store).fingerprint, "input": store.manifest(source).id})
