"""A generator's file as a command: the options of `manifests.program`, and those that concern money."""

from collections.abc import Callable, Sequence
from functools import wraps
from inspect import signature
from typing import Any

import click

from generators.plan import plan
from generators.purse import Purse, with_purse
from generators.together import Threads
from manifests import cluster
from manifests.errors import BadRecipe, BadSource
from manifests.options import Command
from manifests.program import program
from manifests.stage import Map, Recipe
from manifests.store import Store
from manifests.terminal import safe


def generator(recipe: Callable[..., Recipe], *, default_source: str) -> Command:
    """Return the command that runs a recipe with model calls on a dataset.

    Units are threads of one process with one engine; `--workers` makes them Ray tasks, each worker with its own.
    """
    purse = Purse()

    @wraps(recipe)
    def paid(**given: Any) -> Recipe:
        return with_purse(recipe(**given), purse)

    command = program(paid, dataset, default_source=default_source, spread=_spread)
    inner = command.callback

    def callback(budget_tokens: int | None, plan_rows: int | None, **given: Any) -> Any:
        if budget_tokens is not None and given["workers"] not in {None, 1}:
            raise BadRecipe("--budget-tokens is counted in one process: leave out --workers")
        purse.refill(budget_tokens, keep=given["preview"] is not None)
        if plan_rows:
            literals = {name: given[name] for name in signature(recipe).parameters}
            source = dataset(given["sources"] or (default_source,))
            click.echo(str(plan(recipe(**literals), source, store=Store(given["store_url"]), sample=plan_rows)))
            return None
        made = inner(**given) if inner else None
        for prompt, reply in purse.shown:
            click.echo(f"\n--- prompt\n{safe(prompt)}\n--- reply ({reply.finish_reason})\n{safe(reply.text)}")
        return made

    command.callback = callback
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


def _spread(workers: int | None) -> Map:
    return cluster.ray_map(workers) if workers else Threads()
