"""The rules of `filters.gopher` beside datatrove's: equal given the same words, and nearly so with our own."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.gopher import GopherQuality, GopherRepetition
from filters.words import words
from manifests.stage import Stage
from tests.filters.judging import reason, values

repetition = pytest.importorskip("datatrove.pipeline.filters.gopher_repetition_filter")

PAGES = Path(__file__).parents[2].parent / "shared" / "data" / "wcxb-dev" / "wcxb-dev.gold.jsonl.gz"
MAX_CHARS, EVERY = 8_000, 6  # one in six of the shorter pages: spaCy takes 20 ms for each


@given(st.lists(st.sampled_from(["a", "bc", "def", "."]), min_size=1, max_size=80), st.data())
def test_repetition_measures_are_datatroves_given_the_same_words(pieces, data):
    ends = data.draw(st.lists(st.sampled_from([" ", " ", "\n", "\n\n"]), min_size=len(pieces), max_size=len(pieces)))
    text = "".join(piece + end for piece, end in zip(pieces, ends, strict=True))
    found = values(GopherRepetition(), text)
    tokens = list(words(text))
    for name, parts in (("paragraph", re.split(r"\n{2,}", text.strip())), ("line", re.split(r"\n+", text))):
        count, chars = repetition.find_duplicates(parts)
        assert found[f"gopher/duplicate_{name}s"] == count / len(parts)
        assert found[f"gopher/duplicate_{name}_chars"] == chars / len(text)
    for n in (2, 3, 4):
        grams = repetition.get_n_grams(tokens, n)
        assert found[f"gopher/top_{n}gram"] == (repetition.find_top_duplicate(grams) if grams else 0) / len(text)


@given(st.lists(st.sampled_from(["red", "fox", "hen"]), max_size=120))
def test_duplicate_ngrams_are_datatroves(tokens):
    # No two of these words run together as two others do, which datatrove cannot tell apart.
    text = " ".join(tokens) or "-"
    found = values(GopherRepetition(), text)
    for n in range(5, 11):
        assert found[f"gopher/duplicate_{n}grams"] == repetition.find_all_duplicate(tokens, n) / len(text)


def pages() -> Iterator[str]:
    with gzip.open(PAGES, "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["main_content"] or "" for line in lines]
    yield from [text for text in texts if 0 < len(text) <= MAX_CHARS][::EVERY]


@pytest.fixture(scope="module")
def peers() -> dict[Stage, Any]:
    pytest.importorskip("spacy", reason="datatrove splits words with spaCy")
    quality = pytest.importorskip("datatrove.pipeline.filters.gopher_quality_filter")
    return {
        GopherQuality(): quality.GopherQualityFilter(),
        GopherRepetition(): repetition.GopherRepetitionFilter(),
    }


def agreement(stage: Stage, peer: Any, texts: list[str]) -> float:
    from datatrove.data import Document

    equal = [(reason(stage, text) is None) == (peer.filter(Document(text=text, id="")) is True) for text in texts]
    return sum(equal) / len(equal)


SYNTHETIC = [
    "the cat of the house and the dog of the yard have met at the gate " * 4,
    "The ferry leaves at nine, and it doesn't wait (as we know) for those who have to be late. " * 9,
    *("\n".join(f"- item {n} of the list that have a price of ${n}.50 ..." for n in range(k)) for k in (5, 20)),
    "\n\n".join(f"Paragraph {n}: to be or not to be, that is #{n} of the questions." for n in range(12)),
    *(f"Call std::vec::Vec<{n}> with 0x{n:x} & the rest of it; then have a look at it. " * 6 for n in range(3)),
    "1 2 3 4 5 6 7 8 9 10 the of " * 10,
    "short",
]


def test_decisions_on_synthetic_texts_are_datatroves(peers):
    for stage, peer in peers.items():
        assert agreement(stage, peer, SYNTHETIC) == 1, stage


def test_decisions_on_real_pages_are_nearly_datatroves(peers):
    if not PAGES.exists():
        pytest.skip(f"{PAGES} is not here")
    texts = list(pages())
    shares = {type(stage).__name__: agreement(stage, peer, texts) for stage, peer in peers.items()}
    assert shares["GopherQuality"] >= 0.97, shares
    assert shares["GopherRepetition"] >= 0.99, shares


def test_measures_on_real_pages_are_nearly_those_of_spacys_words(peers):
    if not PAGES.exists():
        pytest.skip(f"{PAGES} is not here")
    from datatrove.utils.text import split_into_words

    differences: dict[str, list[float]] = {"words": [], "word_chars": [], "alpha_words": []}
    for text in pages():
        tokens = split_into_words(text)
        real = [token for token in tokens if any(map(str.isalnum, token))]
        theirs = {
            "words": len(real),
            "word_chars": sum(map(len, real)) / len(real),
            "alpha_words": sum(any(map(str.isalpha, token)) for token in tokens) / len(tokens),
        }
        ours = values(GopherQuality(), text)
        for name, value in theirs.items():
            differences[name].append(abs(ours[f"gopher/{name}"] / value - 1))
    mean = {name: sum(found) / len(found) for name, found in differences.items()}
    assert max(mean.values()) < 0.01, mean
