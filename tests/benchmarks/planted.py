"""Texts with edited copies of known similarity, as many as wanted: what a search for near-duplicates should find.

Each copy aims at a Jaccard similarity to its original of 0.60, 0.65 ... 1.00 by one kind of edit; what it came to is
for `tests.dedup.oracle.jaccard` to say: an edit of a short text cannot hit every aim.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

AIMS = tuple(step / 100 for step in range(60, 101, 5))
MARKS = (".", ",", "!", " ...", " - ", "。", "、", "「", "*", "\n")
GROUP_ROWS = 50_000
SPACED = 12  # letters a word at most, where words stand apart; else a text is cut into pieces of four

Words = list[str]
_GRAM = 13  # letters


def corpus(originals: Sequence[str], rows: int, seed: int = 0) -> Iterator[tuple[str, int, str, float]]:
    """Yield `rows` texts, each with the number of its original, the kind of edit and the similarity aimed at.

    The originals come first, of the kind "original"; then copies of each in turn, until there are enough.
    """
    rng = random.Random(seed)
    for place, text in enumerate(originals[:rows]):
        yield text, place, "original", 1.0
    words = [_words(text) for text in originals]
    vocabulary = [word for each, _ in words[:20_000] for word in each[:20]] or ["word"]
    for row in range(len(originals), rows):
        place = row % len(originals)
        aim = rng.choice(AIMS)
        kind = rng.choice(SAME if aim == 1 else OTHER)
        yield _KINDS[kind](rng, *words[place], aim, vocabulary) or originals[place], place, kind, aim


def write(path: Path, originals: Sequence[str], rows: int, seed: int = 0) -> None:
    """Write a corpus as one Parquet file of columns id, text, original, edit and aim."""
    schema = pa.schema(
        [("id", "string"), ("text", "string"), ("original", "int32"), ("edit", "string"), ("aim", "float32")]
    )
    made = corpus(originals, rows, seed)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for start in range(0, rows, GROUP_ROWS):
            part = [next(made) for _ in range(min(GROUP_ROWS, rows - start))]
            columns = [[f"{start + place:08}" for place in range(len(part))], *map(list, zip(*part, strict=True))]
            writer.write_table(pa.table(columns, schema=schema))


def _words(text: str) -> tuple[Words, str]:
    """Return the pieces of a text that edits move about, and what stands between them."""
    words = text.split(" ")
    if len(text) < SPACED * len(words):
        return words, " "
    return [text[start : start + 4] for start in range(0, len(text), 4)], ""


def _times(rng: random.Random, words: Words, aim: float, lost: int, added: int) -> int:
    """Return how many edits that each cost `lost` grams and add `added` bring a text to a similarity, about."""
    grams = max(1, sum(map(len, words)) - _GRAM + 1)
    return int(grams * (1 - aim) / (lost + aim * added) + rng.random())


def _case(rng: random.Random, words: Words, between: str, _aim: float, _known: Words) -> str:
    text = between.join(words)
    return rng.choice((text.upper(), text.lower(), text.swapcase()))


def _marks(rng: random.Random, words: Words, between: str, _aim: float, _known: Words) -> str:
    words = words.copy()
    for _ in range(1 + len(words) // 8):
        words[rng.randrange(len(words))] += rng.choice(MARKS)
    return between.join(words)


def _same(_rng: random.Random, words: Words, between: str, _aim: float, _known: Words) -> str:
    return between.join(words)


def _substituted(rng: random.Random, words: Words, between: str, aim: float, known: Words) -> str:
    words = words.copy()
    for place in rng.sample(range(len(words)), min(len(words), _times(rng, words, aim, 17, 17))):
        words[place] = rng.choice(known)
    return between.join(words)


def _inserted(rng: random.Random, words: Words, between: str, aim: float, known: Words) -> str:
    words = words.copy()
    for _ in range(_times(rng, words, aim, 12, 17)):
        words[rng.randrange(len(words))] += f" {rng.choice(known)}"
    return between.join(words)


def _deleted(rng: random.Random, words: Words, between: str, aim: float, _known: Words) -> str:
    words = words.copy()
    for place in rng.sample(range(len(words)), min(len(words), _times(rng, words, aim, 17, 12))):
        words[place] = ""
    return between.join(words)


def _moved(rng: random.Random, words: Words, between: str, aim: float, _known: Words) -> str:
    """Take sentences out, or runs of ten words, and put them elsewhere."""
    words = words.copy()
    for _ in range(_times(rng, words, aim, 36, 36)):
        start, to = rng.randrange(len(words)), rng.randrange(len(words))
        moved = words[start : start + 10]
        del words[start : start + 10]
        words[to:to] = moved
    return between.join(words)


def _longer(rng: random.Random, words: Words, between: str, aim: float, known: Words) -> str:
    more: Words = []
    size = sum(map(len, words)) * (1 / aim - 1)
    while (size := size - len(more[-1]) if more else size) > 1:
        more.append(rng.choice(known)[: round(size)] or "x")
    return between.join([*words, *more])


def _shorter(_rng: random.Random, words: Words, between: str, aim: float, _known: Words) -> str:
    text = between.join(words)
    return text[: round(len(text) * aim)]


_KINDS: dict[str, Callable[[random.Random, Words, str, float, Words], str]] = {
    "same": _same,
    "case": _case,
    "marks": _marks,
    "substituted": _substituted,
    "inserted": _inserted,
    "deleted": _deleted,
    "moved": _moved,
    "longer": _longer,
    "shorter": _shorter,
}
SAME = ("same", "case", "marks")
OTHER = tuple(kind for kind in _KINDS if kind not in SAME)
