"""Lines that come again, beside datatrove's sentence deduplication on lines and beside a set of hashes in Python.

From texts to texts without the repeats. All three lower-case, drop punctuation and accents and make digits alike; the
set does so with `str.translate`, once a text, and takes the 8 bytes of BLAKE2b that a user would take.
"""

import hashlib
import random
import tempfile
import unicodedata

from dedup.lines import LineDedup
from tests.benchmarks.harness import Result, rates
from tests.dedup.pages import Page, shortened, view

DOCS, LINES, SHARED = 4_000, 20, 500  # a third of the lines is one of so many
MARKS = {
    code: None
    for code in range(0x30000)
    if (unicodedata.category(chr(code))[0] in "PSC" and chr(code) != "\n") or 0x300 <= code <= 0x36F
} | {ord(digit): "0" for digit in "123456789"}


def run() -> list[Result]:
    texts = made_up()
    pages = view({str(place): Page(text) for place, text in enumerate(texts)})

    def koba() -> None:
        [cuts] = LineDedup(min_chars=1).select(pages, map).cuts
        dict(shortened(cuts, pages.slices[0].rows["text"].to_pylist()))

    fast, peer, plain = rates(DOCS, koba, lambda: datatrove_lines(texts), lambda: set_of_hashes(texts), repeat=3)
    what = f"lines that come again, {LINES} of {sum(map(len, texts)) // DOCS // LINES} letters a page"
    return [
        Result(what, "docs/s", fast, peer, "datatrove SentenceDedup, by line"),
        Result(what, "docs/s", fast, plain, "a set of hashes"),
    ]


def made_up() -> list[str]:
    rng = random.Random(0)
    words = ["".join(rng.choices("etaoinshrdlu", k=rng.randint(2, 9))) for _ in range(5_000)]
    shared = [f"{' '.join(rng.choices(words, k=6))}." for _ in range(SHARED)]

    def line() -> str:
        return rng.choice(shared) if rng.random() < 1 / 3 else f"{' '.join(rng.choices(words, k=6)).capitalize()}, 2024"

    return ["\n".join([line() for _ in range(LINES)]) for _ in range(DOCS)]


def set_of_hashes(texts: list[str]) -> list[str]:
    seen: set[bytes] = set()
    after = []
    for text in texts:
        normal = unicodedata.normalize("NFD", text).lower().translate(MARKS).split("\n")
        kept = []
        for line, letters in zip(text.split("\n"), normal, strict=True):
            digest = hashlib.blake2b(letters.strip().encode(), digest_size=8).digest()
            if digest not in seen:
                seen.add(digest)
                kept.append(line)
        after.append("\n".join(kept))
    return after


def datatrove_lines(texts: list[str]) -> list[str]:
    from datatrove.data import Document
    from datatrove.pipeline.dedup import (
        SentDedupConfig,
        SentenceDedupFilter,
        SentenceDedupSignature,
        SentenceFindDedups,
    )
    from datatrove.utils.hashing import HashConfig
    from datatrove.utils.logging import logger

    logger.remove()
    asked = SentDedupConfig(
        n_sentences=1,
        split_sentences=False,
        only_dedup_in_index=False,
        min_doc_words=0,
        min_num_sentences=0,
        hash_config=HashConfig(hash_fc="sha1"),  # its xxhash takes no strings any more
    )
    documents = [Document(text=text, id=str(place)) for place, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as folder:
        SentenceDedupSignature(f"{folder}/signatures", config=asked).run(documents)
        SentenceFindDedups(f"{folder}/signatures", f"{folder}/repeats", config=asked).run()
        return [one.text for one in SentenceDedupFilter(f"{folder}/repeats", config=asked).run(documents)]
