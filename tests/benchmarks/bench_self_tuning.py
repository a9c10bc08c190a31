"""Documents a second of the exercises of Self-Tuning, on real pages and paragraphs where they are at hand.

Beside the English ones stands what the tags of textblob alone would cost, where it is installed: it is what carries
its lexicon with it. The texts have 1.3 kB each.
"""

import gzip
import json
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path

from generators.teaching import SelfTuning
from manifests.rows import Document, row_id
from tests.benchmarks.harness import Result, rates
from tests.generators.lessons import ENGLISH, JAPANESE

DATA = Path(__file__).parents[2].parent / "shared" / "data"
PAGES = DATA / "wcxb-dev" / "wcxb-dev.gold.jsonl.gz"
PARAGRAPHS = DATA / "ja-wikipedia-paragraphs" / "paragraphs.jsonl.gz"
COUNT = 300


def run() -> list[Result]:
    english = texts(PAGES, "main_content", ENGLISH.text, chars=1_300)
    japanese = texts(PARAGRAPHS, "text", JAPANESE.text, chars=433)
    ways: list[Callable[[], object]] = [all_of(english, "en")]
    if find_spec("textblob"):
        ways.append(tags(english))
    ours, *peers = rates(len(english), *ways)
    [slow] = rates(len(japanese), all_of(japanese, "ja"), repeat=3)
    peer, name = (peers[0], "textblob, tags alone") if peers else (None, "")
    return [
        Result("Self-Tuning, English, 1.3 kB", "docs/s", ours, peer, name, ">= 2,000"),
        Result("Self-Tuning, Japanese, 1.3 kB", "docs/s", slow),
    ]


def texts(path: Path, column: str, own: str, chars: int) -> list[str]:
    """Return texts of so many characters: the beginnings of real ones, or our own one repeated."""
    if not path.exists():
        return [f"{number}. {own * (chars // len(own) + 1)}"[:chars] for number in range(COUNT)]
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        found = (json.loads(line)[column] or "" for line in lines)
        long = [text[:chars] for text in found if len(text) >= chars]
    return long[:COUNT]


def all_of(given: Iterable[str], language: str) -> Callable[[], object]:
    docs = [
        Document(id=row_id("document", "bench", str(place)), text=text, language=language, labels={"title": "A title"})
        for place, text in enumerate(given)
    ]
    return lambda: list(SelfTuning()(docs))


def tags(given: Iterable[str]) -> Callable[[], object]:
    from textblob.taggers import PatternTagger

    tagger = PatternTagger()
    return lambda: [tagger.tag(text) for text in given]
