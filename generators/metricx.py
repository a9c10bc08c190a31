"""MetricX-24 in its reference-free mode: how many errors a translation has, 0 (none) to 25, without a reference.

An mT5 whose decoder makes one step: the logit of the token <extra_id_10> is the score (Juraska et al., WMT24). It reads
`source: <source> candidate: <candidate>`; an empty reference would change the scores and is left out altogether.

The checkpoints google/metricx-24-hybrid-{large,xl,xxl}-v2p6 hold no tokenizer: put that of google/mt5-xl, which all
sizes share, into the same folder, then `koba models add metricx --from FOLDER --licence Apache-2.0`. Weights that are
published as pickles have to be saved as safetensors first.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
import transformers

from manifests.errors import BadSource

_library: Any = transformers  # half of it has no types
TOKEN = 250_089  # <extra_id_10>
MAX_TOKENS = 1_536  # of an input, as in training; what goes on is cut off
WORST = 25.0
BATCH = 16  # candidates that are read together
THREADS = 1  # sums are added up in another order with more
CHARS = 64  # read of a text for each token it may have: a megabyte is not cut into tokens for 1,536 of them


class MetricX:
    """A checkpoint, loaded in float32."""

    def __init__(self, folder: Path, token: int = TOKEN) -> None:
        """Read model and tokenizer from a folder. Raises BadSource where it holds no mT5 with all its weights."""
        self.token = token
        _library.utils.logging.disable_progress_bar()  # it would be drawn where nobody looks, too
        try:
            self._tokenizer = _library.AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self._model, found = _library.MT5ForConditionalGeneration.from_pretrained(
                folder, local_files_only=True, dtype=torch.float32, output_loading_info=True
            )
        except (ValueError, KeyError, OSError, RuntimeError, AttributeError) as error:
            raise BadSource(
                f"{folder}: expected MetricX-24, an mT5 and its tokenizer, found: {error!s:.200}"
            ) from error
        missing = sorted(found["missing_keys"])
        rows = self._model.config.vocab_size
        if missing or token >= rows:
            raise BadSource(
                f"{folder}: expected MetricX-24 with the token {token}, found {rows} tokens and "
                f"{len(missing)} weights missing ({', '.join(missing) or 'none'}): get the whole checkpoint"
            )
        self._model.eval()

    def scores(self, source: str, candidates: Sequence[str]) -> list[float]:
        """Return the errors of each candidate as a translation of a source, 0 to 25: lower is better.

        Candidates that are read together are padded, which moves a score by less than 0.001. Raises BadSource where a
        score is no number.
        """
        torch.set_num_threads(THREADS)
        found: list[float] = []
        for start in range(0, len(candidates), BATCH):
            ids_BT, read_BT = self._padded([self._ids(source, one) for one in candidates[start : start + BATCH]])
            first_B1 = torch.zeros(len(ids_BT), 1, dtype=torch.long)  # the decoder begins with the token 0
            with torch.inference_mode():
                logits_B1V = self._model(input_ids=ids_BT, attention_mask=read_BT, decoder_input_ids=first_B1).logits
            found += logits_B1V[:, 0, self.token].clamp(0.0, WORST).tolist()
        if any(score != score for score in found):  # noqa: PLR0124 - NaN is what differs from itself
            raise BadSource("MetricX: a score is no number; the checkpoint is damaged or was converted badly")
        return [round(score, 4) for score in found]

    def _ids(self, source: str, candidate: str) -> list[int]:
        """Return the tokens of an input; the last one, which ends a sequence, is dropped as in training."""
        text = f"source: {source} candidate: {candidate}"[: CHARS * MAX_TOKENS]
        ids: list[int] = self._tokenizer(text, truncation=True, max_length=MAX_TOKENS).input_ids
        return ids[:-1]

    def _padded(self, rows: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        longest = max(map(len, rows))
        ids_BT = torch.zeros(len(rows), longest, dtype=torch.long)
        read_BT = torch.zeros_like(ids_BT)
        for row, ids in enumerate(rows):
            ids_BT[row, : len(ids)] = torch.tensor(ids)
            read_BT[row, : len(ids)] = 1
        return ids_BT, read_BT


@lru_cache(maxsize=1)
def opened(folder: Path) -> MetricX:
    """Return the model of a folder, loaded once in each process."""
    return MetricX(folder)
