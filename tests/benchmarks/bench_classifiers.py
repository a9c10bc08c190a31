"""How well and how fast classifiers tell texts, on real pages held out by site; left out where those are absent.

Code: the pages of WCXB with code, by the tags of their HTML and by what a person kept of it. Its flag `has_code` says
that a page's HTML has a <code>, wherever: a shop's page of a mug and a form for embedding a video have one, a manual in
<pre> has none. "In the main text" are the pages of which a line in <code> or <pre> stands in the text that was checked
by hand. What is read is the Markdown of the main content, which `koba run web_code` makes.

Wikipedia: of each article of Japanese Wikipedia the beginning, or that of its last paragraph, and pieces of as many
characters of other pages in Japanese, eight of a site: one diary that quotes books of law would be a third of them. Few
sites are at hand, 22, so the interval says more than the figure.

Educational value needs labels: KOBA_LABELS="STORE_URL NAME" is a dataset of WCXB's pages with the label `education`.
"""

import gzip
import hashlib
import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from corpus.code_pages import main_markdown
from corpus.warc_pages import pages
from filters.classified import Classified
from filters.evaluation import shown
from filters.fasttext_training import Settings
from filters.labelled import Example, Labelled, by_label, site_of
from filters.learning import Learned, learn
from filters.learning_plan import Plan
from filters.markdown_code import code_in
from filters.token_line import line_of
from manifests.rows import Document, Page, row_id
from manifests.store import Store
from tests.benchmarks.harness import Result, rates

DATA = Path(__file__).parents[2].parent / "shared" / "data"
WCXB = DATA / "wcxb-dev"
JAPANESE = DATA / "html-ja-gold" / "html-ja-gold.gold.jsonl"
WIKIPEDIA = DATA / "ja-wikipedia-paragraphs" / "paragraphs.jsonl.gz"
PIECE, PIECES = 300, 8  # characters of Japanese, of both classes; pieces of a site
CHARS = 1_300
DOCUMENTS = 2_000
MIN_LINE = 2  # characters of a line of code that is looked for in the main text

_STORE = Store("memory://bench-classifiers")


def run() -> list[Result]:
    if not all(path.exists() for path in (WCXB, JAPANESE, WIKIPEDIA)):
        print("classifiers: left out, the data are not here", file=sys.stderr)
        return []
    return [*_code(), *_encyclopedia(), *_speed(), *_education()]


def _encyclopedia() -> list[Result]:
    settings = Settings(wordNgrams=3, epoch=50)
    plan = Plan("wikipedia", positive="wikipedia", max_chars=PIECE, fasttext=settings)
    return [
        _line(f"Wikipedia against web, {PIECE} characters of an {of}", made, "auc", ">= 0.99")
        for of in ("article", "article's last paragraph")
        if (made := learned("wikipedia", _wikipedia(of), plan))
    ]


def learned(name: str, examples: list[Example], plan: Plan) -> Learned:
    labelled = Labelled(tuple(sorted(examples)), (), ("NOASSERTION",), {})
    made = learn(_STORE, labelled, plan)
    _STORE.tag(f"models/{name}", made.manifest.id)
    return made


def _line(what: str, made: Learned, name: str, target: str) -> Result:
    figures = made.evaluation
    note = f"{shown(figures.measures[name])}, {figures.texts} texts of {figures.sites} sites"
    return Result(f"{what}: {note}", name, figures.measure(name) or 0.0, target=target)


def _code() -> list[Result]:
    plan = Plan("code", positive="yes", reads="code", max_chars=3_000)
    found = []
    for what, label in (("in the main text", "kept"), ("anywhere in the HTML (has_code)", "has_code")):
        examples = [_example(row["url"], row["markdown"], "yes" if row[label] else "no", "en") for row in _pages()]
        made = learned("code", [one for one in examples if one.text.strip()], plan)
        found.append(_line(f"code {what}", made, "f1", ">= 0.95"))
    return found


@cache
def _pages() -> list[dict[str, Any]]:
    """Return the pages of WCXB with the Markdown of their main content."""
    with gzip.open(WCXB / "wcxb-dev.gold.jsonl.gz", "rt", encoding="utf-8") as lines:
        gold = {row["url"]: row for row in map(json.loads, lines)}
    found = []
    with (WCXB / "wcxb-dev.warc.gz").open("rb") as stream:
        for page in pages(stream, file="wcxb", file_digest="x"):
            if isinstance(page, Page):
                row = gold[page.url]
                markdown = main_markdown(page.content, page.content_type, page.url or "", 0.05).text
                kept = row["main_content"] or ""
                lines_of_code = [line.strip() for line in code_in(markdown).split("\n")]
                tagged = row["has_code"] or row["has_pre"]
                is_kept = tagged and any(len(line) >= MIN_LINE and line in kept for line in lines_of_code)
                found.append({**row, "markdown": markdown, "kept": is_kept})
    return found


def _wikipedia(of: str = "article") -> list[Example]:
    """Return pieces of Japanese pages, each as long as the others."""
    paragraphs: defaultdict[str, list[str]] = defaultdict(list)
    with gzip.open(WIKIPEDIA, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            paragraphs[row["title"]].append(row["text"])
    articles = {title: "\n".join(texts) if of == "article" else texts[-1] for title, texts in paragraphs.items()}
    web = [json.loads(line) for line in JAPANESE.read_text(encoding="utf-8").splitlines()]
    taken: Counter[str] = Counter()
    found = [
        _example(None, piece, "wikipedia", "ja", site=title)
        for title, text in articles.items()
        for piece in _pieces(text)[:1]
    ]
    others = [
        _example(f"{row['url']}?{place}", piece, "web", "ja")
        for row in web
        if "#" not in row["url"]  # the same pages again, in other charsets
        for place, piece in enumerate(_pieces(row["main_content"]))
    ]
    for one in sorted(others):
        taken[one.site] += 1
        if taken[one.site] <= PIECES:
            found.append(one)
    return found


def _pieces(text: str) -> list[str]:
    flat = " ".join(text.split())
    return [flat[start : start + PIECE] for start in range(0, len(flat) - PIECE + 1, PIECE)]


def _example(url: str | None, text: str, label: str, language: str, site: str = "") -> Example:
    row = Document(id=row_id("document", "bench", f"{url} {text}"), url=url, text=text)
    return Example(hashlib.sha256(row.id).digest(), text, label, site or site_of(row), language)


def _speed() -> list[Result]:
    """Return documents a second of the stage, from text to score, beside fastText's answers for ready lines."""
    english = "\n".join(row["main_content"] or "" for row in _pages())
    examples = [_example(row["url"], row["main_content"] or " ", row["page_type"], "en") for row in _pages()]
    two = [one._replace(label="yes" if one.label == "documentation" else "no") for one in examples if one.text.strip()]
    learned("manual", two, Plan("manual", fasttext=Settings(epoch=5)))
    found = []
    texts = {"English": english, "Japanese": "".join(one.text for one in _wikipedia())}
    for language, whole in texts.items():
        chars = CHARS if language == "English" else CHARS // 3
        start = [whole[chars * place : chars * (place + 1)] for place in range(DOCUMENTS)]
        rows = [Document(id=b"i" * 16, text=text) for text in start if text]
        name = "manual" if language == "English" else "wikipedia"
        stage = Classified(f"models/{name}").resolve(_STORE).within(_STORE)
        lines = [line_of(row.text, "text", 100_000).decode() for row in rows]
        ours, peer = rates(len(rows), lambda stage=stage, rows=rows: _all(stage, rows), _peer(stage, lines), repeat=3)
        what = f"scored by fastText, 1.3 kB of {language}"
        found.append(Result(what, "docs/s", ours, peer, "fastText, lines ready", ">= 15,000"))
    return found


def _all(stage: Classified, rows: list[Document]) -> None:
    for _ in stage(iter(rows)):
        pass


def _peer(stage: Classified, lines: list[str]) -> Callable[[], object]:
    """Return what asks fastText itself for each line, as its own command does: one after the other."""
    from filters.classifier import opened

    model, _ = opened(_STORE, stage.files)
    handle = model.model._model.f  # type: ignore[attr-defined]
    return lambda: [handle.predict(line, -1, 0.0, "strict") for line in lines]


def _education() -> list[Result]:
    given = os.environ.get("KOBA_LABELS", "").split()
    if len(given) != 2:
        print("educational value: left out, KOBA_LABELS names no labels", file=sys.stderr)
        return []
    url, name = given
    store = Store(url)
    labelled = by_label(store, (name,), "education")
    found = []
    for kind in ("fasttext", "embedding"):
        made = learn(store, labelled, Plan("education", kind=kind, licence="NOASSERTION"))
        found += [_line(f"educational value, {kind}", made, one, "") for one in ("agreement", "rmse", "f1", "auc")]
        store.tag(f"models/bench-education-{kind}", made.manifest.id)
        stage = Classified(f"models/bench-education-{kind}").resolve(store).within(store)
        found.append(Result(f"page types by educational value, {kind}: {_ranking(stage)}", "types", 7))
    return found


def _ranking(stage: Classified) -> str:
    """Return the types of WCXB's pages with their mean score, the highest first."""
    rows = [Document(id=b"i" * 16, text=row["main_content"] or "") for row in _pages()]
    scores: defaultdict[str, list[float]] = defaultdict(list)
    for page, outcome in zip(_pages(), stage(iter(rows)), strict=True):
        score = outcome.row.scores.get("classifier/education")
        if score is not None:
            scores[page["page_type"]].append(score)
    means = {kind: sum(values) / len(values) for kind, values in scores.items()}
    return ", ".join(f"{kind} {means[kind]:.2f}" for kind in sorted(means, key=lambda kind: -means[kind]))
