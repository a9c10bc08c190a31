"""A training step beside transformers' GraniteMoeHybrid of the same shape, on one thread.

4 layers (Mamba-2, attention, twice), width 256, 8,192 tokens, 4 sequences of 512 tokens; AdamW and clipping in both.
Both work on unpacked sequences, for transformers cannot keep packed documents apart; the cost of packing is a line of
its own: the same step on sequences of four documents each.
"""

import torch
from transformers import GraniteMoeHybridConfig, GraniteMoeHybridForCausalLM

from tests.benchmarks.harness import Result, rates
from trainer.config import Config
from trainer.data import Batch
from trainer.export import hugging_face_config
from trainer.model import Hybrid
from trainer.settings import Settings
from trainer.step import NextToken, make_optimizer, train_step

CONFIG = Config()
SETTINGS = Settings(steps=1, batch=4, length=512)


def batch(documents: int) -> Batch:
    """Random tokens, each sequence cut into so many documents of equal length."""
    tokens = torch.randint(0, CONFIG.vocabulary, (SETTINGS.batch, SETTINGS.length + 1))
    numbers = torch.arange(SETTINGS.length) * documents // SETTINGS.length
    return Batch(1, tokens[:, :-1], tokens[:, 1:], numbers.int().expand(SETTINGS.batch, -1))


class Peer:
    """transformers' model, with the optimizer and the clipping that ours has."""

    def __init__(self, chunk: int) -> None:
        config = GraniteMoeHybridConfig(**hugging_face_config(CONFIG, SETTINGS.length) | {"mamba_chunk_size": chunk})
        config.pad_token_id = None
        self.model = GraniteMoeHybridForCausalLM(config).train()
        self.optimizer = make_optimizer(self.model, SETTINGS)

    def step(self, data: Batch) -> None:
        """Make one step."""
        self.optimizer.zero_grad()
        logits = self.model(data.tokens, use_cache=False).logits
        torch.nn.functional.cross_entropy(logits.flatten(0, 1), data.labels.flatten()).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), SETTINGS.clip)
        self.optimizer.step()


def run() -> list[Result]:
    """Measure tokens per CPU second of whole training steps."""
    torch.set_num_threads(1)
    model = Hybrid(CONFIG)
    loss, optimizer = NextToken(model), make_optimizer(model, SETTINGS)
    peers = {chunk: Peer(chunk) for chunk in (256, 64)}
    whole, packed = batch(1), batch(4)
    ours, cut, default, best = rates(
        SETTINGS.batch * SETTINGS.length,
        lambda: train_step(loss, optimizer, whole, SETTINGS, 1e-4),
        lambda: train_step(loss, optimizer, packed, SETTINGS, 1e-4),
        lambda: peers[256].step(whole),
        lambda: peers[64].step(whole),
        repeat=3,
    )
    unit = "tokens/s"
    return [
        Result("train step, 4 layers", unit, ours, default, "transformers, its chunk of 256", ">= 1.7x"),
        Result("train step, 4 layers", unit, ours, best, "transformers, its best chunk of 64", ">= 1.3x"),
        Result("train step, packed", unit, cut, ours, "the same, one document each", ">= 0.85x"),
    ]
