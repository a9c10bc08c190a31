"""Documents a second of the rules, on real pages where they are at hand and on texts of our own else."""

import gzip
import json
from collections.abc import Callable, Iterable
from pathlib import Path

from filters.gopher import GopherQuality, GopherRepetition
from filters.language import LanguageIs
from filters.swallow import SwallowV1, SwallowV2
from filters.words import words
from manifests.rows import Document
from manifests.stage import Stage
from tests.benchmarks.harness import Result, rates
from tests.filters.golden import read

DATA = Path(__file__).parents[2].parent / "shared" / "data"
PAGES = DATA / "wcxb-dev" / "wcxb-dev.gold.jsonl.gz"
PARAGRAPHS = DATA / "ja-wikipedia-paragraphs" / "paragraphs.jsonl.gz"


def run() -> list[Result]:
    english = _texts(PAGES, "main_content", "english", chars=3_000, count=200)
    short = [text[:1_300] for text in english]
    japanese = _texts(PARAGRAPHS, "text", "japanese", chars=1_000, count=200)  # 3 kB, as the English ones
    language, v1, v2 = LanguageIs(("en", "ja"), min_kana=None), SwallowV1(), SwallowV2()
    [quality, datatrove] = rates(40, lambda: _gopher(english[:40]), _datatrove(english[:40]), repeat=3)
    [asked] = rates(len(short), lambda: _all(language, short))
    [first, second] = rates(len(japanese), lambda: _all(v1, japanese), lambda: _all(v2, japanese))
    return [
        Result("Gopher quality and repetition, 3 kB", "docs/s", quality, datatrove, "datatrove", ">= 667 (1.5 ms)"),
        Result("language of 1.3 kB", "docs/s", asked),
        Result("Swallow v1, 3 kB", "docs/s", first, target=">= 667 (1.5 ms)"),
        Result("Swallow v2, 3 kB", "docs/s", second, target=">= 667 (1.5 ms)"),
    ]


def _texts(path: Path, column: str, golden: str, chars: int, count: int) -> list[str]:
    """Return so many texts of so many characters, different from each other."""
    if path.exists():
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            whole = "\n".join(json.loads(line)[column] or "" for line in lines)
    else:
        whole = "\n".join(f"{number} {read()['texts'][golden]}" for number in range(chars * count // 400))
    return [whole[start : start + chars] for start in range(0, chars * count, chars)]


def _all(stage: Stage, texts: Iterable[str]) -> None:
    for _ in stage([Document(text=text) for text in texts]):
        pass


def _gopher(texts: list[str]) -> None:
    words.cache_clear()
    for outcome in GopherQuality()([Document(text=text) for text in texts]):
        _all(GopherRepetition(), [outcome.row.text])


def _datatrove(texts: list[str]) -> Callable[[], None]:
    from datatrove.data import Document as Peer
    from datatrove.pipeline.filters.gopher_quality_filter import GopherQualityFilter
    from datatrove.pipeline.filters.gopher_repetition_filter import GopherRepetitionFilter
    from datatrove.utils.text import split_into_parts

    filters = GopherQualityFilter(), GopherRepetitionFilter()

    def both() -> None:
        split_into_parts.cache_clear()
        for text in texts:
            for peer in filters:
                peer.filter(Peer(text=text, id=""))

    return both
