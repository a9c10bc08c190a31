"""What a model keeps of the tokens that it has read, to read the next one without reading them again.

A Mamba-2 layer keeps its state and the last inputs of its convolution; attention with a window of W tokens keeps W
keys and values, in a ring. Neither grows. Attention that sees everything keeps everything.
"""

# B sequences, T tokens, H query heads, K key heads, P width of a head, S places for keys, X channels of a convolution,
# J taps of it, G groups, N state

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from trainer.layout import Layout
from trainer.scan import scan
from trainer.short_conv import short_conv

FIRST_PLACES = 64  # of a memory without a window; doubled when they are full


class KeyValues:
    """Keys and values of one layer of attention; in a window the oldest are written over."""

    def __init__(self, window: int | None) -> None:
        self.window = window
        self.seen = 0  # tokens
        self.keys_BKSP = self.values_BKSP = torch.empty(0)

    @property
    def empty(self) -> bool:
        """Whether nothing was read yet."""
        return not self.seen

    @property
    def size_bytes(self) -> int:
        """Bytes that are held."""
        return self.keys_BKSP.nbytes + self.values_BKSP.nbytes

    def add(self, k_BKTP: Tensor, v_BKTP: Tensor) -> None:
        """Keep the keys and values of the next tokens."""
        count = k_BKTP.shape[2]
        self._make_room(k_BKTP, count)
        kept = count if self.window is None else min(count, self.window)
        places_T = torch.arange(self.seen + count - kept, self.seen + count, device=k_BKTP.device)
        places_T %= self.keys_BKSP.shape[2]
        self.keys_BKSP[:, :, places_T] = k_BKTP[:, :, count - kept :].to(self.keys_BKSP.dtype)
        self.values_BKSP[:, :, places_T] = v_BKTP[:, :, count - kept :].to(self.values_BKSP.dtype)
        self.seen += count

    def attend(self, q_BH1P: Tensor, k_BK1P: Tensor, v_BK1P: Tensor) -> Tensor:
        """Keep one more token, and return its mixture of all values that are held. Their order does not matter."""
        self.add(k_BK1P, v_BK1P)
        held = slice(0, min(self.seen, self.keys_BKSP.shape[2]))
        keys_BKSP, values_BKSP = self.keys_BKSP[:, :, held], self.values_BKSP[:, :, held]
        return scaled_dot_product_attention(q_BH1P, keys_BKSP, values_BKSP, enable_gqa=True)

    def _make_room(self, k_BKTP: Tensor, count: int) -> None:
        batch, heads, _, width = k_BKTP.shape
        places = self.keys_BKSP.shape[2] if self.seen else 0
        wanted = self.window or max(FIRST_PLACES, places)
        while self.window is None and wanted < self.seen + count:
            wanted *= 2
        if wanted == places:
            return
        for name in ("keys_BKSP", "values_BKSP"):
            grown = k_BKTP.new_empty(batch, heads, wanted, width)
            if self.seen:
                grown[:, :, :places] = getattr(self, name)
            setattr(self, name, grown)


class SsmState:
    """State of one Mamba-2 layer, float32, and the last inputs of its convolution."""

    def __init__(self) -> None:
        self.state_BHPN: Tensor | None = None
        self.tail_BJX: Tensor | None = None

    @property
    def size_bytes(self) -> int:
        """Bytes that are held."""
        return sum(tensor.nbytes for tensor in (self.state_BHPN, self.tail_BJX) if tensor is not None)

    def conv(self, x_BTX: Tensor, weight_X1J: Tensor, bias_X: Tensor | None) -> Tensor:
        """Return what `short_conv` gives for the next tokens."""
        before = weight_X1J.shape[2] - 1
        if self.tail_BJX is None:
            self.tail_BJX = x_BTX.new_zeros(x_BTX.shape[0], before, x_BTX.shape[2])
        joined_BTX = torch.cat([self.tail_BJX, x_BTX], 1)
        self.tail_BJX = joined_BTX[:, joined_BTX.shape[1] - before :].clone()  # else a view would hold all of it
        layout = Layout.whole((joined_BTX.shape[0], joined_BTX.shape[1]), x_BTX.device)
        return short_conv(joined_BTX, weight_X1J, bias_X, layout)[:, before:]

    def scan(self, x_BTHP: Tensor, dt_BTH: Tensor, A_H: Tensor, B_BTGN: Tensor, C_BTGN: Tensor, chunk: int) -> Tensor:
        """Return what `scan` gives for the next tokens."""
        repeat = x_BTHP.shape[2] // B_BTGN.shape[2]
        B_BTHN, C_BTHN = (tensor.repeat_interleave(repeat, 2) for tensor in (B_BTGN, C_BTGN))
        sum_BTH = (dt_BTH * A_H).cumsum(1)
        total_BH = sum_BTH[:, -1]
        lasting_BTHP = x_BTHP * (dt_BTH * (total_BH[:, None] - sum_BTH).exp())[..., None]
        added_BHPN = torch.einsum("bthp,bthn->bhpn", lasting_BTHP, B_BTHN)
        before = self.state_BHPN
        self.state_BHPN = added_BHPN if before is None else added_BHPN + before * total_BH.exp()[..., None, None]
        if x_BTHP.shape[1] == 1:
            return torch.einsum("bthn,bhpn->bthp", C_BTHN, self.state_BHPN)
        layout = Layout.whole((x_BTHP.shape[0], x_BTHP.shape[1]), x_BTHP.device)
        y_BTHP = scan(x_BTHP, dt_BTH, A_H, B_BTGN, C_BTGN, layout=layout, chunk=chunk)
        if before is None:
            return y_BTHP
        return y_BTHP + torch.einsum("bthn,bhpn->bthp", C_BTHN, before) * sum_BTH.exp()[..., None]


@dataclass
class Memory:
    """What all layers keep of the tokens that were read."""

    layers: list[KeyValues | SsmState]
    seen: int = field(default=0)  # tokens of each sequence

    @classmethod
    def of(cls, pattern: str, window: int | None) -> "Memory":
        """Return an empty memory for the layers of a pattern."""
        return cls([KeyValues(window) if letter == "A" else SsmState() for letter in pattern])

    @property
    def size_bytes(self) -> int:
        """Bytes that are held by all layers."""
        return sum(layer.size_bytes for layer in self.layers)
