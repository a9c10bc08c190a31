"""Commands that look at datasets. None of them knows where rows come from.

Each imports what it needs when it runs: help must be quick.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from manifests.options import Command, echo_json, json_option, store_option

if TYPE_CHECKING:
    from manifests.lookup import Found
    from manifests.store import Store

COMMANDS: list[click.Command] = []


def command(name: str) -> Callable[[Callable[..., None]], click.Command]:
    """Make a function a command of `koba`."""

    def add(function: Callable[..., None]) -> click.Command:
        made = click.command(name, cls=Command)(store_option(function))
        COMMANDS.append(made)
        return made

    return add


def open_store(url: str) -> "Store":
    """Open the store that a command was given."""
    from manifests.store import Store

    return Store(url)


def find_row(store: "Store", row_id: str, within: str | None) -> "Found":
    """Find a row by id or prefix, in a version or in all of them."""
    from manifests.lookup import find

    return find(store, row_id, store.manifest(within) if within else None)


in_option = click.option("--in", "within", metavar="NAME", help="Look in this version only [default: in all].")


@command("ls")
@click.argument("name", required=False)
@json_option
def list_versions(name: str | None, store_url: str, as_json: bool) -> None:
    """List datasets and their versions."""
    from manifests import tables

    store = open_store(store_url)
    refs = [(ref, store.manifest(ref.manifest)) for ref in store.refs() if name in {None, ref.name}]
    if as_json:
        echo_json(
            [{"name": str(ref), "manifest": made.id, "rows": made.rows, "content": made.content} for ref, made in refs]
        )
    elif refs:
        tables.console().print(tables.versions(refs))
    else:
        click.echo("nothing yet; `koba quickstart` makes a first dataset", err=True)


@command("show")
@click.argument("name")
@click.argument("row_id", required=False)
@json_option
def show_version(name: str, row_id: str | None, store_url: str, as_json: bool) -> None:
    """Show a version: what made it and what it dropped; or one row of it, with its text on the way."""
    from manifests import tables
    from manifests.browse import show
    from manifests.funnel import funnel
    from manifests.lineage import recipe_chain
    from manifests.plain import plain

    store = open_store(store_url)
    manifest = store.manifest(name)
    if row_id:
        shown = show(store, manifest, find_row(store, row_id, name).row_id)
        if as_json:
            echo_json(shown.to_json())
        else:
            tables.print_row(shown)
    elif as_json:
        echo_json(plain(manifest) | {"id": manifest.id})
    else:
        tables.print_version(name, recipe_chain(store, manifest), funnel(store, manifest))


@command("sample")
@click.argument("name")
@click.option("-n", "rows", default=5, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=0, show_default=True)
@click.option("--dropped", is_flag=True, help="Rows that were dropped.")
@click.option("--reason", help="Rows dropped for this reason.")
@click.option("--language", help="Rows of this language.")
@click.option("--domain", help="Rows of this domain.")
@json_option
def sample_rows(
    name: str,
    rows: int,
    seed: int,
    dropped: bool,
    reason: str | None,
    language: str | None,
    domain: str | None,
    store_url: str,
    as_json: bool,
) -> None:
    """Show rows by chance: the same seed gives the same rows."""
    from manifests import tables
    from manifests.sampling import sample

    store = open_store(store_url)
    found = sample(
        store,
        store.manifest(name),
        rows,
        seed,
        dropped=dropped or bool(reason),
        reason=reason,
        language=language,
        domain=domain,
    )
    if as_json:
        echo_json([one.to_json() for one in found])
    else:
        tables.print_samples(found)


@command("grep")
@click.argument("pattern")
@click.argument("name")
@click.option("-F", "--fixed", is_flag=True, help="PATTERN is a text, no regular expression.")
@click.option("-i", "--ignore-case", is_flag=True)
@click.option("--limit", default=20, show_default=True)
@json_option
def grep_rows(
    pattern: str, name: str, fixed: bool, ignore_case: bool, limit: int, store_url: str, as_json: bool
) -> None:
    """Find rows by their text. Exits with 1 where there is none."""
    from manifests import tables
    from manifests.search import grep

    store = open_store(store_url)
    manifest = store.manifest(name)
    found = list(grep(store, manifest, pattern, fixed=fixed, ignore_case=ignore_case, limit=limit))
    if as_json:
        echo_json([match.to_json() for match in found])
    else:
        tables.print_matches(found)
    if not found:
        raise SystemExit(1)


@command("diff")
@click.argument("old")
@click.argument("new")
@click.option("--limit", default=20, show_default=True, help="Documents of each sort to show.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page instead.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 where the versions differ.")
@json_option
def diff_versions(
    old: str, new: str, limit: int, html: Path | None, exit_code: bool, store_url: str, as_json: bool
) -> None:
    """Compare two versions: documents with reasons, recipe, shards, statistics."""
    from manifests import tables
    from manifests.diff import diff

    made = diff(open_store(store_url), old, new)
    if html:
        from manifests.report.page import diff_page

        html.write_text(diff_page(made, old, new), encoding="utf-8")
        click.echo(html)
    elif as_json:
        echo_json(made.to_json(limit))
    else:
        tables.print_diff(made, old, new, limit)
    if exit_code and made.old.content != made.new.content:
        raise SystemExit(1)


@command("why")
@click.argument("row_id")
@in_option
@json_option
def why_row(row_id: str, within: str | None, store_url: str, as_json: bool) -> None:
    """Tell why a row was kept, changed or dropped: every rule, value and threshold."""
    from manifests import tables
    from manifests.explain import why

    store = open_store(store_url)
    found = find_row(store, row_id, within)
    story = why(store, found.row_id, found.manifest)
    if as_json:
        echo_json(story.to_json())
    else:
        tables.print_story(story)


@command("what-if")
@click.argument("name")
@click.option("--rule", required=True, help="A rule's reason, such as gopher/few_words.")
@click.option("--threshold", required=True, type=float)
@json_option
def what_if_threshold(name: str, rule: str, threshold: float, store_url: str, as_json: bool) -> None:
    """Tell what another threshold would change, from recorded values: nothing is run."""
    from manifests.answer import sentence
    from manifests.what_if import what_if

    store = open_store(store_url)
    answer = what_if(store, store.manifest(name), rule, threshold)
    if as_json:
        echo_json(answer.to_json())
    else:
        click.echo(sentence(answer))
