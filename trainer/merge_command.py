"""`koba merge`: the weighted mean of checkpoints."""

from pathlib import Path

import click

from manifests.commands import command
from manifests.errors import BadRecipe
from manifests.options import weighted


@command("merge")
@click.argument("checkpoints", nargs=-1, required=True, metavar="CHECKPOINT[=WEIGHT]...")
@click.option("--folder", default="runs/merged", show_default=True, type=click.Path(path_type=Path))
def merge_models(checkpoints: tuple[str, ...], folder: Path, store_url: str) -> None:  # noqa: ARG001 - of all commands
    """Take the weighted mean of models that began as one, such as two that learnt from different conversations.

    \b
        koba merge runs/general=0.7 runs/code=0.3 --folder runs/merged
    """
    # Imported here, for help must be quick.
    from trainer.average import average  # noqa: PLC0415
    from trainer.checkpoint import checkpoint_at, only_writer  # noqa: PLC0415

    shares = {Path(name): 1.0 if share is None else share for name, share in weighted(checkpoints).items()}
    parts = [checkpoint_at(path) for path in shares]
    path = folder / f"step-{parts[-1].step:08d}"
    with only_writer(folder):
        if path.exists():
            raise BadRecipe(f"{path} is there already; give another --folder")
        made = average(parts, path, list(shares.values()))
    click.echo(made.path)
