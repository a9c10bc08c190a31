#!/usr/bin/env python
"""Train a compact hybrid language model (Mamba-2 and attention) on datasets.

    koba train web-sample paraphrase-easy --steps 300 --folder runs/small
    koba train web-tokens=3 code-tokens=1 --steps 10000 --folder runs/mix
    ray job submit --working-dir . -- python trainer/pretrain.py web-sample

DATASET is a name or a manifest id, and may have a weight: with web=3 code=1 three of four tokens come from the first.
Without weights every dataset is read at the pace of its size. Texts are tokenised first. The same command again goes
on from the newest checkpoint in the folder, to the bit.

    koba train ja-corpus --start granite-4.0-h-350m --preset swallow-cpt --precision bf16
    koba train web-tokens --steps 10000 --workers 8 --strategy fsdp --gpus

With --start the shape is that of the model there; only --window and --rope-theta may differ. With --workers as many
processes train together, by Ray Train.

    koba train web-sample --start runs/small --preset plamo-long --length 8192 --folder runs/long

Trains a model with a window on with full attention, for longer texts.
"""

import math
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from inspect import signature
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from manifests.options import Command, echo_json, json_option, signature_options, store_option, weighted
from trainer.config import Config
from trainer.machine import Machine
from trainer.screens import machine, settings, shape
from trainer.settings import PRESETS, Settings

if TYPE_CHECKING:
    from manifests.store import Store
    from trainer.checkpoint import Checkpoint
    from trainer.loop import Progress
    from trainer.world import Strategy

SCREENS: tuple[Callable[..., Any], ...] = (shape, settings, machine)
LAST_STEPS = 20  # whose mean loss is told


def pretrain(
    datasets: tuple[str, ...],
    store_url: str,
    as_json: bool,
    folder: Path,
    tokenizer: str | None,
    vocabulary: int,
    start: Path | None,
    full_attention: bool,
    average: int,
    preset: str | None,  # noqa: ARG001 - it has changed the defaults of other options already
    **given: Any,
) -> "Checkpoint":
    """Train, and tell how it went: the path of the checkpoint to stdout, a sentence to stderr; or JSON."""
    # Imported here, for help must be quick.
    from manifests.progress import Bars
    from manifests.store import Store
    from trainer.average import average_of_last
    from trainer.prepare import tokenised
    from trainer.start import changed_shape, start_at, tokenizer_of

    store, origin = Store(store_url), start_at(start) if start else None
    tokenizer = tokenizer or (tokenizer_of(origin) if origin else None)
    with Bars() as bars:
        data = tokenised(store, weighted(datasets), tokenizer=tokenizer, vocabulary=vocabulary, watcher=bars)
    wanted, chosen, placed = ({name: given.pop(name) for name in signature(of).parameters} for of in SCREENS)
    if origin:
        config = changed_shape(origin, _asked(wanted) | ({"window": None} if full_attention else {}))
    else:
        config = replace(shape(**wanted), vocabulary=data.vocabulary)
    if not chosen["epochs"]:
        chosen["steps"] = chosen["steps"] or math.ceil(data.tokens / (chosen["batch"] * chosen["length"]))
    made = _trained(store, data.weights, config, settings(**chosen), folder, start, machine(**placed), **given)
    if average > 1:
        made = average_of_last(folder, average)
    tell(made, as_json)
    return made


def _trained(
    store: "Store",
    weights: Mapping[str, float],
    config: Config,
    chosen: Settings,
    folder: Path,
    start: Path | None,
    placed: Machine,
    *,
    save_every: int,
    threads: int | None,
    tensorboard: bool,
    workers: int | None,
    strategy: "Strategy",
    gpus: bool,
) -> "Checkpoint":
    """Train here, or in several processes; show how it goes."""
    import torch

    from trainer.loss_bar import LossBar
    from trainer.start import start_at
    from trainer.train import train

    with LossBar() as bar, ExitStack() as stack:
        shown: list[Callable[[Progress], None]] = [bar.step]
        if tensorboard:
            from trainer.board import Board

            shown.append(stack.enter_context(Board(folder)).step)

        def on_step(now: "Progress") -> None:
            for show in shown:
                show(now)

        if workers:
            from trainer.distributed import train_together

            return train_together(
                store, weights, config, chosen, folder, start=start, workers=workers, strategy=strategy, gpus=gpus,
                threads=threads, save_every=save_every, on_step=on_step, machine=placed,
            )  # fmt: skip
        if threads:
            torch.set_num_threads(threads)
        origin = start_at(start) if start else None
        return train(
            store, weights, config, chosen, folder, start=origin, save_every=save_every, on_step=on_step, machine=placed
        )


def _asked(given: dict[str, Any]) -> dict[str, Any]:
    """Return the options that the user has typed, or a preset gives, without those that have their defaults."""
    source, asked = (
        click.get_current_context().get_parameter_source,
        {ParameterSource.COMMANDLINE, ParameterSource.DEFAULT_MAP},
    )
    return {name: value for name, value in given.items() if source(name) in asked}


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
        "mfu": median([line.get("mfu", 0.0) for line in metrics]),
    }


def tell(made: "Checkpoint", as_json: bool) -> None:
    """Print how a training went."""
    told = summary(made)
    if as_json:
        echo_json(told)
        return
    click.echo(
        f"{told['steps']:,} steps over {told['tokens']:,} tokens: loss {told['first_loss']:.2f} → "
        f"{told['loss']:.2f}, {told['tokens_per_s']:,} tokens/s, MFU {told['mfu']:.0%}",
        err=True,
    )
    click.echo(made.path)


def trainer(callback: Callable[..., Any]) -> Command:
    """Return the command whose options are those of `shape`, `settings` and `machine`, and of the run."""
    path, count = click.Path(path_type=Path), click.IntRange(1)
    options: list[click.Parameter] = [
        click.Argument(["datasets"], nargs=-1, required=True, metavar="DATASET[=WEIGHT]..."),
        click.Option(["--folder"], default="runs/model", type=path, show_default=True, help="For the checkpoints."),
        click.Option(["--tokenizer"], metavar="FILE_OR_MODEL", help="Tokenizer [default: one learned from the texts]."),
        click.Option(["--vocabulary"], default=8_192, show_default=True, help="Tokens of one that is learned."),
        click.Option(["--start"], type=path, help="For the first weights: a checkpoint or a Hugging Face folder."),
        click.Option(
            ["--full-attention"], is_flag=True, help="With --start: attention sees all, whatever its window was."
        ),
        click.Option(["--save-every"], default=500, type=count, show_default=True, help="Steps."),
        click.Option(["--average"], default=1, type=count, help="Checkpoints whose mean is taken in the end."),
        click.Option(["--tensorboard"], is_flag=True, help="Log to <folder>/tensorboard."),
        click.Option(["--threads"], type=count, help="Threads of the CPU [default: all cores; 1 for each worker]."),
        click.Option(["--workers"], type=count, help="Processes, by Ray Train [default: this one]."),
        click.Option(
            ["--strategy"],
            type=click.Choice(["ddp", "fsdp"]),
            default="ddp",
            show_default=True,
            help="What each worker holds: all weights, or a part of each (FSDP2).",
        ),
        click.Option(["--gpus"], is_flag=True, help="A GPU for each worker."),
        click.Option(
            ["--preset"],
            type=click.Choice(sorted(PRESETS)),
            is_eager=True,
            callback=_set_defaults,
            help="Defaults of other options, as a paper has them.",
        ),
        *(option for screen in SCREENS for option in signature_options(screen)),
    ]
    text = (__doc__ or "").replace("\n\n    ", "\n\n\b\n    ")  # \b: not wrapped
    return store_option(json_option(Command("train", params=options, callback=callback, help=text)))


def _set_defaults(context: click.Context, _option: click.Parameter, preset: str | None) -> str | None:
    """Make a preset's values the defaults of the other options; what is typed still counts."""
    if preset:
        context.default_map = {**(context.default_map or {}), **PRESETS[preset]}
    return preset


main = trainer(pretrain)

if __name__ == "__main__":
    main()
