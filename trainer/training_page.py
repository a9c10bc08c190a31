"""A training as one HTML file that opens offline: curves, job, data, and the rows of one step with their way back.

Path("training.html").write_text(training_page(store, checkpoint_at(Path("runs/small"))), encoding="utf-8")
"""

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import polars as pl

from manifests.lineage import ancestry
from manifests.provenance import Recall
from manifests.report import charts
from manifests.report.shell import drawn, render
from manifests.store import Store
from trainer.checkpoint import Checkpoint
from trainer.exposure import Read, by_group, exposure
from trainer.step_facts import StepFacts, perplexity

MOST_GROUPS = 20  # languages, and sources
SMOOTH_SHARE, SMOOTH_STEPS = 0.02, 5  # of all steps, and at least: a smoothed line is the mean of so many


def training_page(
    store: Store, checkpoint: Checkpoint, *, step: int | None = None, recall: Recall | None = None
) -> str:
    """Return the report on a training up to a checkpoint, with the rows of one step: the last one, unless told.

    `recall` finds the calls of models, as `trace` wants it. Raises NotFound, Damaged, and BadRecipe for a step that
    the data do not give.
    """
    metrics = checkpoint.metrics()
    reads = exposure(store, checkpoint)
    names = _names(store)
    shown = checkpoint.step if step is None else step
    losses = {line["step"]: line["loss"] for line in metrics}
    return render(
        "training.html.j2",
        name=f"{checkpoint.path.absolute().parent.name}, step {checkpoint.step:,}",
        checkpoint=checkpoint,
        job=checkpoint.job.as_dict(),
        parameters=sum(weights.numel() for weights in checkpoint.weights().values()),
        state=checkpoint.state,
        last=metrics[-1],
        curves=_curves(metrics, checkpoint.job.settings.clip),
        data=[_dataset(store, read, reads, names) for read in reads],
        groups_read={column: _groups(by_group(reads, column), column) for column in ("language", "source")},
        step=StepFacts(store, checkpoint, shown, names, recall).page(losses.get(shown)),
    )


def _curves(metrics: Sequence[Mapping[str, Any]], clip: float) -> dict[str, Any]:
    """Return what was measured in the steps: as charts, and as the numbers that stand above them."""
    names = ("loss", "learning_rate", "gradient_norm", "tokens", "tokens_per_s")
    losses, rates, norms, tokens, speeds = ([line[name] for line in metrics] for name in names)
    window = min(len(metrics), max(SMOOTH_STEPS, round(len(metrics) * SMOOTH_SHARE)))
    recent = losses[-window:]
    recent_loss = math.fsum(recent) / len(recent)
    taken = [after - before for before, after in zip([0, *tokens[:-1]], tokens, strict=True)]
    return {
        "window": window,
        "loss": drawn(charts.series(losses, "loss (nats)", window=window, counts=tokens)),
        "rate": drawn(charts.series(rates, "learning rate", wide=False)),
        "norm": drawn(charts.series(norms, "gradient norm", window=window, limit=clip, wide=False)),
        "speed": drawn(charts.series(speeds, "tokens/s", window=window)),
        "median_speed": round(median(speeds)),
        "mfu": median([line.get("mfu", 0.0) for line in metrics]),  # runs before it was measured have none
        "recent_loss": recent_loss,
        "perplexity": perplexity(recent_loss),
        "seconds": math.fsum(read / speed for read, speed in zip(taken, speeds, strict=True)),
    }


def _dataset(store: Store, read: Read, reads: Sequence[Read], names: Mapping[str, list[str]]) -> dict[str, Any]:
    manifest = read.source.manifest
    older = [name for part in ancestry(store, manifest)[1:] for name in names.get(part.id, ())]
    return {
        "id": read.source.name,
        "names": names.get(read.source.name, []),
        "older": older,
        "weight": read.source.weight,
        "wanted": read.source.weight / math.fsum(one.source.weight for one in reads),
        "rows": manifest.rows,
        "tokens": manifest.tokens,
        "read": read.tokens,
        "share": read.tokens / max(1, sum(one.tokens for one in reads)),
        "epochs": read.epochs,
    }


def _groups(table: pl.DataFrame, column: str) -> dict[str, Any]:
    total = max(1, table["tokens"].sum())
    rows = [row | {"group": row[column], "share": row["tokens"] / total} for row in table.head(MOST_GROUPS).to_dicts()]
    return {"rows": rows, "more": max(0, len(table) - MOST_GROUPS)}


def _names(store: Store) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for ref in store.refs():
        found.setdefault(ref.manifest, []).append(str(ref))
    return found
