"""A generator's file as a command: the options of `manifests.program`, and those that concern money."""

from collections.abc import Callable, Sequence
from functools import wraps
from inspect import signature
from typing import Any

import click

from generators.pace import Pace
from generators.plan import plan
from generators.purse import Purse, with_purse
from generators.together import Threads, Workers
from manifests import cluster
from manifests.errors import BadRecipe, BadSource, NotFound
from manifests.options import Command
from manifests.program import program
from manifests.stage import Map, Recipe
from manifests.store import Store
from manifests.terminal import safe


def generator(recipe: Callable[..., Recipe], *, default_source: str) -> Command:
    """Return the command that runs a recipe with model calls on a dataset.

    Units are threads of one process with one engine; `--workers` spreads them over so many workers on Ray, each of
    them such a process. In a job of a cluster a local model gets a worker for each GPU, or for each node.
    """
    purse = Purse()
    pace = Pace(purse)
    spread = _Spread(purse)

    @wraps(recipe)
    def paid(**given: Any) -> Recipe:
        return with_purse(recipe(**given), purse)

    command = program(paid, dataset, default_source=default_source, spread=spread, gauge=pace)
    inner = command.callback

    def callback(budget_tokens: int | None, plan_rows: int | None, **given: Any) -> Any:
        if budget_tokens is not None and given["workers"] not in {None, 1}:
            raise BadRecipe("--budget-tokens is counted in one process: leave out --workers")
        purse.refill(budget_tokens, keep=given["preview"] is not None)
        spread.here = budget_tokens is not None or given["workers"] == 1
        spread.gpus = 1 if given.get("engine") == "vllm" else 0
        given["workers"] = None if spread.here else given["workers"]
        store, source = Store(given["store_url"]), dataset(given["sources"] or (default_source,))
        rows = _rows(store, source, default_source)
        if plan_rows:
            literals = {name: given[name] for name in signature(recipe).parameters}
            click.echo(str(plan(recipe(**literals), source, store=store, sample=plan_rows)))
            return None
        pace.source_rows = min(rows, given["limit"] or rows)
        made = inner(**given) if inner else None
        for prompt, reply in purse.shown:
            click.echo(f"\n--- prompt\n{safe(prompt)}\n--- reply ({reply.finish_reason})\n{safe(reply.text)}")
        return made

    command.callback = callback
    for option in command.params:
        if isinstance(option, click.Option) and option.name == "workers":
            option.help = "Workers on Ray, each with its own engine [default: this process]."
    budget = "Stop cleanly after so many tokens of new calls, in and out."
    command.params += [
        click.Option(["--budget-tokens"], type=click.IntRange(1), metavar="N", help=budget),
        click.Option(
            ["--plan", "plan_rows"], type=click.IntRange(1), metavar="N", help="Predict the cost from N rows."
        ),
    ]
    return command


def dataset(names: Sequence[str]) -> str:
    """Return the one dataset that was named. Raises BadSource."""
    if len(names) != 1:
        raise BadSource(f"expected one dataset, found {len(names)}: {', '.join(names)}; merge them first")
    return names[0]


def _rows(store: Store, source: str, default_source: str) -> int:
    """Return how many rows a dataset has. Raises NotFound before any model is looked for."""
    try:
        return store.manifest(source).rows
    except NotFound as error:
        if source != default_source:
            raise
        raise NotFound(f"{error}; `koba quickstart` makes {default_source!r}, or name a dataset to read") from error


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
