"""CometKiwi and its kin: how good a translation is, 0 to 1, without a reference (Rei et al., WMT22).

An XLM-RoBERTa reads `<s> candidate </s></s> source </s>`; the states of its first token in all layers are mixed with
learned weights, and a small network makes a number of the mixture.

COMET publishes its checkpoints as pickles. What is read here is a folder with `model.safetensors`, the checkpoint's
`state_dict` under its own names, and `config.json`, that of the encoder with the checkpoint's `layer_transformation`
(from hparams.yaml) in it, beside the encoder's tokenizer. The weights of wmt22-cometkiwi-da are not for commerce.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError
from safetensors.torch import load_file

from manifests.errors import BadSource

_library: Any = transformers  # half of it has no types
ENCODER, MIX, HEAD = "encoder.model.", "layerwise_attention.", "estimator.ff."
SPECIALS = 4  # tokens of an input that no text brings
BATCH = 16  # candidates that are read together
THREADS = 1  # sums are added up in another order with more
CHARS = 64  # read of a text for each token it may have


class CometKiwi:
    """A checkpoint, loaded in float32."""

    def __init__(self, folder: Path) -> None:
        """Read model and tokenizer from a folder. Raises BadSource where it holds no such metric."""
        try:
            config = _library.XLMRobertaConfig.from_pretrained(folder, local_files_only=True)
            self._tokenizer = _library.AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self._tokenizer.split_special_tokens = True  # "</s>" in a text is text
            weights = {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}
            self._encoder = _library.XLMRobertaModel(config, add_pooling_layer=False).eval()
            self._encoder.load_state_dict(_below(ENCODER, weights), strict=True)
            mix = _below(MIX, weights)
            scalars_L = torch.cat([mix[f"scalar_parameters.{layer}"] for layer in range(config.num_hidden_layers + 1)])
            self._mix_L = mix["gamma"] * _SQUASH[config.layer_transformation](scalars_L, 0)
        except (ValueError, KeyError, OSError, RuntimeError, AttributeError, SafetensorError) as error:
            raise BadSource(
                f"{folder}: expected a COMET checkpoint over XLM-RoBERTa, as generators/comet_kiwi.py says; found: "
                f"{error!r:.200}"
            ) from error
        self._head = _layers(_below(HEAD, weights))
        self.max_tokens = config.max_position_embeddings - 2  # the first two positions are not used
        self._pad = config.pad_token_id

    def scores(self, source: str, candidates: Sequence[str]) -> list[float]:
        """Return the quality of each candidate as a translation of a source: higher is better, most are in 0 to 1."""
        torch.set_num_threads(THREADS)
        found: list[float] = []
        for start in range(0, len(candidates), BATCH):
            rows = [self._ids(source, one) for one in candidates[start : start + BATCH]]
            longest = max(map(len, rows))
            ids_BT = torch.tensor([row + [self._pad] * (longest - len(row)) for row in rows])
            with torch.inference_mode():
                read = self._encoder(
                    input_ids=ids_BT, attention_mask=(ids_BT != self._pad).long(), output_hidden_states=True
                )
                state_BD = torch.stack([layer_BTD[:, 0] for layer_BTD in read.hidden_states], -1) @ self._mix_L
                found += self._estimated(state_BD).tolist()
        if any(score != score for score in found):  # noqa: PLR0124 - NaN is what differs from itself
            raise BadSource("COMET: a score is no number; the checkpoint is damaged or was converted badly")
        return [round(score, 4) for score in found]

    def _estimated(self, state_BD: torch.Tensor) -> torch.Tensor:
        for number, (weight, bias) in enumerate(self._head):
            state_BD = torch.nn.functional.linear(torch.tanh(state_BD) if number else state_BD, weight, bias)
        return state_BD[:, 0]

    def _ids(self, source: str, candidate: str) -> list[int]:
        """Return the tokens of both texts in one sequence; where that is too long, each loses half of the excess."""
        texts = [self._own(candidate), self._own(source)]
        excess = sum(map(len, texts)) - (self.max_tokens - SPECIALS)
        if excess > 0:
            loss = [excess - excess // 2, excess // 2]
            spare = [max(0, own - len(text)) for own, text in zip(loss, texts, strict=True)]
            kept = [
                len(text) - own - spare[1 - place] for place, (text, own) in enumerate(zip(texts, loss, strict=True))
            ]
            texts = [text[: max(0, most)] for text, most in zip(texts, kept, strict=True)]
        start, end = self._tokenizer.bos_token_id, self._tokenizer.eos_token_id
        return [start, *texts[0], end, end, *texts[1], end]

    def _own(self, text: str) -> list[int]:
        given = text[: CHARS * self.max_tokens]
        ids: list[int] = self._tokenizer(given, add_special_tokens=False).input_ids
        return ids


def sparsemax(scores_L: torch.Tensor, dim: int = 0) -> torch.Tensor:
    """Return the nearest point of the simplex (Martins and Astudillo 2016): many weights are 0."""
    ranked_L, _ = torch.sort(scores_L, dim=dim, descending=True)
    ranks_L = torch.arange(1, len(scores_L) + 1)
    sums_L = torch.cumsum(ranked_L, dim) - 1
    most = int((ranks_L * ranked_L > sums_L).sum())
    return torch.clamp(scores_L - sums_L[most - 1] / most, min=0)


_SQUASH: dict[str, Callable[[torch.Tensor, int], torch.Tensor]] = {"softmax": torch.softmax, "sparsemax": sparsemax}


def _below(prefix: str, weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in weights.items() if name.startswith(prefix)}


def _layers(head: Mapping[str, torch.Tensor]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return weight and bias of each linear layer of the head. Raises BadSource where they do not fit each other."""
    numbers = sorted({int(name.partition(".")[0]) for name in head})
    layers = [(head[f"{number}.weight"], head[f"{number}.bias"]) for number in numbers]
    if not layers or len(layers[-1][1]) != 1 or any(len(a[1]) != b[0].shape[1] for a, b in pairwise(layers)):
        raise BadSource(f"COMET: expected linear layers {HEAD}* that end in one number, found {sorted(head)!s:.200}")
    return layers


@lru_cache(maxsize=1)
def opened(folder: Path) -> CometKiwi:
    """Return the model of a folder, loaded once in each process."""
    return CometKiwi(folder)
