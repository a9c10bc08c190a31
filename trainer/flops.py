"""How much a model computes, and how fast this machine multiplies matrices: the two sides of MFU.

MFU (Chowdhery et al. 2022, arXiv:2204.02311, appendix B) is here the model's operations in a second, of those that the
same device was measured to do when it multiplies large matrices in the same precision.
"""

# Q tokens in a chunk, N state, E inner, T tokens of a sequence, S keys that a query sees

import time
from functools import lru_cache

import torch

from trainer.model import Hybrid, is_matrix
from trainer.products import product

SIDE = {"cpu": 768, "cuda": 8_192}  # of the matrices that are multiplied
TURNS = 6  # of which the best counts: others may be at work on this machine
BACKWARD = 2  # times the forward pass


def step_flops(model: Hybrid, length: int) -> float:
    """Return the floating-point operations of a training step for each token; sequences are one document each.

    Two for each weight and token, and those of scan and attention. What is computed twice to save memory counts once.
    """
    config = model.config
    matrices = sum(weights.numel() for name, weights in model.named_parameters() if is_matrix(name, weights))
    if not config.tied:
        matrices -= config.vocabulary * config.width  # the embedding is looked up; tied, it is the output layer too
    chunk, state, inner = config.chunk, config.ssm_state, config.inner
    scan = 2 * chunk * state * config.ssm_groups + 2 * chunk * inner + 4 * state * inner
    attention = 4 * mean_keys(length, config.window) * config.heads * config.attention_head
    mixers = config.pattern.count("M") * scan + config.pattern.count("A") * attention
    return (1 + BACKWARD) * (2 * matrices + mixers)


def mean_keys(length: int, window: int | None) -> float:
    """Return how many keys a token sees, as the mean over a sequence of so many tokens."""
    seen = min(window or length, length)
    return (seen * (seen + 1) / 2 + (length - seen) * seen) / length


def peak_flops(device: torch.device, precision: str) -> float:
    """Return the operations in a second of a product of matrices, measured once for each device and precision."""
    return _measured(device.type, precision, torch.get_num_threads())


@lru_cache(maxsize=8)
def _measured(device: str, precision: str, _threads: int) -> float:
    side = SIDE.get(device, SIDE["cuda"])
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    left, right = (torch.ones(side, side, dtype=dtype, device=device) for _ in range(2))
    best = float("inf")
    for _ in range(TURNS):
        clock = time.perf_counter()
        product(left, right)
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - clock)
    return 2 * side**3 / best
