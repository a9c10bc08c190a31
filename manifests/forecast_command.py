"""`koba forecast`: what a whole crawl would take, from the run of a sample."""

import os
from typing import TYPE_CHECKING

import click

from manifests.commands import command, open_store
from manifests.options import echo_json, json_option

if TYPE_CHECKING:
    from manifests.forecast import Estimate, Forecast


@command("forecast")
@click.argument("name")
@click.option("--files", type=click.IntRange(1), help="Files of the whole crawl, such as those of the sample.")
@click.option("--bytes", "size_bytes", type=click.FloatRange(1), help="Or its bytes, such as 8e13.")
@click.option("--cores", type=click.IntRange(1), default=os.cpu_count() or 1, show_default=True)
@json_option
def forecast_crawl(
    name: str, files: int | None, size_bytes: float | None, cores: int, store_url: str, as_json: bool
) -> None:
    """Tell time, disk, memory and rows of a whole crawl from NAME, a dataset made of a sample of its files.

    koba forecast web-sample --files 90000 --cores 64
    """
    from manifests.forecast import forecast  # noqa: PLC0415 - help must be quick
    from manifests.plain import plain  # noqa: PLC0415 - help must be quick

    store = open_store(store_url)
    found = forecast(store, store.manifest(name), files=files, size_bytes=size_bytes, cores=cores)
    if as_json:
        echo_json(plain(found))
    else:
        _print(found)


def _print(found: "Forecast") -> None:
    from manifests import tables  # noqa: PLC0415 - help must be quick
    from manifests.wording import size  # noqa: PLC0415 - help must be quick

    files, told = found.sample_files, found.files
    rows = [
        ("files", f"{files:,}", f"{told:,.0f}", ""),
        ("read", size(found.sample_bytes), size(found.bytes), ""),
        _line("core-hours", found.core_hours),
        _line(f"hours on {found.cores} cores", found.hours),
        *([("memory", "", size(found.memory_bytes), "")] if found.memory_bytes else []),
        _line("disk", found.disk_bytes, in_bytes=True),
        _line("rows", found.rows),
        _line("characters", found.characters),
        *([_line("tokens", found.tokens)] if found.tokens else []),
    ]
    out = tables.console()
    out.print(tables.table("what", "#sample", "#forecast", "#95 % interval", rows=rows))
    if found.core_hours.low is None:
        click.echo("no interval of time: there is one file, or the run did not record the time of each", err=True)
    if found.tokens is None:
        click.echo("tokens were not counted: end the recipe with CountTokens", err=True)


def _line(what: str, estimate: "Estimate", *, in_bytes: bool = False) -> tuple[str, str, str, str]:
    from manifests.wording import size  # noqa: PLC0415 - help must be quick

    low, high = estimate.low, estimate.high
    show = size if in_bytes else _rounded
    interval = f"{show(low)} to {show(high)}" if low is not None and high is not None else ""
    return what, show(estimate.sample), show(estimate.expected), interval


def _rounded(value: float) -> str:
    """Return a number with three digits that count."""
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100 else f"{value:.3g}"
