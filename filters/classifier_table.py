"""What `koba classifier` prints: what is told, and the figures on sites that were held out."""

from collections.abc import Sequence

from rich.text import Text

from filters.classifier import EVALUATION
from filters.classifier_config import Config, config_of
from filters.evaluation import Calibration, Evaluation, read_evaluation, shown
from manifests import artifact
from manifests.errors import BadSource
from manifests.manifest import FILE_SUFFIX
from manifests.store import Store
from manifests.tables import console, table
from manifests.terminal import safe
from manifests.wording import number

MOST_CLASSES = 12  # that a confusion of still fits a line
NAME_CELLS, WHY_CELLS = 16, 40


def read_classifier(store: Store, ref: str) -> tuple[Config, Evaluation]:
    """Return what a stored classifier is, and its figures. Raises NotFound, BadRecipe, BadSource."""
    manifest = artifact.resolve(store, ref)
    config = config_of(store, manifest, ref)
    files = {file.name: file.digest for file in manifest.files}
    if EVALUATION not in files:
        raise BadSource(f"{ref}: it has no {EVALUATION}, so nothing is known of how it did; train it again")
    return config, read_evaluation(store.get(files[EVALUATION], FILE_SUFFIX), config.classes, ref)


def print_classifier(ref: str, config: Config, evaluation: Evaluation) -> None:
    """Print what a classifier tells and how it did."""
    out = console()
    out.print(Text.assemble((ref, "bold"), f": {config.kind}, {_target(config)}; score {config.measure}"))
    counts = ", ".join(f"{safe(name, NAME_CELLS)} {count:,}" for name, count in sorted(evaluation.labels.items()))
    out.print(Text(f"learned from {evaluation.texts:,} texts of {evaluation.sites:,} sites ({counts})"))
    left = ", ".join(f"{count:,} {safe(why, WHY_CELLS)}" for why, count in evaluation.left_out.items() if count)
    if left:
        out.print(Text(f"left out: {left}", style="yellow"))
    out.print(Text(f"\nheld out by site, {evaluation.folds} folds; 95 % of draws of sites in brackets", style="dim"))
    rows = [
        (safe(name.replace("_", " "), NAME_CELLS), shown(value), _range(evaluation.by_fold, name))
        for name, value in evaluation.measures.items()
    ]
    out.print(table("measure", "#all folds", "#lowest to highest fold", rows=rows))
    _print_calibration(evaluation.calibration)
    _print_confusion(config, evaluation.confusion)


def _print_calibration(calibration: Calibration) -> None:
    out = console()
    out.print(Text(f"\ncalibration: predicted and true differ by {calibration.ece:.3f} on average", style="dim"))
    rows = [
        (f"{number(one.low)} to {number(one.high)}", one.rows, f"{one.predicted:.3f}", f"{one.true:.3f}")
        for one in calibration.bins
    ]
    out.print(table("score", "#texts", "#predicted", "#true", rows=rows))


def _print_confusion(config: Config, confusion: Sequence[Sequence[int]]) -> None:
    if len(config.classes) > MOST_CLASSES:
        return
    out = console()
    names = [safe(name, NAME_CELLS) for name in config.classes]
    out.print(Text("\nlabelled (down) and predicted (across)", style="dim"))
    rows = [(name, *counts) for name, counts in zip(names, confusion, strict=True)]
    out.print(table("", *(f"#{name}" for name in names), rows=rows))


def _target(config: Config) -> str:
    if config.target == "points":
        return f"0 to {config.most} points, good from {number(config.threshold)}"
    if config.target == "choice":
        return f"{safe(config.positive, NAME_CELLS)} or not, from {number(config.threshold)}"
    return f"one of {len(config.classes)} names"


def _range(folds: Sequence[dict[str, float | None]], name: str) -> str:
    known = [value for one in folds if (value := one.get(name)) is not None]
    return f"{min(known):.3f} to {max(known):.3f}" if known else "-"
