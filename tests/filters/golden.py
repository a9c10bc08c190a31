"""What every stage of `filters` does to a few small texts, as tests/golden/filters.json has it.

python -m tests.filters.golden      writes the outcomes of stages that are new or whose description has changed
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from filters.c4 import C4BadWords, C4Quality
from filters.code_lint import Lint, LintScore
from filters.code_repetition import CodeRepetition
from filters.code_sets import CodeIn
from filters.code_syntax import PythonSyntax
from filters.code_tokens import CodeScripts
from filters.code_trees import TreeSyntax
from filters.datatrove_stage import Datatrove
from filters.fineweb import FineWebQuality
from filters.fineweb2 import FineWeb2Japanese
from filters.gopher import GopherQuality, GopherRepetition
from filters.hojichar import HojiChar
from filters.language import LanguageIs
from filters.length import Length
from filters.pii import MaskPii
from filters.swallow import SwallowV1, SwallowV2
from filters.swallow_cleaning import SwallowCleaning
from filters.url_list import UrlList
from filters.word_list import WordList
from manifests import canonical
from manifests.rows import Document
from manifests.stage import Rejected, Stage
from manifests.store import Store
from tests.filters import tiny_classifier

FILE = Path(__file__).parents[1] / "golden" / "filters.json"
WORDS = WordList(str(FILE.with_name("filters_words.txt")))
URL = "http://shop.example.org/free/cups?page=2"  # of every text


def tiny() -> Stage:
    """A classifier that is made byte by byte."""
    with TemporaryDirectory() as folder:
        store = tiny_classifier.stored(Store("memory://golden"), Path(folder))
    return tiny_classifier.stage(store, min_points=1, min_score=0.9)


STAGES: tuple[Stage, ...] = (
    tiny(),
    LanguageIs(("en", "ja")),
    Length(min_chars=20, max_chars=2_000),
    GopherQuality(),
    GopherRepetition(),
    SwallowV1(expressions=("カート", "カートに入れる")),
    SwallowV2(),
    SwallowCleaning(footer=WORDS),
    C4Quality(),
    C4BadWords(WORDS),
    FineWebQuality(),
    FineWeb2Japanese(),
    HojiChar(advertisement=WORDS, max_advertisement=1),
    UrlList(domains=("example.net", WORDS), soft_words=("free", "cups", WORDS), parts=("gamble",)),
    MaskPii(my_number=True),
    Datatrove("C4ParagraphFilter"),
    PythonSyntax(),
    CodeScripts(),
    CodeRepetition(min_chars=200),
    Lint(),
    LintScore(),
    TreeSyntax("rust"),
    CodeIn("python"),
)


def description(stage: Stage) -> Any:
    """Return what a stage says of itself, without the versions of its libraries: they differ between machines."""
    described = json.loads(canonical.encode(stage))
    return described | {"libraries": sorted(described["libraries"])}


def outcome(stage: Stage, text: str) -> dict[str, Any]:
    [found] = stage([Document(text=text, url=URL)])
    row = getattr(found, "row", found)
    values = {
        name: round(value, 4) if value is not None else None for name, value in getattr(found, "values", {}).items()
    }
    refused = {"reason": found.reason, "threshold": found.threshold} if isinstance(found, Rejected) else {}
    changed = {"text": row.text} if row.text != text else {}
    language = {"language": row.language} if row.language else {}
    return refused | language | changed | values


def outcomes(stage: Stage, texts: dict[str, str]) -> dict[str, Any]:
    return {name: outcome(stage, text) for name, text in texts.items()}


def read() -> dict[str, Any]:
    return json.loads(FILE.read_text(encoding="utf-8"))


def main() -> None:
    golden = read()
    for stage in STAGES:
        entry = {"description": description(stage), "outcomes": outcomes(stage, golden["texts"])}
        old = golden["stages"].get(type(stage).__name__)
        again = {name: entry["outcomes"][name] for name in old["outcomes"]} if old else {}  # other texts may be new
        if old and old["description"] == entry["description"] and old["outcomes"] != again:
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
