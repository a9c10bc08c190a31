"""What `koba compare` prints: text of crawls made safe for a terminal."""

from itertools import islice

from rich.console import Console, Group, RenderableType
from rich.text import Text

from filters.compare import Comparison, Example
from manifests.tables import ID_DIGITS, console, table
from manifests.terminal import safe
from manifests.wording import number

_TOP_REASONS = 5
_URL_CELLS = 70
_EXCERPT_CELLS = 150


def rendered(made: Comparison) -> Group:
    """Return a comparison as tables: what each set keeps, how pairs agree, why sets drop, where they differ."""
    names = list(made.sets)
    groups = made.groups if len(made.groups) > 2 else made.groups[-1:]  # of one language: it is all of them
    kept = [
        (group.name, group.documents, *(_share(group.kept[name], group.documents) for name in names))
        for group in groups
    ]
    agreements = [
        (
            group.name,
            f"{one.a} ~ {one.b}",
            one.both,
            one.only_a,
            one.only_b,
            one.neither,
            _two(one.jaccard),
            _two(one.kappa),
        )
        for group in groups
        for one in group.agreements
    ]
    reasons = [
        (name, reason, count) for name in names for reason, count in islice(made.reasons[name].items(), _TOP_REASONS)
    ]
    parts: list[RenderableType] = [
        table("language", "#documents", *(f"#{name} keeps" for name in names), rows=kept),
        Text(),
        table(
            "language", "sets a ~ b", "#both", "#only a", "#only b", "#neither", "#Jaccard", "#kappa", rows=agreements
        ),
        Text(),
        table("set", "reason", "#dropped", rows=reasons),
    ]
    if made.examples:
        parts += [Text("\nwhere they differ", style="bold"), *(_example(one) for one in made.examples)]
    return Group(*parts)


def print_comparison(made: Comparison, out: Console | None = None) -> None:
    """Print a comparison to the terminal, or to another console."""
    (out or console()).print(rendered(made))


def _example(one: Example) -> Text:
    shown = Text.assemble(
        (one.id.hex()[:ID_DIGITS], "bold"), f" {one.language or '??'} {safe(one.url or '', _URL_CELLS)}\n"
    )
    shown.append(f"  {safe(one.excerpt, _EXCERPT_CELLS)}\n", style="dim")
    shown.append(f"  kept by {', '.join(one.kept_by)}\n", style="green")
    for name, why in one.refusals.items():
        told = [number(value) for value in (why.value, why.threshold) if value is not None]
        shown.append(f"  {name} drops it: {why.reason} {' against '.join(told)}\n", style="red")
    return shown


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({part / whole:.0%})"


def _two(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
