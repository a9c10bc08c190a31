"""A reward model for sequence classification on the CPU: one conversation at a time, in float32.

Batches would pad: a reward would then depend, by a little, on what else was read with it, and of two replies that are
nearly the same either could win.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
import transformers

from generators.chat_template import apply, neutral, tidy
from generators.rewards import Rating
from generators.weights import Model
from manifests.errors import BadRecipe, BadSource
from manifests.rows import Message

_library: Any = transformers  # half of it has no types
THREADS = 1  # sums are added up in another order with more
CHARS = 64  # read of a text for each token it may have: a megabyte is not cut into tokens for 4,096 of them


class SequenceRater:
    """A checkpoint, loaded in float32."""

    def __init__(self, model: Model, folder: Path, max_tokens: int) -> None:
        """Read model and tokenizer from a folder. Raises BadSource where a weight is missing, as of a head."""
        if not model.template:
            raise BadRecipe(f"{model.name} has no chat template; a reward model reads conversations by its own")
        self._given, self._max_tokens = model, min(max_tokens, model.max_context or max_tokens)
        _library.utils.logging.disable_progress_bar()  # it would be drawn where nobody looks, too
        try:
            self._tokenizer = _library.AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self._model, loaded = _library.AutoModelForSequenceClassification.from_pretrained(
                folder, local_files_only=True, dtype=torch.float32, output_loading_info=True
            )
        except (ValueError, KeyError, OSError, RuntimeError, AttributeError) as error:
            raise BadSource(f"{folder}: expected a reward model and its tokenizer, found: {error!s:.200}") from error
        if missing := sorted(loaded["missing_keys"]):
            raise BadSource(
                f"{folder}: expected a model for sequence classification, found one without "
                f"{', '.join(missing):.200}: a head of random numbers is no reward"
            )
        self._model.eval()

    def rate(self, messages: Sequence[Message]) -> Rating:
        """Return the model's outputs for a conversation."""
        torch.set_num_threads(THREADS)
        turns = [Message(one.role, neutral(tidy(one.content), self._given.specials)) for one in messages]
        text = apply(self._given.template or "", turns, self._given.bos, self._given.eos, reply=False)
        if len(text) > CHARS * self._max_tokens:
            return Rating(len(text) // CHARS, None)
        ids: list[int] = self._tokenizer(text, add_special_tokens=False).input_ids
        if len(ids) > self._max_tokens:
            return Rating(len(ids), None)
        with torch.inference_mode():
            logits_1K = self._model(input_ids=torch.tensor([ids])).logits
        if logits_1K.ndim != 2 or len(logits_1K) != 1:
            raise BadSource(f"reward: the model's output has the shape {tuple(logits_1K.shape)}; expected (1, outputs)")
        return Rating(len(ids), tuple(logits_1K[0].tolist()))


@lru_cache(maxsize=1)
def opened(model: Model, max_tokens: int) -> SequenceRater:
    """Return the rater of a model, loaded once in each process."""
    return SequenceRater(model, model.folder(), max_tokens)
