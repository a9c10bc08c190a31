"""Checks a second of each constraint over short replies; what asks an analyser is told apart."""

from random import Random

from filters.constraint import Constraint
from filters.constraint_draws import drawn
from filters.verifiers import IDS, constraint
from tests.benchmarks.harness import Result, rates

TARGET = ">= 50,000"
REPLIES = 2_000
QUESTIONS = {"en": "How do bees find flowers in a garden?", "ja": "蜜蜂はどうやって庭の花を見つけますか。"}
SENTENCES = {
    "en": (
        "Bees dance, to tell where flowers are.",
        "A *scout* flies home.",
        "- Number {n} looks on.",
        "The hive hums!",
    ),
    "ja": ("{n}匹の蜜蜂は、花の場所を踊りで伝える。", "偵察の《蜂》が帰る。", "・{n}番目の蜂が見る。", "静かな巣箱。"),
}
ANALYSED = {  # the words of SudachiPy, and the language of lid.176
    *("ja:keywords:existence", "ja:keywords:frequency", "ja:keywords:forbidden_words"),
    *("ja:detectable_format:nominal_ending", "language:response_language", "ja:language:response_language"),
    *("change_case:english_capital", "change_case:english_lowercase"),
}
FOUND = {  # keywords that most replies hold, for else there is nothing to analyse
    "ja:keywords:existence": constraint("ja:keywords:existence", {"keywords": ["蜜蜂"]}),
    "ja:keywords:frequency": constraint(
        "ja:keywords:frequency", {"keyword": "蜜蜂", "frequency": 2, "relation": "以上"}
    ),
    "ja:keywords:forbidden_words": constraint("ja:keywords:forbidden_words", {"forbidden_words": ["蜜蜂"]}),
}


def run() -> list[Result]:
    """Measure each id by itself, and all those without an analyser together."""
    results, seconds, count = [], 0.0, 0
    for language, ids in IDS.items():
        texts = _replies(language)
        for name in ids:
            made = FOUND.get(name) or drawn(name, Random(1), QUESTIONS[language])
            cased = [text.upper() if name.endswith("_capital") else text.lower() for text in texts]
            given = cased if name.startswith("change_case:english") else texts
            [rate] = rates(len(given), lambda made=made, given=given: _check(made, given), repeat=3)
            analysed = name in ANALYSED
            results.append(Result(f"{name}{', with an analyser' if analysed else ''}", "checks/s", rate))
            if not analysed:
                seconds, count = seconds + 1 / rate, count + 1
    slowest = min([one for one in results if "analyser" not in one.what], key=lambda one: one.ours)
    return [
        Result(f"{count} constraints, one after the other", "checks/s", count / seconds, target=TARGET),
        Result(f"the slowest of them, {slowest.what}", "checks/s", slowest.ours, target=TARGET),
        *results,
    ]


def _replies(language: str) -> list[str]:
    """Return different replies of some 120 characters."""
    rng = Random(language)
    return ["\n".join(rng.choices(SENTENCES[language], k=4)).format(n=number) for number in range(REPLIES)]


def _check(made: Constraint, replies: list[str]) -> None:
    for reply in replies:
        made.check(reply)
