"""`koba contamination`: which rows were dropped for which items of benchmarks, or whether any row holds one."""

import click

from manifests.commands import command, open_store
from manifests.options import echo_json, json_option

ITEMS = 10
SHOWN_CHARS = 160


@command("contamination")
@click.argument("name")
@click.option("-n", "most", default=5, show_default=True, type=click.IntRange(0), help="Rows to show with their texts.")
@click.option("--against", multiple=True, metavar="REF", help="Check NAME: fail where a row holds an item of REF.")
@json_option
def show_contamination(name: str, most: int, against: tuple[str, ...], store_url: str, as_json: bool) -> None:
    """Show which rows of NAME were dropped for which items of benchmarks, and what text they share.

    koba contamination web-clean -n 10

    Or check a version whose recipe did not look: koba contamination web --against humaneval.jsonl#prompt
    """
    if against:
        _check(name, against, store_url, as_json)
        return
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


def _check(name: str, against: tuple[str, ...], store_url: str, as_json: bool) -> None:
    """Say that a version holds no item. Raises BadRow where it does."""
    from dedup.clean import Uncontaminated  # noqa: PLC0415 - help must be quick
    from dedup.decontaminate import Decontaminate  # noqa: PLC0415 - help must be quick

    store = open_store(store_url)
    manifest = store.manifest(name)
    Uncontaminated(Decontaminate(against))(store, manifest)
    if as_json:
        echo_json({"manifest": manifest.id, "rows": manifest.rows, "against": list(against), "held": 0})
    else:
        click.echo(f"{name}: none of {manifest.rows:,} rows holds an item of {', '.join(against)}")
