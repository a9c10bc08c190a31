"""Charts as inline SVG, without scripts, dates or fonts from elsewhere: the same numbers give the same bytes."""

import io
import re
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

KEPT, DROPPED, LINE, QUIET = "#2a7f62", "#c8553d", "#1f2d3d", "#8a94a0"
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "koba",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": QUIET,
    "xtick.color": LINE,
    "ytick.color": LINE,
}
BINS = 40


def funnel(names: Sequence[str], entered: Sequence[int], left: Sequence[int]) -> str:
    """Return a bar for each step: rows that went in, and of these the rows that came out."""

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        places = np.arange(len(names))[::-1]
        axes.barh(places, entered, color=DROPPED, alpha=0.35, height=0.62)
        axes.barh(places, left, color=KEPT, height=0.62)
        most = max([*entered, *left, 1])
        for place, rows in zip(places, left, strict=True):
            axes.text(max(rows, 0) + most * 0.01, place, f"{rows:,}", va="center", color=LINE)
        axes.set_yticks(places, names)
        axes.set_xlim(0, most * 1.12)
        axes.tick_params(axis="y", length=0)
        figure.subplots_adjust(left=0.25, right=0.985, top=0.98, bottom=0.3 / height)

    height = 0.34 * len(names) + 0.45
    return _svg(draw, height=height)


def histogram(kept: NDArray[np.float64], dropped: NDArray[np.float64], thresholds: Sequence[float]) -> str:
    """Return the distribution of a value among kept and dropped rows, with the thresholds it is held against.

    Long tails are cut at the 1st and 99th percentile, but never before a threshold.
    """

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        values = np.concatenate([kept, dropped])
        low, high = np.percentile(values, [1, 99]) if len(values) else (0.0, 1.0)
        low, high = min([low, *thresholds]), max([high, *thresholds])
        margin = (high - low or 1.0) * 0.04
        edges = np.linspace(low - margin, high + margin, BINS + 1)
        clipped = [np.clip(part, edges[0], edges[-1]) for part in (kept, dropped)]
        axes.hist(clipped, bins=edges.tolist(), stacked=True, color=[KEPT, DROPPED], label=["kept", "dropped here"])
        axes.set_ylim(0, axes.get_ylim()[1] * 1.12)
        for threshold in thresholds:
            axes.axvline(threshold, color=LINE, linestyle="--", linewidth=1)
            axes.text(threshold, axes.get_ylim()[1], f" {threshold:,.6g}", va="top", color=LINE)
        axes.set_ylabel("rows")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
        figure.legend(frameon=False, loc="upper right", ncols=2, borderaxespad=0)
        figure.subplots_adjust(left=0.09, right=0.985, top=0.84, bottom=0.17)

    return _svg(draw, height=1.8)


def series(points: Sequence[tuple[float, float]], name: str, along: str) -> str:
    """Return a line through points: a loss, a rate, anything a run wrote down while it went on."""

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.plot([x for x, _ in points], [y for _, y in points], color=KEPT, linewidth=1.2)
        axes.set_ylabel(name)
        axes.set_xlabel(along)
        figure.subplots_adjust(left=0.09, right=0.985, top=0.95, bottom=0.22)

    return _svg(draw, height=2.2)


def _svg(draw: Callable[[Figure], Any], *, height: float) -> str:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(8.4, height))
        figure.patch.set_alpha(0)
        draw(figure)
        for axes in figure.axes:
            axes.patch.set_alpha(0)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = out.getvalue()
    return re.sub(r'(<svg [^>]*?) height="[^"]*"', r"\1", text[text.index("<svg") :], count=1)
