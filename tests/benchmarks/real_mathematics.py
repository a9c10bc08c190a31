"""What a real model's solutions of known problems are worth: a table for each dataset of `koba run mathematics_solve`.

    python -m tests.benchmarks.real_mathematics --store /tmp/store mathematics-solve

Of every solution that was asked for: refused by which reason, accepted, and of those that came to the votes, right.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

import click
import polars as pl

from manifests import shard
from manifests.lineage import recipe_chain
from manifests.manifest import Manifest
from manifests.store import Store
from manifests.view import View

RIGHT, CAST, SHARE, OWN, ANSWER = (f"votes/{name}" for name in ("right", "cast", "share", "own_answer", "answer"))


@dataclass
class Tally:
    """The solutions of one dataset."""

    problems: int = 0
    asked: int = 0
    accepted: int = 0
    accepted_right: int = 0
    voted: int = 0
    right: int = 0
    majorities: int = 0  # problems with an answer that more solutions have than any other
    majorities_right: int = 0
    share: float = 0.0  # of the majority, on average over the problems that came to the votes
    reasons: Counter[str] = field(default_factory=Counter)


def tally(store: Store, manifest: Manifest) -> Tally:
    """Count what became of the solutions behind a manifest, from its ledgers."""
    chain = recipe_chain(store, manifest)
    made = Tally(accepted=manifest.rows)
    for part in chain:
        for step in part.steps[1:]:
            made.reasons.update(step.reasons)
            if step.describe["fields"].get("task", {}).get("type") == "Solve":
                made.problems, made.asked = (
                    step.rows_in,
                    step.rows_in * step.describe["fields"]["sampling"]["fields"]["n"],
                )
    for before, part in pairwise(chain):
        votes = _votes(store, part)
        if not votes.is_empty() and RIGHT in votes.columns:
            parents = {row.id: row.parents[0] for row in View(store, before)}
            _count_votes(made, votes.with_columns(problem=pl.Series([parents[one] for one in votes["id"]])))
    return made


def _votes(store: Store, part: Manifest) -> pl.DataFrame:
    """Return what the votes measured in one part: a row for each solution, with its parent."""
    step = next((number for number, one in enumerate(part.steps) if one.stage == "Votes"), None)
    if step is None:
        return pl.DataFrame()
    tables = [pl.DataFrame(shard.read_parquet(store.get(digest))) for digest in part.ledger.values]
    names = {f"{step}:{name}": name for name in (RIGHT, CAST, SHARE, OWN, ANSWER)}
    every = pl.concat(tables, how="diagonal").rename(names, strict=False)
    return every.filter(pl.col(CAST).is_not_null())


def _count_votes(made: Tally, votes: pl.DataFrame) -> None:
    made.voted = len(votes)
    made.right = int(votes[RIGHT].sum())
    made.accepted_right = int(votes.filter(pl.col("dropped_at").is_null())[RIGHT].sum())
    made.share = float(votes.unique("problem")[SHARE].to_numpy().mean())
    if ANSWER in votes.columns:
        decided = votes.filter(pl.col(OWN) == pl.col(ANSWER)).unique("problem")
        made.majorities, made.majorities_right = len(decided), int(decided[RIGHT].sum())


@click.command()
@click.option("--store", "store_url", required=True)
@click.argument("names", nargs=-1, required=True)
def main(store_url: str, names: tuple[str, ...]) -> None:
    """Print a table."""
    store = Store(store_url)
    print("| dataset | problems | solutions | reached the votes | right of all | accepted | right of the accepted | "
          "majority right | mean share |\n|---|---|---|---|---|---|---|---|---|")  # fmt: skip
    for name in names:
        made = tally(store, store.manifest(name))
        print(f"| {name} | {made.problems} | {made.asked} | {made.voted} | {_of(made.right, made.asked)} | "
              f"{_of(made.accepted, made.asked)} | {_of(made.accepted_right, made.accepted)} | "
              f"{_of(made.majorities_right, made.majorities)} | {made.share:.2f} |")  # fmt: skip
        print(f"|   | {', '.join([f'{reason} {rows}' for reason, rows in made.reasons.most_common()])} |" + " |" * 7)


def _of(some: int, every: int) -> str:
    return f"{some} of {every} ({some / every:.0%})" if every else "-"


if __name__ == "__main__":
    main()
