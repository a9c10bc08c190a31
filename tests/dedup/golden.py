"""What the selections do to a few small texts, as tests/golden/dedup.json has it.

python -m tests.dedup.golden      writes the outcomes of selections that are new or whose description has changed
"""

import json
from pathlib import Path
from typing import Any

from dedup.columns import matrix
from dedup.exact import ExactDedup
from dedup.minhash import MinHashDedup
from dedup.signatures import Signatures
from manifests import canonical
from manifests.stage import Selection, Side
from tests.dedup.memory import drops, view

FILE = Path(__file__).parents[1] / "golden" / "dedup.json"

STEPS: tuple[Selection | Side, ...] = (ExactDedup(), ExactDedup(form="literal"), MinHashDedup(), Signatures())


def description(step: Selection | Side) -> Any:
    """Its description without the version of Unicode, which is Python's; no text here has a new character."""
    described = json.loads(canonical.encode(step))
    for part in (described, described.get("side", {})):
        part.pop("unicode", None)
    return described


def name(step: Selection | Side) -> str:
    return f"{type(step).__name__} {step.form}" if isinstance(step, ExactDedup) else type(step).__name__


def outcomes(step: Selection | Side, texts: dict[str, str]) -> dict[str, str]:
    """Return for each dropped text its value and twin, or for each text the first values of its signature."""
    if isinstance(step, Selection):
        return {row: f"{value:.4f} {twin}" for row, (twin, value) in drops(step, texts).items()}
    signatures = matrix(step(view(texts).slices[0].rows).column("signature"), "<u4")
    return {row: " ".join(map(str, signature[:4])) for row, signature in zip(texts, signatures, strict=True)}


def read() -> dict[str, Any]:
    return json.loads(FILE.read_text(encoding="utf-8"))


def main() -> None:
    golden = read()
    for step in STEPS:
        entry = {"description": description(step), "outcomes": outcomes(step, golden["texts"])}
        old = golden["steps"].get(name(step))
        if old and old["description"] == entry["description"] and old["outcomes"] != entry["outcomes"]:
            raise SystemExit(f"{name(step)}: other outcomes, the same description; raise its `version` first")
        golden["steps"][name(step)] = entry
    FILE.write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
