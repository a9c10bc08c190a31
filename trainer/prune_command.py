"""`koba prune`: a smaller model out of a larger one. `koba distil`: training by a larger model's predictions."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from manifests.commands import command, open_store
from manifests.errors import BadRecipe
from manifests.options import json_option, weighted

if TYPE_CHECKING:
    from trainer.distil import Rest

path = click.Path(path_type=Path)


@command("prune")
@click.argument("checkpoint", type=path)
@click.argument("datasets", nargs=-1, required=True, metavar="DATASET[=WEIGHT]...")
@click.option("--folder", default="runs/pruned", show_default=True, type=path)
@click.option("--width", type=int, help="Of the model.")
@click.option("--mlp-width", type=int, help="Of its MLPs.")
@click.option("--heads", type=int, help="Of attention; as many in each group that shares keys.")
@click.option("--key-heads", type=int, help="Of keys and values.")
@click.option("--ssm-heads", type=int, help="Of Mamba-2.")
@click.option("--ssm-head-width", type=int, help="Of each of them.")
@click.option("--layers", type=int, help="Those that change least go.")
@click.option("--batches", default=8, show_default=True, type=click.IntRange(1), help="Of 8 sequences, to judge by.")
@click.option("--length", default=512, show_default=True, type=click.IntRange(1), help="Tokens of a sequence.")
def prune_model(
    checkpoint: Path, datasets: tuple[str, ...], folder: Path, batches: int, length: int, store_url: str,
    **left: int | None,
) -> None:  # fmt: skip
    """Leave out of a model what does least on a few batches of datasets (Minitron).

    \b
        koba prune runs/large web-sample --width 192 --mlp-width 512 --folder runs/pruned
        koba distil web-sample --teacher runs/large --start runs/pruned --folder runs/small
    """
    # Imported here, for help must be quick.
    from trainer.data import Loader  # noqa: PLC0415
    from trainer.mix import open_mix  # noqa: PLC0415
    from trainer.prepare import tokenised  # noqa: PLC0415
    from trainer.prune import Target, prune  # noqa: PLC0415
    from trainer.start import start_at, tokenizer_of  # noqa: PLC0415

    store, origin = open_store(store_url), start_at(checkpoint)
    data = tokenised(store, weighted(datasets), tokenizer=tokenizer_of(origin))
    loader = Loader(open_mix(store, data.weights), length=length, batch=8, seed=0)
    found = [batch for batch in (loader.next() for _ in range(batches)) if batch is not None]
    click.echo(prune(store, origin, Target(**left), found, folder).path)


@command("distil")
@click.argument("datasets", nargs=-1, required=True, metavar="DATASET[=WEIGHT]...")
@click.option("--teacher", required=True, type=path, help="A checkpoint or a Hugging Face folder.")
@click.option("--start", required=True, type=path, help="The student: likewise, such as one that was pruned.")
@click.option("--folder", default="runs/student", show_default=True, type=path)
@click.option("--steps", type=click.IntRange(1), help="[default: as many as read all tokens once]")
@click.option("--batch", default=8, show_default=True, help="Sequences in a step.")
@click.option("--length", default=512, show_default=True, help="Tokens in a sequence.")
@click.option("--learning-rate", default=1e-3, show_default=True)
@click.option("--warmup-steps", default=100, show_default=True)
@click.option("--top", default=128, show_default=True, type=click.IntRange(1), help="Tokens that the teacher tells.")
@click.option(
    "--rest",
    type=click.Choice(["bucket", "teacher", "both"]),
    default="bucket",
    show_default=True,
    help="Tokens below the top: as one; as if the teacher gave them nothing; as if neither did.",
)
@click.option("--own", default=0.0, show_default=True, help="Share of the next token's own loss.")
@json_option
def distil_model(
    datasets: tuple[str, ...], teacher: Path, start: Path, folder: Path, steps: int | None, batch: int, length: int,
    learning_rate: float, warmup_steps: int, top: int, rest: "Rest", own: float, store_url: str, as_json: bool,
) -> None:  # fmt: skip
    """Train a student on a teacher's predictions, which are made once and kept in the store."""
    # Imported here, for help must be quick.
    from trainer.loss_bar import LossBar  # noqa: PLC0415
    from trainer.prepare import tokenised  # noqa: PLC0415
    from trainer.pretrain import tell  # noqa: PLC0415
    from trainer.settings import Settings  # noqa: PLC0415
    from trainer.start import shape_of, start_at, tokenizer_of  # noqa: PLC0415
    from trainer.taught import distil  # noqa: PLC0415

    if not 0 <= own <= 1:
        raise BadRecipe(f"--own {own}: expected a share from 0 to 1")
    store, guide, student = open_store(store_url), start_at(teacher), start_at(start)
    data = tokenised(store, weighted(datasets), tokenizer=tokenizer_of(guide))
    settings = Settings(
        steps=steps or math.ceil(data.tokens / (batch * length)), batch=batch, length=length,
        learning_rate=learning_rate, warmup_steps=warmup_steps,
    )  # fmt: skip
    with LossBar() as bar:
        made = distil(
            store, data.weights, shape_of(student), settings, folder, teacher=guide, start=student, rest=rest, own=own,
            top=top, on_step=bar.step,
        )  # fmt: skip
    tell(made, as_json)
