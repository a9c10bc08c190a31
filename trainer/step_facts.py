"""What one step of a training read, as text and numbers, and where that came from."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from manifests.lookup import rows_anywhere
from manifests.provenance import Recall, Trace, trace
from manifests.rows import Row, Tokens
from manifests.store import Store
from manifests.tokens import load_tokenizer
from trainer.checkpoint import Checkpoint
from trainer.seen import Seen, step_rows

MOST_ROWS = 32  # with text and way back
EXCERPT_TOKENS = 300
MOST_WAY = 12  # rows on one way back
_BITS = math.log2(math.e)  # in one nat


class StepFacts:
    """One step, which a page shows. Steps count from 1."""

    def __init__(
        self,
        store: Store,
        checkpoint: Checkpoint,
        step: int,
        names: Mapping[str, Sequence[str]],
        recall: Recall | None = None,
    ) -> None:
        """Read what the step saw; `names` are those of manifests. Raises BadRecipe where there is no such step."""
        self.store, self.step, self.names, self.recall = store, step, names, recall
        self.seen = step_rows(store, checkpoint, step)
        self.tokenizer = load_tokenizer(store, checkpoint.job.tokenizer)
        self._specials = {self.tokenizer.token_id(token) for token in self.tokenizer.specials}
        self._manifests = {name: store.manifest(name) for name in {seen.manifest for seen in self.seen}}
        self._rows: dict[tuple[str, bytes], Row] = {}
        for name, manifest in self._manifests.items():
            found = rows_anywhere(store, manifest, [seen.row for seen in self.seen if seen.manifest == name])
            self._rows |= {(name, row_id): row for row_id, row in found.items()}
        self._ways: dict[tuple[str, bytes], list[dict[str, Any]]] = {}

    def page(self, loss: float | None) -> dict[str, Any]:
        """Return plain values for a template; `loss` is what was measured in the step, if it was made."""
        targets = [token for seen in self.seen for token in self._ids(seen, 1)]
        text_bytes = self.text_bytes(targets)
        return {
            "number": self.step,
            "loss": loss,
            "perplexity": None if loss is None else perplexity(loss),
            "bits_per_byte": loss * _BITS * len(targets) / text_bytes if loss is not None and text_bytes else None,
            "targets": len(targets),
            "text_bytes": text_bytes,
            "tokens": sum(seen.stop - seen.start for seen in self.seen),
            "parts": [self._part(seen) for seen in self.seen[:MOST_ROWS]],
            "more": max(0, len(self.seen) - MOST_ROWS),
        }

    def text_bytes(self, tokens: Sequence[int]) -> int:
        """Return the bytes of text, as UTF-8, that tokens stand for. Special tokens stand for none."""
        return len(self.tokenizer.decode([token for token in tokens if token not in self._specials]).encode())

    def _ids(self, seen: Seen, shift: int = 0) -> tuple[int, ...]:
        """Return the tokens that were read of a row, or with `shift` 1 those that were to be predicted there."""
        row = self._rows[seen.manifest, seen.row]
        return row.input_ids[seen.start + shift : seen.stop + shift] if isinstance(row, Tokens) else ()

    def _part(self, seen: Seen) -> dict[str, Any]:
        row, ids = self._rows[seen.manifest, seen.row], self._ids(seen)
        key = (seen.manifest, seen.row)
        if key not in self._ways:
            way = trace(self.store, seen.row, self._manifests[seen.manifest], recall=self.recall)
            self._ways[key] = list(self._way(way, 0))
        return {
            "sequence": seen.sequence,
            "epoch": seen.epoch,
            "start": seen.start,
            "stop": seen.stop,
            "size": row.token_count,
            "dataset": self._name(seen.manifest),
            "id": seen.row.hex(),
            "url": row.url,
            "language": row.language,
            "text": self.tokenizer.decode(ids[:EXCERPT_TOKENS]),
            "cut": len(ids) > EXCERPT_TOKENS,
            "way": self._ways[key][:MOST_WAY],
            "more_way": max(0, len(self._ways[key]) - MOST_WAY),
        }

    def _way(self, way: Trace, depth: int) -> Iterator[dict[str, Any]]:
        yield {
            "depth": depth,
            "id": way.row_id.hex(),
            "url": way.url,
            "made_by": way.made_by,
            "versions": [self._name(manifest) for manifest in way.manifests],
            "calls": [(call.key.hex(), call.tokens_in, call.tokens_out, call.finish_reason) for call in way.calls],
            "origin": way.origin,
            "file": way.source,
            "more": way.more_parents,
        }
        for parent in way.parents:
            yield from self._way(parent, depth + 1)

    def _name(self, manifest: str) -> str:
        return self.names[manifest][-1] if self.names.get(manifest) else manifest[:12]


def perplexity(loss: float) -> float:
    """Return how many equally likely tokens a loss in nats for each token stands for; a whole number from 1,000 on."""
    found = math.exp(min(loss, 700.0))  # beyond it, there is no double
    return found if found < 1000 else float(round(found))
