"""A checkpoint's scores: what it recalls, and its perplexity on datasets, by source.

answers = recalled(model, tokenizer, phonebook(40))
perplexities(store, model, "tokens/web", length=512)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import torch

from manifests.store import Store
from manifests.tokens import Tokenizer
from trainer.checkpoint import Checkpoint
from trainer.generate import generate
from trainer.importer import Imported
from trainer.judge import MOST_ROWS, measure, read_judged
from trainer.loop import load_weights
from trainer.model import Hybrid
from trainer.prepare import BEGINS
from trainer.recall import Question, right
from trainer.start import shape_of

SPARE_TOKENS = 4  # beyond those of the answer: blanks, a line end, another way to write it
BANDS = 4  # parts of a prompt, from its beginning


@dataclass(frozen=True, slots=True)
class Recalled:
    """The replies to questions of one task and size."""

    task: str
    size: int
    asked: int
    accuracy: float
    tokens: int  # of the longest prompt
    by_place: tuple[float | None, ...]  # accuracy where the answer stands in the first quarter of the prompt, ...


def model_of(origin: Checkpoint | Imported) -> Hybrid:
    """Return a model with its weights, to be asked."""
    model = Hybrid(shape_of(origin))
    load_weights(model, origin)
    return model.eval()


@torch.no_grad()
def recalled(model: Hybrid, tokenizer: Tokenizer, questions: Sequence[Question]) -> Recalled:
    """Ask all questions of one task and size, each greedily, and return how many were answered."""
    device = model.lm_head.weight.device
    begin = [tokenizer.token_id(token) for token in BEGINS if token in tokenizer.specials][:1]
    prompts = [[*begin, *ids] for ids in tokenizer.encode_batch([one.prompt for one in questions])]
    sizes = [len(ids) for ids in tokenizer.encode_batch([f" {one.answer}\n" for one in questions])]
    hits = []
    for question, ids, size in zip(questions, prompts, sizes, strict=True):
        said = generate(model, torch.tensor([ids], device=device), max_tokens=size + SPARE_TOKENS)
        hits.append(right(question, tokenizer.decode(said[0].tolist())))
    bands: list[list[bool]] = [[] for _ in range(BANDS)]
    for question, hit in zip(questions, hits, strict=True):
        bands[min(BANDS - 1, int(question.place * BANDS))].append(hit)
    by_place = tuple([fmean(band) if band else None for band in bands])
    longest = max(len(ids) for ids in prompts)
    return Recalled(questions[0].task, questions[0].size, len(hits), fmean(hits), longest, by_place)


def perplexities(store: Store, model: Hybrid, name: str, length: int, most: int = MOST_ROWS) -> dict[str, float]:
    """Return the perplexity on rows by chance of a dataset of tokens: of all, and by source, domain and language."""
    found = measure(model, read_judged(store, store.manifest(name), name, most), length)
    losses = {what: value for what, value in found.items() if what.startswith("loss")}
    return {what.replace("loss", "perplexity", 1): math.exp(min(value, 700.0)) for what, value in losses.items()}
