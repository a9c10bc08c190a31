"""Models in the layout of Hugging Face as first weights: GraniteMoeHybrid (dense) and PLaMo 2.

start = import_model(Path("granite-4.0-h-350m"))
train(store, data, start.config, settings, folder, start=start)
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from manifests import canonical
from manifests.errors import BadRecipe, BadSource, Damaged, NotFound
from trainer.checkpoint import file_digest
from trainer.config import Config
from trainer.granite_layout import from_granite, without_multipliers
from trainer.plamo_layout import from_plamo

INDEX = "model.safetensors.index.json"


@dataclass(frozen=True)
class Imported:
    """A model that others trained: its shape and its weights, float32."""

    path: Path
    config: Config
    tensors: dict[str, Tensor]
    weights_digest: str  # SHA-256 over config.json and the files of weights

    def weights(self) -> dict[str, Tensor]:
        """Return the weights by the names that `Hybrid` gives them."""
        return self.tensors

    @property
    def tokenizer(self) -> Path | None:
        """The file of its tokenizer, if it is one that koba reads."""
        found = (self.path / name for name in ("tokenizer.json", "tokenizer.model"))
        return next((file for file in found if file.exists()), None)


def import_model(folder: Path) -> Imported:
    """Read a model from a folder with a config.json and its weights as safetensors.

    Raises NotFound, Damaged, and BadSource for a model whose layers koba does not have.
    """
    config_file = folder / "config.json"
    try:
        body = json.loads(config_file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFound(f"{folder}: no config.json; expected a model in the layout of Hugging Face") from error
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{config_file} is no JSON ({error}); fetch the model again") from error
    files = _files(folder)
    weights: dict[str, Tensor] = {}
    try:
        for file in files:
            weights |= {name: value.float() for name, value in load_file(file).items()}
    except (SafetensorError, OSError) as error:
        raise Damaged(f"{folder}: cannot read its weights ({error}); fetch the model again") from error
    config, weights = _understood(body, weights, str(config_file))
    if config.tied:
        weights.pop("lm_head.weight", None)
    digest = canonical.digest([file_digest(file) for file in (config_file, *files)])
    return Imported(folder, config, weights, digest)


def _understood(body: Any, weights: dict[str, Tensor], where: str) -> tuple[Config, dict[str, Tensor]]:
    kind = body.get("model_type") if isinstance(body, dict) else None
    try:
        if kind == "granitemoehybrid":
            return without_multipliers(from_granite(body, where), weights, body)
        if kind == "plamo2":
            return from_plamo(body, where), weights
    except (KeyError, TypeError, ValueError, ZeroDivisionError, BadRecipe) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise BadSource(f"{where} describes a model that koba does not have: {what}") from error
    raise BadSource(f"{where}: model_type is {kind!r}; koba trains granitemoehybrid (dense) and plamo2")


def _files(folder: Path) -> list[Path]:
    whole, index = folder / "model.safetensors", folder / INDEX
    if whole.exists():
        return [whole]
    if not index.exists():
        raise NotFound(f"{folder}: neither model.safetensors nor {INDEX}; weights in other formats are not read")
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise Damaged(f"{index} lists no files ({error}); fetch the model again") from error
    if strange := [name for name in names if not isinstance(name, str) or Path(name).name != name]:
        raise BadSource(f"{index} names {strange[0]!r}; expected files of the same folder")
    return [folder / name for name in names]
