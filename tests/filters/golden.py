"""What every stage of `filters` does to a few small texts, as tests/golden/filters.json has it.

python -m tests.filters.golden      writes the outcomes of stages that are new or whose description has changed
"""

import json
from pathlib import Path
from typing import Any

from filters.gopher import GopherQuality, GopherRepetition
from filters.language import LanguageIs
from filters.length import Length
from filters.swallow import SwallowV1, SwallowV2
from manifests import canonical
from manifests.rows import Document
from manifests.stage import Rejected, Stage

FILE = Path(__file__).parents[1] / "golden" / "filters.json"

STAGES: tuple[Stage, ...] = (
    LanguageIs(("en", "ja")),
    Length(min_chars=20, max_chars=2_000),
    GopherQuality(),
    GopherRepetition(),
    SwallowV1(expressions=("カート", "カートに入れる")),
    SwallowV2(),
)


def description(stage: Stage) -> Any:
    return json.loads(canonical.encode(stage))


def outcome(stage: Stage, text: str) -> dict[str, Any]:
    [found] = stage([Document(text=text)])
    values = {name: value if value is None else round(value, 4) for name, value in found.values.items()}
    refused = {"reason": found.reason, "threshold": found.threshold} if isinstance(found, Rejected) else {}
    language = {"language": found.row.language} if found.row.language else {}
    return refused | language | values


def outcomes(stage: Stage, texts: dict[str, str]) -> dict[str, Any]:
    return {name: outcome(stage, text) for name, text in texts.items()}


def read() -> dict[str, Any]:
    return json.loads(FILE.read_text(encoding="utf-8"))


def main() -> None:
    golden = read()
    for stage in STAGES:
        entry = {"description": description(stage), "outcomes": outcomes(stage, golden["texts"])}
        old = golden["stages"].get(type(stage).__name__)
        if old and old["description"] == entry["description"] and old["outcomes"] != entry["outcomes"]:
            raise SystemExit(f"{type(stage).__name__}: other outcomes, the same description; raise its `version` first")
        golden["stages"][type(stage).__name__] = entry
    FILE.write_text(_one_line_for_each_outcome(golden), encoding="utf-8")


def _one_line_for_each_outcome(value: Any, depth: int = 0) -> str:
    if not isinstance(value, dict) or depth == 4:
        return json.dumps(value, ensure_ascii=False)
    pad = " " * (depth + 1)
    lines = [
        f"{pad}{json.dumps(key, ensure_ascii=False)}: {_one_line_for_each_outcome(item, depth + 1)}"
        for key, item in value.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n" + " " * depth + "}" + ("\n" if depth == 0 else "")


if __name__ == "__main__":
    main()
