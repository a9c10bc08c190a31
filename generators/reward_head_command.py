"""`koba reward-head`: a reward learnt from a dataset of pairs, on a CPU."""

from pathlib import Path
from tempfile import TemporaryDirectory

import click

from manifests.commands import command, open_store


@command("reward-head")
@click.argument("pairs")
@click.option("--encoder", default="models/minilm", show_default=True, help="Sentence model whose vectors it reads.")
@click.option("--length/--no-length", default=False, show_default=True, help="Let it see how long a reply is.")
@click.option("--penalty", default=30.0, show_default=True, help="What a squared weight costs, in pairs.")
@click.option("--licence", required=True, help="SPDX licence of the head.")
@click.option("--tag", default="models/reward-head", show_default=True, metavar="NAME", help="Name of the model.")
def reward_head(pairs: str, encoder: str, length: bool, penalty: float, licence: str, tag: str, store_url: str) -> None:
    """Learn from PAIRS which replies are better, and store what was learnt as a model.

    koba reward-head preferences --licence Apache-2.0
    """
    from generators.reward_training import trained  # noqa: PLC0415 - help must be quick
    from manifests.artifact import store_model  # noqa: PLC0415 - help must be quick

    store = open_store(store_url)
    with TemporaryDirectory() as folder:
        made = trained(store, pairs, encoder, Path(folder), length=length, penalty=penalty)
        manifest = store_model(store, Path(folder), licence=licence, parents=(store.resolve(pairs),))
    store.tag(tag, manifest.id)
    click.echo(f"{tag}: {made.pairs:,} pairs; {made.right:.1%} of them are told, which were seen", err=True)
    click.echo(manifest.id)
