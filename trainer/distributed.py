"""Training by several processes, on one machine or many, by Ray Train. The only module of the trainer that imports ray.

    train_together(store, {"web-tokens": 1}, Config(), Settings(epochs=1), Path("/shared/run"), workers=8)

Each process makes its own sequences of every batch, so that the rows of a step, and its loss up to rounding, are those
of a single process. A training may go on with another number of them: with `micro_batches=2` one process and two have
equal bits. All see the store and the folder under one path.
"""

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from manifests.cluster import started
from manifests.errors import BadRecipe, Incomplete, KobaError
from manifests.store import Store
from trainer.checkpoint import Checkpoint, checkpoint_at
from trainer.config import Config
from trainer.loop import Progress
from trainer.machine import Machine
from trainer.settings import Settings
from trainer.start import start_at
from trainer.train import train
from trainer.world import Strategy, World


def train_together(
    store: Store,
    data: Mapping[str, float],
    config: Config,
    settings: Settings,
    folder: Path,
    *,
    workers: int,
    strategy: Strategy = "ddp",
    gpus: bool = False,
    start: Path | None = None,
    save_every: int = 500,
    on_step: Callable[[Progress], None] | None = None,
    machine: Machine | None = None,
    threads: int | None = None,
) -> Checkpoint:
    """Train as `train` does, in so many processes of `threads` threads or of a GPU each; return the last checkpoint.

    Raises what `train` raises in a process, and Incomplete where a process dies: the same call goes on.
    """
    if settings.batch % workers:
        raise BadRecipe(f"{settings.batch} sequences do not divide among {workers} processes; choose a batch that does")
    started(max(workers, os.cpu_count() or 1))
    import ray.train.torch  # noqa: PLC0415 - takes seconds
    from ray.util.queue import Queue  # noqa: PLC0415

    told = Queue()
    listener = threading.Thread(target=_listen, args=(told, on_step), daemon=True)
    listener.start()
    work = partial(
        _work, store, dict(data), config, settings, folder.absolute(), start, save_every, machine or Machine(),
        strategy, threads or 1, told,
    )  # fmt: skip
    trainer = ray.train.torch.TorchTrainer(
        work,
        torch_config=ray.train.torch.TorchConfig(backend="nccl" if gpus else "gloo"),
        scaling_config=ray.train.ScalingConfig(num_workers=workers, use_gpu=gpus),
        run_config=ray.train.RunConfig(name="run", storage_path=str(folder.absolute() / "ray-train")),
    )
    try:
        trainer.fit()
    except ray.train.TrainingFailedError as error:
        raise _cause(error, folder) from error
    finally:
        told.put(None)
        listener.join()
        told.shutdown()
    return checkpoint_at(folder)


def _work(
    store: Store,
    data: dict[str, float],
    config: Config,
    settings: Settings,
    folder: Path,
    start: Path | None,
    save_every: int,
    machine: Machine,
    strategy: Strategy,
    threads: int,
    told: Any,
) -> None:
    """Train in one process of the group that Ray Train has formed."""
    import ray.train.torch  # noqa: PLC0415

    context = ray.train.get_context()
    world = World(context.get_world_rank(), context.get_world_size(), strategy)
    torch.set_num_threads(threads)
    train(
        store,
        data,
        config,
        settings,
        folder,
        start=start_at(start) if start else None,
        save_every=save_every,
        on_step=None if world.rank else told.put,
        machine=replace(machine, device=str(ray.train.torch.get_device())),
        world=world,
    )


def _listen(told: Any, on_step: Callable[[Progress], None] | None) -> None:
    """Hand on what the first process tells, until None comes."""
    while (progress := told.get()) is not None:
        if on_step:
            on_step(progress)


def _cause(error: Any, folder: Path) -> Exception:
    """Return what went wrong in a process, from what Ray Train says of it: an error of ours, if one has raised it."""
    failures = getattr(error, "worker_failures", {})
    causes = [getattr(failure, "_base_exc", failure) for _, failure in sorted(failures.items())]
    ours = [cause for cause in causes if isinstance(cause, KobaError)]
    if ours:
        return ours[0]
    said = str(causes[0] if causes else error).strip().partition("\n")[0]
    return Incomplete(
        f"{folder}: a process died ({said}); run the same command again: it goes on from the last checkpoint"
    )
