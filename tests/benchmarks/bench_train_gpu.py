"""A training step on an NVIDIA GPU: our scan beside the kernels of mamba-ssm, and the share of its matrix speed.

Nothing is measured where there is no GPU. Wall clock, for the work is not the processor's; the best of several turns.
"""

import time

import torch

from tests.benchmarks.harness import Result
from trainer.config import Config
from trainer.data import Batch
from trainer.flops import peak_flops, step_flops
from trainer.kernels import on_cuda
from trainer.machine import Choice
from trainer.model import Hybrid
from trainer.settings import Settings
from trainer.step import NextToken, make_optimizer, train_step

CONFIG = Config(
    vocabulary=32_768, pattern="MA" * 8, width=1_024, mlp_width=3_072, heads=16, key_heads=4, ssm_heads=32, chunk=256
)
SETTINGS = Settings(steps=1, batch=16, length=2_048, precision="bf16")
TURNS = 8


def run() -> list[Result]:
    """Measure tokens per second with each kind of kernels that can be had."""
    if not torch.cuda.is_available():
        return []
    device = torch.device("cuda")
    peak = peak_flops(device, SETTINGS.precision)
    torch_speed, flops = speed("torch", device)
    results = [
        Result("train step, 16 layers, d1024, bf16: MFU", "FLOP/s", torch_speed * flops, peak, "product of matrices")
    ]
    if on_cuda("auto", device):
        kernel_speed, _ = speed("mamba_ssm", device)
        what = "train step, 16 layers, d1024, bf16, mamba-ssm"
        results.append(Result(what, "tokens/s", kernel_speed, torch_speed, "our scan"))
        results.append(Result(f"{what}: MFU", "FLOP/s", kernel_speed * flops, peak, "product of matrices"))
    return results


def speed(kernels: Choice, device: torch.device) -> tuple[float, float]:
    """Return tokens a second, and the operations for each."""
    model = Hybrid(CONFIG, kernels=kernels).to(device)
    loss, optimizer = NextToken(model), make_optimizer(model, SETTINGS)
    tokens = torch.randint(0, CONFIG.vocabulary, (SETTINGS.batch, SETTINGS.length + 1))
    documents = torch.zeros(SETTINGS.batch, SETTINGS.length, dtype=torch.int32)
    batch = Batch(1, tokens[:, :-1], tokens[:, 1:], documents)
    best = float("inf")
    for _ in range(TURNS):
        clock = time.perf_counter()
        train_step(loss, optimizer, batch, SETTINGS, 1e-4)
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - clock)
    return SETTINGS.batch * SETTINGS.length / best, step_flops(model, SETTINGS.length)
