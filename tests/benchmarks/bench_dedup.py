"""Near-duplicates beside datasketch and rensa: signatures, what is found of what was planted, a million turns.

Peers are given what their users give them, at its best: normalisation by `str.lower` and a table for `str.translate`,
slices of the string as grams (nltk's generator is slower), each once, as UTF-8, all of a text in one call.

The turns are ShareGPT's where they were fetched (`tests.dedup.sharegpt`), else of our own making. KOBA_BENCH_ROWS says
how many rows the end-to-end runs have; it takes ten minutes with a million.
"""

import gzip
import json
import os
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
from datasketch import MinHash
from rensa import RMinHash

from dedup import letters
from dedup.minhash import MinHashDedup, chance
from dedup.signatures import Signatures
from tests.benchmarks import planted
from tests.benchmarks.dedup_side import NGRAM, PERMUTATIONS, grams, normalised
from tests.benchmarks.harness import Result, rates
from tests.benchmarks.process_tree import Told, watched
from tests.dedup import oracle, sharegpt
from tests.dedup.memory import view
from tests.dedup.pairs import banded, distinct, judged, proposed

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
CHATS = DATA / "chat-ja" / "real-persona-chat.4000.jsonl.gz"
PAGES = DATA / "wcxb-dev" / "wcxb-dev.gold.jsonl.gz"
ROWS = int(os.environ.get("KOBA_BENCH_ROWS", "1_000_000"))
COPIES = 8_000  # whose similarity is computed exactly


def run() -> list[Result]:
    turns = user_turns()
    return [*signatures(turns), *found_beside_planted(turns[:2_000]), *beside_oracle(), *end_to_end(turns)]


def signatures(turns: list[str]) -> list[Result]:
    japanese = one_side_of_each_chat(1_000)
    column = pa.array(japanese)
    ours, theirs = rates(
        len(column), lambda: letters.read(column, NGRAM), lambda: [*map(normalised, japanese)], repeat=3
    )
    return [
        *beside_peers("user turns", random.Random(0).sample(turns, 1_000)),
        *beside_peers("Japanese chats", japanese),
        *beside_peers("web pages", web_pages(100)),
        Result("normalisation, Japanese chats", "docs/CPU s", ours, theirs, "str.translate"),
    ]


def beside_peers(name: str, texts: list[str]) -> list[Result]:
    table = view({str(place): text for place, text in enumerate(texts)}).slices[0].rows
    what = f"MinHash signatures, {name} of {sum(map(len, map(normalised, texts))) // len(texts)} letters"
    ours, first, second = rates(
        len(texts), lambda: Signatures()(table), lambda: by_datasketch(texts), lambda: by_rensa(texts), repeat=3
    )
    return [
        Result(what, "docs/CPU s", ours, first, "datasketch update_batch", ">= 25x datasketch"),
        Result(what, "docs/CPU s", ours, second, "rensa", ">= 3x rensa"),
    ]


def by_datasketch(texts: Sequence[str]) -> None:
    for text in texts:
        MinHash(num_perm=PERMUTATIONS).update_batch(grams(normalised(text)))


def by_rensa(texts: Sequence[str]) -> None:
    RMinHash.digest_matrix_from_token_byte_sets([grams(normalised(text)) for text in texts], PERMUTATIONS, 42)


def found_beside_planted(originals: list[str]) -> list[Result]:
    """For each similarity: how many copies share a band; of the near ones, how many are let through and compared."""
    asked = MinHashDedup()
    long = [text for text in originals if 100 < len(text) < 5_000]
    rows = list(planted.corpus(long, len(long) + COPIES, seed=1))
    texts = [text for text, *_ in rows]
    pairs = [(original, place) for place, (_, original, *_) in enumerate(rows)][len(long) :]
    values = np.array([oracle.jaccard(texts[one], texts[other]) for one, other in pairs])
    chances = np.array([chance(value, asked.bands, asked.rows) for value in values])
    sharing, compared = banded(texts, pairs, asked), proposed(texts, pairs, asked)
    made = []
    for aim in planted.AIMS:
        here = np.round(20 * values) == round(20 * aim)
        near = here & (values >= asked.threshold)
        what = f"planted at {aim:.2f} ({here.sum()})"
        formula = float(chances[here].mean())
        made.append(Result(f"{what}: share a band", "of 1", float(sharing[here].mean()), formula, "the formula"))
        if near.any():
            found = float(compared[near].mean())
            made.append(Result(f"  of the {near.sum()} near ones, found", "of 1", found, target=">= 0.995"))
        else:
            made.append(Result("  compared exactly and kept apart", "of 1", float(compared[here].mean())))
    return made


def beside_oracle() -> list[Result]:
    """ShareGPT's different texts: what goes is near what stays, and what is near does not stay together."""
    wheel, made = sharegpt.found(), []
    for name, texts in {"conversations": sharegpt.joined, "user turns": sharegpt.user_turns}.items() if wheel else ():
        found = judged(distinct(texts(wheel)), MinHashDedup())
        right = 1 - found.wrong / found.gone
        made += [
            Result(f"ShareGPT {name}, {found.pairs} near pairs: recall", "of 1", found.proposed, target=">= 0.995"),
            Result(f"  precision of {found.gone} drops", "of 1", right, target="1.0"),
        ]
    return made


def end_to_end(turns: list[str]) -> list[Result]:
    """From Parquet to manifest on two workers, with all processes of Ray; and in one process beside datasketch."""
    with TemporaryDirectory(prefix="koba-bench-dedup-") as folder:
        files = {rows: Path(folder) / f"{rows}.parquet" for rows in (ROWS, ROWS // 4, ROWS // 10)}
        for rows, file in files.items():
            planted.write(file, turns, rows)
        large, small = (side("koba", files[rows]) for rows in (ROWS, ROWS // 4))
        alone, peer = (side(name, files[ROWS // 10]) for name in ("koba-alone", "datasketch"))
    what, (told, quarter) = f"{ROWS:,} turns", (json.loads(one.line) for one in (large, small))
    ours, theirs = (json.loads(one.line) for one in (alone, peer))
    return [
        Result(f"{what}, Parquet to manifest, 2 cores", "s", told["wall_s"], target="< 120 s"),
        Result("  of which the import", "s", told["import_s"]),
        Result("  CPU of all processes", "s", large.cpu_s),
        Result("  peak memory of all processes", "GiB", large.peak_bytes / 2**30, target="< 6 GiB"),
        Result("  rows that stay", "rows", told["kept"], told["rows"], "rows given"),
        Result("  beside a quarter of the rows", "s", told["wall_s"], quarter["wall_s"], "a quarter", "<= 4.6x"),
        Result("  CPU beside a quarter of the rows", "s", large.cpu_s, small.cpu_s, "a quarter", "<= 4.6x"),
        Result(
            f"{ROWS // 10:,} turns, end to end",
            "rows/CPU s",
            ours["rows"] / ours["cpu_s"],
            theirs["rows"] / theirs["cpu_s"],
            "datasketch MinHashLSH",
            ">= 20x datasketch",
        ),
        Result(
            "  from stored rows",
            "rows/CPU s",
            ours["rows"] / (ours["cpu_s"] - ours["import_cpu_s"]),
            theirs["rows"] / theirs["cpu_s"],
            "datasketch MinHashLSH",
        ),
    ]


def side(name: str, file: Path) -> Told:
    return watched([sys.executable, "-m", "tests.benchmarks.dedup_side", name, str(file)], ROOT)


def user_turns() -> list[str]:
    wheel = sharegpt.found()
    return [text for text in sharegpt.user_turns(wheel) if text.strip()] if wheel else made_up(60_000)


def made_up(count: int) -> list[str]:
    """Return prompts in English and Japanese: half below 150 characters, a few of thousands."""
    rng = random.Random(0)
    latin = ["".join(rng.choices("etaoinshrdlu", k=rng.randint(2, 9))) + " " for _ in range(3_000)]
    kana = ["".join(map(chr, rng.choices(range(0x3042, 0x3094), k=rng.randint(1, 4)))) for _ in range(3_000)]
    sizes = [max(4, min(4_000, round(rng.lognormvariate(5, 1.1)))) for _ in range(count)]
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
