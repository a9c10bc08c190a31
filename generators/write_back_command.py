"""`koba write-back`: replies that won against the given ones, put into the dataset that they answer."""

import click

from manifests.commands import command, open_store


@command("write-back")
@click.argument("name")
@click.argument("pairs")
@click.option("--margin", default=0.0, show_default=True, help="By which a reward has to be above the given reply's.")
@click.option("--tag", required=True, metavar="NAME", help="Name of the new version.")
def write_back(name: str, pairs: str, margin: float, tag: str, store_url: str) -> None:
    """Put what won in PAIRS into the conversations of NAME: one row of the new version for each row of the old one.

    koba write-back chats-answered preferences --margin 0.5 --tag chats-better
    """
    from generators.write_back import WriteBack  # noqa: PLC0415 - help must be quick
    from manifests.run import run  # noqa: PLC0415 - help must be quick
    from manifests.stage import Recipe  # noqa: PLC0415 - help must be quick

    store = open_store(store_url)
    done = run(Recipe("write-back", (WriteBack(pairs, margin),)), name, store=store, tag=tag)
    replaced = done.manifest.steps[1].derived
    click.echo(f"{replaced:,} of {done.manifest.rows:,} replies replaced", err=True)
    click.echo(done.manifest.id)
