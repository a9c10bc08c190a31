"""Decontamination of web pages against GSM8K's test set, beside datatrove's filter and a set of word grams in Python.

The peers look for whole grams only; koba names the item, and looks for templates with other numbers in the same time.
"""

import gzip
import json
import random
import re
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa

from dedup.decontaminate import Decontaminate
from dedup.items import indexed
from dedup.overlaps import BATCH, Hit, found_in
from tests.benchmarks.harness import Result, rates

DATA = Path(__file__).parents[3] / "shared" / "data"
PAGES = DATA / "wcxb-dev" / "wcxb-dev.gold.jsonl.gz"
SEEDS = DATA / "math-seeds"
NGRAM = 13
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
COPIES = 4  # of each page


def run() -> list[Result]:
    with gzip.open(PAGES, "rt", encoding="utf-8") as lines:
        pages = [text for line in lines if (text := json.loads(line)["main_content"])] * COPIES
    test, train = questions("gsm8k_test.jsonl"), questions("gsm8k_train.jsonl")
    asked = Decontaminate(("gsm8k",), ngram=NGRAM)
    items = indexed([b""] * len(test), test, asked.search)
    megabytes = sum(len(text.encode()) for text in pages) / 1e6

    def search(texts: list[str]) -> list[list[Hit]]:
        column = pa.array(texts, pa.large_string())
        return [hits for start in range(0, len(texts), BATCH) for hits in found_in(items, column.slice(start, BATCH))]

    grams = {gram for text in test for gram in word_grams(text)}
    few = pages[: len(pages) // COPIES // 4]
    [ours] = rates(len(pages), lambda: search(pages))
    plain, peer = rates(
        len(few),
        lambda: [any(gram in grams for gram in word_grams(text)) for text in few],
        datatrove_filter(test, few),
        repeat=1,
    )
    what = f"decontamination of pages of {1e3 * megabytes / len(pages):.1f} kB"
    rng = random.Random(0)
    swapped = [NUMBER.sub(lambda _: str(rng.randint(2, 99_999)), text) for text in test]
    planted, copies = (
        share_found(asked, search([f"{rng.choice(train)} {text} {rng.choice(train)}" for text in texts]))
        for texts in (test, swapped)
    )
    return [
        Result(what, "docs/s", ours, peer, "datatrove NGramsDecontFilter"),
        Result(what, "docs/s", ours, plain, "a set of word grams"),
        Result(what, "MB/s", ours * megabytes / len(pages)),
        Result("items of GSM8K that were planted and found", "share", planted, target="1"),
        Result("the same with other numbers", "share", copies, target=">= 0.95"),
    ]


def share_found(asked: Decontaminate, found: list[list[Hit]]) -> float:
    hits = [any(hit.item == place and asked.refusal(hit._asdict()) for hit in its) for place, its in enumerate(found)]
    return sum(hits) / len(hits)


def questions(file: str) -> list[str]:
    return [json.loads(line)["question"] for line in (SEEDS / file).read_text(encoding="utf-8").splitlines()]


def word_grams(text: str) -> set[str]:
    words = re.findall(r"\w+", text.lower())
    return {" ".join(words[first : first + NGRAM]) for first in range(len(words) - NGRAM + 1)}


def datatrove_filter(items: list[str], texts: list[str]):  # type: ignore[no-untyped-def] # a peer's types
    """Return datatrove's filter over texts. Its indexer needs lighteval: its functions write the hashes here."""
    from datatrove.data import Document
    from datatrove.pipeline.decont import NGramsDecontConfig, NGramsDecontFilter
    from datatrove.utils.hashing import HashConfig
    from datatrove.utils.logging import logger
    from datatrove.utils.text import ngrams, simplify_text

    logger.remove()
    folder = tempfile.mkdtemp()
    sha1 = HashConfig(hash_fc="sha1")  # its xxhash takes no strings any more
    step = NGramsDecontFilter(folder, NGramsDecontConfig(n_grams=NGRAM, hash_config=sha1))
    hashes = {
        step.hash_func(" ".join(gram))
        for text in items
        for gram in ngrams(step.tokenizer.word_tokenize(simplify_text(text, step.config.norm_config)), NGRAM)
    }
    np.array(sorted(hashes), step.config.hash_config.np_descr).tofile(Path(folder) / "gsm8k.index.hashes")
    documents = [Document(text=text, id=str(place)) for place, text in enumerate(texts)]
    return lambda: [step.filter(document) for document in documents]
