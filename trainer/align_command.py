"""`koba align`: SFT on conversations, DPO on preferences."""

from pathlib import Path

import click

from manifests.commands import command, open_store
from manifests.options import json_option

path, count = click.Path(path_type=Path), click.IntRange(1)


@command("align")
@click.argument("datasets", nargs=-1, required=True, metavar="DATASET...")
@click.option("--start", required=True, type=path, help="The model: a checkpoint or a Hugging Face folder.")
@click.option("--folder", default="runs/aligned", show_default=True, type=path, help="For the checkpoints.")
@click.option("--epochs", default=1, show_default=True, type=count, help="Passes over the data.")
@click.option("--steps", type=count, help="Instead of epochs.")
@click.option("--batch", default=8, show_default=True, type=count, help="Sequences in a step.")
@click.option("--length", default=1_024, show_default=True, type=count, help="Tokens of a sequence; nothing is cut.")
@click.option("--learning-rate", default=1e-4, show_default=True)
@click.option("--warmup-steps", default=10, show_default=True)
@click.option("--beta", default=0.1, show_default=True, help="Of DPO.")
@click.option("--per-token", default=0.0, show_default=True, help="R-DPO: for each token that a reply is longer.")
@click.option("--per-gap", default=0.0, show_default=True, help="ODPO: for the logarithm of the gap of rewards.")
@click.option("--per-nll", default=0.0, show_default=True, help="RPO: for the chosen reply's mean loss.")
@click.option("--save-every", default=500, show_default=True, type=count, help="Steps.")
@click.option("--seed", default=0, show_default=True, help="Of the order of the data.")
@json_option
def align_model(
    datasets: tuple[str, ...], start: Path, folder: Path, epochs: int, steps: int | None, batch: int, length: int,
    learning_rate: float, warmup_steps: int, beta: float, per_token: float, per_gap: float, per_nll: float,
    save_every: int, seed: int, store_url: str, as_json: bool,
) -> None:  # fmt: skip
    """Train a model on conversations (SFT), or on preferences (DPO) with itself as the reference.

    \b
        koba align instruct --start runs/small --folder runs/sft
        koba align preferences --start runs/sft --per-token 0.01 --per-nll 1 --folder runs/dpo
    """
    # Imported here, for help must be quick.
    from trainer.align import align  # noqa: PLC0415
    from trainer.loss_bar import LossBar  # noqa: PLC0415
    from trainer.preference_loss import PreferenceLoss  # noqa: PLC0415
    from trainer.pretrain import tell  # noqa: PLC0415
    from trainer.settings import Settings  # noqa: PLC0415
    from trainer.start import start_at  # noqa: PLC0415

    settings = Settings(
        steps=steps, epochs=None if steps else epochs, batch=batch, length=length, learning_rate=learning_rate,
        warmup_steps=warmup_steps, weight_decay=0.0, seed=seed,
    )  # fmt: skip
    loss = PreferenceLoss(beta, per_token, per_gap, per_nll)
    with LossBar() as bar:
        made = align(
            open_store(store_url), datasets, settings, folder, start=start_at(start), loss=loss,
            save_every=save_every, on_step=bar.step,
        )  # fmt: skip
    if left_out := made.job.objective["left_out"]:
        click.echo(f"{left_out} rows are longer than {length} tokens, or have no reply: left out", err=True)
    tell(made, as_json)
