"""`koba grow`: a larger model with the weights of a smaller one."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from manifests.commands import command, open_store

if TYPE_CHECKING:
    from trainer.grow import Way


@command("grow")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option("--folder", default="runs/grown", show_default=True, type=click.Path(path_type=Path))
@click.option("--times", default=2, show_default=True, type=click.IntRange(1), help="Width, MLP and heads times this.")
@click.option("--pattern", help="Layers of the larger model, such as MAMAMAMA [default: as they are].")
@click.option(
    "--way",
    type=click.Choice(["preserving", "tiling"]),
    default="preserving",
    show_default=True,
    help="The same logits (HyperCloning), or plain copies of weights and layers.",
)
@click.option("--noise", default=0.1, show_default=True, help="Of a weight's deviation, that parts what is repeated.")
@click.option("--seed", default=0, show_default=True, help="Of the noise.")
def grow_model(
    checkpoint: Path, folder: Path, times: int, pattern: str | None, way: "Way", noise: float, seed: int, store_url: str
) -> None:
    """Make a larger model that begins with the weights of a smaller one.

    CHECKPOINT is a checkpoint, the folder of a run, or a model in the layout of Hugging Face.

    \b
        koba grow runs/small --times 2 --folder runs/grown
        koba train web-sample --start runs/grown --folder runs/large
    """
    # Imported here, for help must be quick.
    from trainer.grow import grow  # noqa: PLC0415
    from trainer.start import shape_of, start_at  # noqa: PLC0415

    origin = start_at(checkpoint)
    old = shape_of(origin)
    config = replace(
        old,
        pattern=pattern or old.pattern,
        width=times * old.width,
        mlp_width=times * old.mlp_width,
        heads=times * old.heads,
        key_heads=times * old.key_heads,
        ssm_heads=times * old.ssm_heads,
    )
    made = grow(open_store(store_url), origin, config, folder, way=way, noise=noise, seed=seed)
    click.echo(f"{old.width} wide, layers {old.pattern} → {config.width}, {config.pattern}", err=True)
    click.echo(made.path)
