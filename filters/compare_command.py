"""`koba compare`: sets of rules on the same documents. Importing this module makes it one of `manifests.commands`."""

import click

from manifests.commands import command, open_store
from manifests.options import echo_json, json_option


@command("compare")
@click.argument("name")
@click.option(
    "--sets",
    "names",
    default="swallow-v1,swallow-v2,hojichar",
    show_default=True,
    help="Sets of rules, by commas; one may be several joined by '+'.",
)
@click.option("--limit", default=1_000, show_default=True, type=click.IntRange(0), help="Documents by chance; 0: all.")
@click.option("--language", help="Documents of this language only, such as ja.")
@click.option("--seed", default=0, show_default=True, help="Another seed gives other documents.")
@click.option("--examples", default=3, show_default=True, type=click.IntRange(0), help="For each way a pair differs.")
@json_option
def compare_sets(
    name: str,
    names: str,
    limit: int,
    language: str | None,
    seed: int,
    examples: int,
    store_url: str,
    as_json: bool,
) -> None:
    """Compare sets of rules on the documents of a dataset: what each keeps, where they differ, and why."""
    from filters.compare import compare  # noqa: PLC0415 (help must be quick)
    from filters.compare_table import print_comparison  # noqa: PLC0415
    from filters.sets import named  # noqa: PLC0415
    from manifests.view import View  # noqa: PLC0415

    store = open_store(store_url)
    sets = {one: named(one) for part in names.split(",") if (one := part.strip())}
    view = View(store, store.manifest(name))
    made = compare(view, sets, limit or None, language=language, seed=seed, examples=examples)
    if as_json:
        echo_json(made.to_json())
    else:
        print_comparison(made)
