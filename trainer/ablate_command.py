"""`koba ablate`: which of several datasets teaches a small model more."""

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from manifests.commands import command, open_store
from manifests.errors import BadRecipe
from manifests.options import echo_json, json_option

if TYPE_CHECKING:
    from trainer.ablate import Ablation, Score


@command("ablate")
@click.argument("datasets", nargs=-1, required=True, metavar="A B...")
@click.option("--tokens", default=500_000, show_default=True, type=click.IntRange(1), help="That each model reads.")
@click.option("--seeds", default=2, show_default=True, type=click.IntRange(1), help="Models for each dataset.")
@click.option("--judge-by", multiple=True, metavar="NAME", help="Dataset to judge by besides what is held out.")
@click.option("--held-out", default=0.05, show_default=True, help="Share of each dataset that is not trained on.")
@click.option("--tokenizer", metavar="FILE_OR_MODEL", help="Tokenizer [default: one learned from the texts].")
@click.option("--width", default=128, show_default=True, type=click.IntRange(32), help="Width of the models.")
@click.option("--folder", default="runs/ablate", show_default=True, type=click.Path(path_type=Path))
@click.option("--threads", type=click.IntRange(1), help="Threads of the CPU [default: all cores].")
@json_option
def ablate_datasets(
    datasets: tuple[str, ...],
    tokens: int,
    seeds: int,
    judge_by: tuple[str, ...],
    held_out: float,
    tokenizer: str | None,
    width: int,
    folder: Path,
    threads: int | None,
    store_url: str,
    as_json: bool,
) -> None:
    """Train a small model on each of several datasets, and compare them by texts that none of them saw.

    koba ablate web-edu web-random --tokens 2000000 --seeds 3
    """
    import torch  # noqa: PLC0415 - help must be quick

    from manifests.progress import Bars  # noqa: PLC0415 - help must be quick
    from trainer.ablate import CONFIG, ablate  # noqa: PLC0415 - help must be quick

    if width % 32:
        raise BadRecipe(f"--width {width}: expected a multiple of 32")
    if threads:
        torch.set_num_threads(threads)
    with Bars() as bars:
        found = ablate(
            open_store(store_url),
            datasets,
            tokens=tokens,
            folder=folder,
            seeds=range(seeds),
            judge_by=judge_by,
            held_out=held_out,
            tokenizer=tokenizer,
            config=replace(CONFIG, width=width, mlp_width=3 * width, ssm_heads=width // 32),
            watcher=bars,
            on_training=lambda name, seed, steps: bars.say(f"{name}: seed {seed}, {steps:,} steps"),
        )
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)
    if as_json:
        echo_json(found.to_json())
    else:
        print_ablation(found)


def print_ablation(found: "Ablation") -> None:
    """Print a line for each measure: every dataset, and how it differs from the first."""
    from manifests.tables import console, table  # noqa: PLC0415 - help must be quick

    names = [one.name for one in found.datasets]
    differences = {(one.judged_by, one.measure, one.dataset): one for one in found.differences()}
    by_place: dict[tuple[str, str], dict[str, Score]] = {}
    for score in found.scores:
        by_place.setdefault((score.judged_by, score.measure), {})[score.dataset] = score
    rows = [
        [
            *place,
            *(shown(its[name]) for name in names),
            *(shown(differences[*place, name], signed=True) for name in names[1:]),
        ]
        for place, its in by_place.items()
    ]
    columns = [
        "judged by",
        "measure",
        *(f"#{name}" for name in names),
        *(f"#{name} - {names[0]}" for name in names[1:]),
    ]
    console().print(table(*columns, rows=rows))
    click.echo(
        f"\n{found.tokens:,} tokens each, {len(found.seeds)} seeds; losses in nats per token, lower is better; ± half "
        "of a 95 % interval over the seeds; * differs from zero by more",
        err=True,
    )
    for one in found.datasets:
        click.echo(f"{one.name}: {one.tokens:,} tokens, read {one.epochs:.2f} times; {one.checkpoints[0]}", err=True)


def shown(score: "Score", *, signed: bool = False) -> str:
    """Return a mean with its interval, and a star where it differs from zero."""
    mean = f"{score.mean:+.3f}" if signed else f"{score.mean:.3f}"
    if math.isnan(score.half):
        return mean
    star = " *" if signed and 0 < score.half < abs(score.mean) else ""  # equal values of all seeds are no certainty
    return f"{mean} ± {score.half:.3f}{star}"
