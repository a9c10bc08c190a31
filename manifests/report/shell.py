"""What all pages share: templates that escape every value, and the words for numbers, sizes and times."""

from typing import Any

import jinja2
from markupsafe import Markup

from manifests.wording import number, size


def render(template: str, **values: Any) -> str:
    """Return a page from a template of this folder. Every value is escaped, but for charts that were `drawn`."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("manifests.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["number"] = _number
    environment.filters["bytes"] = size
    environment.filters["duration"] = duration
    return environment.get_template(template).render(**values)


def drawn(svg: str) -> Markup:
    """Mark a chart as markup: it was drawn by `manifests.report.charts`, and its labels were escaped then."""
    return Markup(svg)  # noqa: S704


def duration(seconds: float) -> str:
    """Return a time as people say it: "42 s", "7.5 min", "31.2 h"."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:.3g} s"


def _number(value: float | None) -> str:
    return "" if value is None else number(value)
