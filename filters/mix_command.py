"""`koba mix`: several datasets as one, by weights."""

from typing import TYPE_CHECKING

import click

from manifests.commands import command, open_store
from manifests.options import echo_json, json_option, weighted

if TYPE_CHECKING:
    from filters.marks import Of


@command("mix")
@click.argument("datasets", nargs=-1, required=True, metavar="DATASET[=WEIGHT]...")
@click.option(
    "--of",
    default="tokens",
    show_default=True,
    type=click.Choice(["rows", "chars", "tokens"]),
    help="What weights are of.",
)
@click.option("--size", type=click.IntRange(1), help="Of the mix [default: the most that reads nothing twice].")
@click.option("--seed", default=0, show_default=True, help="For which rows are taken.")
@click.option("--tag", metavar="NAME", help="Make it, under this name [default: only tell what it would be].")
@json_option
def mix_datasets(
    datasets: tuple[str, ...], of: "Of", size: int | None, seed: int, tag: str | None, store_url: str, as_json: bool
) -> None:
    """Tell how often each of several datasets is read in a mix by weights, or make it; nothing is copied.

    koba mix web-edu=3 code=1 --size 1000000000 --tag mix
    """
    from filters.mixing import FIELDS, mix, portions, warnings  # noqa: PLC0415 - help must be quick
    from manifests.tables import console, table  # noqa: PLC0415 - help must be quick

    store = open_store(store_url)
    parts = portions(store, weighted(datasets), size=size, of=of)
    for warning in warnings(parts):
        click.echo(f"warning: {warning}", err=True)
    made, ref = mix(store, parts, of=of, tag=tag, seed=seed) if tag else (None, None)
    if as_json:
        told = [{name: getattr(part, name) for name in FIELDS} for part in parts]
        echo_json({"of": of, "parts": told, "manifest": made.id if made else None, "ref": str(ref) if ref else None})
        return
    rows = [(part.name, f"{100 * part.share:.1f} %", part.size, part.taken, f"{part.epochs:.2f}") for part in parts]
    console().print(table("dataset", "#share", f"#{of}", "#taken", "#epochs", rows=rows))
    if made:
        click.echo(f"{ref}: {made.rows:,} rows, {made.id}")
