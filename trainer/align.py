"""Learning from conversations (SFT) and from preferences (DPO and its kin), from the weights of a trained model on.

    tuned = align(store, ["instruct"], settings, Path("runs/sft"), start=checkpoint)
    done = align(store, ["pairs"], settings, Path("runs/dpo"), start=tuned, loss=PreferenceLoss(beta=0.1))

What the datasets hold decides: conversations are imitated, preferences weighed against the start, which is the
reference. The same call again goes on from the last checkpoint in the folder, to the bit.
"""

# B sequences, T tokens, S pairs of a sequence at most, M tokens of all sequences

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from manifests.errors import BadRecipe
from manifests.store import Store
from manifests.tokenizer_choice import chosen_tokenizer
from manifests.tokens import load_tokenizer
from trainer.checkpoint import Checkpoint, Job
from trainer.data import Batch, Span
from trainer.examples import ExampleBatches, Examples, chat_format, read_examples
from trainer.importer import Imported
from trainer.log_probs import by_document, document_log_probs
from trainer.loop import Loop, Progress, load_weights
from trainer.losses import IGNORE
from trainer.machine import Machine
from trainer.model import Hybrid
from trainer.preference_loss import Pairs, PreferenceLoss
from trainer.settings import Settings
from trainer.start import shape_of, tokenizer_of
from trainer.step import NextToken
from trainer.train import held, newest
from trainer.world import World

FACTS = 3  # of a pair: what the reference makes of the chosen and of the rejected reply, and the gap of their rewards


@dataclass(frozen=True, slots=True)
class PairBatch(Batch):
    """A batch of pairs: documents 2n and 2n+1 of a sequence are the chosen and the rejected text of its pair n."""

    facts: Tensor  # [B, S, FACTS]; not a number where a sequence has no such pair

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        return self.tokens, self.labels, self.documents, self.facts

    @property
    def targets(self) -> float:
        return float((~self.facts[..., 0].isnan()).sum())


class PairBatches(ExampleBatches):
    """Batches of preferences, with what the reference makes of them, [examples, 2]."""

    def __init__(self, examples: Examples, *, reference: Tensor | None = None, **given: Any) -> None:
        super().__init__(examples, **given)
        self.reference = reference if reference is not None else torch.zeros(len(examples.rows), 2)

    def filled(self, step: int, lines: list[list[Span]]) -> Batch:
        plain = super().filled(step, lines)
        facts = torch.full((len(lines), max(1, *map(len, lines)), FACTS), torch.nan)
        for line, spans in enumerate(lines):
            for place, span in enumerate(spans):
                facts[line, place, :2] = self.reference[span.row]
                facts[line, place, 2] = float(self.examples.gaps[span.row])
        return PairBatch(plain.step, plain.tokens, plain.labels, plain.documents, facts)


class Preferred(nn.Module):
    """The loss of preferences, summed over the pairs of a `PairBatch`."""

    def __init__(self, model: Hybrid, loss: PreferenceLoss) -> None:
        super().__init__()
        self.hybrid, self.loss = model, loss

    def forward(self, tokens_BT: Tensor, labels_BT: Tensor, documents_BT: Tensor, facts_BSF: Tensor) -> Tensor:
        """Return the loss in nats, summed over all pairs."""
        log_probs_BS2, sizes_BS2 = pair_sums(self.hybrid, tokens_BT, labels_BT, documents_BT, facts_BSF.shape[1])
        there_BS = ~facts_BSF[..., 0].isnan()
        policy, facts, sizes = log_probs_BS2[there_BS], facts_BSF[there_BS], sizes_BS2[there_BS]
        reference = Pairs(facts[:, 0], facts[:, 1])
        loss_N = self.loss(Pairs(policy[:, 0], policy[:, 1]), reference, sizes[:, 0], sizes[:, 1], facts[:, 2])
        return loss_N.sum()


def pair_sums(
    model: Hybrid, tokens_BT: Tensor, labels_BT: Tensor, documents_BT: Tensor, pairs: int
) -> tuple[Tensor, Tensor]:
    """Return log-probabilities and numbers of learnt tokens of the first pairs of each sequence, [B, S, 2] each."""
    lines, each = len(tokens_BT), 2 * pairs + 1  # the last one is padding
    wanted_N = torch.arange(lines * each, device=tokens_BT.device)
    numbered_BT = documents_BT.long() + each * torch.arange(lines, device=tokens_BT.device)[:, None]
    log_probs_N = document_log_probs(model, tokens_BT, labels_BT, numbered_BT, wanted_N)
    sizes_N = by_document((labels_BT != IGNORE).float().flatten(), numbered_BT.flatten(), wanted_N)
    shape = (lines, pairs, 2)
    return log_probs_N.view(lines, each)[:, :-1].reshape(shape), sizes_N.view(lines, each)[:, :-1].reshape(shape)


@torch.no_grad()
def reference_of(examples: Examples, origin: Checkpoint | Imported, settings: Settings, machine: Machine) -> Tensor:
    """Return what a model makes of the replies of each example, [examples, 2], in nats."""
    model = Hybrid(shape_of(origin), kernels=machine.kernels)
    load_weights(model, origin)
    device = machine.placed()
    model.to(device).eval()
    found = torch.zeros(len(examples.rows), 2)
    batches = PairBatches(examples, length=settings.length, batch=settings.batch, seed=0, epochs=1)
    while (lines := batches.plan()) is not None:
        batch = batches.filled(0, lines)
        inputs = [tensor.to(device) for tensor in (batch.tokens, batch.labels, batch.documents)]
        sums_BS2 = pair_sums(model, inputs[0], inputs[1], inputs[2], max(map(len, lines)))[0].cpu()
        for line, spans in enumerate(lines):
            found[[span.row for span in spans]] = sums_BS2[line, : len(spans)]
    return found


def align(
    store: Store,
    data: Sequence[str],
    settings: Settings,
    folder: Path,
    *,
    start: Checkpoint | Imported,
    loss: PreferenceLoss | None = None,
    save_every: int = 500,
    on_step: Callable[[Progress], None] | None = None,
    machine: Machine | None = None,
    world: World | None = None,
) -> Checkpoint:
    """Train on datasets of conversations, or of preferences with `loss`, and return the last checkpoint.

    Losses of SFT are means over tokens, of preferences over pairs. Raises BadSource, BadRecipe, BadRow and what
    `train` raises.
    """
    machine, world, config = machine or Machine(), world or World(), shape_of(start)
    named = tokenizer_of(start)
    if named is None:
        raise BadRecipe(f"{start.path} has no tokenizer that koba reads; put its tokenizer.json beside the weights")
    digest = chosen_tokenizer(store, named)
    tokenizer = load_tokenizer(store, digest)
    written = chat_format(tokenizer)
    ids = dict.fromkeys(sorted({store.manifest(name).id for name in data}), 1.0)
    examples = read_examples(store, list(ids), tokenizer, written, settings.length)
    pairs = len(examples.texts[0]) == 2
    loss = (loss or PreferenceLoss()) if pairs else None
    if loss and loss.per_gap and not np.isfinite(examples.gaps).all():
        raise BadRecipe(f"{', '.join(data)}: per_gap wants a gap of rewards for each pair; make them by `preferences`")
    objective = {"name": "preferences", **asdict(loss)} if loss else {"name": "conversations"}
    objective |= {"first": written.first, "separator": written.separator, "left_out": examples.left_out}
    job = Job(ids, digest, config, settings, start.weights_digest, objective)
    with held(folder, world):
        last = newest(folder, job)
        given: dict[str, Any] = {
            "length": settings.length, "batch": settings.batch, "seed": settings.seed, "epochs": settings.epochs,
            "state": last.state if last else None, "rank": world.rank, "ranks": world.ranks,
        }  # fmt: skip
        module: Callable[[Hybrid], nn.Module] = NextToken
        batches = ExampleBatches(examples, **given)
        if loss:
            reference = reference_of(examples, start, settings, machine)
            batches, module = PairBatches(examples, reference=reference, **given), partial(Preferred, loss=loss)
        total = settings.steps or _steps(examples, settings)
        loop = Loop(folder, job, batches, total, last=last, start=start, loss=module, machine=machine, world=world)
        return loop.fit(save_every, on_step)


def _steps(examples: Examples, settings: Settings) -> int:
    whole = ExampleBatches(
        examples, length=settings.length, batch=settings.batch, seed=settings.seed, epochs=settings.epochs
    )
    while whole.plan() is not None:
        pass
    return whole.state.step
