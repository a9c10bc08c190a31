"""Causal attention with grouped keys (GQA), rotary positions (RoPE) and, where it is set, a sliding window."""

# B sequences, T tokens, D model, H query heads, K key heads, R query heads to a key head (H/K), Z key heads of all
# sequences (B*K), P width of a head, Q queries of a block, S keys that they see, M queries that share keys (R*Q)

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from trainer.config import Config
from trainer.layout import Layout
from trainer.memory import KeyValues
from trainer.precision import exactly
from trainer.products import linear

BLOCK = 64  # queries; of 64, 128 and 256 the fastest on a CPU for sequences of 512


def attend(q_BHTP: Tensor, k_BKTP: Tensor, v_BKTP: Tensor, layout: Layout, window: int | None) -> Tensor:
    """Return [B, H, T, P]: each token's mixture of the values that it may see, at most `window` of them.

    Blocks of queries see only the keys from the first that one of them may see to the last: time grows with T * window.
    """
    if q_BHTP.device.type != "cpu":
        return attend_fused(q_BHTP, k_BKTP, v_BKTP, layout, window)
    q_ZRTP = torch.unflatten(q_BHTP, 1, (k_BKTP.shape[1], -1)).flatten(0, 1) * q_BHTP.shape[-1] ** -0.5
    mixed_ZRTP: Tensor = exactly(_Attend, q_ZRTP, k_BKTP.flatten(0, 1), v_BKTP.flatten(0, 1), layout, window)
    return torch.unflatten(mixed_ZRTP, 0, k_BKTP.shape[:2]).flatten(1, 2)


def attend_fused(q_BHTP: Tensor, k_BKTP: Tensor, v_BKTP: Tensor, layout: Layout, window: int | None) -> Tensor:
    """Return what `attend` returns, by PyTorch's kernels: fast on a GPU, on a CPU half as fast on the way back."""
    length = q_BHTP.shape[2]
    plain = layout.single and (window or length) >= length
    mask = None if plain else layout.visible(slice(0, length), slice(0, length), window)[:, None]
    return scaled_dot_product_attention(q_BHTP, k_BKTP, v_BKTP, attn_mask=mask, is_causal=plain, enable_gqa=True)


def attend_ref(q_BHTP: Tensor, k_BKTP: Tensor, v_BKTP: Tensor, layout: Layout, window: int | None) -> Tensor:
    """Return what `attend` returns, from one mask over all pairs of tokens and a softmax."""
    every, repeat = slice(0, q_BHTP.shape[2]), q_BHTP.shape[1] // k_BKTP.shape[1]
    k_BHTP, v_BHTP = k_BKTP.repeat_interleave(repeat, 1), v_BKTP.repeat_interleave(repeat, 1)
    scores_BHTT = q_BHTP @ k_BHTP.transpose(-1, -2) * q_BHTP.shape[-1] ** -0.5
    visible_B1TT = layout.visible(every, every, window)[:, None]
    weights_BHTT = scores_BHTT.masked_fill(~visible_B1TT, -torch.inf).softmax(-1)
    mixed_BHTP: Tensor = weights_BHTT @ v_BHTP
    return mixed_BHTP


def _blocks(layout: Layout, window: int | None, dtype: torch.dtype) -> Iterator[tuple[slice, slice, Tensor]]:
    """Yield blocks of queries, the keys that they see, and what is added to their scores: [B or 1, 1, Q, S]."""
    length = layout.documents.shape[1]
    for start in range(0, length, BLOCK):
        queries = slice(start, min(start + BLOCK, length))
        oldest = start - int(layout.positions[:, start].max())  # where the longest document of this block begins
        keys = slice(max(oldest, start - (window or length) + 1), queries.stop)
        visible_BQS = layout.visible(queries, keys, window)
        bias_BQS = torch.zeros_like(visible_BQS, dtype=dtype).masked_fill_(~visible_BQS, -torch.inf)
        yield queries, keys, bias_BQS[:, None]


def _weights(q_ZRQP: Tensor, k_ZSP: Tensor, bias_B1QS: Tensor) -> Tensor:
    """Return the weights of attention, [Z, R*Q, S]: the queries that share keys lie in one matrix."""
    scores_ZMS = q_ZRQP.flatten(1, 2) @ k_ZSP.transpose(1, 2)
    scores_ZMS.view(bias_B1QS.shape[0], -1, *bias_B1QS.shape[2:]).add_(bias_B1QS)
    return scores_ZMS.softmax(-1)


class _Attend(torch.autograd.Function):
    """Flash attention's way (Dao et al. 2022, arXiv:2205.14135): the weights of a block live in the cache, twice."""

    @staticmethod
    def forward(ctx: Any, q_ZRTP: Tensor, k_ZTP: Tensor, v_ZTP: Tensor, layout: Layout, window: int | None) -> Tensor:
        mixed_ZRTP = torch.empty_like(q_ZRTP)
        for queries, keys, bias in _blocks(layout, window, q_ZRTP.dtype):
            q_ZRQP = q_ZRTP[:, :, queries]
            mixed_ZRTP[:, :, queries] = (_weights(q_ZRQP, k_ZTP[:, keys], bias) @ v_ZTP[:, keys]).view_as(q_ZRQP)
        ctx.save_for_backward(q_ZRTP, k_ZTP, v_ZTP, mixed_ZRTP)
        ctx.layout, ctx.window = layout, window
        return mixed_ZRTP

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        q_ZRTP, k_ZTP, v_ZTP, mixed_ZRTP = ctx.saved_tensors
        dy_ZRTP = gradients[0]
        dq_ZRTP, dk_ZTP, dv_ZTP = torch.empty_like(q_ZRTP), torch.zeros_like(k_ZTP), torch.zeros_like(v_ZTP)
        mean_ZRT = (dy_ZRTP * mixed_ZRTP).sum(-1)  # of the gradients of a token's weights, weighted by them
        for queries, keys, bias in _blocks(ctx.layout, ctx.window, q_ZRTP.dtype):
            q_ZRQP = q_ZRTP[:, :, queries]
            weights_ZMS = _weights(q_ZRQP, k_ZTP[:, keys], bias)
            dy_ZMP = dy_ZRTP[:, :, queries].flatten(1, 2)
            dv_ZTP[:, keys].baddbmm_(weights_ZMS.transpose(1, 2), dy_ZMP)
            dscores_ZMS = dy_ZMP @ v_ZTP[:, keys].transpose(1, 2)
            dscores_ZMS.sub_(mean_ZRT[:, :, queries].flatten(1)[..., None]).mul_(weights_ZMS)
            dq_ZRTP[:, :, queries] = (dscores_ZMS @ k_ZTP[:, keys]).view_as(q_ZRQP)
            dk_ZTP[:, keys].baddbmm_(dscores_ZMS.transpose(1, 2), q_ZRQP.flatten(1, 2))
        return dq_ZRTP, dk_ZTP, dv_ZTP, None, None


Turn = tuple[Tensor, Tensor] | None


def rotary(positions_BT: Tensor, head_width: int, theta: float | None) -> Turn:
    """Return cosine and sine of the angles of RoPE (Su et al. 2021), [B, 1, T, P], both halves alike.

    None where theta is None: attention without positions.
    """
    if theta is None:
        return None
    frequencies = theta ** -(torch.arange(0, head_width, 2, device=positions_BT.device).float() / head_width)
    angles = positions_BT[..., None].float() * frequencies
    angles_B1TP = torch.cat([angles, angles], -1)[:, None]
    return angles_B1TP.cos(), angles_B1TP.sin()


def rotate(x_BHTP: Tensor, turn: Turn) -> Tensor:
    """Apply `rotary` to queries or keys, whose two halves are the two coordinates."""
    if turn is None:
        return x_BHTP
    left, right = x_BHTP.chunk(2, -1)
    return x_BHTP * turn[0] + torch.cat([-right, left], -1) * turn[1]


def mix(
    q_BHTP: Tensor, k_BKTP: Tensor, v_BKTP: Tensor, layout: Layout, window: int | None, memory: KeyValues | None
) -> Tensor:
    """Return [B, T, H*P]: what `attend` does over these tokens, or with a memory over those before them too."""
    if memory is not None and not memory.empty:
        mixed_BHTP = memory.attend(q_BHTP, k_BKTP, v_BKTP)
    else:
        mixed_BHTP = attend(q_BHTP, k_BKTP, v_BKTP, layout, window)
        if memory is not None:
            memory.add(k_BKTP, v_BKTP)
    return mixed_BHTP.transpose(1, 2).flatten(2)


class Attention(nn.Module):
    """Attention as in GraniteMoeHybrid, scaled by P**-0.5."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        width, key_heads = config.width, config.key_heads
        self.head_width, self.window = config.attention_head, config.window
        self.q_proj = nn.Linear(width, config.heads * self.head_width, bias=False)
        self.k_proj = nn.Linear(width, key_heads * self.head_width, bias=False)
        self.v_proj = nn.Linear(width, key_heads * self.head_width, bias=False)
        self.o_proj = nn.Linear(config.heads * self.head_width, width, bias=False)

    def forward(self, x_BTD: Tensor, layout: Layout, turn: Turn, memory: KeyValues | None = None) -> Tensor:
        q_BHTP, k_BKTP, v_BKTP = (
            torch.unflatten(linear(x_BTD, project.weight), -1, (-1, self.head_width)).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed_BTE = mix(rotate(q_BHTP, turn), rotate(k_BKTP, turn), v_BKTP, layout, self.window, memory)
        return linear(mixed_BTE, self.o_proj.weight)
