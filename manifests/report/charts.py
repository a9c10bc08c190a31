"""Charts as inline SVG, without scripts, dates or fonts from elsewhere: the same numbers give the same bytes."""

import io
import re
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator
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
WIDE = 8.4  # inches
MOST_POINTS = 1_000  # of a line: as many as the eye can tell apart


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


def series(
    values: Sequence[float],
    name: str,
    *,
    window: int = 1,
    counts: Sequence[int] = (),
    limit: float | None = None,
    wide: bool = True,
) -> str:
    """Return what a run wrote down in each step, from the first: a thin line, and its mean over `window` steps.

    `counts` is another scale for the steps, shown above them: what was read up to each. `limit` is drawn across. Of
    values far above all others the upper ends are cut off.
    """

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        lines = np.asarray(values, np.float64)
        mean = running_mean(lines, window)
        thin, alpha = (0.6, 0.45) if window > 1 else (1.3, 1.0)
        axes.plot(*_outline(lines), color=KEPT, linewidth=thin, alpha=alpha)
        if window > 1:
            axes.plot(*_outline(mean), color=KEPT, linewidth=1.8)
        if limit is not None:
            axes.axhline(limit, color=LINE, linestyle="--", linewidth=1)
        if (most := np.percentile(lines, 99) * 2) < lines.max() and lines.min() >= 0:
            axes.set_ylim(top=max(most, mean.max(), limit or 0.0))
        axes.set_ylabel(name)
        axes.set_xlabel("step")
        axes.xaxis.set_major_locator(MaxNLocator(8 if wide else 5, integer=True))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
        axes.margins(x=0.01)
        if counts:
            _scale(axes, np.asarray(counts, np.float64))
        left, right = (0.09, 0.97) if wide else (0.21, 0.95)
        figure.subplots_adjust(left=left, right=right, top=0.82 if counts else 0.95, bottom=0.4 / height)

    height = (2.6 if wide else 1.9) + (0.3 if counts else 0)
    return _svg(draw, height=height, width=WIDE if wide else WIDE / 2)


def curve(places: NDArray[np.float64], values: NDArray[np.float64], across: str, up: str) -> str:
    """Return a line through values at places, in any order of the places."""

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        order = np.argsort(places, kind="stable")
        shown = order if len(order) <= MOST_POINTS else order[np.linspace(0, len(order) - 1, MOST_POINTS).astype(int)]
        axes.plot(places[shown], values[shown], color=KEPT, linewidth=1.6)
        axes.set_xlabel(across)
        axes.set_ylabel(up)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(EngFormatter(sep=" "))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
        axes.margins(x=0.01)
        figure.subplots_adjust(left=0.09, right=0.985, top=0.95, bottom=0.24)

    return _svg(draw, height=1.9)


def running_mean(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Return the mean of the `window` values up to each one; of fewer at the start."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    means: NDArray[np.float64] = (sums[ends] - sums[starts]) / (ends - starts)
    return means


def _outline(values: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return steps and values to draw: of a long series the lowest and the highest in each of its parts."""
    if len(values) <= MOST_POINTS:
        return np.arange(1, len(values) + 1), values
    parts = np.array_split(np.arange(len(values)), MOST_POINTS // 2)
    ends = [(part[values[part].argmin()], part[values[part].argmax()]) for part in parts]
    places = np.unique(np.array(ends))
    return places + 1, values[places]


def _scale(axes: Axes, counts: NDArray[np.float64]) -> None:
    most, last = len(counts), counts[-1]  # on both sides of the data the scale goes on as it is on average
    steps = np.concatenate([[-most], np.arange(most + 1.0), [2 * most]])
    reached = np.concatenate([[-last, 0.0], counts, [2 * last]])

    def read(step: Any) -> Any:
        return np.interp(step, steps, reached)

    def step(read: Any) -> Any:
        return np.interp(read, reached, steps)

    above = axes.secondary_xaxis("top", functions=(read, step))
    above.xaxis.set_major_formatter(EngFormatter(sep=" "))
    above.xaxis.set_major_locator(MaxNLocator(8))
    above.set_xlabel("tokens")


def _svg(draw: Callable[[Figure], Any], *, height: float, width: float = WIDE) -> str:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height))
        figure.patch.set_alpha(0)
        draw(figure)
        for axes in figure.axes:
            axes.patch.set_alpha(0)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = out.getvalue()
    return re.sub(r'(<svg [^>]*?) height="[^"]*"', r"\1", text[text.index("<svg") :], count=1)
