"""What a run will cost, from a sample of its rows. What the sample pays for is kept, so it is not paid for again."""

import time
from dataclasses import dataclass

from generators.purse import Purse, with_purse
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


def plan(recipe: Recipe, source: str, *, store: Store, sample: int = 32) -> Plan:
    """Run a recipe on the first rows of a dataset and return what all of it will take. Raises Incomplete."""
    purse = Purse()
    rows = store.manifest(source).rows
    clock = time.perf_counter()
    run(with_purse(recipe, purse), source, store=store, limit=sample)
    seconds = time.perf_counter() - clock
    sampled = min(rows, sample)
    scale = rows / max(1, sampled)
    return Plan(
        rows=rows,
        sampled=sampled,
        calls=round(purse.calls * scale),
        tokens_in=round(purse.tokens_in * scale),
        tokens_out=round(purse.tokens_out * scale),
        hours=seconds / purse.paid_calls * purse.calls * scale / 3_600 if purse.paid_calls else None,
    )
