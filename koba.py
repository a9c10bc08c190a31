"""The `koba` command: datasets from crawls and models, every version compared, every row explained.

This is the only file that knows every package. What a command needs is imported when it runs, so that help is quick.
"""

import importlib
import re
from pathlib import Path

import click

from manifests.commands import COMMANDS, find_row, in_option, open_store
from manifests.options import Command, Group, echo_json, json_option, store_option

ROOT = Path(__file__).parent
PROGRAMS = ("corpus", "generators")  # packages whose files may be programs: those that define `recipe`


class Programs(Group):
    """The datasets that can be made: one for each file that defines `recipe()`."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return sorted(_programs())

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        module = _programs().get(name)
        made: click.Command | None = importlib.import_module(module).main if module else None
        return made

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, _first_line(module)) for name, module in sorted(_programs().items())]
        with formatter.section("Datasets"):
            formatter.write_dl(rows)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="koba")
def main() -> None:
    """Datasets from web crawls and models: versioned, compared, and explained row by row.

    A first round: koba quickstart
    """


@main.group("run", cls=Programs)
def run_program() -> None:
    """Make a dataset: `koba run NAME --help` shows its options."""


@main.command("trace", cls=Command)
@click.argument("row_id")
@in_option
@click.option("--warc", "warcs", multiple=True, metavar="PATH", help="Where its crawl file is, if it was moved.")
@store_option
@json_option
def trace_row(row_id: str, within: str | None, warcs: tuple[str, ...], store_url: str, as_json: bool) -> None:
    """Follow a row back to the WARC record it came from, read that again and compare."""
    from corpus.crawl import open_location
    from corpus.warc_pages import verify_origin

    raise NotImplementedError(
        find_row, open_store, open_location, verify_origin, row_id, within, warcs, store_url, as_json, echo_json
    )


def _programs() -> dict[str, str]:
    files = [path for package in PROGRAMS for path in sorted((ROOT / package).glob("*.py"))]
    return {
        path.stem: f"{path.parent.name}.{path.stem}"
        for path in files
        if re.search(r"^def recipe\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    }


def _first_line(module: str) -> str:
    text = (ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
    found = re.search(r'^(?:r?""")(.+)$', text, re.MULTILINE)
    return found[1].rstrip('"') if found else ""


for one in COMMANDS:
    main.add_command(one)

if __name__ == "__main__":
    main()
