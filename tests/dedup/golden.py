"""What the selections do to a few small texts, as tests/golden/dedup.json has it.

python -m tests.dedup.golden      writes the outcomes of selections that are new or whose description has changed
"""

import json
from pathlib import Path
from typing import Any

from dedup.columns import matrix
from dedup.exact import ExactDedup
from dedup.lines import LineDedup
from dedup.minhash import MinHashDedup
from dedup.signatures import Signatures
from dedup.urls import UrlDedup
from manifests import canonical
from manifests.stage import Selection, Side
from tests.dedup import pages
from tests.dedup.memory import drops, named, view
from tests.dedup.pages import Page

FILE = Path(__file__).parents[1] / "golden" / "dedup.json"

BOILERPLATE = LineDedup(scope="site", keep="none", min_count=2)
PAGE_STEPS: tuple[Selection, ...] = (LineDedup(), LineDedup(unit="paragraph"), BOILERPLATE, UrlDedup())
STEPS: tuple[Selection | Side, ...] = (
    ExactDedup(),
    ExactDedup(form="literal"),
    MinHashDedup(),
    Signatures(),
    *PAGE_STEPS,
)


def description(step: Selection | Side) -> Any:
    """Its description without the versions of Unicode, which is Python's, and of libraries: no text here is so new."""
    described = json.loads(canonical.encode(step))
    for part in (described, described.get("side", {})):
        part.pop("unicode", None)
        part.pop("libraries", None)
    return described


def name(step: Selection | Side) -> str:
    words = [type(step).__name__]
    words += [step.form] if isinstance(step, ExactDedup) else []
    words += [step.unit, step.scope, step.keep] if isinstance(step, LineDedup) else []
    return " ".join(words)


def outcomes(step: Selection | Side, golden: dict[str, Any]) -> dict[str, str]:
    """Return for each dropped text its value and twin, what is left of a text, or the first values of a signature."""
    if step in PAGE_STEPS:
        return page_outcomes(step, {row: Page(**page) for row, page in golden["pages"].items()})
    texts = golden["texts"]
    if isinstance(step, Selection):
        return {row: f"{value:.4f} {twin}" for row, (twin, value) in drops(step, texts).items()}
    signatures = matrix(step(view(texts).slices[0].rows).column("signature"), "<u4")
    return {row: " ".join(map(str, signature[:4])) for row, signature in zip(texts, signatures, strict=True)}


def page_outcomes(step: Selection, rows: dict[str, Page]) -> dict[str, str]:
    """Return for each dropped page its twin, and what is left of each page of which something was taken out."""
    names = list(rows)
    found = step.select(pages.view(rows), map).drops
    after = pages.left(step, rows)
    twins = {names[drop.row]: next(row for row in names if named(row) == drop.twin) for drop in found}
    return twins | {row: text for row, text in after.items() if text != rows[row].text}


def read() -> dict[str, Any]:
    return json.loads(FILE.read_text(encoding="utf-8"))


def main() -> None:
    golden = read()
    for step in STEPS:
        entry = {"description": description(step), "outcomes": outcomes(step, golden)}
        old = golden["steps"].get(name(step))
        if old and old["description"] == entry["description"] and old["outcomes"] != entry["outcomes"]:
            raise SystemExit(f"{name(step)}: other outcomes, the same description; raise its `version` first")
        golden["steps"][name(step)] = entry
    FILE.write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
