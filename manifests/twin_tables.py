"""What `koba clusters` prints. Text of crawls is made safe before it is shown."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from manifests.answer import sentence
from manifests.tables import ID_DIGITS, console, table
from manifests.terminal import safe
from manifests.twin_groups import Cluster, Member
from manifests.twin_thresholds import Return
from manifests.word_diff import Piece
from manifests.wording import count, number

_URL_CELLS = 70
_EXCERPT_CELLS = 300
_STYLES = {"same": "", "out": "red strike", "in": "green", "skipped": "dim"}
_MARKS = {"out": ("[-", "-]"), "in": ("{+", "+}")}  # where there are no colours, as git has them


def print_numbers(name: str, told: dict[str, Any]) -> None:
    """Print how many rows were dropped for another one: by size of the cluster and by reason."""
    out = console()
    words = f": {count(told['rows'], 'row')} ({count(told['chars'], 'character')}) dropped for another one, in "
    out.print(Text.assemble((safe(name, _URL_CELLS), "bold"), words, count(told["clusters"], "cluster")))
    out.print()
    sizes = ([one[key] for key in ("size", "clusters", "rows", "chars")] for one in told["sizes"])
    out.print(table("#cluster of", "#clusters", "#rows dropped", "#characters", rows=sizes))
    out.print()
    reasons = (
        [
            one["title"],
            one["reason"],
            *(_number(one[key]) for key in ("threshold", "lowest")),
            one["rows"],
            one["chars"],
        ]
        for one in told["reasons"]
    )
    columns = ("step", "reason", "#threshold", "#least similarity", "#rows dropped", "#characters")
    out.print(table(*columns, rows=reasons))
    for step in told["chances"]:
        chances = ", ".join(f"{100 * chance:.6g} % at {number(alike)}" for alike, chance in step["chances"].items())
        words = (
            f"\nchance of {step['title']} ({step['bands']} bands of {step['rows']} rows) to find a pair of similarity"
        )
        out.print(Text(f"{words}: {chances}"))
    for note in told["notes"]:
        out.print(Text(safe(note, None), style="dim"))


def print_clusters(title: str, clusters: Sequence[Cluster]) -> None:
    """Print clusters, with what differs between the row that stays and some of the others."""
    out = console()
    if clusters:
        out.print(Text(f"\n{title}", style="bold"))
    for cluster in clusters:
        head = f" {_stays(cluster)} for {count(cluster.rows, 'row')} ({count(cluster.chars, 'character')})"
        out.print(Text.assemble((cluster.survivor.hex()[:ID_DIGITS], "green bold"), head, _address(cluster)))
        if cluster.excerpt is None:
            out.print(Text("  its text was never stored here", style="dim"))
        else:
            out.print(Text(f"  {safe(cluster.excerpt, _EXCERPT_CELLS)}", style="dim"))
        for member in cluster.members:
            out.print(Text.assemble("  ", (member.id.hex()[:ID_DIGITS], "red"), f" {_why(member)}", _address(member)))
            out.print(Text.assemble("    ", *_difference(member, out)))
        if cluster.rows > len(cluster.members):
            out.print(Text(f"  and {cluster.rows - len(cluster.members):,} more", style="dim"))


def print_returns(returns: Sequence[Return], samples: Sequence[Sequence[Cluster]]) -> None:
    """Print what would come back at another threshold, with samples."""
    out = console()
    for one, clusters in zip(returns, samples, strict=True):
        out.print(Text(f"\n{sentence(one.answer)}"))
        print_clusters("Of these, by chance", clusters)


def _stays(cluster: Cluster) -> str:
    if cluster.elsewhere:
        return f"stays, in {cluster.elsewhere[:ID_DIGITS]},"
    return "stays" if cluster.kept else f"does not stay ({safe(cluster.fate or '', _URL_CELLS)})"


def _why(member: Member) -> str:
    told = f"{member.title}: {member.reason}"
    if member.value is not None:
        told += f", similarity {number(member.value)}"
    if member.depth > 1:
        twin = member.twin.hex()[:ID_DIGITS]
        steps = "then" if member.depth == 2 else f"in {member.depth - 1} more steps"
        told += f" with {twin}, which {steps} went for this one"
    return told


def _difference(member: Member, out: Console) -> list[tuple[str, str]]:
    if member.difference is None:
        return [("its text or the other one was never stored", "dim")]
    return [_piece(piece, out) for piece in member.difference] or [("the same text", "dim")]


def _piece(piece: Piece, out: Console) -> tuple[str, str]:
    text = safe(piece.text).replace("\n", "↵")
    opening, closing = _MARKS.get(piece.mark, ("", "")) if out.color_system is None else ("", "")
    return f"{opening}{text}{closing}", _STYLES[piece.mark]


def _address(row: Cluster | Member) -> str:
    where = row.url or row.source
    return f" {safe(where, _URL_CELLS)}" if where else ""


def _number(value: float | None) -> str:
    return "" if value is None else number(value)
