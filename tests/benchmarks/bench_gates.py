"""The gates of translate on planted faults: caught, of the faults; refused, of the references. And how fast they are.

A text of three lines is what a paragraph is; a text of one is one sentence, of which a clause is harder to miss.
"""

from tests.benchmarks.harness import Result, rates
from tests.planted_translations import DATA, PLANTS, pairs, planted, refused

CORPORA = {  # corpus, source, target, lines a text
    "news en-ja, 3 sentences": ("newstest2020.en-ja", "en", "ja", 3),
    "news ja-en, 3 sentences": ("newstest2020.ja-en", "ja", "en", 3),
    "news en-ja, 1 sentence": ("newstest2020.en-ja", "en", "ja", 1),
    "news ja-en, 1 sentence": ("newstest2020.ja-en", "ja", "en", 1),
    "Tatoeba en-ja": ("tatoeba-test-2021-08-07", "en", "ja", 1),
    "Tatoeba ja-en": ("tatoeba-test-2021-08-07", "ja", "en", 1),
}
MOST = 3_000


def run() -> list[Result]:
    """Return the shares, and segments a CPU second."""
    if not DATA.exists():
        return []
    found: list[Result] = []
    for name, (corpus, source, to, lines) in CORPORA.items():
        given = pairs(corpus, source, to, lines)[:MOST]
        found.append(Result(f"{name}: references refused", "share", _share(refused(given, to)), target="<= 0.05"))
        for fault, plant in PLANTS.items():
            spoilt = planted(given, plant, to)
            if spoilt:
                what = f"{name}: {fault}, {len(spoilt):,} planted, caught"
                found.append(Result(what, "share", _share(refused(spoilt, to)), target=">= 0.95"))
    news = pairs("newstest2020.en-ja", "en", "ja")
    [speed] = rates(len(news), lambda: refused(news, "ja"), repeat=3)
    return [*found, Result("a candidate measured and gated", "segments/s", speed)]


def _share(reasons: list[str | None]) -> float:
    return sum(reason is not None for reason in reasons) / len(reasons)
