"""The mean of several checkpoints' weights: of the last ones of a training, or of trainings that began alike.

    average(checkpoints(Path("runs/small"))[-3:], Path("runs/small/average-of-3"))

Averaging the end of a training is worth much of a decay of the learning rate (Izmailov et al. 2018, arXiv:1803.05407).
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from manifests.errors import BadRecipe, NotFound
from trainer.checkpoint import Checkpoint, checkpoints, write_checkpoint


def average(parts: Sequence[Checkpoint], path: Path, shares: Sequence[float] | None = None) -> Checkpoint:
    """Write the mean of checkpoints as a checkpoint that can be exported or started from, without an optimizer's state.

    Job, step and metrics are those of the last part. Raises BadRecipe, Damaged, StoreFailed.
    """
    weights = mean_weights(parts, shares)
    given = shares or [1.0] * len(parts)
    made_of = [
        {"step": part.step, "weights": part.weights_digest, "share": share / sum(given)}
        for part, share in zip(parts, given, strict=True)
    ]
    last = parts[-1]
    return write_checkpoint(path, last.job, last.state, weights, {}, last.metrics(), made_of)


def average_of_last(folder: Path, count: int) -> Checkpoint:
    """Write the mean of the newest checkpoints in the folder of a run, of `count` or as many as there are."""
    parts = checkpoints(folder)[-count:]
    if not parts:
        raise NotFound(f"{folder}: there is no checkpoint here to take a mean of")
    return average(parts, folder / f"average-{parts[-1].step:08d}-of-{len(parts)}")


def mean_weights(parts: Sequence[Checkpoint], shares: Sequence[float] | None = None) -> dict[str, Tensor]:
    """Return the weighted mean of weights, summed in float64. Raises BadRecipe where models differ in shape."""
    given = list(shares) if shares is not None else [1.0] * len(parts)
    if not parts or len(given) != len(parts) or not sum(given) > 0:
        raise BadRecipe(f"{len(parts)} checkpoints and the shares {given}: give one share for each, above 0 in sum")
    sums: dict[str, Tensor] = {}
    for part, share in zip(parts, given, strict=True):
        stored = part.weights()
        _check_alike(part, stored, sums or stored)
        _check_job(part, parts[0])
        for name, value in stored.items():
            scaled = value.to(torch.float64) * (share / sum(given))
            sums[name] = sums[name] + scaled if name in sums else scaled
    return {name: value.to(torch.float32) for name, value in sums.items()}


def _check_alike(part: Checkpoint, stored: dict[str, Tensor], others: dict[str, Tensor]) -> None:
    for name in sorted({*stored, *others}):
        shapes = [list(side[name].shape) if name in side else "missing" for side in (stored, others)]
        if shapes[0] != shapes[1]:
            raise BadRecipe(
                f"{part.path}: {name} is {shapes[0]}, in others {shapes[1]}; a mean is taken of models of one shape"
            )


def _check_job(part: Checkpoint, first: Checkpoint) -> None:
    for what in ("config", "tokenizer"):
        ours, others = getattr(part.job, what), getattr(first.job, what)
        if ours != others:
            raise BadRecipe(
                f"{part.path} has another {what} than {first.path}: {ours}, not {others}; a mean is taken of models "
                "that began as one"
            )
