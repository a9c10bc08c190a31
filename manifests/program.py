"""A dataset's file as a command: its options are those of its `recipe()`, and those of `run`.

    main = program(recipe, WarcFiles.find, default_source="downloads/*.warc.gz")

    if __name__ == "__main__":
        main()

The same object is a script for `ray job submit`, and `koba run NAME`. Stdout is the new id, all else goes to stderr.
"""

import inspect
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from manifests import cluster
from manifests.errors import BadSource
from manifests.licences import Licences
from manifests.lineage import recipe_chain
from manifests.options import Command, echo_json, json_option, signature_options, store_option
from manifests.overlay import Overlay
from manifests.progress import Bars, Gauge
from manifests.run import Run, run
from manifests.stage import Map, Recipe
from manifests.store import Store
from manifests.terminal import safe
from manifests.texts import readable
from manifests.transform import Source
from manifests.view import View

_NOT_WRAPPED = re.compile(r"\n\n(?=    |[a-z_]+/[a-z_]+ )")  # before examples, and reasons with what they mean
_LICENCES = "Refuse a version with rows under other licences (SPDX; CC-BY-* is any version, NOASSERTION none known)."


def program(
    recipe: Callable[..., Recipe],
    source: Callable[[Sequence[str]], Source | str],
    *,
    default_source: str,
    spread: Callable[[int | None], Map] = cluster.ray_map,
    gauge: Gauge | None = None,
    notes: Callable[[], Mapping[str, Any]] | None = None,
) -> Command:
    """Return the command that runs a recipe; `source` makes what the user typed into something to read.

    `spread` returns the `map` for so many workers, or for as many as there is room for; `gauge` knows how a unit goes,
    and `notes` says what the record of a run holds beside what that of any does.
    """
    name = Path(inspect.getfile(inspect.unwrap(recipe))).stem
    text = _NOT_WRAPPED.sub("\n\n\b\n", inspect.getdoc(inspect.getmodule(recipe)) or "")
    options = signature_options(recipe)

    def callback(sources: tuple[str, ...], store_url: str, tag: str | None, **given: Any) -> Run | None:
        shared = {key: given.pop(key) for key in ("limit", "workers", "preview", "licences", "as_json")}
        made = recipe(**given)
        read = source(sources or (default_source,))
        if shared["preview"]:
            _preview(made, read, store_url, shared["preview"])
            return None
        store = Store(store_url)
        over: Map = map if shared["workers"] == 1 else spread(shared["workers"])
        how = {"map": over, "tag": tag or made.name, "limit": shared["limit"], "notes": notes}
        how["checks"] = [Licences.of(shared["licences"])] if shared["licences"] else []
        with Bars(gauge=gauge) as bars:
            done = run(made, read, store=store, watcher=bars, **how)
        tell(done, as_json=shared["as_json"])
        return done

    run_options: list[click.Parameter] = [
        click.Argument(["sources"], nargs=-1, metavar="[SOURCE]..."),
        click.Option(["--tag"], metavar="NAME", help="Name of the dataset [default: the recipe's]."),
        click.Option(["--limit"], type=click.IntRange(1), help="Read only so many rows of the source."),
        click.Option(["--workers"], type=click.IntRange(1), help="Ray tasks at once; 1: no Ray [default: all cores]."),
        click.Option(["--preview"], type=click.IntRange(1), metavar="N", help="Show N rows; write nothing."),
        click.Option(["--licences"], metavar="A,B,...", help=_LICENCES),
    ]
    epilog = f"SOURCE: files, globs or URLs, or a dataset's name or id. Without any: {default_source}."
    command = Command(name, params=[*run_options, *options], callback=callback, help=text, epilog=epilog)
    store_option(json_option(command))
    return command


def dataset(names: Sequence[str]) -> str:
    """Return the one dataset that was named. Raises BadSource."""
    if len(names) != 1:
        raise BadSource(f"expected one dataset, found {len(names)}: {', '.join(names)}; merge them first")
    return names[0]


def tell(done: Run, *, as_json: bool) -> None:
    """Print the outcome of a run: the id to stdout, a sentence to stderr; or JSON."""
    if as_json:
        echo_json(summary(done))
    else:
        click.echo(_sentence(done), err=True)
        click.echo(done.manifest.id)


def summary(done: Run) -> dict[str, Any]:
    """Return the outcome of a run as plain JSON."""
    manifest = done.manifest
    return {
        "manifest": manifest.id,
        "ref": str(done.ref) if done.ref else None,
        "content": manifest.content,
        "rows": manifest.rows,
        "shards": len(manifest.entries),
        "made": done.made,
        "reused": done.reused,
        "seconds": round(done.seconds, 2),
    }


def _sentence(done: Run) -> str:
    name = str(done.ref) if done.ref else done.manifest.id[:12]
    written = f"{done.manifest.chars:,} characters, " if done.manifest.chars else ""  # conversations have no text
    return (
        f"{name}: {done.manifest.rows:,} rows, {written}"
        f"{len(done.manifest.entries)} shards; {done.made} units made, {done.reused} as before, {done.seconds:.1f} s"
    )


def _preview(recipe: Recipe, source: Source | str, store_url: str, rows: int) -> None:
    """Run on the first rows, with all that the store has at hand and without a trace in it."""
    store = Overlay(Store(store_url))
    done = run(recipe, source, store=store, limit=rows)
    for row in View(store, done.manifest):
        text = safe(readable(row.payload(), row.kind))
        click.echo(f"\n{row.hex} {row.language or '??'} {safe(row.url or row.source, 200)}\n{text}")
    given = recipe_chain(store, store.manifest(source)) if isinstance(source, str) else []
    refused: Counter[str] = Counter()
    for made in recipe_chain(store, done.manifest)[len(given) :]:
        for step in made.steps:
            refused.update(step.reasons)
    why = f" ({', '.join([f'{reason} {count}' for reason, count in refused.most_common()])})" if refused else ""
    click.echo(f"\n{done.manifest.rows} rows came through{why}; nothing was written to {store_url}", err=True)
