"""Where the documents of a packed batch begin and end, in the forms in which each kind of layer asks for it.

All layers of a model share one layout, made once for each batch. Nothing flows from one document into another:
attention is masked, the state of an SSM starts at zero, and a convolution sees zeros before the first token.
"""

# B sequences, T tokens, C chunks, Q tokens in a chunk (of attention: queries), S keys, K taps of a convolution

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import pad

PADDING = -1  # the document of a padded place


@dataclass(frozen=True)
class Layout:
    """The documents of a batch: `documents` numbers them upwards along each sequence."""

    documents: Tensor  # [B, T]

    @classmethod
    def whole(cls, shape: tuple[int, int], device: torch.device) -> "Layout":
        """Return the layout in which each sequence is one document."""
        return cls(torch.zeros(shape, dtype=torch.int32, device=device))

    @cached_property
    def single(self) -> bool:
        """Whether each sequence is one document, so that nothing has to be masked."""
        return bool((self.documents == self.documents[:, :1]).all())

    @cached_property
    def positions(self) -> Tensor:
        """[B, T], the place of each token in its document, or in the part of it that this sequence holds."""
        batch, length = self.documents.shape
        places = torch.arange(length, device=self.documents.device).expand(batch, length)
        if self.single:
            return places
        first = torch.where(self._begins, places, 0).cummax(1).values
        return places - first

    @cached_property
    def _begins(self) -> Tensor:
        begins = torch.ones_like(self.documents, dtype=torch.bool)
        begins[:, 1:] = self.documents[:, 1:] != self.documents[:, :-1]
        return begins

    def same_document(self, shift: int) -> Tensor:
        """Return [B, T, 1], 1.0 where the token `shift` places before belongs to the same document."""
        same = self.positions >= shift
        return same.float()[..., None]

    def chunks(self, size: int) -> Tensor:
        """Return the documents as [B, C, Q]; what fills the last chunk belongs to none."""
        length = self.documents.shape[1]
        padded = pad(self.documents, (0, -length % size), value=PADDING)
        return torch.unflatten(padded, 1, (-1, size))

    def visible(self, queries: slice, keys: slice, window: int | None) -> Tensor:
        """Return [B, Q, S], which keys a query may see: of its document, not after it, at most `window` in all.

        Where all sequences are one document, and so alike, [1, Q, S].
        """
        documents = self.documents[:1] if self.single else self.documents
        places = torch.arange(documents.shape[1], device=documents.device)
        distance = places[queries, None] - places[keys]
        near = (distance >= 0) & (distance < (window or documents.shape[1]))
        return (documents[:, queries, None] == documents[:, None, keys]) & near
