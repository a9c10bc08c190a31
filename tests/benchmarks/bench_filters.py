"""Documents a second of the rules, on real pages where they are at hand and on texts of our own else.

Languages are told apart on the pages of a manual in eleven of them, which say what language they are in; what was not
translated is in English. That line needs apt, and is left out with a word where apt cannot fetch the manual.
"""

import gzip
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from corpus.debian_docs import Manual, fetch_debian_docs
from corpus.extract import main_text
from corpus.warc_pages import pages
from filters.c4 import C4Quality
from filters.fasttext_model import load
from filters.fineweb import FineWebQuality
from filters.fineweb2 import FineWeb2Japanese
from filters.gopher import GopherQuality, GopherRepetition
from filters.hojichar import HojiChar
from filters.language import LanguageIs, model_path
from filters.pii import MaskPii
from filters.sets import named
from filters.swallow import SwallowV1, SwallowV2
from filters.url_list import UrlList
from filters.words import words
from manifests.errors import BadSource
from manifests.rows import Document, Page
from manifests.stage import Stage
from tests.benchmarks.harness import Result, rates
from tests.filters.golden import read

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
PAGES = DATA / "wcxb-dev" / "wcxb-dev.gold.jsonl.gz"
PARAGRAPHS = DATA / "ja-wikipedia-paragraphs" / "paragraphs.jsonl.gz"
URL = "http://www.shop.example.org/a/path/of/words?page=2"
MANUAL = Manual(("apache2-doc",), "Apache-2.0", ("usr/share/doc/apache2-doc/manual/*/*.html",))
SAID = re.compile(rb'<html[^>]*?\slang="([a-z]{2})')
COMPARED = 40  # documents: datatrove's words take 20 ms each


def run() -> list[Result]:
    english = _texts(PAGES, "main_content", "english", chars=3_000, count=200)
    short = [text[:1_300] for text in english]
    japanese = _texts(PARAGRAPHS, "text", "japanese", chars=1_000, count=200)  # 3 kB, as the English ones
    language, urls = LanguageIs(("en", "ja"), min_kana=None), UrlList(domains=("example.net",), parts=("casino",))
    return [
        *(_beside_datatrove(*pair, english[:COMPARED]) for pair in _pairs()),
        Result("language of 1.3 kB", "docs/s", _rate(language, short)),
        *_languages(language),
        Result("address lists", "docs/s", _rate(urls, short)),
        Result("personal data masked, 3 kB", "docs/s", *_pii(english), "datatrove (mail, IP)"),
        Result("Swallow v1, 3 kB", "docs/s", _rate(SwallowV1(), japanese), target=">= 667 (1.5 ms)"),
        Result("Swallow v2, 3 kB", "docs/s", _rate(SwallowV2(), japanese), target=">= 667 (1.5 ms)"),
        Result("HojiChar, 3 kB", "docs/s", _rate(HojiChar(), japanese)),
        Result("FineWeb-2 for Japanese, 3 kB", "docs/s", _rate(FineWeb2Japanese(), japanese)),
    ]


def _pairs() -> list[tuple[str, tuple[Stage, ...], list[object]]]:
    """Return what is compared: a name, our stages and datatrove's blocks."""
    from datatrove.pipeline import filters as peer

    gopher = [peer.GopherRepetitionFilter(), peer.GopherQualityFilter()]
    return [
        ("Gopher quality and repetition, 3 kB", (GopherRepetition(), GopherQuality()), gopher),
        ("C4, 3 kB", (C4Quality(),), [peer.C4QualityFilter()]),
        ("FineWeb, 3 kB", (FineWebQuality(),), [peer.FineWebQualityFilter()]),
        (
            "Gopher, C4 and FineWeb, 3 kB",
            named("fineweb-1"),
            [*gopher, peer.C4QualityFilter(filter_no_terminal_punct=False), peer.FineWebQualityFilter()],
        ),
    ]


def _beside_datatrove(what: str, stages: tuple[Stage, ...], blocks: list[object], texts: list[str]) -> Result:
    from datatrove.data import Document as Peer
    from datatrove.utils.text import split_into_parts

    def ours() -> None:
        words.cache_clear()
        for text in texts:
            rows = [Document(text=text)]
            for stage in stages:
                # Every rule measures every text, as datatrove's blocks do here, whatever was decided before.
                rows = [outcome.row for row in rows for outcome in stage([row])]

    def theirs() -> None:
        split_into_parts.cache_clear()
        for text in texts:
            peer = Peer(text=text, id="")
            for block in blocks:
                block.filter(peer)

    [mine, peers] = rates(len(texts), ours, theirs, repeat=3)
    return Result(what, "docs/s", mine, peers, "datatrove", ">= 10x datatrove")


def _languages(stage: LanguageIs) -> list[Result]:
    """Return for how many pages of a manual the language is found, beside the model's answer for the whole text."""
    try:
        file = fetch_debian_docs(ROOT / "downloads" / "manual", manuals=(MANUAL,))
    except BadSource as error:
        print(f"languages of a manual: left out, {error}", file=sys.stderr)
        return []
    with file.open("rb") as stream:
        found = {
            page.content: page for page in pages(stream, file=file.name, file_digest="x") if isinstance(page, Page)
        }
    model = load(model_path())
    texts = [
        (said[1].decode(), main_text(page.content, page.content_type, page.url or "", 0.05).text)
        for page in found.values()
        if (said := SAID.search(page.content))
    ]
    judged = [(said, text) for said, text in texts if text]
    ours = sum(stage.identify(text)[0] == said for said, text in judged)
    peer = sum(model.top(text)[0] == said for said, text in judged)
    what = f"language of {len(judged)} pages of a manual in {len(dict(judged))} languages"
    return [Result(what, "right", ours, peer, "lid.176, whole text", ">= 1x")]


def _pii(texts: list[str]) -> list[float]:
    from datatrove.pipeline.formatters import PIIFormatter

    peer = PIIFormatter()
    return rates(len(texts), lambda: _all(MaskPii(), texts), lambda: [peer.format(text) for text in texts])


def _rate(stage: Stage, texts: list[str]) -> float:
    [found] = rates(len(texts), lambda: _all(stage, texts))
    return found


def _texts(path: Path, column: str, golden: str, chars: int, count: int) -> list[str]:
    """Return so many texts of so many characters, different from each other."""
    if path.exists():
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            whole = "\n".join(json.loads(line)[column] or "" for line in lines)
    else:
        whole = "\n".join(f"{number} {read()['texts'][golden]}" for number in range(chars * count // 400))
    return [whole[start : start + chars] for start in range(0, chars * count, chars)]


def _all(stage: Stage, texts: Iterable[str]) -> None:
    for _ in stage([Document(text=text, url=URL) for text in texts]):
        pass
