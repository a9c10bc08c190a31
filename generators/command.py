"""A generator's file as a command: the options of `manifests.program`, and those that concern money."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import signature
from typing import Annotated, Any

import click

from dedup.clean import decontaminated
from generators.generate import TRIES, tried
from generators.pace import Pace
from generators.places import gpus_of, place
from generators.plan import Plan, foreseen, plan, reconciled, told
from generators.purse import Budget, Price, Purse, with_purse
from generators.together import Threads, Workers
from manifests import cluster
from manifests.errors import BadRecipe, BadSource, NotFound
from manifests.options import Command
from manifests.program import program
from manifests.stage import Map, Recipe
from manifests.store import Store
from manifests.terminal import safe
from manifests.widened import widened

MONEY = (
    click.Option(
        ["--budget-tokens"],
        type=click.IntRange(1),
        metavar="N",
        help="Stop cleanly after so many tokens of new calls, in and out, of all workers.",
    ),
    click.Option(
        ["--budget-cost"],
        type=click.FloatRange(0, min_open=True),
        metavar="COST",
        help="Stop cleanly after new calls for so much; needs a price.",
    ),
    click.Option(["--price-in"], type=click.FloatRange(0), default=0.0, help="Price of a million tokens of prompts."),
    click.Option(["--price-out"], type=click.FloatRange(0), default=0.0, help="Price of a million tokens of replies."),
    click.Option(["--plan", "plan_rows"], type=click.IntRange(1), metavar="N", help="Predict the cost from N rows."),
)


def generator(recipe: Callable[..., Recipe], *, default_source: str) -> Command:
    """Return the command that runs a recipe with model calls on a dataset.

    Units are threads of one process with one engine; `--workers` spreads them over so many workers on Ray, each of
    them such a process. In a job of a cluster a local model gets a worker for each GPU, or for each node.
    """
    recipe = decontaminated(widened(recipe, "tries", Annotated[int, TRIES], 1, tried))
    purse = Purse()
    pace = Pace(purse)
    spread = _Spread(purse)
    reckoning = _Reckoning(purse)

    @wraps(recipe)
    def paid(**given: Any) -> Recipe:
        return with_purse(recipe(**given), purse)

    command = program(
        paid, dataset, default_source=default_source, spread=spread, gauge=pace, notes=reckoning.reconciled
    )
    inner = command.callback

    def callback(
        budget_tokens: int | None,
        budget_cost: float | None,
        price_in: float,
        price_out: float,
        plan_rows: int | None,
        **given: Any,
    ) -> Any:
        price = Price(price_in, price_out)
        purse.refill(_budget(budget_tokens, budget_cost, price), price, keep=given["preview"] is not None)
        spread.gpus = gpus_of(place(given["engine"])) if "engine" in given else 0
        spread.here = given["workers"] == 1
        given["workers"] = None if spread.here else given["workers"]
        store, source = Store(given["store_url"]), dataset(given["sources"] or (default_source,))
        rows = _rows(store, source, default_source)
        literals = {name: given[name] for name in signature(recipe).parameters}
        if plan_rows:
            click.echo(plan(recipe(**literals), source, store=store, sample=plan_rows).priced(price))
            return None
        reckoning.predicted = foreseen(recipe(**literals), source, store)
        pace.source_rows = min(rows, given["limit"] or rows)
        made = inner(**given) if inner else None
        if made is not None and purse.calls:
            click.echo(told(purse, reckoning.predicted), err=True)
        for prompt, reply in purse.shown:
            click.echo(f"\n--- prompt\n{safe(prompt)}\n--- reply ({reply.finish_reason})\n{safe(reply.text)}")
        return made

    command.callback = callback
    for option in command.params:
        if isinstance(option, click.Option) and option.name == "workers":
            option.help = "Workers on Ray, each with its own engine [default: this process]."
    command.params += MONEY
    return command


def dataset(names: Sequence[str]) -> str:
    """Return the one dataset that was named. Raises BadSource."""
    if len(names) != 1:
        raise BadSource(f"expected one dataset, found {len(names)}: {', '.join(names)}; merge them first")
    return names[0]


def _budget(tokens: int | None, cost: float | None, price: Price) -> Budget | None:
    """Return the budget of the options, or None where there is none. Raises BadRecipe."""
    if cost is not None and price == Price():
        raise BadRecipe("--budget-cost without a price: say what a million tokens cost, --price-in and --price-out")
    return None if tokens is None and cost is None else Budget(tokens, cost)


def _rows(store: Store, source: str, default_source: str) -> int:
    """Return how many rows a dataset has. Raises NotFound before any model is looked for."""
    try:
        return store.manifest(source).rows
    except NotFound as error:
        if source != default_source:
            raise
        raise NotFound(f"{error}; `koba quickstart` makes {default_source!r}, or name a dataset to read") from error


class _Reckoning:
    """What the record of a run says of its calls, beside what was foreseen."""

    def __init__(self, purse: Purse) -> None:
        self.purse = purse
        self.predicted: Plan | None = None

    def reconciled(self) -> Mapping[str, Any]:
        return reconciled(self.purse, self.predicted)


class _Spread:
    """Makes the `map` of a run: threads of this process, or workers on Ray."""

    def __init__(self, purse: Purse) -> None:
        self.purse = purse
        self.here = False  # in this process, come what may
        self.gpus = 0  # of each worker

    def __call__(self, workers: int | None) -> Map:
        wanted = self.gpus > 0 and cluster.in_cluster()  # the driver of a job has no GPU
        if workers is None and (self.here or not wanted):
            return Threads()
        return Workers(workers, self.purse, gpus=self.gpus)
