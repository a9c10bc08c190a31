"""`koba scores`: the scores of a dataset's rows, by the values of a label."""

import click

from manifests.commands import command, open_store
from manifests.options import echo_json, json_option


@command("scores")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--by", help="A label such as style, or: language, source, licence  [default: all rows together].")
@click.option("--score", default="*", show_default=True, help="Scores of this name only; * stands for anything.")
@json_option
def show_scores(names: tuple[str, ...], by: str | None, score: str, store_url: str, as_json: bool) -> None:
    """Show the scores of the rows of one or more datasets: mean, median and the tenths at both ends, by a label.

    koba scores web-easy web-wiki --by style --score 'retention/*'
    """
    from manifests import tables  # noqa: PLC0415 - help must be quick
    from manifests.label_scores import score_lines  # noqa: PLC0415 - help must be quick
    from manifests.plain import plain  # noqa: PLC0415 - help must be quick

    store = open_store(store_url)
    lines = score_lines(store, [store.manifest(name) for name in names], by, score)
    if as_json:
        echo_json([plain(line) for line in lines])
        return
    cells = [
        (
            line.score,
            *([line.group or "(none)"] if by else []),
            line.rows,
            *[f"{value:.4g}" for value in (line.mean, line.low, line.middle, line.high)],
        )
        for line in lines
    ]
    columns = ("score", *([by] if by else []), "#rows", "#mean", "#10 %", "#median", "#90 %")
    tables.console().print(tables.table(*columns, rows=cells))
