"""What the commands print: tables and lines for people. Text of crawls is made safe before it is shown."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from manifests.browse import Shown
from manifests.diff import Diff
from manifests.forget import Forgotten
from manifests.funnel import StepStat
from manifests.manifest import Artifact, Manifest
from manifests.plain import plain
from manifests.provenance import Receipt, Trace
from manifests.sampling import Sampled
from manifests.search import Match
from manifests.store import Ref
from manifests.story import StepStory, Story, sentence
from manifests.terminal import safe
from manifests.texts import readable
from manifests.token_count import counted
from manifests.wording import judged, number, position, size

ID_DIGITS = 12  # of an id that people see; `--json` has it whole
_URL_CELLS = 70
_SAMPLE_CHARS = 300
_PIPED_CELLS = 160
_MARKS = {"removed": ("-", "red"), "added": ("+", "green"), "changed": ("~", "yellow")}


def console() -> Console:
    """Return where tables go: stdout; without colour, and wide, where that is no terminal."""
    return Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _PIPED_CELLS)


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
        _print_step(out, step)
    for parent in story.parents:
        out.print(Text(f"  made from {parent.id.hex()}: {safe(parent.sentence)}"))
    several = len({one.part for one in story.candidates}) > 1
    for one in story.candidates:
        mark = "✗" if one.reason else "✓"
        mine = " (this one)" if one.id == story.row_id else ""
        out.print(Text(f"  {f'part {one.part}, ' * several}candidate {one.number} {one.id.hex()[:ID_DIGITS]}{mine}"))
        out.print(Text(f"       {mark} {safe(one.sentence)}", style="red" if one.reason else "green"))
        if one.reason and one.measured:
            out.print(Text(f"         {_measured(one.measured)}", style="dim"))
        if one.excerpt:
            out.print(Text(f"         {safe(one.excerpt, _URL_CELLS)}", style="dim"))


def _print_step(out: Console, step: StepStory) -> None:
    out.print(Text.assemble(f"{step.number:>3}  {step.title}: ", (step.outcome, "dim")))
    for check in step.checks:
        told = f"{check.rule.reason}: not measured" if check.value is None else judged(check.rule, check.value)
        out.print(Text(f"       {'✓' if check.passed else '✗'} {told}"))
    if step.measured:
        out.print(Text(f"       {_measured(step.measured)}", style="dim"))
    for line in step.changes:
        out.print(Text(f"       {safe(line, _URL_CELLS)}", style="dim"))
    if step.decision and step.decision.place:
        out.print(Text(f"       read from {step.decision.place}"))
    if step.cut:
        out.print(Text(f"       {step.cut.reason}: {step.cut.value:.0%} of its characters were taken out"))
    if step.twin:
        stays = "kept by" if step.cut else "in its place:"
        out.print(Text(f"       {stays} {step.twin.id.hex()} {safe(step.twin.url or '', _URL_CELLS)}"))
        out.print(Text(f"         {safe(step.twin.excerpt, _URL_CELLS)}", style="dim"))


def _measured(values: Mapping[str, float]) -> str:
    return ", ".join([f"{safe(name)} {number(value)}" for name, value in sorted(values.items())])


def print_version(name: str, parts: Sequence[Manifest], steps: Sequence[StepStat]) -> None:
    """Print what a version is, what wrote it and what its recipe did; `parts` are that of the recipe, itself last."""
    out, manifest = console(), parts[-1]
    if manifest.artifact:
        _print_artifact(name, manifest, manifest.artifact)
        return
    out.print(Text.assemble((name, "bold"), f": {manifest.rows:,} {manifest.kind} rows, {manifest.chars:,} characters, "
                            f"{len(manifest.entries)} shards, {size(manifest.size)}"))  # fmt: skip
    out.print(Text(f"manifest {manifest.id}\ncontent  {manifest.content}"))
    if manifest.tokens:
        out.print(
            Text(f"tokens   {manifest.tokens:,} ({safe(str(counted(parts) or 'counted elsewhere'), _URL_CELLS)})")
        )
    for licence, rows in manifest.licences.items():
        out.print(Text(f"licence  {safe(licence, _URL_CELLS)}: {rows:,} rows"))
    for column in ("model", "prompt"):
        found = {one: digest for part in parts for one, digest in getattr(part, f"{column}s").items()}
        for one, digest in found.items():
            out.print(Text(f"{column:<8} {safe(one, _URL_CELLS)}: {digest[:ID_DIGITS]}"))
    if steps:
        out.print()
        out.print(funnel(steps))


def _print_artifact(name: str, manifest: Manifest, artifact: Artifact) -> None:
    out = console()
    out.print(Text.assemble((name, "bold"), f": {manifest.kind}, {len(artifact.files)} files, {size(manifest.size)}"))
    digests = {
        "manifest": manifest.id,
        "content": manifest.content,
        "weights": artifact.weights,
        "tokenizer": artifact.tokenizer,
        "template": artifact.chat_template,
    }
    for what, digest in digests.items():
        out.print(Text(f"{what:<9} {digest or 'none'}"))
    out.print(Text(f"{'licence':<9} {safe(artifact.licence, _URL_CELLS)}"))
    for source in manifest.sources:
        out.print(Text(f"{'source':<9} {safe(source.file, None)} ({size(source.size)}, sha256 {source.digest})"))
    out.print()
    rows = ((file.name, size(file.size), file.digest) for file in artifact.files)
    out.print(table("file", "#size", "sha256", rows=rows))


def print_row(shown: Shown) -> None:
    """Print one row: its story, its columns, its text on the way."""
    print_story(shown.story)
    out = console()
    for column, value in plain(shown.row).items() if shown.row else ():
        if column not in {"id", "text", "messages", "prompt", "chosen", "rejected", "input_ids"} and value:
            out.print(Text(f"{column:>15}  {safe(str(value), _URL_CELLS)}", style="dim"))
    for place, at in enumerate(shown.texts):
        last = place == len(shown.texts) - 1
        out.print(Text(f"\nafter {at.title}" if at.number else "\nas it was read", style="bold"))
        for line in at.diff if at.diff and not last else ():
            out.print(Text(safe(line), style={"+": "green", "-": "red"}.get(line[:1], "")))
        if last:
            out.print(Text(safe(at.text)))


def print_samples(found: Sequence[Sampled]) -> None:
    """Print rows with the beginning of their text."""
    out = console()
    for one in found:
        url = safe((one.row.url or one.row.source) if one.row else one.domain or "", _URL_CELLS)
        chars = f", {one.chars:,} characters" if one.chars is not None else ""
        out.print(Text.assemble((one.row_id.hex(), "bold"), f" {one.language or '??'}{chars} {url}"))
        if one.decision:
            told = [number(value) for value in (one.decision.value, one.decision.threshold) if value is not None]
            out.print(Text(f"  dropped by {one.title}: {one.decision.reason} {' against '.join(told)}", style="red"))
            if one.decision.place:
                out.print(Text(f"  read from {one.decision.place}", style="dim"))
        if one.row:
            text = readable(one.row.payload()[: 4 * _SAMPLE_CHARS], one.row.kind) if one.row.kind == "document" else ""
            out.print(Text(f"  {safe(text or readable(one.row.payload(), one.row.kind), _SAMPLE_CHARS)}", style="dim"))


def print_matches(found: Sequence[Match]) -> None:
    """Print where a pattern was found."""
    out = console()
    for match in found:
        start, end = match.start - match.excerpt_start, match.end - match.excerpt_start
        parts = [
            safe(match.excerpt[:start], None),
            safe(match.excerpt[start:end], None),
            safe(match.excerpt[end:], None),
        ]
        before, hit, after = (part.replace("\n", " ") for part in parts)
        more = f" (+{match.more})" if match.more else ""
        out.print(
            Text.assemble((match.row_id.hex()[:ID_DIGITS], "bold"), f" {safe(match.url or '', _URL_CELLS)}{more}")
        )
        out.print(Text.assemble("  ", before, (hit, "bold red"), after))


def print_forgotten(done: Forgotten) -> None:
    """Print what a takedown did, and what it left alone."""
    out = console()
    out.print(Text(f"{len(done.removed)} rows taken down, {len(done.manifests)} manifests rewritten"))
    for ref in done.refs:
        out.print(Text(f"  {ref} is {ref.manifest[:ID_DIGITS]} now"))
    for name, ids in (("made from it", done.descendants), ("dropped as its copies", done.twins)):
        for row_id in ids if name != "made from it" else [one for one in ids if one not in done.removed]:
            out.print(Text(f"  {name}, and still there: {row_id}", style="yellow"))
    out.print(Text(f"{len(done.purged)} objects deleted" if done.purged else "`koba gc --delete` removes its bytes"))


def print_trace(way: Trace, depth: int = 0) -> None:
    """Print the way back of a row, its parents indented below it."""
    out = console()
    indent = "  " * depth
    made = f", made by {way.made_by}" if way.made_by else ""
    out.print(Text.assemble(indent, (way.row_id.hex(), "bold"), f" {safe(way.url or '', _URL_CELLS)}{made}"))
    for call in way.calls:
        told = "not in the cache of calls" if call.tokens_in is None else _call(call)
        out.print(Text(f"{indent}  call {call.key.hex()[:ID_DIGITS]}: {told}"))
    if way.manifests:
        out.print(Text(f"{indent}  in {' ← '.join(one[:ID_DIGITS] for one in reversed(way.manifests))}"))
    if way.origin:
        origin = way.origin
        length = f", {origin.length:,} bytes" if origin.length else ""
        out.print(Text(f"{indent}  from {position(origin.file, origin.offset)}{length}"))
        if origin.digest:
            out.print(Text(f"{indent}  payload {safe(origin.digest, _URL_CELLS)}"))
    if way.source:
        out.print(Text(f"{indent}  file sha256:{way.source.digest} ({size(way.source.size)})"))
    if way.reading:
        colour = "green" if way.reading.outcome == "equal" else "red"
        out.print(Text(f"{indent}  read again: {safe(way.reading.message)}", style=colour))
    for parent in way.parents:
        print_trace(parent, depth + 1)
    if way.more_parents:
        out.print(Text(f"{indent}  and {way.more_parents} more parents"))


def _call(call: Receipt) -> str:
    return f"{call.tokens_in:,} tokens in, {call.tokens_out:,} out, finished by {call.finish_reason}"


def _why(change: Any) -> str:
    value = f"{'similarity ' if change.twin else ''}{number(change.value)}" if change.value is not None else ""
    told = f"{change.reason}: {value}" if value else change.reason
    told += f", threshold {number(change.threshold)}" if value and change.threshold is not None else ""
    told = f"{change.stage}: {told}" if change.stage else told
    fields = f" ({', '.join(change.fields)})" if change.fields else ""
    return f"{told}{fields}{_in_its_place(change)}"


def _in_its_place(change: Any) -> str:
    if not change.twin:
        return ""
    twin = change.twin.hex()[:ID_DIGITS]
    if not change.survivor:
        return f", in its place {twin}"
    return f" with {twin}, which went too; in their place {change.survivor.hex()[:ID_DIGITS]}"


def _reasons(reasons: dict[str, int]) -> str:
    return ", ".join(f"{reason} {rows:,}" for reason, rows in sorted(reasons.items(), key=lambda item: -item[1]))


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
