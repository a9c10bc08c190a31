"""A training step beside an equal transformer of ours, beside products of matrices, and beside the loader.

Time per operation: the hybrid's step (Mamba-2, attention, twice) against attention in all four layers, each over its
own count of operations. MFU: the operations of a step of a wider model in a CPU second, of those of a product of
matrices of 1,024 x 1,024. Both on one thread, batches of unpacked sequences.
"""

import dataclasses
import tempfile
from collections.abc import Callable

import torch

from manifests.rows import Tokens, row_id
from manifests.run import run as run_recipe
from manifests.stage import Recipe
from manifests.store import Store
from tests.benchmarks.harness import Result, rates
from tests.sources import OneUnit
from trainer.config import Config
from trainer.data import Batch, Loader
from trainer.flops import step_flops
from trainer.mix import open_mix
from trainer.model import Hybrid
from trainer.products import product
from trainer.settings import Settings
from trainer.step import NextToken, make_optimizer, train_step

WIDE = Config(width=512, mlp_width=1_536, heads=8, key_heads=2, ssm_heads=16)
SETTINGS = Settings(steps=1, batch=4, length=512)
SIDE = 1_024
LOADED = 200  # batches


def step_of(config: Config, batch: int) -> tuple[Callable[[], object], float]:
    """Return a training step, and the operations that it does."""
    settings = dataclasses.replace(SETTINGS, batch=batch)
    model = Hybrid(config)
    loss, optimizer = NextToken(model), make_optimizer(model, settings)
    tokens = torch.randint(0, config.vocabulary, (batch, settings.length + 1))
    data = Batch(1, tokens[:, :-1], tokens[:, 1:], torch.zeros(batch, settings.length, dtype=torch.int32))
    flops = step_flops(model, settings.length) * tokens[:, 1:].numel()
    return lambda: train_step(loss, optimizer, data, settings, 1e-4), flops


@dataclasses.dataclass(frozen=True)
class Drawn(OneUnit):
    """Rows of tokens of many lengths."""

    rows_made: int = 3_000
    name: str = "drawn"

    @property
    def key(self):
        return [self.name, str(self.rows_made)]

    @property
    def file(self):
        return self.name

    def rows(self):
        draw = torch.Generator().manual_seed(0)
        for number in range(self.rows_made):
            size = int(torch.randint(20, 1_200, (1,), generator=draw))
            ids = tuple(torch.randint(0, 8_192, (size,), generator=draw).tolist())
            yield Tokens(id=row_id("tokens", self.name, str(number)), source=self.name, input_ids=ids, token_count=size)


def run() -> list[Result]:
    """Measure operations and tokens per CPU second."""
    torch.set_num_threads(1)
    plain = step_of(Config(), SETTINGS.batch)
    attention = step_of(dataclasses.replace(Config(), pattern="AAAA"), SETTINGS.batch)
    wide = step_of(WIDE, 2)
    square = torch.randn(SIDE, SIDE)
    steps = rates(1.0, plain[0], attention[0], wide[0], lambda: product(square, square), repeat=3)
    hybrid, transformer, wider, sgemm = (
        rate * flops / 1e9 for rate, flops in zip(steps, (plain[1], attention[1], wide[1], 2 * SIDE**3), strict=True)
    )
    tokens_per_s = steps[0] * SETTINGS.batch * SETTINGS.length
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        run_recipe(Recipe("drawn", ()), Drawn(), store=store, tag="drawn")
        loader = Loader(open_mix(store, {"drawn": 1}), length=SETTINGS.length, batch=SETTINGS.batch, seed=0)
        [loaded] = rates(
            LOADED * SETTINGS.batch * SETTINGS.length, lambda: [loader.next() for _ in range(LOADED)], repeat=3
        )
    return [
        Result("time per operation, hybrid, d256 L512", "GFLOP/s", hybrid, transformer, "attention only", ">= 0.87x"),
        Result("train step, d512 L512: MFU", "GFLOP/s", wider, sgemm, "product of matrices", ">= 0.55x"),
        Result("loader, batches of 4 x 512", "tokens/s", loaded, tokens_per_s, "train step, d256", ">= 20x"),
    ]
