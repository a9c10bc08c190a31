"""What the commands print: tables and lines for people. Text of crawls is made safe before it is shown."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from manifests.diff import Diff
from manifests.funnel import StepStat
from manifests.manifest import Manifest
from manifests.store import Ref
from manifests.story import Story, sentence
from manifests.terminal import safe
from manifests.wording import judged, number

ID_DIGITS = 12  # of an id that people see; `--json` has it whole
_URL_CELLS = 70
_MARKS = {"removed": ("-", "red"), "added": ("+", "green"), "changed": ("~", "yellow")}


def console() -> Console:
    """Return where tables go: stdout, without colour where it is no terminal."""
    return Console(highlight=False, soft_wrap=True)


def table(*columns: str, rows: Iterable[Sequence[Any]]) -> Table:
    """Return a plain table; a column whose name begins with "#" is right-aligned."""
    made = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        made.add_column(column.lstrip("#"), justify="right" if column.startswith("#") else "left", overflow="fold")
    for row in rows:
        made.add_row(*[cell if isinstance(cell, Text) else Text(_cell(cell)) for cell in row])
    return made


def versions(refs: Sequence[tuple[Ref, Manifest]]) -> Table:
    """Return one line for each version of a name."""
    rows = (
        (str(ref), made.kind, made.rows, made.chars, size(made.size), made.id[:ID_DIGITS], made.content[:ID_DIGITS])
        for ref, made in refs
    )
    return table("name", "kind", "#rows", "#characters", "#size", "manifest", "content", rows=rows)


def funnel(steps: Sequence[StepStat]) -> Table:
    """Return one line for each step of a recipe."""
    rows = ((s.stage, s.rows_in, s.kept, s.dropped, s.altered, s.derived, _reasons(s.reasons)) for s in steps)
    return table("step", "#in", "#kept", "#dropped", "#altered", "#new", "reasons", rows=rows)


def print_diff(made: Diff, old: str, new: str, limit: int) -> None:
    """Print how two versions differ: recipe, counts, reasons, documents."""
    out = console()
    rows = made.rows
    out.print(Text.assemble((f"{old} → {new}: ", "bold"), f"{rows.removed:,} removed, {rows.added:,} added, "
                            f"{rows.changed:,} changed, {rows.unchanged:,} unchanged"))  # fmt: skip
    for line in (*made.recipe, *made.thresholds):
        out.print(Text(f"  {line}"))
    shards = made.shards
    out.print(Text(f"  shards: {shards.shared} shared, {shards.removed} removed, {shards.added} added"))
    for what, counts in made.reasons.items():
        for reason, count in counts.items():
            mark, colour = _MARKS[what]
            out.print(Text(f"{mark} {count:>7,}  {reason}", style=colour))
    for column in ("language", "domain"):
        groups = made.groups(column).head(5).to_dicts()
        told = [f"{safe(row['group'] or '(none)', 40)} {row['rows']:+,}" for row in groups if row["rows"]]
        if told:
            out.print(Text(f"  by {column}: {', '.join(told)}"))
    out.print()
    for change in made.changes(limit=limit):
        mark, colour = _MARKS[change.what]
        out.print(Text.assemble((f"{mark} ", colour), change.row.hex[:ID_DIGITS], f" {_why(change)}"))
        out.print(Text(f"    {safe(change.row.url or change.row.source, _URL_CELLS)}", style="dim"))


def print_story(story: Story) -> None:
    """Print what every step did to a row."""
    out = console()
    out.print(Text.assemble((story.row_id.hex(), "bold"), f" {safe(story.url or '', _URL_CELLS)}"))
    out.print(Text(safe(sentence(story)), style="green" if story.kept else "red"))
    for step in story.steps:
        out.print(Text.assemble(f"{step.number:>3}  {step.title}: ", (step.outcome, "dim")))
        for check in step.checks:
            out.print(Text(f"       {'✓' if check.passed else '✗'} {judged(check.rule, check.value)}"))
        for line in step.changes:
            out.print(Text(f"       {safe(line, _URL_CELLS)}", style="dim"))
        if step.twin:
            out.print(Text(f"       in its place: {step.twin.id.hex()} {safe(step.twin.url or '', _URL_CELLS)}"))
            out.print(Text(f"         {safe(step.twin.excerpt, _URL_CELLS)}", style="dim"))
    for parent in story.parents:
        out.print(Text(f"  made from {parent.id.hex()}: {safe(parent.sentence)}"))


def size(size_bytes: float) -> str:
    """Return bytes as people read them."""
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 1000:
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.3g} TB"


def _why(change: Any) -> str:
    if change.value is None:
        told = change.reason
    elif change.threshold is None:
        told = f"{change.reason}: {number(change.value)}"
    else:
        told = f"{change.reason}: {number(change.value)}, threshold {number(change.threshold)}"
    told = f"{change.stage}: {told}" if change.stage else told
    fields = f" ({', '.join(change.fields)})" if change.fields else ""
    return f"{told}{fields}" + (f", in its place {change.twin.hex()[:ID_DIGITS]}" if change.twin else "")


def _reasons(reasons: dict[str, int]) -> str:
    return ", ".join(f"{reason} {rows:,}" for reason, rows in sorted(reasons.items(), key=lambda item: -item[1]))


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
