"""`koba contamination`: which rows were dropped for which items of benchmarks."""

import click

from manifests.commands import command, open_store
from manifests.options import echo_json, json_option

ITEMS = 10
SHOWN_CHARS = 160


@command("contamination")
@click.argument("name")
@click.option("-n", "most", default=5, show_default=True, type=click.IntRange(0), help="Rows to show with their texts.")
@json_option
def show_contamination(name: str, most: int, store_url: str, as_json: bool) -> None:
    """Show which rows of NAME were dropped for which items of benchmarks, and what text they share.

    koba contamination web-clean -n 10
    """
    from dedup.contamination import contamination  # noqa: PLC0415 - help must be quick
    from manifests.tables import console, table  # noqa: PLC0415 - help must be quick
    from manifests.terminal import safe  # noqa: PLC0415 - help must be quick

    store = open_store(store_url)
    found = contamination(store, store.manifest(name), most)
    items = [(item.hex(), rows) for item, rows in found.items.most_common(ITEMS)]
    if as_json:
        shown = [one.to_json() for one in found.shown]
        echo_json({"rows": found.rows, "reasons": found.reasons, "items": dict(items), "shown": shown})
        return
    reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in sorted(found.reasons.items()))
    click.echo(f"{found.rows:,} rows dropped for {len(found.items):,} items{': ' if reasons else ''}{reasons}")
    if items:
        console().print(table("item", "#rows", rows=items))
    for one in found.shown:
        click.echo(f"\n{one.row_id.hex()} {safe(one.url or '', SHOWN_CHARS)}\n  {one.reason} {one.value:.4g}")
        click.echo(f"  shared  {safe(one.shared, SHOWN_CHARS)}\n  item    {safe(one.item, SHOWN_CHARS)}")
