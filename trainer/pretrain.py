#!/usr/bin/env python
"""Train a compact hybrid language model (Mamba-2 and attention) on datasets.

    koba train web-sample paraphrase-easy --steps 300 --folder runs/small
    koba train web-tokens=3 code-tokens=1 --steps 10000 --folder runs/mix
    ray job submit --working-dir . -- python trainer/pretrain.py web-sample

DATASET is a name or a manifest id, and may have a weight: with web=3 code=1 three of four tokens come from the first.
Without weights every dataset is read at the pace of its size. Texts are tokenised first. The same command again goes
on from the newest checkpoint in the folder, to the bit.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from inspect import signature
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, Annotated, Any

import click

from manifests.errors import BadRecipe
from manifests.options import Command, echo_json, json_option, signature_options, store_option
from trainer.config import Config
from trainer.settings import Settings

if TYPE_CHECKING:
    from trainer.checkpoint import Checkpoint

LAST_STEPS = 20  # whose mean loss is told


def shape(
    pattern: Annotated[str, "A letter for each layer: M Mamba-2, A attention."] = "MAMA",
    width: Annotated[int, "Width of the model; its MLP is 3 times, its Mamba-2 2 times as wide."] = 256,
    heads: Annotated[int, "Heads of attention."] = 4,
    key_heads: Annotated[int, "Heads of keys and values (GQA)."] = 2,
    window: Annotated[int | None, "Tokens that attention sees [default: all]."] = None,
    ssm_state: Annotated[int, "State of each Mamba-2 channel."] = 64,
) -> Config:
    """Every decision about the model's shape, on one screen."""
    return Config(
        pattern=pattern,
        width=width,
        mlp_width=3 * width,
        heads=heads,
        key_heads=key_heads,
        window=window,
        ssm_heads=max(1, width // 32),
        ssm_head_width=min(64, 2 * width),
        ssm_state=ssm_state,
    )


def settings(
    steps: Annotated[int | None, "Steps [default: as many as read all tokens once]."] = None,
    batch: Annotated[int, "Sequences in a step."] = 8,
    length: Annotated[int, "Tokens in a sequence."] = 512,
    learning_rate: Annotated[float, "The highest; a cosine brings it down to a tenth."] = 1e-3,
    warmup_steps: Annotated[int, "Steps until the learning rate is at its highest."] = 100,
    weight_decay: Annotated[float, "Of matrices (AdamW)."] = 0.1,
    seed: Annotated[int, "Of the first weights and of the order of the data."] = 0,
) -> Settings:
    """Every decision about the training, on one screen."""
    return Settings(
        steps=steps,
        batch=batch,
        length=length,
        learning_rate=learning_rate,
        warmup_steps=warmup_steps,
        weight_decay=weight_decay,
        seed=seed,
    )


def pretrain(
    datasets: tuple[str, ...],
    store_url: str,
    as_json: bool,
    folder: Path,
    tokenizer: str | None,
    vocabulary: int,
    start: Path | None,
    save_every: int,
    threads: int | None,
    **given: Any,
) -> "Checkpoint":
    """Train, and tell how it went: the path of the checkpoint to stdout, a sentence to stderr; or JSON."""
    # Imported here, for help must be quick.
    import torch

    from manifests.progress import Bars
    from manifests.store import Store
    from trainer.checkpoint import checkpoint_at
    from trainer.loss_bar import LossBar
    from trainer.prepare import tokenised
    from trainer.train import train

    if threads:
        torch.set_num_threads(threads)
    store = Store(store_url)
    with Bars() as bars:
        data = tokenised(store, weighted(datasets), tokenizer=tokenizer, vocabulary=vocabulary, watcher=bars)
    chosen = {name: given.pop(name) for name in signature(settings).parameters}
    chosen["steps"] = chosen["steps"] or math.ceil(data.tokens / (chosen["batch"] * chosen["length"]))
    with LossBar() as bar:
        made = train(
            store,
            data.weights,
            replace(shape(**given), vocabulary=data.vocabulary),
            settings(**chosen),
            folder,
            start=checkpoint_at(start) if start else None,
            save_every=save_every,
            on_step=bar.step,
        )
    told = summary(made)
    if as_json:
        echo_json(told)
    else:
        click.echo(
            f"{told['steps']:,} steps over {told['tokens']:,} tokens: loss {told['first_loss']:.2f} → "
            f"{told['loss']:.2f}, {told['tokens_per_s']:,} tokens/s",
            err=True,
        )
        click.echo(made.path)
    return made


def weighted(datasets: Sequence[str]) -> dict[str, float | None]:
    """Return datasets and their weights as the user typed them, None for none. Raises BadRecipe."""
    pairs = [name.partition("=")[::2] for name in datasets]
    if len({name for name, _ in pairs}) < len(pairs):
        raise BadRecipe(f"{' '.join(datasets)}: a dataset is named twice; name it once, with a weight")
    if any(weight for _, weight in pairs) and not all(weight for _, weight in pairs):
        raise BadRecipe(f"{' '.join(datasets)}: give each dataset a weight (web=3 code=1), or none of them")
    try:
        return {name: float(weight) if weight else None for name, weight in pairs}
    except ValueError as error:
        raise BadRecipe(f"{' '.join(datasets)}: expected numbers as weights, as in web=3 code=0.5") from error


def summary(made: "Checkpoint") -> dict[str, Any]:
    """Return how a training went as plain JSON; losses are in nats per token."""
    metrics = made.metrics()
    return {
        "checkpoint": str(made.path),
        "weights": made.weights_digest,
        "data": dict(made.job.data),
        "tokenizer": made.job.tokenizer,
        "steps": made.step,
        "tokens": made.state.packed,
        "first_loss": metrics[0]["loss"],
        "loss": fmean([line["loss"] for line in metrics[-LAST_STEPS:]]),
        "tokens_per_s": round(median([line["tokens_per_s"] for line in metrics])),
    }


def trainer(callback: Callable[..., Any]) -> Command:
    """Return the command whose options are those of `shape`, of `settings` and of the run."""
    path = click.Path(path_type=Path)
    options: list[click.Parameter] = [
        click.Argument(["datasets"], nargs=-1, required=True, metavar="DATASET[=WEIGHT]..."),
        click.Option(["--folder"], default="runs/model", type=path, show_default=True, help="For the checkpoints."),
        click.Option(["--tokenizer"], metavar="FILE_OR_MODEL", help="Tokenizer [default: one learned from the texts]."),
        click.Option(["--vocabulary"], default=8_192, show_default=True, help="Tokens of one that is learned."),
        click.Option(["--start"], type=path, help="Checkpoint of another job, for the first weights."),
        click.Option(["--save-every"], default=500, type=click.IntRange(1), show_default=True, help="Steps."),
        click.Option(["--threads"], type=click.IntRange(1), help="Threads of the CPU [default: all cores]."),
        *signature_options(settings),
        *signature_options(shape),
    ]
    text = (__doc__ or "").replace("\n\n    ", "\n\n\b\n    ")  # \b: not wrapped
    return store_option(json_option(Command("train", params=options, callback=callback, help=text)))


main = trainer(pretrain)

if __name__ == "__main__":
    main()
