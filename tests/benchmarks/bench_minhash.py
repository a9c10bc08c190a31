"""Near-duplicates beside datasketch: documents a second on one core, from the raw text to the signature.

datasketch is given what its users give it, at its best: normalisation by `str.lower` and a table for `str.translate`,
slices of the string as grams (nltk's generator is slower), each once, as UTF-8, in one `update_batch` for each text.
"""

import gzip
import json
import random
import sys
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from datasketch import MinHash

from dedup import letters
from dedup.minhash import MinHashDedup
from dedup.signatures import Signatures
from tests.benchmarks.harness import Result, rates
from tests.dedup.memory import MemoryView, view

DATA = Path(__file__).parents[2].parent / "shared" / "data"
CHATS = DATA / "chat-ja" / "real-persona-chat.4000.jsonl.gz"
PAGES = DATA / "wcxb-dev" / "wcxb-dev.gold.jsonl.gz"
NGRAM, PERMUTATIONS = 13, 128
REMOVED = dict.fromkeys(
    code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code))[0] in "PS" or chr(code).isspace()
)


def run() -> list[Result]:
    mixed, turns, pages = made_up(1_000), one_side_of_each_chat(1_000), web_pages(100)
    return [
        beside_datasketch(f"MinHash signatures, made-up chats of {mean(mixed)} letters", mixed, ">= 25x datasketch"),
        beside_datasketch(f"MinHash signatures, Japanese chats of {mean(turns)} letters", turns, ">= 25x datasketch"),
        beside_datasketch(f"MinHash signatures, web pages of {mean(pages)} letters", pages, ""),
        normalisation(turns),
        selection(mixed * 20),
    ]


def beside_datasketch(what: str, texts: list[str], target: str) -> Result:
    table = view(named(texts)).slices[0].rows
    ours, theirs = rates(len(texts), lambda: Signatures()(table), lambda: datasketch_signatures(texts), repeat=3)
    return Result(what, "docs/s", ours, theirs, "datasketch update_batch", target)


def normalisation(texts: list[str]) -> Result:
    column = pa.array(texts)
    ours, theirs = rates(len(texts), lambda: letters.read(column, NGRAM), lambda: [*map(normalised, texts)], repeat=3)
    return Result("normalisation, Japanese chats", "docs/s", ours, theirs, "str.translate")


def selection(texts: list[str]) -> Result:
    """The rest of the work: candidates, exact verification, drops. Each text is there twenty times."""
    rows = view(named(texts))
    signed = Signed(rows.slices, (Signatures()(rows.slices[0].rows),))
    [ours] = rates(len(texts), lambda: MinHashDedup().select(signed, map), repeat=3)
    return Result("near-duplicates once signatures are there", "docs/s", ours)


@dataclass(frozen=True)
class Signed(MemoryView):
    """A view whose signatures were made before."""

    signatures: tuple[pa.Table, ...]

    def side(self, *_asked: object) -> list[pa.Table]:
        return list(self.signatures)


def datasketch_signatures(texts: Iterable[str]) -> None:
    for text in texts:
        plain = normalised(text)
        grams = {plain[start : start + NGRAM].encode() for start in range(max(1, len(plain) - NGRAM + 1))}
        MinHash(num_perm=PERMUTATIONS).update_batch(grams)


def normalised(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower().translate(REMOVED)


def made_up(count: int) -> list[str]:
    """Return prompts in English and Japanese: half below 150 characters, a few of thousands."""
    rng = random.Random(0)
    latin = ["".join(rng.choices("etaoinshrdlu", k=rng.randint(2, 9))) + " " for _ in range(3_000)]
    kana = ["".join(map(chr, rng.choices(range(0x3042, 0x3094), k=rng.randint(1, 4)))) for _ in range(3_000)]
    sizes = [min(4_000, round(rng.lognormvariate(5, 1.1))) for _ in range(count)]
    return ["".join(rng.choices(rng.choice([latin, kana]), k=size))[:size] + "。" for size in sizes]


def one_side_of_each_chat(count: int) -> list[str]:
    if not CHATS.exists():
        return made_up(count)
    with gzip.open(CHATS, "rt", encoding="utf-8") as lines:
        chats = [json.loads(line)["utterances"] for _, line in zip(range(count), lines, strict=False)]
    return ["\n".join([turn["text"] for turn in chat if turn["speaker"] == "A"]) for chat in chats]


def web_pages(count: int) -> list[str]:
    if not PAGES.exists():
        return ["\n".join(made_up(40)[start : start + 20]) for start in range(count)]
    with gzip.open(PAGES, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["main_content"] or "" for _, line in zip(range(count), lines, strict=False)]


def named(texts: list[str]) -> dict[str, str]:
    return {str(place): text for place, text in enumerate(texts)}


def mean(texts: list[str]) -> int:
    return round(sum(map(len, map(normalised, texts))) / len(texts))
