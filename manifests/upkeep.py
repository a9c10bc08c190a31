"""Commands that look after a store: names, takedowns, checks, collection, and data in and out."""

from pathlib import Path

import click

from manifests.commands import command, find_row, open_store
from manifests.options import echo_json, json_option


@command("forget")
@click.argument("row_id")
@click.option("--descendants", is_flag=True, help="Take down the rows that were made from it too.")
@click.option("--purge", is_flag=True, help="Delete its bytes now, not with the next gc.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def forget_row(row_id: str, descendants: bool, purge: bool, yes: bool, store_url: str, as_json: bool) -> None:
    """Take a row down: out of every version, never to be made again."""
    from manifests import tables
    from manifests.forget import forget
    from manifests.plain import plain

    store = open_store(store_url)
    found = find_row(store, row_id, None)
    if not yes:
        click.confirm(f"Take down row {found.row_id.hex()} in every version of {store_url}?", abort=True, err=True)
    done = forget(store, found.row_id, descendants=descendants, purge=purge)
    if as_json:
        echo_json(plain(done))
    else:
        tables.print_forgotten(done)


@command("fsck")
@click.option("--deep", is_flag=True, help="Read and check every byte.")
@click.option("--repair", is_flag=True, help="Remove damaged objects, so that they are made again.")
@json_option
def check_store(deep: bool, repair: bool, store_url: str, as_json: bool) -> None:
    """Check that a store is whole. Exits with 2 where it is not."""
    from manifests.check import fsck
    from manifests.plain import plain

    problems = fsck(open_store(store_url), deep=deep, repair=repair)
    if as_json:
        echo_json(plain(problems))
    for problem in problems if not as_json else ():
        click.echo(str(problem))
    if not problems:
        click.echo(f"{store_url}: no problem found", err=True)
    elif not all(problem.repaired for problem in problems):
        raise SystemExit(2)


@command("gc")
@click.option("--delete", is_flag=True, help="Delete what is found; without it, nothing is touched.")
@click.option("--grace-hours", default=24.0, show_default=True, help="Keep everything younger than this.")
@json_option
def collect_garbage(delete: bool, grace_hours: float, store_url: str, as_json: bool) -> None:
    """Find, and with --delete remove, what no name leads to."""
    from manifests.collect import gc
    from manifests.plain import plain
    from manifests.wording import size

    found = gc(open_store(store_url), grace_s=grace_hours * 3600, delete=delete)
    if as_json:
        echo_json(plain(found))
        return
    done = "deleted" if delete else "would be deleted (--delete does it)"
    click.echo(f"{len(found.garbage):,} objects, {size(found.size_bytes)} {done}; {found.kept:,} stay")
    for key in found.foreign:
        click.echo(f"not ours, left alone: {key}", err=True)


@command("tag")
@click.argument("name")
@click.argument("version")
def tag_version(name: str, version: str, store_url: str) -> None:
    """Make VERSION (a name, name@n or id) the next version of NAME."""
    store = open_store(store_url)
    click.echo(store.tag(name, store.resolve(version)))


@command("import")
@click.argument("files", nargs=-1, required=True)
@click.option("--tag", metavar="NAME", help="Name of the dataset [default: that of the first file].")
@click.option(
    "--kind", type=click.Choice(["document", "conversation", "preference", "tokens"]), help="[default: found]"
)
@click.option("--text", default="text", show_default=True, metavar="COLUMN", help="Where a document's text stands.")
@click.option("--drop", multiple=True, metavar="COLUMN", help="A column to leave out; others become labels.")
@json_option
def import_data(
    files: tuple[str, ...],
    tag: str | None,
    kind: str | None,
    text: str,
    drop: tuple[str, ...],
    store_url: str,
    as_json: bool,
) -> None:
    """Make a dataset of JSONL, Parquet or Hugging Face FILES (paths, globs, folders)."""
    from manifests.exchange import import_files
    from manifests.program import tell
    from manifests.progress import Bars

    name = tag or _name_of(files[0])
    with Bars() as bars:
        store = open_store(store_url)
        done = import_files(files, store=store, tag=name, kind=kind, text=text, drop=drop, watcher=bars)
    tell(done, as_json=as_json)


@command("export")
@click.argument("name")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--format", "layout", default="hf", show_default=True, type=click.Choice(["hf", "jsonl", "parquet", "trl"])
)
@click.option("--overwrite", is_flag=True, help="Replace a folder that no export of ours wrote.")
@json_option
def export_data(name: str, folder: Path, layout: str, overwrite: bool, store_url: str, as_json: bool) -> None:
    """Write a version to FOLDER as files that others read."""
    from manifests.exchange import export
    from manifests.plain import plain

    done = export(open_store(store_url), name, folder, layout=layout, overwrite=overwrite)
    if as_json:
        echo_json(plain(done) | {"folder": str(done.folder)})
    else:
        click.echo(done.folder)


def _name_of(file: str) -> str:
    stem = Path(file).name.split(".")[0].lower()
    return "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in stem).strip("-._") or "data"
