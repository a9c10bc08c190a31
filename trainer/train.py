"""Training: from datasets of tokens to checkpoints.

    done = train(store, {"web-tokens": 1}, Config(), Settings(epochs=1), Path("runs/small"))

The same call again goes on from the last checkpoint in the folder, to the bit: the weights after a step depend on the
job (data, shape, settings) alone, on one machine with one number of threads.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from manifests.errors import BadRecipe
from manifests.store import Store
from manifests.tokens import load_tokenizer, tokenizer_digest
from trainer.checkpoint import Checkpoint, Job, checkpoints, only_writer
from trainer.config import Config
from trainer.data import Loader
from trainer.importer import Imported
from trainer.loop import Loop, Progress
from trainer.machine import Machine
from trainer.mix import TokenSource, open_mix
from trainer.settings import Settings
from trainer.step import NextToken
from trainer.world import World


def train(
    store: Store,
    data: Mapping[str, float],
    config: Config,
    settings: Settings,
    folder: Path,
    *,
    start: Checkpoint | Imported | None = None,
    save_every: int = 500,
    on_step: Callable[[Progress], None] | None = None,
    machine: Machine | None = None,
    world: World | None = None,
) -> Checkpoint:
    """Train on datasets of tokens, by name or id with their weights, and return the last checkpoint.

    Goes on from the newest checkpoint in `folder`, which must be of the same job. `start` gives first weights from a
    checkpoint of another job, or an imported model, of the same shape. With several processes each calls this, on a
    folder that all see. Raises BadSource, BadRecipe, BadRow, Damaged, Diverged, Conflict, StoreFailed.
    """
    machine, world = machine or Machine(), world or World()
    sources = open_mix(store, data)
    job = Job(
        data={source.manifest.id: source.weight for source in sources},
        tokenizer=shared_tokenizer(store, sources, config),
        config=config,
        settings=settings,
        start=start.weights_digest if start else None,
    )
    with held(folder, world):
        last = newest(folder, job)
        loader = Loader(
            sources,
            length=settings.length,
            batch=settings.batch,
            seed=settings.seed,
            epochs=settings.epochs,
            state=last.state if last else None,
            rank=world.rank,
            ranks=world.ranks,
            vocabulary=config.vocabulary,
        )
        total = settings.total_steps(sum(source.manifest.tokens for source in sources))
        loop = Loop(folder, job, loader, total, last=last, start=start, loss=NextToken, machine=machine, world=world)
        return loop.fit(save_every, on_step)


@contextmanager
def held(folder: Path, world: World) -> Iterator[None]:
    """Hold the folder of a run, by its first process, while all are at work."""
    if world.rank:
        world.wait()
        yield
        return
    with only_writer(folder):
        world.wait()
        yield


def newest(folder: Path, job: Job) -> Checkpoint | None:
    """Return the newest checkpoint in the folder of a run, or None. Raises BadRecipe where it is of another job."""
    made = checkpoints(folder)
    if not made:
        return None
    last = made[-1]
    old, new = last.job.as_dict(), job.as_dict()
    for part in sorted(old.keys() | new.keys()):
        if old.get(part) != new.get(part):
            raise BadRecipe(
                f"{last.path} is a checkpoint of another job: its {part} is {old.get(part)}, not {new.get(part)}; use "
                "another folder, or give it as `start` to train on from its weights"
            )
    return last


def shared_tokenizer(store: Store, sources: tuple[TokenSource, ...], config: Config) -> str:
    """Return the digest of the tokenizer of all datasets. Raises BadRecipe where they differ or it is too large."""
    digests = {source.manifest.id: tokenizer_digest(store, source.manifest) for source in sources}
    if len(set(digests.values())) > 1:
        shown = ", ".join(f"{manifest[:16]}: {digest[:16]}" for manifest, digest in digests.items())
        raise BadRecipe(f"the datasets have different tokenizers ({shown}); a model is trained on one")
    digest = next(iter(digests.values()))
    size = load_tokenizer(store, digest).size
    if size > config.vocabulary:
        raise BadRecipe(
            f"the model has {config.vocabulary} tokens, tokenizer {digest[:16]} has {size}; make them equal"
        )
    return digest
