"""`koba clusters`: which rows were dropped for which others, how they differ, and what would come back."""

import click

from manifests.commands import command, open_store
from manifests.options import echo_json, json_option

CLUSTERS = 3


@command("clusters")
@click.argument("name")
@click.option("--reason", help="Rows dropped for this reason only, such as minhash/near_duplicate.")
@click.option("-n", "most", default=CLUSTERS, show_default=True, type=click.IntRange(0), help="Clusters of each sort.")
@click.option("--seed", default=0, show_default=True, help="For those that are shown by chance.")
@click.option("--threshold", type=float, help="Tell what would come back at this threshold.")
@json_option
def show_clusters(
    name: str, reason: str | None, most: int, seed: int, threshold: float | None, store_url: str, as_json: bool
) -> None:
    """Show which rows of NAME were dropped for being the same as another one or near it, and the words they differ in.

    koba clusters web --reason minhash/near_duplicate --threshold 0.9
    """
    from manifests import twin_tables  # noqa: PLC0415 - help must be quick
    from manifests.twin_groups import read_clusters  # noqa: PLC0415 - help must be quick
    from manifests.twin_thresholds import at_threshold, chances, notes  # noqa: PLC0415 - help must be quick
    from manifests.twins import Twins  # noqa: PLC0415 - help must be quick

    store = open_store(store_url)
    manifest = store.manifest(name)
    twins = Twins.of(store, manifest)
    twins = twins.only(reason) if reason else twins
    largest = read_clusters(store, manifest, twins, twins.clusters["survivor"].head(most).to_list())
    by_chance = read_clusters(store, manifest, twins, twins.by_chance(most, seed))
    returns = at_threshold(store, manifest, twins, threshold, reason) if threshold is not None else []
    samples = [read_clusters(store, manifest, one.twins, one.twins.by_chance(most, seed)) for one in returns]
    told = {
        "manifest": manifest.id,
        "rows": len(twins.lines),
        "chars": int(twins.lines["chars"].sum()),
        "clusters": len(twins.clusters),
        "sizes": twins.sizes(),
        "reasons": twins.by_reason(),
        "chances": chances(twins),
        "notes": notes(store, manifest),
    }
    if as_json:
        shown = {
            "largest": [cluster.to_json() for cluster in largest],
            "by_chance": [cluster.to_json() for cluster in by_chance],
            "returns": [
                {**one.answer.to_json(), "by_chance": [cluster.to_json() for cluster in some]}
                for one, some in zip(returns, samples, strict=True)
            ],
        }
        echo_json(told | shown)
    elif told["rows"]:
        twin_tables.print_numbers(name, told)
        twin_tables.print_clusters("The largest", largest)
        twin_tables.print_clusters("By chance", by_chance)
        twin_tables.print_returns(returns, samples)
    else:
        click.echo(f"{name}: no row was dropped for another one")
